# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services: which plan follows from which states, and what is read and sent by each way of control."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.service_changes import Desired, plan, run
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.services import (
    ServiceState,
    checked_names,
    observe_services,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import AMBIGUOUS, RemotingError

CHAT = ("RTCCHAT", "RTCCOMPLIANCE")
LEGACY = ("GroupChatLookup", "GroupChatChannel")


def params(**changes: Any) -> dict[str, Any]:
    return {"remote_addr": "lync01.contoso.com", "control": "cs", "timeout": 30, **changes}


def test_the_start_mode_comes_before_the_state() -> None:
    desired = Desired(("Lookup",), "sc", None, "stopped", "disabled")
    todo = plan(desired, {"Lookup": ServiceState("Lookup", True, "running", "auto")})
    assert [action.op for action in todo.actions] == ["set_start_mode", "stop"]
    desired = replace(desired, state="started", start_mode="auto")
    todo = plan(desired, {"Lookup": ServiceState("Lookup", True, "stopped", "disabled")})
    assert [action.op for action in todo.actions] == ["set_start_mode", "start"]


def test_every_missing_service_is_named_and_nothing_is_planned() -> None:
    states = {"A": ServiceState("A", False), "B": ServiceState("B", True, "running"), "C": ServiceState("C", False)}
    todo = plan(Desired(("A", "B", "C"), "sc", None, "stopped"), states, "gc01")
    assert todo.actions == ()
    assert "A or C on gc01" in todo.conflicts[0].message


def test_a_disabled_service_is_not_started_by_itself() -> None:
    states = {"A": ServiceState("A", True, "stopped", "disabled")}
    assert plan(Desired(("A",), state="started"), states).conflicts[0].code == "service_disabled"


@given(
    st.sampled_from([None, "started", "stopped"]),
    st.sampled_from([None, "auto", "delayed", "manual", "disabled"]),
    st.lists(
        st.builds(
            ServiceState,
            st.just(""),
            st.just(True),
            st.sampled_from(["running", "stopped", "paused", "stop_pending", "start_pending"]),
            st.sampled_from(["auto", "delayed", "manual", "disabled", None]),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_carrying_out_a_plan_leaves_nothing_to_do(state: str | None, mode: str | None, found: list) -> None:
    names = tuple("S%d" % number for number in range(len(found)))
    states = {name: replace(service, name=name) for name, service in zip(names, found)}
    desired = Desired(names, state=state, start_mode=mode)
    todo = plan(desired, states)
    if todo.conflicts:
        return
    for action in todo.actions:
        name = action.arguments["name"]
        states[name] = replace(states[name], **action.after)
    assert plan(desired, states).actions == []


@pytest.mark.parametrize(
    "name", ["*", "RTC*", "RTC?", "[R]TC", "a/b", "a\\b", "", "a;b", "a&b", "a`b", '"', " a", "ä", "a\n"]
)
def test_a_name_that_could_mean_more_than_one_service_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        checked_names(["RTCCHAT", name])


def test_no_name_never_means_all_services() -> None:
    with pytest.raises(InvalidInput, match="never means all"):
        checked_names([])


def test_names_count_once_whatever_their_letter_case() -> None:
    assert checked_names(["RTCCHAT", "MSSQL$GC", "rtcchat", "Two Words"]) == ("RTCCHAT", "MSSQL$GC", "Two Words")


@pytest.mark.parametrize(
    "changes",
    [
        {"graceful": True, "state": "stopped", "control": "sc"},
        {"graceful": True, "state": "started"},
        {"state": "started", "start_mode": "disabled"},
        {"computer_name": "gc01 & calc"},
    ],
)
def test_what_cannot_be_right_is_refused(changes: dict, server: Any) -> None:
    with pytest.raises(InvalidInput):
        run(params(name=["RTCCHAT"], **changes), False, server.connect)
    assert server.calls == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_sc_is_read_by_numbers_in_any_language(language: str, server: Any, estate: Any) -> None:
    estate.control("switch.set", name="sc_language", value=language)
    services = {"GroupChatLookup": {"start_type": "AutomaticDelayed"}, "GroupChatChannel": {"status": "Paused"}}
    estate.control("estate.patch", patch={"servers": {"gc01.contoso.com": {"services": services}}})
    seen = observe_services(server, "sc", [*LEGACY, "Nothing"], "gc01.contoso.com")
    assert seen == {
        "GroupChatLookup": ServiceState("GroupChatLookup", True, "running", "delayed"),
        "GroupChatChannel": ServiceState("GroupChatChannel", True, "paused", "auto"),
        "Nothing": ServiceState("Nothing", False),
    }


def test_a_computer_that_cannot_be_reached_is_no_missing_service(server: Any) -> None:
    with pytest.raises(PersistentChatError, match="1722.*cannot be reached"):
        observe_services(server, "sc", LEGACY, "nowhere.contoso.com")


@pytest.mark.parametrize("control", ["cs", "windows"])
def test_services_are_read_in_one_remote_call(control: str, server: Any) -> None:
    seen = observe_services(server, control, [*CHAT, "Nothing"], "pc01.contoso.com")
    assert [(s.exists, s.status, s.start_mode) for s in seen.values()] == [
        (True, "running", "auto"),
        (True, "running", "auto"),
        (False, None, None),
    ]
    assert len(server.calls) == 1


def test_cs_knows_lync_services_only(server: Any) -> None:
    with pytest.raises(PersistentChatError, match="no Lync service named W32Time"):
        run(params(name=["W32Time"], state="stopped"), False, server.connect)
    assert server.sent("Stop-CsWindowsService") == 0


@pytest.mark.parametrize(
    ("control", "names", "host"),
    [("sc", LEGACY, "gc01.contoso.com"), ("cs", CHAT, "pc01.contoso.com"), ("windows", CHAT, "pc01.contoso.com")],
)
def test_stop_and_start_again(control: str, names: tuple, host: str, server: Any, estate: Any, clock: Any) -> None:
    estate.control("switch.set", name="stop_pending_polls", value=3)
    given = params(name=list(names), control=control, computer_name=host)
    off = run({**given, "state": "stopped", "start_mode": "disabled"}, False, server.connect, clock)
    assert [service["start_mode"] for service in off["services_before"]] == ["auto", "auto"]
    assert {(s["status"], s["start_mode"]) for s in off["services"]} == {("stopped", "disabled")}
    again = run({**given, "state": "stopped", "start_mode": "disabled"}, False, server.connect, clock)
    assert not again["changed"]
    on = run({**given, "state": "started", "start_mode": "delayed"}, False, server.connect, clock)
    assert {(s["status"], s["start_mode"]) for s in on["services"]} == {("running", "delayed")}


def test_the_server_itself_is_controlled_without_a_computer_name(server: Any, clock: Any) -> None:
    for state, status in (("stopped", "stopped"), ("started", "running")):
        result = run(params(name=["REPLICA"], control="windows", state=state), False, server.connect, clock)
        assert (result["services"][0]["status"], result["host"]) == (status, server.server)


def test_draining_is_waited_for_and_not_hurried(server: Any, estate: Any, clock: Any) -> None:
    estate.control("switch.set", name="stop_pending_polls", value=8)
    given = params(name=["RTCCHAT"], computer_name="pc01.contoso.com", state="stopped", graceful=True, timeout=6)
    with pytest.raises(PersistentChatError, match="After 6 seconds.*RTCCHAT on pc01.contoso.com is paused"):
        run(given, False, server.connect, clock)
    result = run({**given, "timeout": 60}, False, server.connect, clock)
    assert result["services_before"][0]["status"] == "paused"
    assert result["services"][0]["status"] == "stopped"
    assert server.sent("Stop-CsWindowsService") == 1


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_answer_is_decided_by_the_services_state(applied: bool, server: Any, clock: Any) -> None:
    def lose(number: int) -> None:
        if number == 2:
            raise RemotingError("The answer was lost.", AMBIGUOUS, "receive")

    setattr(server, "after" if applied else "before", lose)
    given = params(name=["RTCCHAT"], computer_name="pc01.contoso.com", state="stopped")
    if applied:
        assert run(given, False, server.connect, clock)["services"][0]["status"] == "stopped"
    else:
        with pytest.raises(PersistentChatError, match="is running"):
            run(given, False, server.connect, clock)
        assert run(given, False, server.connect, clock)["changed"]


def test_check_mode_only_reads(server: Any, estate: Any) -> None:
    before = estate.data["counters"]["writes"]
    result = run(
        params(name=list(CHAT), computer_name="pc01", state="stopped", start_mode="manual"), True, server.connect
    )
    assert len(result["diff"]) == 4
    assert estate.data["counters"]["writes"] == before
