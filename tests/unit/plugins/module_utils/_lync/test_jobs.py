# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job consists of: its command line, the order of its start, and how it is seen."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync import jobs
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.job_control import JobControl, Limits
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import bridge
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

ID = "0123456789abcdef" * 2
PLACE = jobs.Place("C:\\Migration\\groupchat.export-job")
#: data that must never reach a command line
COMMAND = Command(
    "Export-CsPersistentChatData", {"DBInstance": "x\" & del %TEMP% ' | <a>", "Report": "C:\\\u00fc.html"}
)


@pytest.fixture
def control(server: Any, clock: Any) -> JobControl:
    return JobControl(server, RemotingOptions("lync01"), PLACE, "export", Limits({}, clock), {})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20260301120000.000000+000", datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)),
        ("20260301120000.500000+060", datetime(2026, 3, 1, 11, 0, 0, 500000, timezone.utc)),
        ("20260228223000.000000-330", datetime(2026, 3, 1, 4, 0, tzinfo=timezone.utc)),
    ],
)
def test_moments_of_wmi(text: str, moment: datetime) -> None:
    assert jobs.moment(text) == moment


@pytest.mark.parametrize("text", ["", "2026-03-01T12:00:00Z", "20260301120000.000000", "20261301120000.000000+000"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError):
        jobs.moment(text)


def test_the_command_line_has_nothing_but_the_id() -> None:
    created = jobs.creating(PLACE, ID)
    line, folder = created.parameters["ArgumentList"]
    assert line == jobs.COMMAND_LINE % ID
    assert folder == PLACE.root + "\\job-" + ID
    assert len(line) < bridge.COMMAND_LINE_LIMIT


def test_everything_is_prepared_before_the_place_is_taken() -> None:
    *preparation, claim = jobs.preparing(PLACE, ID, [COMMAND], {"source": "x"}, 1)
    assert [command.name for command in preparation] == ["New-Item", "Set-Content", "Set-Content", "Set-Content"]
    assert claim.name == "Rename-Item"
    assert claim.parameters["NewName"] == "groupchat.export-job"
    aside = claim.parameters["LiteralPath"]
    for command in preparation:
        assert str(command.parameters.get("LiteralPath") or command.parameters["Path"]).startswith(aside)
        assert str(command.parameters.get("Value", "")).isascii()


def test_places() -> None:
    assert jobs.Place.of("D:\\x\\a.zip", "export-job", None).root == "D:\\x\\a.export-job"
    assert jobs.Place.of("\\\\server\\share\\a.zip", "export-job", "D:\\Jobs").root == "D:\\Jobs\\a.export-job"
    assert jobs.Place.of("D:\\x\\a.zip", "export-job", "E:\\").root == "E:\\a.export-job"


def start(control: JobControl) -> jobs.Job:
    return control.start(Command("Test-Path", {"LiteralPath": "C:\\Migration"}, ("Value",)), {"source": "x"})


def test_from_the_begin_to_the_end(control: JobControl, estate: Any) -> None:
    assert control.see() == jobs.Seen(False, None)
    estate.jobs.held = True
    job = start(control)
    assert (job.state, job.subject, job.attempt) == (jobs.RUNNING, {"source": "x"}, 1)
    estate.jobs.ahead = 3600
    seen = control.see().job
    assert seen is not None and seen.process_id == job.process_id
    assert 3600 <= (seen.elapsed or 0) < 3610
    estate.jobs.release()
    ended = control.see().job
    assert ended is not None and ended.state == jobs.ENDED
    assert ended.outcomes[0].objects() == [{"Value": True}]
    control.remove(job.id)
    assert control.see() == jobs.Seen(False, None)


def test_what_was_killed_is_watched_for_a_while(control: JobControl, estate: Any, clock: Any) -> None:
    estate.jobs.held = True
    start(control)
    estate.jobs.table.clear()
    job = control.see().job
    assert job is not None and job.state == jobs.LOST
    assert clock.now == 5


def test_a_process_that_may_not_be_seen_keeps_its_folder(control: JobControl, estate: Any, monkeypatch: Any) -> None:
    """An account without rights sees no command lines; then the folder, which Windows guards, is what counts."""
    estate.jobs.held = True
    job = start(control)
    monkeypatch.setattr("tests.lab.cmdlets.wmi._processes", lambda context: [])
    seen = control.see()
    assert seen.job is not None and seen.job.state == jobs.LOST
    with pytest.raises(PersistentChatError, match="seems to have ended") as caught:
        control.free(seen)
    assert caught.value.code == "job_in_use"
    control.remove(job.id, [Command("Remove-Item", {"LiteralPath": "C:\\Migration"})])
    monkeypatch.undo()
    assert (control.see().job or job).state == jobs.RUNNING


def test_removing_spares_a_newer_job(control: JobControl, estate: Any) -> None:
    old = start(control)
    control.remove(old.id)
    new = start(control)
    marker = "C:\\Migration\\marker.txt"
    control.remove(old.id, [Command("Set-Content", {"LiteralPath": marker, "Value": "x"})])
    assert control.see().job == new
    assert not estate.files.locate("lync01", marker).exists()


def test_a_removal_that_was_cut_off_is_finished_by_the_next_start(control: JobControl, server: Any) -> None:
    old = start(control)
    server.run(jobs.retiring(PLACE, old.id)[:1])
    seen = control.see()
    assert seen == jobs.Seen(True, None)
    control.free(seen)
    assert start(control).state == jobs.ENDED


def test_a_late_process_finds_no_folder(control: JobControl, server: Any, estate: Any) -> None:
    """Its place was taken over between the claim and the creation."""
    old = start(control)
    control.remove(old.id)
    start(control)
    assert jobs.refusal(server.run([jobs.creating(PLACE, old.id)])[0]) == (
        "path not found (Win32_Process.Create returned 9)"
    )
