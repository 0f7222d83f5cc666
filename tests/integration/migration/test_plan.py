# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of the real lab: true, repeatable, without a write, and clear about what is in the way."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError


@pytest.fixture(autouse=True)
def nothing_is_written(lab):
    before = lab.writes()
    yield
    assert lab.writes() == before


def blocked(plan: dict) -> dict:
    """The blocked steps with their reasons."""
    return {step["name"]: " ".join(step["reasons"]) for step in plan["plan"]["steps"] if step["status"] == "blocked"}


def test_the_untouched_estate_shows_the_whole_migration(plan, variables):
    seen = plan()
    assert blocked(seen) == {}
    assert [step["status"] for step in seen["plan"]["steps"]] == ["planned"] * 9
    assert sum(len(step["actions"]) for step in seen["plan"]["steps"]) == 18
    assert seen["plan"]["observed"]["holders"][0]["sam_account_name"] == "ocschat"
    assert seen["digest"] == plan()["digest"]


def test_the_digest_changes_when_somebody_changes_the_estate(plan, lab):
    before = plan()["digest"]
    service = {"servers": {"gc01.contoso.com": {"services": {"GroupChatLookup": {"status": "Stopped"}}}}}
    lab.call("estate.patch", patch=service)
    try:
        with pytest.raises(PersistentChatError, match=before) as caught:
            plan(plan_digest=before)
        assert caught.value.code == "plan_changed"
    finally:
        service["servers"]["gc01.contoso.com"]["services"]["GroupChatLookup"]["status"] = "Running"
        lab.call("estate.patch", patch=service)
    assert plan(plan_digest=before)["digest"] == before


@pytest.mark.parametrize(
    ("changes", "step", "says"),
    [
        ({"pool_fqdn": "nopool.contoso.com"}, "stop_legacy", "nopool.contoso.com is not a Persistent Chat pool"),
        ({"pool_fqdn": "lyncpool.contoso.com"}, "stop_legacy", "lyncpool.contoso.com is not a Persistent Chat pool"),
        (
            {"legacy_servers": [{"name": "gc01.contoso.com", "services": ["Lookup"]}]},
            "stop_legacy",
            "service Lookup on gc01",
        ),
        ({"pool_services": ["RTCHAT"]}, "stop_pool", "no server of pcpool.contoso.com has the service RTCHAT"),
        ({"wellknown_user": {"sam_account_name": "user01"}}, "free_address", "ocschat"),
        ({"sip_address": "sip:ocschat@elsewhere.example"}, "create_endpoint", "not a SIP domain"),
        ({"sip_address": "sip:nobody@contoso.com"}, "create_endpoint", "nobody holds sip:nobody@contoso.com"),
    ],
)
def test_what_is_in_the_way_is_named_before_anything_starts(plan, variables, changes, step, says):
    variables["pc_migration"].update(changes)
    assert says in blocked(plan())[step]


@pytest.mark.parametrize(
    ("connection", "changes", "says"),
    [
        ("remoting", {"remote_addr": "lync99.contoso.com"}, "lync99.contoso.com"),
        ("remoting", {"remote_addr": "rogue.contoso.com"}, "certificate"),
        (
            "remoting",
            {"auth": "basic", "remote_user": "csadmin@contoso.com", "remote_password": "wrong-canary"},
            "lync01",
        ),
        ("directory", {"server": "dc99.contoso.com"}, "dc99.contoso.com"),
        (
            "directory",
            {"auth_protocol": "simple", "username": "csadmin@contoso.com", "password": "wrong-canary"},
            "dc1",
        ),
    ],
)
def test_an_estate_that_cannot_be_seen_gives_no_plan(plan, variables, connection, changes, says):
    variables["pc_" + connection].update(changes)
    with pytest.raises(PersistentChatError, match=says) as caught:
        plan()
    assert "canary" not in str(caught.value)


def test_a_step_is_refused_while_its_interlocks_do_not_hold(plan):
    for step, says in [
        ("export", "not stopped and disabled: service GroupChatLookup on gc01.contoso.com"),
        ("import", "does not exist"),
        ("free_address", "the import is not verified"),
        ("create_endpoint", "is held by user CN=ocschat"),
        ("verify", "must be held by exactly one contact"),
    ]:
        with pytest.raises(PersistentChatError, match=says) as caught:
            plan(step=step)
        assert caught.value.code == "interlock"


def test_in_check_mode_each_step_is_answered_for_the_world_that_it_will_meet(plan):
    changes = {
        step: plan(check_mode=True, step=step)["changed"]
        for step in ("stop_legacy", "free_address", "start_pool", "verify")
    }
    assert changes == {"stop_legacy": True, "free_address": True, "start_pool": True, "verify": False}
