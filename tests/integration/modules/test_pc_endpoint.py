# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pc_endpoint and pc_endpoint_info, with the endpoints as contacts in the real directory."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync import endpoints
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.endpoint_changes import run

SIP, POOL, OTHER = "sip:GroupChat@contoso.com", "pcpool.contoso.com", "pcpool2.contoso.com"


def wanted(remoting, **changes):
    return {**remoting, "sip_address": SIP, "pool_fqdn": POOL, "state": "present", "wait_for_address": 30, **changes}


def holders(lab, sip=SIP):
    return lab.status()["sip_holders"].get(sip.lower(), [])


class Hurry:
    """A clock on which waiting takes no time."""

    now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class TestLife:
    """One endpoint from its creation to its removal; each test goes on where the one before ended."""

    def test_check_mode_says_what_would_be_done(self, ansible, lab):
        before = lab.writes()
        result = ansible(
            "pc_endpoint", check=True, sip_address="GroupChat@contoso.com", pool_fqdn=POOL, display_name="GC"
        )
        assert lab.writes() == before
        assert result["changed"]
        assert result["endpoint"] is None
        assert "+++ after: endpoint %s" % SIP in result["printed"]
        assert '+    "display_name": "GC"' in result["printed"]

    def test_it_is_created(self, ansible, lab):
        result = ansible(
            "pc_endpoint", sip_address=SIP, pool_fqdn=POOL, display_name="Gruppenchat \u2713 (D\u00fcsseldorf)"
        )
        assert result["changed"]
        assert result["endpoint"]["pool_fqdn"] == POOL
        (holder,) = holders(lab)
        assert (holder["object_class"], holder["dn"]) == ("contact", result["endpoint"]["identity"])
        assert result["endpoint"]["display_name"] == "Gruppenchat \u2713 (D\u00fcsseldorf)"

    def test_the_second_time_nothing_changes(self, remoting, lab):
        before = lab.writes()
        for changes in ({}, {"sip_address": "sip:groupchat@CONTOSO.com", "pool_fqdn": POOL.upper()}):
            assert not run(wanted(remoting, **changes), False)["changed"]
        assert lab.writes() == before

    def test_another_pool_or_name_is_refused(self, remoting, refused):
        for changes in ({"pool_fqdn": OTHER}, {"display_name": "Other"}):
            refused("endpoint_differs", next(iter(changes.values())), run, wanted(remoting, **changes))

    def test_it_is_found(self, ansible):
        for options in ({}, {"pool_fqdn": POOL}, {"sip_address": "groupchat@contoso.com"}):
            result = ansible("pc_endpoint_info", **options)
            assert not result["changed"]
            assert SIP in [endpoint["sip_address"] for endpoint in result["endpoints"]]
        assert SIP not in [e["sip_address"] for e in ansible("pc_endpoint_info", pool_fqdn=OTHER)["endpoints"]]
        assert ansible("pc_endpoint_info", sip_address="nobody@contoso.com")["endpoints"] == []

    def test_it_moves_when_it_may_be_recreated(self, remoting, lab):
        result = run(wanted(remoting, pool_fqdn=OTHER, recreate=True), False)
        assert [action["op"] for action in result["actions"]] == ["remove", "create"]
        assert result["endpoint"]["pool_fqdn"] == OTHER
        assert len(holders(lab)) == 1

    def test_absent_leaves_that_of_another_pool(self, remoting, refused):
        refused("endpoint_differs", OTHER, run, wanted(remoting, state="absent"))

    def test_it_goes_and_setups_own_endpoints_stay(self, remoting, lab):
        assert run(wanted(remoting, state="absent", pool_fqdn=None), True)["changed"]
        assert len(holders(lab)) == 1
        result = run(wanted(remoting, state="absent", pool_fqdn=None), False)
        assert (result["changed"], result["endpoint"], holders(lab)) == (True, None, [])
        assert not run(wanted(remoting, state="absent"), False)["changed"]
        left = endpoints.run_info(remoting, False)["endpoints"]
        assert sorted(endpoint["pool_fqdn"] for endpoint in left) == [POOL, OTHER]


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"sip_address": "groupchat"}, "invalid_sip_address", "groupchat"),
        ({"sip_address": "sip:a b@contoso.com"}, "invalid_sip_address", "a b"),
        ({"sip_address": "sip:chat@elsewhere.org"}, "sip_domain", "contoso.com, fabrikam.example"),
        ({"pool_fqdn": "nopool.contoso.com"}, "pool_unknown", "pcpool.contoso.com"),
        ({"pool_fqdn": "gcpool.contoso.com"}, "pool_unknown", "not a Persistent Chat pool"),
        ({"sip_address": "sip:ocschat@contoso.com"}, "address_held", "CN=ocschat,OU=Group Chat"),
        ({"sip_address": "SIP:User01@Contoso.com"}, "address_held", "CN=user01,OU=People"),
        ({"sip_address": "sip:pcpool2@contoso.com"}, "endpoint_differs", "pcpool2.contoso.com"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(changes, code, names, remoting, refused):
    refused(code, names, run, wanted(remoting, **changes))


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"sip_address": "groupchat", "pool_fqdn": POOL}, "'groupchat' is not a SIP address"),
        ({"sip_address": SIP, "pool_fqdn": "nopool.contoso.com"}, "The pool nopool.contoso.com does not exist"),
        ({"sip_address": "sip:ocschat@contoso.com", "pool_fqdn": POOL}, "held by another object: CN=ocschat"),
        ({"sip_address": SIP}, "pool_fqdn"),
    ],
)
def test_a_user_of_ansible_gets_a_sentence(options, names, ansible, lab):
    before = lab.writes()
    result = ansible("pc_endpoint", **options)
    assert result["failed"]
    assert names in result["msg"]
    assert "Traceback" not in result["msg"] + result.get("exception", "")
    assert lab.writes() == before


def test_info_names_a_pool_that_is_none(remoting, refused):
    refused("pool_unknown", "nopool.contoso.com", endpoints.run_info, {**remoting, "pool_fqdn": "nopool.contoso.com"})


def test_an_address_that_was_just_freed_is_waited_for(remoting, lab):
    lab.call("switch.set", name="address_in_use_lag", value=2)
    try:
        run(wanted(remoting), False, clock=Hurry())
        run(wanted(remoting, state="absent"), False)
        result = run(wanted(remoting, sip_address="GROUPCHAT@contoso.com"), False, clock=Hurry())
        assert result["endpoint"]["pool_fqdn"] == POOL
    finally:
        lab.call("switch.set", name="address_in_use_lag", value=0)
        run(wanted(remoting, state="absent"), False)


# a connection that breaks leaves the cmdlet running; a shell that is killed takes it along
APPLIED = {"at": "cmdlet-after", "do": "drop"}
RUNNING = {"at": "cmdlet-before", "do": "drop"}
NOT_APPLIED = {"at": "cmdlet-before", "do": "kill-shell"}


@pytest.fixture
def break_at(lab):
    """Order a fault; the rules are gone after the test."""
    yield lambda rule, cmdlet: lab.call("faults.set", rules=[{**rule, "match": cmdlet}])
    lab.call("faults.clear")


@pytest.mark.parametrize("rule", [APPLIED, RUNNING, NOT_APPLIED], ids=["applied", "running", "not-applied"])
def test_a_creation_whose_answer_is_lost_is_decided_by_looking(rule, break_at, remoting, lab):
    run(wanted(remoting, state="absent"), False)
    break_at(rule, "New-CsPersistentChatEndpoint")
    result = run(wanted(remoting), False, clock=Hurry())
    assert result["endpoint"]["pool_fqdn"] == POOL
    assert len(holders(lab)) == 1


def test_a_removal_whose_answer_is_lost_is_decided_by_looking(break_at, remoting, lab):
    run(wanted(remoting), False)
    break_at(NOT_APPLIED, "Remove-CsPersistentChatEndpoint")
    with pytest.raises(PersistentChatError, match="the endpoint is still there") as caught:
        run(wanted(remoting, state="absent"), False, clock=Hurry())
    assert caught.value.code == "unknown_outcome"
    break_at(APPLIED, "Remove-CsPersistentChatEndpoint")
    assert run(wanted(remoting, state="absent"), False, clock=Hurry())["endpoint"] is None
    assert holders(lab) == []


@pytest.mark.parametrize("switch", ["assumed_errors=opaque", "assumed_properties=absent", "module_name=Lync"])
def test_nothing_relies_on_an_assumption(switch, remoting, lab, refused):
    name, _equals, value = switch.partition("=")
    lab.call("switch.set", name=name, value=value)
    try:
        refused("pool_unknown", "nopool", run, wanted(remoting, pool_fqdn="nopool.contoso.com"))
        refused("address_held", "CN=ocschat", run, wanted(remoting, sip_address="sip:ocschat@contoso.com"))
        assert run(wanted(remoting), False)["endpoint"]["pool_fqdn"] == POOL
        assert run(wanted(remoting, pool_fqdn=OTHER, recreate=True), False)["endpoint"]["pool_fqdn"] == OTHER
        assert run(wanted(remoting, state="absent", pool_fqdn=None), False)["endpoint"] is None
    finally:
        lab.reset()
