# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports: what allows one, what forbids one, and what verifies it."""

from __future__ import annotations

from typing import Any

import pytest
from importing import ALL, ARCHIVE, DATABASE, DONE, TARGET, empty, failing, imports, left, params, run

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.data_import import import_state


def test_states() -> None:
    here, there = {"sha256": "a", "target": TARGET}, {"sha256": "a", "target": {"db_instance": "other"}}
    older = {"sha256": "b", "target": TARGET}
    assert import_state("a", TARGET, None, None) == "none"
    assert import_state("a", TARGET, here, None) == "started"
    assert import_state("a", TARGET, here, here) == "verified"
    assert import_state("a", TARGET, None, here) == "verified"
    assert import_state("a", TARGET, {}, None) == "started"
    assert import_state("a", TARGET, here, {}) == "started"
    assert import_state("a", TARGET, older, None) == "started"
    assert import_state("a", TARGET, older, older) == "none"
    assert import_state("a", TARGET, there, there) == "none"
    assert import_state(None, TARGET, None, {"target": TARGET}) == "none"


def test_an_import_is_verified_and_recorded_and_not_repeated(
    archive: str, server: Any, estate: Any, clock: Any
) -> None:
    result = run(params(expected_sha256=archive), False, server.connect, clock)
    assert result["changed"]
    assert result["counts_before"] == {"categories": 0, "rooms": 0, "addins": 0, "unavailable": None}
    assert result["counts"] == {**ALL, "unavailable": None}
    assert len(server.calls) == 12
    assert left(estate) == DONE
    again = run(params(), False, server.connect, clock)
    assert (again["changed"], again["counts"]) == (False, result["counts"])
    assert imports(server, estate) == 1
    # rooms that users remove later change nothing about that
    estate.control("estate.patch", patch={"databases": {DATABASE: {"mgc": {"addins": []}}}})
    assert not run(params(), False, server.connect, clock)["changed"]


def test_check_mode_makes_no_dry_run(archive: str, server: Any, estate: Any, clock: Any) -> None:
    before = estate.data["counters"]["writes"]
    result = run(params(), True, server.connect, clock)
    assert result["actions"][0]["op"] == "import"
    assert server.sent("Invoke-WmiMethod") == 0
    assert estate.data["counters"]["writes"] == before


@pytest.mark.parametrize("style", ["table", "list"])
def test_warnings_stop_the_dry_run_until_they_are_accepted(
    style: str, archive: str, server: Any, estate: Any, clock: Any
) -> None:
    estate.control("switch.set", name="report_problems", value="warnings")
    estate.control("switch.set", name="report_style", value=style)
    failing("dry_run_objections", server, clock, "Cafeteria.*Nothing was imported")
    assert imports(server, estate) == 0
    assert run(params(accept_warnings=["were set to false", "Cafeteria"]), False, server.connect, clock)["changed"]
    assert imports(server, estate) == 1


def test_errors_cannot_be_accepted(archive: str, server: Any, estate: Any, clock: Any) -> None:
    estate.control("switch.set", name="report_problems", value="errors")
    failing("dry_run_objections", server, clock, accept_warnings=["Cafeteria"])
    assert imports(server, estate) == 0


def test_a_report_in_another_language_needs_its_words(archive: str, server: Any, estate: Any, clock: Any) -> None:
    estate.control("switch.set", name="report_style", value="german")
    estate.control("switch.set", name="report_problems", value="errors")
    failing("dry_run_objections", server, clock, "status not known")
    words = {"information": ["Information"], "warning": ["Warnung"], "error": ["Fehler"]}
    failing("dry_run_objections", server, clock, "error: Fehler", report_statuses=words)
    estate.control("switch.set", name="report_problems", value="none")
    assert run(params(report_statuses=words), False, server.connect, clock)["changed"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"file_name": "C:\\Migration\\other.zip"}, "archive_missing"),
        ({"expected_sha256": "0" * 64}, "archive_changed"),
        ({"pool_fqdn": "nopool.contoso.com"}, "pool_unknown"),
        ({"pool_fqdn": "gcpool.contoso.com"}, "pool_unknown"),
    ],
)
def test_what_forbids_an_import(changes: dict, code: str, archive: str, server: Any, clock: Any) -> None:
    error = failing(code, server, clock, **changes)
    assert next(iter(changes.values())) in str(error)
    assert server.sent("Invoke-WmiMethod") == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"file_name": "x.zip"},
        {"report": "C:\\x.txt"},
        {"expected": {"rooms": -1}},
        {"accept_warnings": [" "]},
        {"pool_fqdn": ""},
    ],
)
def test_what_cannot_be_right_is_refused_before_connecting(changes: dict, server: Any) -> None:
    with pytest.raises(InvalidInput):
        run(params(**changes), False, server.connect)
    assert server.calls == []


def test_a_pool_with_contents_needs_consent(archive: str, server: Any, estate: Any, clock: Any) -> None:
    content = {"categories": [], "addins": [{"name": "Mine", "url": "https://mine.contoso.com"}]}
    estate.control("estate.patch", patch={"databases": {DATABASE: {"mgc": content}}})
    failing("target_not_empty", server, clock, "1 add-ins")
    assert run(params(merge=True), False, server.connect, clock)["counts"]["addins"] == 3


def test_too_little_arrived(archive: str, server: Any, estate: Any, clock: Any) -> None:
    failing("import_unfinished", server, clock, "12 rooms.*at least.*13 rooms", expected={"rooms": 13})
    assert clock.now == 30
    failing("import_unfinished", server, clock, expected={"rooms": 13})
    assert imports(server, estate) == 1
    result = run(params(), False, server.connect, clock)
    assert [action["op"] for action in result["actions"]] == ["verify"]
    assert imports(server, estate) == 1


def test_a_restored_database_is_noticed_and_imported_into_on_request(
    archive: str, server: Any, estate: Any, clock: Any
) -> None:
    run(params(), False, server.connect, clock)
    empty(estate)
    failing("import_undone", server, clock, "repeat")
    assert run(params(repeat=True), False, server.connect, clock)["changed"]
    assert not run(params(repeat=True), False, server.connect, clock)["changed"]
    assert imports(server, estate) == 1
    assert run(params(repeat=True, merge=True), False, server.connect, clock)["changed"]
    assert imports(server, estate) == 2


def test_another_archive_is_not_imported_over_an_unfinished_one(
    archive: str, server: Any, estate: Any, clock: Any
) -> None:
    failing("import_unfinished", server, clock, expected={"rooms": 13})
    estate.files.locate("lync01", ARCHIVE).write_bytes(b"another")
    failing("import_unfinished", server, clock, "another archive")
    assert imports(server, estate) == 1


def stop_chat(estate: Any) -> None:
    for host in ("pc01", "pc02"):
        stopped = {"services": {name: {"status": "Stopped"} for name in ("RTCCHAT", "RTCCOMPLIANCE")}}
        estate.control("estate.patch", patch={"servers": {host + ".contoso.com": stopped}})


def test_where_nothing_can_be_counted_while_the_services_are_stopped(
    archive: str, server: Any, estate: Any, clock: Any
) -> None:
    estate.control("switch.set", name="counts_while_stopped", value="error")
    stop_chat(estate)
    failing("counts_unavailable", server, clock, "verification to report")
    failing("counts_unavailable", server, clock, verification="report")
    failing("counts_unavailable", server, clock, merge=True)
    result = run(params(verification="report", merge=True), False, server.connect, clock)
    assert result["changed"]
    assert result["counts"]["rooms"] is None
    assert not run(params(), False, server.connect, clock)["changed"]
    assert imports(server, estate) == 1
