# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and programs: values there and back, sizes, batches, requests."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import bridge
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import CmdletFailed, Command

SIP = "sip:umlaut@contoso.com"
POOL = "pcpool.contoso.com"
TEXT = "Gr\u00fc\u00dfe \u4e16\u754c \U0001f600 'single' \"double\" $(1+1) `n & | ; <a> %PATH%"
WAYS = [{}, {"scheme": "http"}]


@pytest.mark.parametrize("way", WAYS, ids=["https", "http"])
def test_text_of_any_script_survives_both_ways(connect, way):
    values = {"SipAddress": SIP, "PersistentChatPoolFqdn": POOL, "DisplayName": TEXT, "Confirm": False}
    new = Command("New-CsPersistentChatEndpoint", values)
    get = Command("Get-CsPersistentChatEndpoint", {"Identity": SIP}, ("SipAddress", "DisplayName"), reads=True)
    remove = Command("Remove-CsPersistentChatEndpoint", {"Identity": SIP, "Confirm": False})
    made, seen, removed = connect(**way).run([new, get, remove])
    assert made.objects() == [] and removed.objects() == []
    assert seen.objects() == [{"SipAddress": SIP, "DisplayName": TEXT}]


@pytest.mark.parametrize("way", WAYS, ids=["https", "http"])
def test_output_of_several_megabytes_arrives_whole(connect, lab, way):
    text = "".join("%07d \u00e4\n" % number for number in range(400_000))
    (lab.paths.drive("lync01") / "Temp" / "large.txt").write_text(text, encoding="utf-8")
    read = Command("Get-Content", {"LiteralPath": "C:\\Temp\\large.txt", "Raw": True}, ("Value",), reads=True)
    (outcome,) = connect(**way).run([read])
    assert outcome.objects() == [{"Value": text}]


@pytest.mark.parametrize("way", WAYS, ids=["https", "http"])
def test_a_request_just_below_the_limit_arrives_whole(connect, lab, way):
    names = ["Get-Nothing" + "%01000d" % number for number in range(1_900)] + ["Get-CsPool"]
    look = Command("Get-Command", {"Name": names, "ErrorAction": "SilentlyContinue"}, ("Name",), reads=True)
    assert 1_900_000 < len(bridge.encode_request([look])) <= bridge.REQUEST_LIMIT
    (outcome,) = connect(**way).run([look])
    assert outcome.objects() == [{"Name": "Get-CsPool"}]


def test_what_is_too_long_is_refused_before_anything_is_sent(connect, lab):
    before = lab.call("counters")["requests"]
    with pytest.raises(InvalidInput, match="smaller steps") as caught:
        connect().run([Command("Get-Command", {"Name": ["x" * 2_000_000]}, reads=True)])
    assert caught.value.code == "request_too_large"
    with pytest.raises(InvalidInput, match="8091") as caught:
        connect().execute("sc.exe", ["query", "x" * 8_090], reads=True)
    assert caught.value.code == "command_line_too_long"
    assert lab.call("counters")["requests"] == before


def test_a_batch_stops_at_the_first_error_unless_told_otherwise(connect):
    get = Command("Get-CsPool", {"Identity": POOL}, ("Identity",), reads=True)
    unknown = Command("Get-CsPersistentChatEndpoint", {"Identity": "sip:nobody@contoso.com"}, ("Identity",), reads=True)
    transport = connect()
    first, second, third = transport.run([get, unknown, get])
    assert first.objects() and second.error.message and third.skipped
    with pytest.raises(CmdletFailed, match="nobody@contoso.com"):
        second.objects()
    first, second, third = transport.run([get, unknown, get], stop_on_error=False)
    assert first.objects() == third.objects() and second.error.error_id


def test_a_cmdlet_that_is_not_there_is_an_error_of_the_command(connect):
    (outcome,) = connect().run([Command("Get-Unheard", reads=True)])
    assert outcome.error.error_id == "CommandNotFoundException"
    assert "Get-Unheard" in outcome.error.hint


def test_calls_share_one_session(connect, lab):
    def requests():
        return lab.call("counters")["requests"]

    get = Command("Get-CsPool", {"Identity": POOL}, ("Identity",), reads=True)
    transport = connect()
    before = requests()
    transport.run([get] * 10)
    transport.close()
    assert requests() - before == 6  # Create, Command, Send, Receive, Signal, Delete
    before = requests()
    transport = connect()
    transport.run([get])
    transport.run([get])
    transport.close()
    assert requests() - before == 10


def test_a_closed_transport_opens_again(connect):
    transport = connect()
    transport.close()
    get = Command("Get-CsPool", {"Identity": POOL}, ("Identity",), reads=True)
    assert transport.run([get])[0].objects()
    transport.close()
    transport.close()
    assert transport.run([get])[0].objects()


@pytest.mark.parametrize("server, prefix", [("gc01", []), ("gc01", ["\\\\gc02"]), ("lync01", ["\\\\gc01"])])
def test_sc_runs_on_a_legacy_server_and_from_another(connect, server, prefix):
    transport = connect(remote_addr=server + ".contoso.com", scheme="http")
    ended = transport.execute("sc.exe", [*prefix, "query", "GroupChatLookup"])
    assert ended.exit_code == 0 and "GroupChatLookup" in ended.stdout and " 4 " in ended.stdout
    assert transport.execute("sc.exe", [*prefix, "query", "NoSuchService"]).exit_code == 1060


def test_sc_changes_a_service(connect, lab):
    transport = connect(remote_addr="gc02.contoso.com", scheme="http")
    before = lab.writes()[0]
    assert transport.execute("sc.exe", ["config", "GroupChatCompliance", "start=", "demand"]).exit_code == 0
    assert lab.writes()[0] == before + 1
    assert " 3 " in transport.execute("sc.exe", ["qc", "GroupChatCompliance"]).stdout
