# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports as jobs: once, and never a second time by itself, whatever is killed or lost."""

from __future__ import annotations

from typing import Any

import pytest
from importing import ALL, ARCHIVE, DATABASE, DONE, Killed, empty, failing, imports, left, params, run

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync import jobs
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.data_import import Desired
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.import_changes import run as run_module
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import AMBIGUOUS, RemotingError


class AtStart:
    """Called before or after a remote call, calls C(then) at that which begins the import, once."""

    def __init__(self, server: Any, then: Any) -> None:
        self.server, self.then, self.done = server, then, False

    def __call__(self, number: int) -> None:
        if not self.done and self.server.sent("Invoke-WmiMethod") == 2:
            self.done = True
            self.then()


def fail(error: Exception) -> Any:
    def then() -> None:
        raise error

    return then


def lost() -> RemotingError:
    return RemotingError("The answer was lost.", AMBIGUOUS, "receive")


def test_an_import_that_is_refused_leaves_no_trace(archive: str, server: Any, estate: Any, clock: Any) -> None:
    def services(setting: str) -> None:
        estate.control("switch.set", name="import_while_running", value=setting)

    # the services start between the dry run and the import
    server.before = AtStart(server, lambda: services("refused"))
    failing("cmdlet_failed", server, clock, "in use")
    assert left(estate) == {"import-report.dry-run.html"}
    services("allowed")
    assert run(params(), False, server.connect, clock)["changed"]
    assert imports(server, estate) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_to_the_start_is_decided_by_looking(
    when: str, archive: str, server: Any, estate: Any, clock: Any
) -> None:
    setattr(server, when, AtStart(server, fail(lost())))
    if when == "after":
        assert run(params(), False, server.connect, clock)["counts"]["rooms"] == 12
    else:
        failing("job_not_started", server, clock, "no sign of it")
        assert imports(server, estate) == 0
    assert run(params(), False, server.connect, clock)["changed"] == (when == "before")
    assert imports(server, estate) == 1


def test_an_import_without_a_job_is_waited_for(archive: str, server: Any, estate: Any, clock: Any) -> None:
    """It was begun by a version that made no jobs; it runs where nobody can see it, and then it is done."""
    run(params(), False, server.connect, clock)
    estate.files.locate("lync01", "C:\\Migration\\groupchat.imported.json").unlink()
    report = estate.files.locate("lync01", "C:\\Migration\\groupchat.import-report.html")
    whole = report.read_bytes()
    report.write_bytes(whole[: len(whole) // 2])
    sleep = clock.sleep

    def progress(seconds: float) -> None:
        sleep(seconds)
        if clock.now >= 25:
            report.write_bytes(whole)

    clock.sleep = progress
    result = run(params(), False, server.connect, clock)
    assert [action["op"] for action in result["actions"]] == ["verify"]
    assert clock.now == 25
    assert imports(server, estate) == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 13))
def test_a_run_that_was_killed_anywhere_imports_once(
    number: int, when: str, archive: str, server: Any, estate: Any, clock: Any
) -> None:
    def kill(call: int) -> None:
        if call == number:
            raise Killed

    setattr(server, when, kill)
    with pytest.raises(Killed):
        run(params(), False, server.connect, clock)
    setattr(server, when, lambda call: None)
    assert run(params(), False, server.connect, clock)["counts"] == {**ALL, "unavailable": None}
    assert not run(params(), False, server.connect, clock)["changed"]
    assert imports(server, estate) == 1
    assert left(estate) == DONE


class TestJob:
    """The import as a job: begun once, its end seen to by whoever comes."""

    @pytest.fixture
    def running(self, archive: str, server: Any, estate: Any, clock: Any) -> dict[str, Any]:
        """An import that runs; its module has returned."""
        server.after = AtStart(server, lambda: None)
        server.before = AtStart(server, lambda: setattr(estate.jobs, "held", True))
        result = run_module(params(), False, server.connect, clock)
        assert (result["job"]["what"], result["job"]["again"]) == ("import", {"repeat": False})
        assert result["changed"] and result["dry_run"]["errors"] == []
        return result

    def test_the_next_module_finds_it(self, running: dict, server: Any, estate: Any, clock: Any) -> None:
        for changes in ({}, {"repeat": True, "merge": True}):
            found = run_module(params(**changes), False, server.connect, clock)
            assert (found["changed"], found["job"]["id"]) == (False, running["job"]["id"])
        assert run_module(params(), True, server.connect, clock)["actions"][0]["op"] == "verify"
        estate.jobs.release()
        done = run(params(repeat=True, merge=True), False, server.connect, clock)
        assert [action["op"] for action in done["actions"]] == ["verify"]
        assert imports(server, estate) == 1
        assert left(estate) == DONE

    def test_one_into_another_pool_is_not_followed(self, running: dict, server: Any, estate: Any, clock: Any) -> None:
        other = {"db_instance": "sql01.contoso.com\\PCHAT2", "pool_fqdn": "pcpool2.contoso.com"}
        failing("job_foreign", server, clock, "differs in target", **other)
        estate.jobs.release()
        failing("job_foreign", server, clock, "pcpool.contoso.com", **other)

    def test_one_that_was_killed_before_anything_arrived_is_taken_back(
        self, running: dict, server: Any, estate: Any, clock: Any
    ) -> None:
        estate.jobs.table.clear()
        estate.jobs.held = False
        failing("job_lost", server, clock, "still empty")
        assert left(estate) == {"import-report.dry-run.html"}
        assert run(params(), False, server.connect, clock)["changed"]
        assert imports(server, estate) == 1

    @pytest.mark.parametrize("reported", [True, False])
    def test_one_that_was_killed_with_its_work_done_or_half_done(
        self, reported: bool, running: dict, server: Any, estate: Any, clock: Any
    ) -> None:
        """Its answer is missing; only a complete report says that everything arrived."""
        (job,) = estate.jobs.running()
        estate.jobs.release()
        (job.folder / "answer.json").write_bytes(b"")
        report = estate.files.locate("lync01", "C:\\Migration\\groupchat.import-report.html")
        if reported:
            assert run(params(), False, server.connect, clock)["changed"]
            assert left(estate) == DONE
        else:
            report.unlink()
            for _unused in range(2):
                failing("import_unfinished", server, clock, "no complete report")
            assert clock.now < 40  # a process that is gone is not waited for
            estate.jobs.held = False
            failing("target_not_empty", server, clock, repeat=True)
            empty(estate)
            assert run(params(repeat=True), False, server.connect, clock)["changed"]
        assert imports(server, estate) == 1

    def test_a_failure_with_contents_is_reported_until_repeat(
        self, archive: str, server: Any, estate: Any, clock: Any
    ) -> None:
        content = {"categories": [], "addins": [{"name": "Mine", "url": "https://mine.contoso.com"}]}
        estate.control("estate.patch", patch={"databases": {DATABASE: {"mgc": content}}})
        server.before = AtStart(
            server, lambda: estate.control("switch.set", name="import_while_running", value="refused")
        )
        failing("import_failed", server, clock, "may hold a part", merge=True)
        failing("import_failed", server, clock, "in use.*set repeat to true", merge=True)
        assert server.sent("Invoke-WmiMethod") == 2
        estate.control("switch.set", name="import_while_running", value="allowed")
        assert run(params(merge=True, repeat=True), False, server.connect, clock)["changed"]
        assert left(estate) == DONE

    def test_a_task_with_repeat_does_not_repeat_its_own_import(
        self, archive: str, server: Any, estate: Any, clock: Any
    ) -> None:
        estate.jobs.held = True
        given = params(repeat=True, merge=True)
        assert run_module(given, False, server.connect, clock)["job"]["what"] == "dry run"
        estate.jobs.release()
        assert run_module(given, False, server.connect, clock)["job"]["what"] == "import"
        estate.jobs.release()
        result = run_module(given, False, server.connect, clock)
        assert [action["op"] for action in result["actions"]] == ["verify"]
        assert imports(server, estate) == 1

    def test_a_dry_run_that_was_killed_is_begun_anew_but_not_for_ever(
        self, archive: str, server: Any, estate: Any, clock: Any
    ) -> None:
        estate.jobs.held = True
        for _unused in range(3):
            assert run_module(params(), False, server.connect, clock)["job"]["what"] == "dry run"
            estate.jobs.table.clear()
        failing("job_lost", server, clock, "Nothing was imported")
        assert left(estate) == set()

    @pytest.mark.parametrize("creations", [1, 2])
    def test_of_two_controllers_only_one_imports(
        self, creations: int, archive: str, server: Any, estate: Any, clock: Any
    ) -> None:
        """The second comes through from its begin to its end right before the first begins the dry run, or the import."""

        def overtake(number: int) -> None:
            if server.sent("Invoke-WmiMethod") == creations:
                server.before = lambda number: None
                assert run(params(), False, server.connect, clock)["changed"]

        server.before = overtake
        assert run(params(), False, server.connect, clock)["counts"]["rooms"] == 12
        assert imports(server, estate) == 1
        assert left(estate) == DONE

    def test_two_controllers_see_to_one_end(self, running: dict, server: Any, estate: Any, clock: Any) -> None:
        estate.jobs.release()

        def overtake(number: int) -> None:
            if server.calls[-1][0] == "Set-Content":
                server.before = lambda number: None
                assert run(params(), False, server.connect, clock)["changed"]

        server.before = overtake
        assert run(params(), False, server.connect, clock)["counts"]["rooms"] == 12
        assert imports(server, estate) == 1
        assert left(estate) == DONE

    def test_an_archive_that_changed_meanwhile(self, running: dict, server: Any, estate: Any, clock: Any) -> None:
        estate.jobs.release()
        estate.files.locate("lync01", ARCHIVE).write_bytes(b"another")
        failing("import_unfinished", server, clock, "another archive")
        assert imports(server, estate) == 1

    def test_whose_job_another_run_has_seen_to_imports_nothing_more(
        self, running: dict, server: Any, estate: Any, clock: Any
    ) -> None:
        sleep = clock.sleep

        def overtake(seconds: float) -> None:
            clock.sleep = sleep
            estate.jobs.held = False
            estate.jobs.release()
            assert run(params(), False, server.connect, clock)["changed"]

        clock.sleep = overtake
        assert not run(params(repeat=True, merge=True), False, server.connect, clock)["changed"]
        assert imports(server, estate) == 1
        assert left(estate) == DONE

    def test_one_that_took_its_place_and_never_began_is_no_import(
        self, archive: str, server: Any, estate: Any, clock: Any
    ) -> None:
        """The session ended between the claim and the record; an older report lies there."""
        run(params(), False, server.connect, clock)
        for name in ("import-started.json", "imported.json"):
            estate.files.locate("lync01", "C:\\Migration\\groupchat." + name).unlink()
        desired = Desired.of(params())
        subject = {"sha256": archive, "target": desired.target}
        server.run(jobs.preparing(desired.place, "0" * 32, [], subject, 1))
        result = run(params(merge=True), False, server.connect, clock)
        assert [action["op"] for action in result["actions"]] == ["import"]
        assert imports(server, estate) == 2
        assert left(estate) == DONE
