# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is reported when the connection breaks, compared with what really happened."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import attempts, winrm_session
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import transport_for
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import RemotingError
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import remoting_options
from tests.lab import settings

POOL = "pcpool.contoso.com"
GET = Command("Get-CsPool", {"Identity": POOL}, ("Identity",), reads=True)
#: one that authenticates each request, and one whose connection has an identity and a key
WAYS = {
    "https-basic": {"auth": "basic", "remote_user": "csadmin", "remote_password": settings.PASSWORD},
    "http-kerberos": {"scheme": "http"},
}
pytestmark = pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
BEFORE = [
    {"at": "http-before", "match": "lync01", "do": "drop"},
    {"at": "http-before", "match": "lync01", "do": "http503"},
    {"at": "wsman-before", "match": "lync01.*Create", "do": "drop"},
    {"at": "wsman-after", "match": "lync01.*Create", "do": "http502"},
    {"at": "http-after", "match": "lync01.*Create", "do": "drop", "bytes": 40},
    {"at": "wsman-before", "match": "lync01.*Create", "do": "fault", "code": 2150859173},
    {"at": "http-after", "match": "lync01.*Create", "do": "close"},
    {"at": "http-after", "match": "lync01.*Create", "do": "expire-auth"},
    {"at": "wsman-before", "match": "lync01.*Command", "do": "drop", "reset": True},
    {"at": "wsman-before", "match": "lync01.*Command", "do": "http400"},
    {"at": "http-after", "match": "lync01.*Command", "do": "drop"},
    {"at": "wsman-before", "match": "lync01.*Command", "do": "fault", "code": 995},
    {"at": "wsman-before", "match": "lync01.*Send", "do": "fault", "code": 170},
    {"at": "wsman-before", "match": "lync01.*Send", "do": "fault", "code": 2150858843},
    {"at": "wsman-before", "match": "lync01.*Send", "do": "http400"},
    {"at": "http-after", "match": "lync01.*Command", "do": "expire-auth"},
]
#: the answer is lost, and fetched again
FETCHED = [
    {"at": "cmdlet-after", "match": "New-CsPersistentChatEndpoint", "do": "drop"},
    {"at": "wsman-before", "match": "lync01.*Receive", "do": "drop"},
    {"at": "wsman-after", "match": "lync01.*Receive", "do": "drop", "reset": True, "times": 3},
    {"at": "http-after", "match": "lync01.*Receive", "do": "drop", "bytes": 40},
    {"at": "wsman-after", "match": "lync01.*Receive", "do": "http503"},
    {"at": "wsman-after", "match": "lync01.*Receive", "do": "http500"},
    {"at": "wsman-after", "match": "lync01.*Receive", "do": "http400"},
    {"at": "wsman-after", "match": "lync01.*Receive", "do": "http401"},
    {"at": "wsman-before", "match": "lync01.*Receive", "do": "fault", "code": 1359, "times": 2},
    {"at": "http-after", "match": "lync01.*Receive", "do": "delay", "seconds": 3},
    {"at": "http-after", "match": "lync01.*Send", "do": "close"},
    {"at": "http-after", "match": "lync01.*Send", "do": "expire-auth"},
]
UNKNOWN = [
    {"at": "cmdlet-after", "match": "New-CsPersistentChatEndpoint", "do": "kill-shell"},
    {"at": "cmdlet-after", "match": "New-CsPersistentChatEndpoint", "do": "exit"},
    {"at": "wsman-after", "match": "lync01.*Send", "do": "drop"},
    {"at": "http-after", "match": "lync01.*Send", "do": "drop", "reset": True},
    {"at": "wsman-after", "match": "lync01.*Send", "do": "http502"},
    {"at": "wsman-after", "match": "lync01.*Send", "do": "http503"},
    {"at": "wsman-before", "match": "lync01.*Receive", "do": "fault", "code": 995},
    {"at": "wsman-before", "match": "lync01.*Receive", "do": "fault", "code": 1223},
    {"at": "wsman-before", "match": "lync01.*Receive", "do": "fault", "code": 2150858843},
    {"at": "wsman-after", "match": "lync01.*Receive", "do": "drop", "times": None},
]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(attempts, "_ASK", 0.1)
    monkeypatch.setattr(winrm_session, "POLL", 1)
    monkeypatch.setattr(winrm_session, "NETWORK", 1)


@pytest.fixture
def connect(lab):
    opened = []

    def open_one(**changed):
        params = {
            "remote_addr": "lync01.contoso.com",
            "ca_cert": str(lab.paths.ca),
            "connection_timeout": 10,
            "operation_timeout": 20,
            **changed,
        }
        opened.append(transport_for(replace(remoting_options(params), retry_pauses=(0.05, 0.1))))
        return opened[-1]

    yield open_one
    lab.call("faults.clear")
    for transport in opened:
        transport.close()


def name(rule):
    return "-".join(str(value) for key, value in rule.items() if key != "match").replace(".", "_")


SERIAL = itertools.count()


def endpoint(way):
    return "sip:fault%d%s@contoso.com" % (next(SERIAL), way.get("scheme", "https"))


def new(sip):
    return Command(
        "New-CsPersistentChatEndpoint", {"SipAddress": sip, "PersistentChatPoolFqdn": POOL, "Confirm": False}
    )


def exists(connect, sip):
    get = Command("Get-CsPersistentChatEndpoint", {"PersistentChatPoolFqdn": POOL}, ("SipAddress",), reads=True)
    (outcome,) = connect().run([get])
    return [item["SipAddress"] for item in outcome.objects()].count(sip)


def set_fault(lab, rule):
    lab.call("faults.clear")
    lab.call("faults.set", rules=[rule])


def fired(lab):
    return sum(rule["fired"] for rule in lab.call("faults.list")["rules"])


@pytest.mark.parametrize("rule", BEFORE, ids=name)
def test_before_the_commit_point_it_is_tried_again_and_done_once(connect, lab, way, rule):
    sip = endpoint(way)
    set_fault(lab, rule)
    before = lab.writes()[0]
    (outcome,) = connect(**way).run([new(sip)])
    assert outcome.objects() == [] and fired(lab) == 1
    assert lab.writes()[0] == before + 1 and exists(connect, sip) == 1


@pytest.mark.parametrize("rule", FETCHED, ids=name)
def test_after_the_commit_point_a_lost_answer_is_fetched_again(connect, lab, way, rule):
    sip = endpoint(way)
    set_fault(lab, rule)
    before = lab.writes()[0]
    transport = connect(**way)
    (outcome,) = transport.run([new(sip)])
    assert outcome.objects() == [] and fired(lab) == rule.get("times", 1)
    lab.call("faults.clear")
    assert lab.writes()[0] == before + 1 and exists(connect, sip) == 1
    assert transport.run([GET])[0].objects()


@pytest.mark.parametrize("rule", UNKNOWN, ids=name)
def test_after_the_commit_point_a_change_is_never_repeated_and_reported_as_unknown(connect, lab, way, rule):
    sip = endpoint(way)
    set_fault(lab, rule)
    before = lab.writes()[0]
    with pytest.raises(RemotingError) as caught:
        connect(**way).run([new(sip)])
    assert fired(lab) == (1 if rule.get("times", 1) else 7)
    assert caught.value.kind == "ambiguous"
    assert "not known" in str(caught.value) and sip in str(caught.value)
    lab.call("faults.clear")
    patience = time.monotonic() + 10
    while lab.writes()[0] == before and time.monotonic() < patience:
        time.sleep(0.05)  # the client knows before the server is done
    assert lab.writes()[0] == before + 1 and exists(connect, sip) == 1


@pytest.mark.parametrize(
    "rule",
    [
        {**rule, "match": rule["match"].replace("New-CsPersistentChatEndpoint", "Get-CsPool")}
        for rule in UNKNOWN
        if "times" not in rule
    ],
    ids=name,
)
def test_after_the_commit_point_a_read_is_repeated(connect, lab, way, rule):
    set_fault(lab, rule)
    (outcome,) = connect(**way).run([GET])
    assert outcome.objects() and fired(lab) == 1


def test_a_program_without_input_is_committed_by_its_start(connect, lab, way):
    set_fault(lab, {"at": "http-after", "match": "gc01.*Command", "do": "drop"})
    with pytest.raises(RemotingError) as caught:
        connect(**way, remote_addr="gc01.contoso.com").execute("sc.exe", ["query", "GroupChatLookup"])
    assert caught.value.kind == "ambiguous" and "sc.exe query GroupChatLookup" in str(caught.value)
    set_fault(lab, {"at": "http-after", "match": "gc01.*Command", "do": "drop"})
    ended = connect(**way, remote_addr="gc01.contoso.com").execute("sc.exe", ["query", "GroupChatLookup"], reads=True)
    assert ended.exit_code == 0 and fired(lab) == 1


def test_a_server_that_stays_broken_is_given_up_within_bounds(connect, lab, way):
    set_fault(lab, {"at": "wsman-before", "match": "lync01.*Create", "do": "http503", "times": None})
    began = time.monotonic()
    with pytest.raises(RemotingError) as caught:
        connect(**way).run([GET])
    assert (caught.value.code, caught.value.kind) == ("server_unavailable", "retryable")
    assert fired(lab) == 3 and time.monotonic() - began < 4


@pytest.mark.parametrize("rule", [
    {"at": "cmdlet-before", "match": "New-CsPersistentChatEndpoint", "do": "delay", "seconds": 8},
    {"at": "http-after", "match": "lync01.*Send", "do": "delay", "seconds": 8},
], ids=name)  # fmt: skip
def test_no_call_outlives_its_deadline(connect, lab, way, rule):
    set_fault(lab, rule)
    began = time.monotonic()
    with pytest.raises(RemotingError) as caught:
        connect(**way, operation_timeout=3).run([new(endpoint(way))])
    assert caught.value.kind == "ambiguous" and caught.value.code in ("operation_timeout", "answer_timeout")
    assert time.monotonic() - began < 6


def test_a_failed_session_does_not_spoil_the_next_call(connect, lab, way):
    transport = connect(**way)
    assert transport.run([GET])
    set_fault(lab, {"at": "http-after", "match": "lync01.*Signal", "do": "drop"})
    assert transport.run([GET])[0].objects() and fired(lab) == 1
    assert transport.run([GET])[0].objects()
