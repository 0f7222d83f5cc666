# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports: which archive is accepted, and that an archive under its final name is always a whole one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync import jobs
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.data_export import Desired, export_state
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.export_changes import run as run_module
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.files import FileState
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import AMBIGUOUS, RemotingError

ARCHIVE = "C:\\Migration\\groupchat.zip"
FOLDER = "C:\\Migration"
#: what a complete export leaves
COMPLETE = {"groupchat.zip", "groupchat.exported.json", "groupchat.export-report.html"}
SOURCE = {"db_instance": "sql01.contoso.com\\gc"}


class Killed(Exception):
    """The end of the module in the middle of its work."""


def params(**changes: Any) -> dict[str, Any]:
    given = {"db_instance": "SQL01.contoso.com\\GC", "db_name": "mgc", "file_name": ARCHIVE, "existing": "refuse"}
    return {"remote_addr": "lync01.contoso.com", **given, **changes}


@pytest.fixture
def run(clock: Any) -> Any:
    """Call the module with a clock that only waiting moves."""
    return lambda params, check_mode, connect: run_module(params, check_mode, connect, clock)


def left(estate: Any) -> set[str]:
    """The names of the files in the archive's folder."""
    return {place.name for place in estate.files.locate("lync01", FOLDER).iterdir()}


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
def test_what_cannot_be_right_is_refused_before_connecting(run: Any, changes: dict, server: Any) -> None:
    with pytest.raises(InvalidInput):
        run(params(**changes), False, server.connect)
    assert server.calls == []


@pytest.mark.parametrize("path", ["D:\\a b\\c.zip", "\\\\server\\share$\\x.zip", "c:\\x.ZIP"])
def test_absolute_paths_are_taken_as_they_are(path: str) -> None:
    assert Desired.of(params(file_name=path)).archive == path


def test_an_export_that_is_quick_takes_seven_remote_calls(run: Any, server: Any, estate: Any) -> None:
    result = run(params(), False, server.connect)
    assert result["changed"]
    assert len(server.calls) == 7
    assert len(result["sha256"]) == 64
    assert result["length"] > 0
    assert result["report"]["errors"] == []
    assert left(estate) == COMPLETE


def test_the_source_is_only_read(run: Any, server: Any, estate: Any) -> None:
    before = copy.deepcopy(estate.data["databases"])
    run(params(), False, server.connect)
    assert estate.data["databases"] == before


def test_the_second_run(run: Any, server: Any, estate: Any) -> None:
    first = run(params(), False, server.connect)
    with pytest.raises(PersistentChatError, match="is there already") as caught:
        run(params(), False, server.connect)
    assert caught.value.code == "archive_exists"
    for accepted in ({"existing": "keep"}, {"expected_sha256": first["sha256"].upper()}):
        again = run(params(**accepted), False, server.connect)
        assert (again["changed"], again["sha256"], again["report"]) == (False, first["sha256"], first["report"])
    assert server.sent("Invoke-WmiMethod") == 1
    assert run(params(existing="replace"), False, server.connect)["changed"]
    assert server.sent("Invoke-WmiMethod") == 2


def test_an_archive_of_another_source_is_not_kept(run: Any, server: Any) -> None:
    run(params(), False, server.connect)
    for changes in ({"level": "Category"}, {"scope": ["Operations"]}, {"db_name": "other"}):
        with pytest.raises(PersistentChatError) as caught:
            run(params(existing="keep", **changes), False, server.connect)
        assert caught.value.code == "archive_foreign"


def test_an_archive_that_changed_or_went_is_not_replaced(run: Any, server: Any, estate: Any) -> None:
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


def test_a_missing_folder_is_found_before_the_export(run: Any, server: Any) -> None:
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
def test_the_report_decides(run: Any, switch: str, value: str, code: str | None, server: Any, estate: Any) -> None:
    estate.control("switch.set", name=switch, value=value)
    if code is None:
        assert run(params(), False, server.connect)["changed"]
        return
    with pytest.raises(PersistentChatError, match="Cafeteria") as caught:
        run(params(), False, server.connect)
    assert caught.value.code == code
    assert not exists(estate, ARCHIVE)


def test_a_database_that_is_not_there(run: Any, server: Any, estate: Any) -> None:
    with pytest.raises(PersistentChatError, match="Export-CsPersistentChatData.*sql02"):
        run(params(db_instance="sql02\\GC"), False, server.connect)
    assert not exists(estate, ARCHIVE)


def test_check_mode_only_reads(run: Any, server: Any, estate: Any) -> None:
    result = run(params(), True, server.connect)
    assert (result["changed"], result["sha256"], estate.data["counters"]["writes"]) == (True, None, 0)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 8))
def test_a_run_that_was_killed_is_repeated_by_running_again(
    run: Any, number: int, when: str, server: Any, estate: Any
) -> None:
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
    assert left(estate) == COMPLETE


class TestJob:
    """The export as a job: begun once, followed by whoever comes, and begun anew when it was lost."""

    def test_while_it_runs_the_module_returns_and_the_next_one_finds_it(
        self, run: Any, server: Any, estate: Any, clock: Any
    ) -> None:
        estate.jobs.held = True
        first = run(params(), False, server.connect)
        assert (first["changed"], first["job"]["state"], first["job"]["again"]) == (
            True,
            "running",
            {"existing": "keep"},
        )
        assert clock.now == 20
        estate.jobs.ahead = 90
        again = run(params(), False, server.connect)
        assert (again["changed"], again["job"]["id"], again["job"]["elapsed"] // 10) == (False, first["job"]["id"], 9)
        estate.jobs.release()
        assert run(params(), False, server.connect)["changed"]
        assert server.sent("Invoke-WmiMethod") == 1
        assert left(estate) == COMPLETE

    def test_check_mode_does_not_wait_for_it(self, run: Any, server: Any, estate: Any, clock: Any) -> None:
        estate.jobs.held = True
        run(params(), False, server.connect)
        before, clock.now = estate.data["counters"]["writes"], 0
        assert run(params(), True, server.connect)["changed"]
        assert (clock.now, estate.data["counters"]["writes"]) == (0, before)

    def test_one_that_is_too_old_is_left_alone(self, run: Any, server: Any, estate: Any) -> None:
        estate.jobs.held = True
        run(params(), False, server.connect)
        estate.jobs.ahead = 120
        with pytest.raises(PersistentChatError, match="larger job_timeout") as caught:
            run(params(job_timeout=60), False, server.connect)
        assert caught.value.code == "job_timeout"
        estate.jobs.release()
        assert run(params(job_timeout=600), False, server.connect)["changed"]

    def test_one_that_was_killed_is_begun_anew_but_not_for_ever(self, run: Any, server: Any, estate: Any) -> None:
        estate.jobs.held = True
        for _unused in range(3):
            assert run(params(), False, server.connect)["job"]["state"] == "running"
            estate.jobs.table.clear()
        with pytest.raises(PersistentChatError, match="ended without an answer") as caught:
            run(params(), False, server.connect)
        assert caught.value.code == "job_lost"
        assert left(estate) == set()

    def test_a_powershell_that_does_not_run_the_bridge_is_not_tried_again(
        self, run: Any, server: Any, estate: Any
    ) -> None:
        estate.jobs.held = True
        run(params(), False, server.connect)
        (job,) = estate.jobs.running()
        (job.folder / "bridge.ps1").write_text("# another script")
        estate.jobs.release()
        with pytest.raises(PersistentChatError, match="it printed: The argument 'bridge.ps1'"):
            run(params(), False, server.connect)
        assert server.sent("Invoke-WmiMethod") == 1
        assert left(estate) == set()

    def test_an_error_of_the_cmdlet_is_reported_and_leaves_nothing(self, run: Any, server: Any, estate: Any) -> None:
        with pytest.raises(PersistentChatError, match="Export-CsPersistentChatData.*sql02"):
            run(params(db_instance="sql02\\GC"), False, server.connect)
        assert left(estate) == set()

    def test_one_that_exports_something_else_is_not_followed(self, run: Any, server: Any, estate: Any) -> None:
        estate.jobs.held = True
        run(params(), False, server.connect)
        with pytest.raises(PersistentChatError, match="differs in level") as caught:
            run(params(level="Category"), False, server.connect)
        assert caught.value.code == "job_foreign"
        estate.jobs.release()
        assert run(params(level="Category"), False, server.connect)["changed"]
        assert server.sent("Invoke-WmiMethod") == 2

    @pytest.mark.parametrize("applied", [True, False])
    def test_a_start_whose_answer_is_lost(self, applied: bool, run: Any, server: Any, estate: Any, clock: Any) -> None:
        def lose(number: int) -> None:
            if number == 3:
                raise RemotingError("The answer was lost.", AMBIGUOUS, "receive")

        setattr(server, "after" if applied else "before", lose)
        if applied:
            assert run(params(), False, server.connect)["changed"]
        else:
            with pytest.raises(PersistentChatError, match="no sign of it") as caught:
                run(params(), False, server.connect)
            assert (caught.value.code, clock.now) == ("job_not_started", 20)
        assert server.sent("Invoke-WmiMethod") == 1

    def test_a_start_of_which_nothing_can_be_learned_goes_on_later(self, run: Any, server: Any, estate: Any) -> None:
        def lose(number: int) -> None:
            if number >= 3:
                raise RemotingError("The connection broke.", AMBIGUOUS, "receive")

        server.after = lose
        result = run(params(), False, server.connect)
        assert (result["changed"], result["job"]["state"]) == (True, "unknown")
        server.after = lambda number: None
        assert run(params(**result["job"]["again"]), False, server.connect)["changed"]
        assert server.sent("Invoke-WmiMethod") == 1

    def test_a_process_that_is_refused_leaves_nothing(
        self, run: Any, server: Any, estate: Any, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(jobs, "COMMAND_LINE", "notepad.exe %s")
        with pytest.raises(PersistentChatError, match="invalid parameter.*returned 21") as caught:
            run(params(), False, server.connect)
        assert caught.value.code == "job_not_started"
        assert left(estate) == set()

    def test_of_two_controllers_only_one_begins_it(self, run: Any, server: Any, estate: Any) -> None:
        """The second looks before the first has begun, and begins after it."""
        estate.jobs.held = True

        def overtake(number: int) -> None:
            if number == 3:
                server.before = lambda number: None
                assert run(params(), False, server.connect)["job"]["state"] == "running"

        server.before = overtake
        second = run(params(), False, server.connect)
        assert second["job"]["id"] == begun(estate)
        assert len(estate.jobs.running()) == server.sent("Invoke-WmiMethod") - 1 == 1
        assert {name for name in left(estate) if "job" in name} == {"groupchat.export-job"}

    def test_of_two_controllers_both_get_the_archive(self, run: Any, server: Any, estate: Any) -> None:
        """Both see the end of the job; the first has given the archive its name when the second goes on."""
        run(params(), False, server.connect)
        estate.jobs.held = True
        run(params(existing="replace"), False, server.connect)
        estate.jobs.release()

        def overtake(number: int) -> None:
            if "Move-Item" in server.calls[-1]:
                server.before = lambda number: None
                assert run(params(existing="replace"), False, server.connect)["changed"]

        server.before = overtake
        assert run(params(existing="replace"), False, server.connect)["length"] > 0
        assert left(estate) == COMPLETE

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"file_name": "\\\\lync01\\C$\\Migration\\x.zip"}, "job_folder"),
            ({"job_folder": "\\\\lync01\\C$\\Jobs"}, "local drive"),
            ({"path": "OcsPowershell", "transport": "psrp"}, "endpoint of Windows itself"),
            ({"progress_interval": 26}, "at most 25"),
            ({"job_timeout": 0}, "at least 1"),
        ],
    )
    def test_where_no_job_can_work(self, changes: dict, says: str, run: Any, server: Any) -> None:
        with pytest.raises(InvalidInput, match=says):
            run(params(**changes), False, server.connect)
        assert server.calls == []

    def test_an_archive_on_a_share_has_its_job_in_job_folder(self, run: Any, server: Any, estate: Any) -> None:
        estate.jobs.held = True
        share = params(file_name="\\\\lync01\\C$\\Migration\\groupchat.zip", job_folder="C:\\Temp")
        run(share, False, server.connect)
        assert estate.files.locate("lync01", "C:\\Temp\\groupchat.export-job").is_dir()
        with pytest.raises(PersistentChatError, match="Nowhere"):
            run({**share, "job_folder": "C:\\Nowhere"}, False, server.connect)


def begun(estate: Any) -> str:
    (job,) = estate.jobs.running()
    return job.id.removeprefix("pc-job-")
