# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PSRP transport against the lab: the bridge's results, questions, the restricted endpoint, requests."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import attempts, wsman_psrp
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import transport_for
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import remoting_options

POOL = "pcpool.contoso.com"
SIP = "sip:psrp-umlaut@contoso.com"
TEXT = "Gr\u00fc\u00dfe \u4e16\u754c \U0001f600 'single' \"double\" $(1+1) `n & | ; <a> _x0041_ %PATH%"
GET = Command("Get-CsPool", {"Identity": POOL}, ("Identity",), reads=True)
WAYS = {"https": {}, "http": {"scheme": "http"}}
RESTRICTED = {"remote_addr": "lync01.contoso.com", "path": "OcsPowershell"}
ways = pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))


@pytest.fixture
def connect(lab):
    """Open transports with pauses that a test can wait for."""
    opened = []

    def open_one(transport="psrp", **changed):
        params = {
            "remote_addr": "lync01.contoso.com",
            "ca_cert": str(lab.paths.ca),
            "connection_timeout": 10,
            "operation_timeout": 20,
            "transport": transport,
            **changed,
        }
        opened.append(transport_for(replace(remoting_options(params), retry_pauses=(0.05, 0.1))))
        return opened[-1]

    yield open_one
    lab.call("faults.clear")
    for transport in opened:
        transport.close()


@pytest.fixture(autouse=True, scope="module")
def room(lab):
    """A session that was given up lives on at the server until it idles; here are many."""
    lab.call("policy.set", name="max_shells_per_user", value=1000)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(attempts, "_ASK", 0.1)
    monkeypatch.setattr(wsman_psrp, "POLL", 1)
    monkeypatch.setattr(wsman_psrp, "NETWORK", 1)


def get(name, select, **parameters):
    return Command(name, parameters, select, reads=True)


READS = [
    get("Get-CsPool", ("identity", "Services", "Computers", "Site", "NoSuchThing"), Identity=POOL),
    get("Get-CsPool", ("Identity", "Services", "Computers", "Site")),
    get("Get-CsService", ("Identity", "PoolFqdn", "Role", "Version")),
    get("Get-CsSipDomain", ("Identity", "Name", "IsDefault")),
    get("Get-CsUser", ("Identity", "SipAddress", "DisplayName", "Enabled", "WhenCreated")),
    get("Get-CsPersistentChatEndpoint", ("Identity", "SipAddress", "DisplayName"), PersistentChatPoolFqdn=POOL),
    get("Get-CsPersistentChatEndpoint", ("Identity",), Identity="sip:nobody@contoso.com"),
    get("Get-CsPersistentChatState", ("Identity", "PoolState", "ActiveServers"), Identity=POOL),
    get("Get-CsWindowsService", ("Name", "Status", "ActivityLevel"), ComputerName="pc01.contoso.com"),
    get(
        "Get-Service", ("Name", "Status", "StartType", "DependentServices", "CanStop"), ComputerName="pc01.contoso.com"
    ),
    get("Get-Service", ("Name",), Name="NoSuchService"),
    get("Get-Item", ("FullName", "Name", "LastWriteTimeUtc", "Length"), LiteralPath="C:\\Temp"),
    get("Get-Item", ("FullName", "Length", "LastWriteTimeUtc", "PSIsContainer"), LiteralPath="C:\\Temp\\psrp.txt"),
    get("Get-Item", ("FullName",), LiteralPath="C:\\Temp\\missing.txt"),
    get("Get-Content", ("Value",), LiteralPath="C:\\Temp\\psrp.txt"),
    get("Get-Content", ("Value", "Length"), LiteralPath="C:\\Temp\\psrp.txt", Raw=True),
    get("Get-FileHash", ("Algorithm", "Hash", "Path"), LiteralPath="C:\\Temp\\psrp.txt"),
    get("Test-Path", ("Value",), LiteralPath="C:\\Temp\\psrp.txt"),
    get("Get-Command", ("Name",), Name=["Get-CsPool", "Get-Unheard"], ErrorAction="SilentlyContinue"),
    get("Get-CsPool", ()),
    get("Get-Unheard", ("Name",)),
]


@ways
@pytest.mark.parametrize("command", READS, ids=str)
def test_the_results_are_those_of_the_bridge(connect, lab, way, command):
    text = "first\r\nGr\u00fc\u00dfe \U0001f600 _x0041_\r\n"
    (lab.paths.drive("lync01") / "Temp" / "psrp.txt").write_text(text, encoding="utf-8", newline="")
    (expected,) = connect("winrm", **way).run([command])
    (outcome,) = connect(**way).run([command])
    assert outcome.output == expected.output
    assert repr(outcome.output) == repr(expected.output)  # True is not 1
    assert list(outcome.warnings) == list(expected.warnings)
    assert outcome.error == expected.error
    assert outcome.output or outcome.error or not command.select


@ways
def test_text_of_any_script_survives_both_ways(connect, way):
    values = {"SipAddress": SIP, "PersistentChatPoolFqdn": POOL, "DisplayName": TEXT, "Confirm": False}
    new = Command("New-CsPersistentChatEndpoint", values)
    seen = get("Get-CsPersistentChatEndpoint", ("SipAddress", "DisplayName"), Identity=SIP)
    remove = Command("Remove-CsPersistentChatEndpoint", {"Identity": SIP, "Confirm": False})
    made, read, removed = connect(**way).run([new, seen, remove])
    assert made.objects() == [] and removed.objects() == []
    assert read.objects() == [{"SipAddress": SIP, "DisplayName": TEXT}]


def test_warnings_are_kept(connect):
    command = get("Import-Module", (), Name=["SkypeForBusiness", "Lync"], ErrorAction="SilentlyContinue")
    (expected,) = connect("winrm").run([command])
    (outcome,) = connect().run([command])
    assert len(outcome.warnings) == 1 and list(outcome.warnings) == list(expected.warnings)


@ways
def test_output_of_a_megabyte_arrives_whole(connect, lab, way):
    text = "".join("%07d \u00e4\n" % number for number in range(100_000))
    (lab.paths.drive("lync01") / "Temp" / "large.txt").write_text(text, encoding="utf-8", newline="")
    (outcome,) = connect(**way).run([get("Get-Content", ("Value",), LiteralPath="C:\\Temp\\large.txt", Raw=True)])
    assert outcome.objects() == [{"Value": text}]


def many_names():
    return ["Get-Nothing%06d" % number for number in range(15_000)]


@ways
def test_a_request_of_many_fragments_arrives_whole(connect, way):
    names = [*many_names(), "Get-CsPool"]
    (outcome,) = connect(**way).run([get("Get-Command", ("Name",), Name=names, ErrorAction="SilentlyContinue")])
    assert outcome.objects() == [{"Name": "Get-CsPool"}]


def test_a_batch_stops_at_the_first_error_unless_told_otherwise(connect):
    unknown = get("Get-CsPersistentChatEndpoint", ("Identity",), Identity="sip:nobody@contoso.com")
    transport = connect()
    first, second, third = transport.run([GET, unknown, GET])
    assert first.objects() and second.error.message and third.skipped
    first, second, third = transport.run([GET, unknown, GET], stop_on_error=False)
    assert first.objects() == third.objects() and second.error.error_id and not third.skipped


@ways
def test_a_question_that_nobody_answers_is_an_error_and_costs_nothing_else(connect, lab, way):
    new = Command("New-CsPersistentChatEndpoint", {"SipAddress": SIP, "PersistentChatPoolFqdn": POOL})
    transport = connect(**way)
    before, began = lab.writes()[0], time.monotonic()
    asked, later = transport.run([new, GET], stop_on_error=False)
    assert "nobody is there to answer" in asked.error.message and "Are you sure" in asked.error.message
    assert later.objects() == [{"Identity": POOL}]
    assert transport.run([GET])[0].objects() and time.monotonic() - began < 5
    assert lab.writes()[0] == before


def requests(lab):
    return lab.call("counters")["requests"]


def test_calls_share_one_pool_and_few_requests(connect, lab):
    before = requests(lab)
    transport = connect()
    transport.run([GET])
    transport.close()
    assert requests(lab) - before == 5  # Create, Receive, Command, Receive, Delete
    before = requests(lab)
    transport = connect()
    transport.run([GET] * 2)
    transport.run([GET] * 2)
    transport.close()
    assert requests(lab) - before == 3 + 4 * 2 + 3  # and a Signal between each two commands


def test_the_module_is_imported_once_for_each_pool(connect, lab):
    lab.call("log.clear")
    transport = connect()
    transport.run([GET, GET])
    transport.run([GET])
    assert [call["name"] for call in lab.call("cmdlets.list")["cmdlets"]] == ["Import-Module", *["Get-CsPool"] * 3]


def test_a_closed_transport_opens_again(connect):
    transport = connect()
    transport.close()
    assert transport.run([GET])[0].objects()
    transport.close()
    transport.close()
    assert transport.run([GET])[0].objects()


def test_programs_and_what_xml_cannot_carry_are_refused_unsent(connect, lab):
    before = requests(lab)
    with pytest.raises(InvalidInput, match="transport winrm"):
        connect().execute("sc.exe", ["query", "X"])
    with pytest.raises(InvalidInput, match="U\\+FFFE"):
        connect().run([get("Get-CsPool", ("Identity",), Identity="\ufffe")])
    assert requests(lab) == before


def test_a_restricted_endpoint_runs_the_cmdlets_of_the_role_and_no_others(connect, lab):
    lab.call("log.clear")
    transport = connect(**RESTRICTED)
    pool, unknown = transport.run([GET, get("Get-Item", ("Name",), LiteralPath="C:\\Temp")])
    assert pool.objects() == [{"Identity": POOL}]
    assert unknown.error.error_id == "CommandNotFoundException" and "OcsPowershell" in unknown.error.hint
    assert [call["name"] for call in lab.call("cmdlets.list")["cmdlets"]][0] == "Get-CsPool"
