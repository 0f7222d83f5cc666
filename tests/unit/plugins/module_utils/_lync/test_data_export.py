# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports: which archive is accepted, and that an archive under its final name is always a whole one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.data_export import Desired, export_state, run
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.files import FileState
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import AMBIGUOUS, RemotingError

ARCHIVE = "C:\\Migration\\groupchat.zip"
PARTIAL = "C:\\Migration\\groupchat.partial.zip"
SOURCE = {"db_instance": "sql01.contoso.com\\gc"}


class Killed(Exception):
    """The end of the module in the middle of its work."""


def params(**changes: Any) -> dict[str, Any]:
    given = {"db_instance": "SQL01.contoso.com\\GC", "db_name": "mgc", "file_name": ARCHIVE, "existing": "refuse"}
    return {"remote_addr": "lync01.contoso.com", **given, **changes}


def exists(estate: Any, path: str) -> bool:
    return estate.files.locate("lync01", path).exists()


def test_states() -> None:
    there = FileState(ARCHIVE, True, 9, "a" * 64)
    record = {"sha256": "a" * 64, "source": SOURCE}
    assert export_state(FileState(ARCHIVE, False), record, SOURCE) == "none"
    assert export_state(there, record, SOURCE) == "complete"
    assert export_state(there, record) == "complete"
    assert export_state(there, record, {"db_instance": "sql02\\gc"}) == "foreign"
    assert export_state(there, dict(record, sha256="b" * 64), SOURCE) == "foreign"
    assert export_state(there, {}, SOURCE) == export_state(there, None, SOURCE) == "foreign"
    assert export_state(FileState(ARCHIVE, True, 0, "a" * 64), record, SOURCE) == "foreign"
    assert export_state(there, None, SOURCE, "a" * 64) == "complete"
    assert export_state(there, record, SOURCE, "b" * 64) == "foreign"


@pytest.mark.parametrize(
    "changes",
    [
        {"file_name": "groupchat.zip"},
        {"file_name": "C:\\Migration\\groupchat"},
        {"file_name": "C:\\Migration\\*.zip"},
        {"file_name": "C:\\Migration\\..\\groupchat.zip"},
        {"file_name": "C:\\Migration\\group[c]hat.zip"},
        {"file_name": "/tmp/groupchat.zip"},
        {"report": "report.html"},
        {"db_instance": " "},
        {"expected_sha256": "abc"},
        {"start_date": "2012-01-31"},
    ],
)
def test_what_cannot_be_right_is_refused_before_connecting(changes: dict, server: Any) -> None:
    with pytest.raises(InvalidInput):
        run(params(**changes), False, server.connect)
    assert server.calls == []


@pytest.mark.parametrize("path", ["D:\\a b\\c.zip", "\\\\server\\share$\\x.zip", "c:\\x.ZIP"])
def test_absolute_paths_are_taken_as_they_are(path: str) -> None:
    assert Desired.of(params(file_name=path)).archive == path


def test_an_export_is_complete_in_three_remote_calls(server: Any, estate: Any) -> None:
    result = run(params(), False, server.connect)
    assert result["changed"]
    assert len(server.calls) == 3
    assert len(result["sha256"]) == 64
    assert result["length"] > 0
    assert result["report"]["errors"] == []
    assert exists(estate, ARCHIVE)
    assert not exists(estate, PARTIAL)


def test_the_source_is_only_read(server: Any, estate: Any) -> None:
    before = copy.deepcopy(estate.data["databases"])
    run(params(), False, server.connect)
    assert estate.data["databases"] == before


def test_the_second_run(server: Any, estate: Any) -> None:
    first = run(params(), False, server.connect)
    with pytest.raises(PersistentChatError, match="is there already") as caught:
        run(params(), False, server.connect)
    assert caught.value.code == "archive_exists"
    for accepted in ({"existing": "keep"}, {"expected_sha256": first["sha256"].upper()}):
        again = run(params(**accepted), False, server.connect)
        assert (again["changed"], again["sha256"], again["report"]) == (False, first["sha256"], first["report"])
    assert server.sent("Export-CsPersistentChatData") == 1
    assert run(params(existing="replace"), False, server.connect)["changed"]
    assert server.sent("Export-CsPersistentChatData") == 2


def test_an_archive_of_another_source_is_not_kept(server: Any) -> None:
    run(params(), False, server.connect)
    for changes in ({"level": "Category"}, {"scope": ["Operations"]}, {"db_name": "other"}):
        with pytest.raises(PersistentChatError) as caught:
            run(params(existing="keep", **changes), False, server.connect)
        assert caught.value.code == "archive_foreign"


def test_an_archive_that_changed_or_went_is_not_replaced(server: Any, estate: Any) -> None:
    sha256 = run(params(), False, server.connect)["sha256"]
    place = estate.files.locate("lync01", ARCHIVE)
    place.write_bytes(b"another")
    for changes, code in (({"expected_sha256": sha256}, "archive_changed"), ({"existing": "keep"}, "archive_foreign")):
        with pytest.raises(PersistentChatError) as caught:
            run(params(**changes), False, server.connect)
        assert caught.value.code == code
    place.unlink()
    with pytest.raises(PersistentChatError) as caught:
        run(params(expected_sha256=sha256), False, server.connect)
    assert caught.value.code == "archive_missing"


def test_a_missing_folder_is_found_before_the_export(server: Any) -> None:
    for folder in ("C:\\Nowhere", "D:"):
        with pytest.raises(PersistentChatError) as caught:
            run(params(file_name=folder + "\\x.zip"), True, server.connect)
        assert caught.value.code == "folder_missing"


@pytest.mark.parametrize(
    ("switch", "value", "code"),
    [
        ("report_problems", "errors", "export_errors"),
        ("report_problems", "warnings", None),
        ("report_style", "list", None),
        ("report_style", "german", None),
    ],
)
def test_the_report_decides(switch: str, value: str, code: str | None, server: Any, estate: Any) -> None:
    estate.control("switch.set", name=switch, value=value)
    if code is None:
        assert run(params(), False, server.connect)["changed"]
        return
    with pytest.raises(PersistentChatError, match="Cafeteria") as caught:
        run(params(), False, server.connect)
    assert caught.value.code == code
    assert not exists(estate, ARCHIVE)


def test_a_database_that_is_not_there(server: Any, estate: Any) -> None:
    with pytest.raises(PersistentChatError, match="Export-CsPersistentChatData.*sql02"):
        run(params(db_instance="sql02\\GC"), False, server.connect)
    assert not exists(estate, ARCHIVE)


def test_an_answer_that_is_lost_says_what_to_wait_for(server: Any) -> None:
    def lose(number: int) -> None:
        if number == 2:
            raise RemotingError("The answer was lost.", AMBIGUOUS, "receive")

    server.after = lose
    with pytest.raises(PersistentChatError, match="may still run.*partial.zip") as caught:
        run(params(), False, server.connect)
    assert caught.value.code == "unknown_outcome"


def test_check_mode_only_reads(server: Any, estate: Any) -> None:
    result = run(params(), True, server.connect)
    assert (result["changed"], result["sha256"], estate.data["counters"]["writes"]) == (True, None, 0)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_run_that_was_killed_is_repeated_by_running_again(number: int, when: str, server: Any, estate: Any) -> None:
    def kill(call: int) -> None:
        if call == number:
            raise Killed

    setattr(server, when, kill)
    with pytest.raises(Killed):
        run(params(existing="keep"), False, server.connect)
    setattr(server, when, lambda call: None)
    result = run(params(existing="keep"), False, server.connect)
    assert result["report"]["errors"] == []
    again = run(params(existing="keep"), False, server.connect)
    assert (again["changed"], again["sha256"]) == (False, result["sha256"])
    assert not exists(estate, PARTIAL)
