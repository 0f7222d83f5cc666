# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PSRP transport when the connection breaks: what it reports, compared with what really happened."""

from __future__ import annotations

import itertools
import logging
import time

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import psrp_session
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import RemotingError
from tests.integration.remoting.test_psrp import GET, POOL, connect, room, short_waits, ways
from tests.lab import settings

__all__ = ["connect", "room", "short_waits"]
SERIAL = itertools.count()
NEW_CMDLET = "New-CsPersistentChatEndpoint"


def new(**more):
    sip = "sip:psrp%d@contoso.com" % next(SERIAL)
    return Command(NEW_CMDLET, {"SipAddress": sip, "PersistentChatPoolFqdn": POOL, "Confirm": False, **more})


def name(rule):
    return "-".join(str(value) for key, value in rule.items() if key != "match").replace(".", "_")


def set_fault(lab, **rule):
    lab.call("faults.clear")
    lab.call("faults.set", rules=[rule])


def fired(lab):
    return sum(rule["fired"] for rule in lab.call("faults.list")["rules"])


BEFORE = [
    {"at": "http-before", "match": "lync01", "do": "drop"},
    {"at": "http-after", "match": "lync01.*Create", "do": "drop", "bytes": 40},
    {"at": "wsman-before", "match": "lync01.*Create", "do": "fault", "code": 2150859173},
    {"at": "wsman-after", "match": "lync01.*Receive", "do": "http503"},  # of the pool
    {"at": "http-after", "match": "lync01.*Receive", "do": "close"},
    {"at": "http-after", "match": "lync01.*Receive", "do": "expire-auth"},
    {"at": "wsman-before", "match": "lync01.*Command", "do": "http400"},
    {"at": "wsman-before", "match": "lync01.*Command", "do": "fault", "code": 2150859174},
    {"at": "wsman-before", "match": "lync01.*Command", "do": "fault", "code": 2150858843},
]
#: the second Receive is the pipeline's
FETCHED = [
    {"at": "cmdlet-after", "match": NEW_CMDLET, "do": "drop"},
    {"at": "wsman-before", "match": "lync01.*Receive", "skip": 1, "do": "drop"},
    {"at": "wsman-after", "match": "lync01.*Receive", "skip": 1, "do": "drop", "reset": True, "times": 3},
    {"at": "http-after", "match": "lync01.*Receive", "skip": 1, "do": "drop", "bytes": 40},
    {"at": "wsman-after", "match": "lync01.*Receive", "skip": 1, "do": "http503"},
    {"at": "wsman-after", "match": "lync01.*Receive", "skip": 1, "do": "http400"},
    {"at": "wsman-before", "match": "lync01.*Receive", "skip": 1, "do": "fault", "code": 1359, "times": 2},
    {"at": "http-after", "match": "lync01.*Receive", "skip": 1, "do": "delay", "seconds": 3},
    {"at": "http-after", "match": "lync01.*Command", "do": "close"},
    {"at": "http-after", "match": "lync01.*Command", "do": "expire-auth"},
]
UNKNOWN = [
    {"at": "cmdlet-after", "match": NEW_CMDLET, "do": "kill-shell"},
    {"at": "wsman-after", "match": "lync01.*Command", "do": "drop"},
    {"at": "http-after", "match": "lync01.*Command", "do": "drop", "reset": True},
    {"at": "wsman-after", "match": "lync01.*Command", "do": "http502"},
    {"at": "wsman-before", "match": "lync01.*Receive", "skip": 1, "do": "fault", "code": 995},
    {"at": "wsman-before", "match": "lync01.*Receive", "skip": 1, "do": "fault", "code": 2150858843},
    {"at": "wsman-after", "match": "lync01.*Receive", "skip": 1, "do": "drop", "times": None},
]


@ways
@pytest.mark.parametrize("rule", BEFORE + FETCHED, ids=name)
def test_what_is_certain_is_done_once(connect, lab, way, rule):
    before = lab.writes()[0]
    set_fault(lab, **rule)
    transport = connect(**way)
    assert transport.run([new()])[0].objects() == []
    assert fired(lab) == rule.get("times", 1)
    lab.call("faults.clear")
    assert lab.writes()[0] == before + 1
    assert transport.run([GET])[0].objects()


@ways
@pytest.mark.parametrize("rule", UNKNOWN, ids=name)
def test_what_is_not_certain_is_said_to_be_unknown_and_never_repeated(connect, lab, way, rule):
    before = lab.writes()[0]
    set_fault(lab, **rule)
    command = new()
    with pytest.raises(RemotingError) as caught:
        connect(**way).run([command])
    assert caught.value.kind == "ambiguous" and command.parameters["SipAddress"] in str(caught.value)
    lab.call("faults.clear")
    time.sleep(0.2)  # for a cmdlet that still runs
    assert lab.writes()[0] == before + 1


@ways
@pytest.mark.parametrize("rule", [rule for rule in UNKNOWN if "times" not in rule], ids=name)
def test_what_only_reads_is_repeated(connect, lab, way, rule):
    set_fault(lab, **{**rule, "match": rule["match"].replace(NEW_CMDLET, "Get-CsPool")})
    assert connect(**way).run([GET])[0].objects() and fired(lab) == 1


def written(file, size):
    """Whether a file comes to be that large, soon: nobody waited for the command."""
    until = time.monotonic() + 5
    while not (file.exists() and file.stat().st_size >= size):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_a_request_that_the_server_could_not_read_is_sent_again_in_the_same_session(connect, lab):
    before = lab.writes()[0]
    lab.call("log.clear")
    set_fault(lab, at="wsman-before", match="lync01.*Command", skip=1, do="http400")
    assert [outcome.objects() for outcome in connect(scheme="http").run([new(), new()])] == [[], []]
    assert fired(lab) == 1 and lab.writes()[0] == before + 2
    assert [request["verb"] for request in lab.call("requests.list")["requests"]].count("Create") == 1


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_refusal_after_credssp_is_not_taken_for_one_of_credssp(connect, lab, scheme):
    account = {"remote_user": "CONTOSO\\csadmin", "remote_password": settings.PASSWORD}
    set_fault(lab, at="wsman-before", match="lync01.*Create", do="fault", code=2150859173)
    assert connect(auth="credssp", scheme=scheme, **account).run([GET])[0].objects() and fired(lab) == 1


@pytest.mark.parametrize(
    "rule, certain",
    [
        ({"at": "http-after", "match": "lync01.*Command", "do": "drop"}, True),
        ({"at": "wsman-before", "match": "lync01.*Send", "do": "fault", "code": 2150858843}, True),
        ({"at": "http-after", "match": "lync01.*Send", "do": "drop"}, False),
    ],
    ids=lambda value: name(value) if isinstance(value, dict) else "",
)
def test_the_last_fragment_of_a_large_command_commits_it(connect, lab, rule, certain):
    file = lab.paths.drive("lync01") / "Temp" / "fragments.txt"
    file.unlink(missing_ok=True)
    write = Command("Set-Content", {"LiteralPath": "C:\\Temp\\fragments.txt", "Value": "x" * 500_000, "Confirm": False})
    set_fault(lab, **rule)
    if certain:
        assert connect().run([write])[0].objects() == []
    else:
        with pytest.raises(RemotingError) as caught:
            connect().run([write])
        assert caught.value.kind == "ambiguous" and len(str(caught.value)) < 5000
    assert fired(lab) == 1 and written(file, 500_000)


@pytest.mark.parametrize(
    "rule",
    [
        {"at": "wsman-before", "match": "lync01.*Command", "skip": 1, "do": "drop"},
        {"at": "wsman-before", "match": "lync01.*Command", "skip": 1, "do": "fault", "code": 2150858843},
        {"at": "wsman-before", "match": "lync01.*Command", "skip": 1, "do": "fault", "code": 5},
    ],
    ids=name,
)
def test_after_a_change_even_a_refused_request_leaves_the_batch_unknown(connect, lab, rule):
    first, second = new(), new()
    before = lab.writes()[0]
    set_fault(lab, **rule)
    with pytest.raises(RemotingError) as caught:
        connect().run([first, second])
    assert caught.value.kind == "ambiguous" and first.parameters["SipAddress"] in str(caught.value)
    assert lab.writes()[0] == before + 1  # the first was done, and not a second time


def test_what_reads_before_a_change_is_repeated_with_it(connect, lab):
    before = lab.writes()[0]
    set_fault(lab, at="wsman-before", match="lync01.*Receive", skip=1, do="fault", code=995)
    read, made = connect().run([GET, new()])
    assert read.objects() and made.objects() == [] and fired(lab) == 1
    assert lab.writes()[0] == before + 1


@ways
@pytest.mark.parametrize("verb", ["Signal", "Delete"])
def test_lost_good_byes_cost_nothing(connect, lab, way, verb, caplog):
    set_fault(lab, at="http-after", match="lync01.*%s" % verb, do="drop")
    transport = connect(**way)
    before = lab.writes()[0]
    assert [outcome.objects() for outcome in transport.run([new(), new()])] == [[], []]
    with caplog.at_level(logging.WARNING):
        transport.close()
    assert fired(lab) == 1 and not caplog.records and lab.writes()[0] == before + 2


def test_a_good_bye_that_is_not_answered_is_not_waited_for(connect, lab, monkeypatch):
    monkeypatch.setattr(psrp_session, "_CLOSING", 1)
    transport = connect()
    transport.run([GET])
    set_fault(lab, at="http-after", match="lync01.*Delete", do="delay", seconds=10)
    began = time.monotonic()
    transport.close()
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "rule",
    [
        {"at": "cmdlet-before", "match": NEW_CMDLET, "do": "delay", "seconds": 8},
        {"at": "http-after", "match": "lync01.*Command", "do": "delay", "seconds": 8},
    ],
    ids=name,
)
@ways
def test_no_call_outlives_its_deadline(connect, lab, way, rule):
    set_fault(lab, **rule)
    began = time.monotonic()
    with pytest.raises(RemotingError) as caught:
        connect(**way, operation_timeout=3).run([new()])
    assert caught.value.kind == "ambiguous" and caught.value.code in ("operation_timeout", "answer_timeout")
    assert time.monotonic() - began < 6


def test_an_answer_in_clear_text_is_not_believed(connect, lab):
    set_fault(lab, at="http-after", match="lync01.*Receive", skip=1, do="clear")
    with pytest.raises(RemotingError) as caught:
        connect(scheme="http").run([new()])
    assert (caught.value.code, caught.value.kind) == ("unprotected_answer", "ambiguous")
