# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which plan follows from which endpoints, and that carrying it out leaves nothing to do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.endpoints import (
    Actual,
    Desired,
    Endpoint,
    EndpointsState,
    plan,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.pools import PoolState, Topology
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

SIP = SipAddress.parse("sip:ocschat@contoso.com")
POOL, OTHER = "pcpool.contoso.com", "pcpool2.contoso.com"
TOPOLOGY = Topology(
    (
        PoolState(POOL, True, True),
        PoolState(OTHER, True, True),
        PoolState("lync01.contoso.com", True, False),
    ),
    ("contoso.com",),
)
HERE = Endpoint("CN={1}", "sip:OCSChat@contoso.com", "Group Chat", POOL)
WANTED = Desired(SIP, pool_fqdn=POOL, display_name="Group Chat")


def actual(*endpoints: Endpoint, holders: tuple[str, ...] = ()) -> Actual:
    return Actual(TOPOLOGY, EndpointsState(endpoints), holders)


def ops(desired: Desired, state: Actual) -> list[str]:
    todo = plan(desired, state)
    assert not todo.conflicts
    return [action.op for action in todo.actions]


def codes(desired: Desired, state: Actual) -> list[str]:
    todo = plan(desired, state)
    assert not todo.actions
    return [conflict.code for conflict in todo.conflicts]


def test_nobody_has_the_address() -> None:
    todo = plan(WANTED, actual())
    assert todo.shown() == [
        {
            "op": "create",
            "target": "endpoint sip:ocschat@contoso.com",
            "before": None,
            "after": {"sip_address": str(SIP), "pool_fqdn": POOL, "display_name": "Group Chat"},
        }
    ]


def test_letter_case_of_address_and_pool_is_no_difference() -> None:
    assert ops(replace(WANTED, pool_fqdn="PCPool.Contoso.COM"), actual(HERE)) == []


@pytest.mark.parametrize("change", [{"pool_fqdn": OTHER}, {"display_name": "group chat"}])
def test_a_changed_endpoint_is_refused_unless_it_may_be_recreated(change: dict) -> None:
    desired = replace(WANTED, **change)
    assert codes(desired, actual(HERE)) == ["endpoint_differs"]
    assert ops(replace(desired, recreate=True), actual(HERE)) == ["remove", "create"]


def test_recreating_keeps_a_display_name_that_nobody_asked_to_change() -> None:
    desired = replace(WANTED, pool_fqdn=OTHER, display_name=None, recreate=True)
    assert plan(desired, actual(HERE)).actions[1].after["display_name"] == "Group Chat"


def test_an_endpoint_beside_a_user_with_its_address_is_never_fine() -> None:
    assert codes(WANTED, actual(HERE, holders=("CN=ocschat",))) == ["address_held"]
    assert codes(WANTED, actual(holders=("CN=ocschat",))) == ["address_held"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"pool_fqdn": "nopool.contoso.com"}, "pool_unknown"),
        ({"pool_fqdn": "lync01.contoso.com"}, "pool_unknown"),
        ({"address": SipAddress.parse("sip:ocschat@elsewhere.org")}, "sip_domain"),
    ],
)
def test_what_the_topology_does_not_have_is_refused(change: dict, code: str) -> None:
    todo = plan(replace(WANTED, **change), actual())
    assert [conflict.code for conflict in todo.conflicts] == [code]
    assert str(next(iter(change.values()))).rpartition("@")[2] in todo.conflicts[0].message


def test_two_endpoints_are_never_chosen_between() -> None:
    for desired in (WANTED, replace(WANTED, present=False)):
        assert codes(desired, actual(HERE, replace(HERE, identity="CN={2}"))) == ["two_holders"]


def test_absent_removes_only_from_the_pool_that_was_named() -> None:
    gone = replace(WANTED, present=False)
    assert ops(gone, actual(HERE)) == ["remove"]
    assert ops(replace(gone, pool_fqdn=None), actual(replace(HERE, pool_fqdn=None))) == ["remove"]
    assert codes(replace(gone, pool_fqdn=OTHER), actual(HERE)) == ["endpoint_differs"]
    assert ops(gone, actual()) == []


def test_a_pool_that_cannot_be_listed_is_no_empty_pool() -> None:
    state = Actual(TOPOLOGY, EndpointsState((), {POOL: "Zugriff verweigert"}))
    assert codes(WANTED, state) == ["unreadable"]


names = st.sampled_from([None, "Group Chat", "Other"])
pools = st.sampled_from([POOL, OTHER])


@given(
    st.builds(Desired, st.just(SIP), st.booleans(), pools, names, st.booleans()),
    st.lists(st.builds(Endpoint, st.just("CN={1}"), st.just(str(SIP)), names, pools), max_size=2),
    st.sampled_from([(), ("CN=ocschat",)]),
)
def test_a_plan_leads_to_its_goal_or_says_why_not(desired: Desired, found: list[Endpoint], holders: tuple) -> None:
    todo = plan(desired, actual(*found, holders=holders))
    assert not (todo.actions and todo.conflicts)
    if todo.conflicts:
        assert all(conflict.message for conflict in todo.conflicts)
        return
    after = list(found)
    for action in todo.actions:
        if action.op == "remove":
            after.clear()
        else:
            values = action.after
            after.append(Endpoint("CN={9}", values["sip_address"], values["display_name"], values["pool_fqdn"]))
    rest = plan(desired, actual(*after, holders=holders))
    assert not rest.actions
    assert not rest.conflicts
    assert len(after) == desired.present
