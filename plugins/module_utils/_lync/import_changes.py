# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out an import as a job on the server, once. Private to this collection. import_checks.py verifies it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Mapping, NoReturn, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync import jobs
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.counts import Counts, observe_counts
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.data_import import (
    Actual,
    Desired,
    observe,
    plan,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.files import (
    record_reading,
    record_writing,
    removal,
    text_reading,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.import_checks import (
    arrived,
    judged_dry_run,
    look,
    unfinished,
    verify,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.job_control import (
    LOOKS,
    JobControl,
    Limits,
    LookAnew,
    Overtaken,
    StillRuns,
    job_connection,
    too_many,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.jobs import Job
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import read, write_then_read
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reports import Report
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.session import Clock, Connect, Session
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletFailed,
    Command,
    Transport,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import RemotingError

RECORD_FORMAT = 1


@dataclass
class Controls:
    """The two jobs of an import."""

    dry_run: JobControl
    real: JobControl

    @property
    def transport(self) -> Transport:
        return self.real.transport


def run(
    params: Mapping[str, Any], check_mode: bool, connect: Connect = open_transport, clock: Clock = time
) -> dict[str, Any]:
    """What C(pc_data_import) does. While a job runs, the result has C(job), and the module must be called again.

    :raises InvalidInput: an option's value cannot be right.
    :raises PersistentChatError: the import must not be made, failed, or could not be verified.
    """
    desired, limits = Desired.of(params), Limits(params, clock)
    connection = job_connection(params)
    # in a later call a job is there; to repeat an import is for another task
    again = {"repeat": False}
    result: dict[str, Any] = {"changed": False}
    with Session(connect, params) as session:
        controls = Controls(
            JobControl(session, connection, desired.dry_run_place, "dry run", limits, again),
            JobControl(session, connection, desired.place, "import", limits, again),
        )
        for _unused in range(LOOKS):
            try:
                if not check_mode:
                    _wait(controls, desired)
                return _converge(controls, desired, check_mode, result)
            except Overtaken:
                desired = replace(desired, repeat=False)
            except LookAnew:
                continue
            except StillRuns as running:
                return dict(result, job=running.shown)
    raise too_many(desired.archive, session.server)


def _wait(controls: Controls, desired: Desired) -> None:
    """Wait for an import or a dry run that runs already, before anything as costly as a hash is asked for.

    :raises StillRuns: it goes on.
    :raises PersistentChatError: it is that of something else.
    """
    both = (controls.real, controls.dry_run)
    for control, seen in zip(both, read(controls.transport, *(jobs.job_reading(control.place) for control in both))):
        if seen.job is None or seen.job.state == jobs.ENDED:
            continue
        job = control.see().job
        if job is not None and job.state == jobs.RUNNING:
            known = {"target": desired.target, "sha256": desired.expected_sha256 or job.subject.get("sha256")}
            control.refuse_foreign(job, known)
            control.wait(job)


def _converge(controls: Controls, desired: Desired, check_mode: bool, result: dict[str, Any]) -> dict[str, Any]:
    """From the observation to the verified import.

    :param result: gets what is known already when the job runs on.
    """
    actual = observe(controls.transport, desired)
    todo = plan(desired, actual)
    todo.refuse_conflicts()
    result.update(todo.result(), counts_before=actual.counts.shown(), counts=actual.counts.shown())
    if not check_mode:
        if todo.changed:
            act(controls, desired, actual, todo.actions[0].op, result)
        else:
            controls.real.tidy(actual.seen)
            controls.dry_run.tidy(actual.previewed)
    return dict(
        result,
        file_name=desired.archive,
        sha256=actual.archive.sha256,
        report_file=desired.report,
        dry_run_report_file=desired.dry_run_report,
    )


def act(controls: Controls, desired: Desired, actual: Actual, op: str, result: dict[str, Any]) -> None:
    """Import and verify, or only verify an import that was begun before.

    :param result: gets C(counts), C(report) and, when it was made, C(dry_run), as the module returns them.
    :raises StillRuns: a job runs on.
    :raises PersistentChatError: the dry run has objections, or the import failed or could not be verified.
    """
    job = actual.job
    if op == "import":
        report, rehearsal = _dry_run(controls, desired, actual)
        result["dry_run"] = report.shown()
        job = _start(controls, desired, actual, rehearsal)
    if job is None:  # its end was reported before, or it is of a version that made no jobs
        report, counts = verify(controls.real, desired, None, wait=not (actual.started or {}).get("lost"))
    else:
        job = controls.real.wait(job)
        report, counts = _see_to(controls.real, desired, job)
    record = _record(job.subject if job else _subject(desired, actual), job)
    record["counts"] = {} if counts.unavailable else {k: v for k, v in counts.shown().items() if isinstance(v, int)}
    writing, back = record_writing(desired.imported_record, record), record_reading(desired.imported_record)
    if write_then_read(controls.transport, [writing], back) != [record]:
        raise PersistentChatError(
            "The import is verified, but its record %s reads back differently. Run the task again, which verifies and does not "
            "import." % desired.imported_record,
            "read_back",
        )
    if job is not None:
        controls.real.remove(job.id)
    if op == "verify":
        controls.dry_run.tidy(actual.previewed)
    result.update(report=report.shown(), counts=counts.shown())


def _subject(desired: Desired, actual: Actual) -> dict[str, Any]:
    return {"sha256": actual.archive.sha256, "target": desired.target}


def _record(subject: Mapping[str, Any], job: Job | None, **more: Any) -> dict[str, Any]:
    return {"format": RECORD_FORMAT, **subject, "job": job.id if job else None, **more}


def _command(desired: Desired, report: str, **more: bool) -> Command:
    parameters = {"DBInstance": desired.db_instance, "FileName": desired.archive, "Report": report}
    return Command("Import-CsPersistentChatData", {**parameters, **more})


def _dry_run(controls: Controls, desired: Desired, actual: Actual) -> tuple[Report, Job]:
    """The documented dry run (domain.md, section 2.2), as a job too: it reads the whole archive. Any objection stops the import.

    Its place is also the lock of the import, which begins by taking the end of the dry run away. So C(actual) counts only when
    it was observed with the dry run in its place; another controller may have imported before.

    :raises LookAnew: the dry run was begun after the observation, or was lost.
    :raises Overtaken: another controller has taken its end.
    """
    control, subject, job = controls.dry_run, _subject(desired, actual), actual.previewed.job
    if job is None or job.state == jobs.LOST or dict(job.subject) != subject:
        control.wait(_start_dry_run(control, desired, actual, subject))
        raise LookAnew
    job = control.wait(job)
    if job.state == jobs.LOST:
        raise LookAnew
    try:
        for outcome in job.outcomes:
            outcome.objects()
        text = read(control.transport, text_reading(desired.dry_run_report))[0]
        return judged_dry_run(desired, text), job
    except RemotingError:
        raise
    except PersistentChatError:
        control.remove(job.id)
        raise


def _start_dry_run(control: JobControl, desired: Desired, actual: Actual, subject: Mapping[str, Any]) -> Job:
    """Begin the dry run. An old report is removed first, so that it is never taken for the new one."""
    lost = actual.previewed.job
    if lost is not None and lost.state == jobs.LOST and not control.may_try_again(lost):
        control.remove(lost.id)
        control.fail_lost(lost, "Nothing was imported. Take the cause away, and run the task again.")
    control.free(actual.previewed)
    old = [removal(path) for path in actual.leftovers if path == desired.dry_run_report]
    command = _command(desired, desired.dry_run_report, WhatIf=True)
    attempt = lost.attempt + 1 if lost is not None and lost.state == jobs.LOST else 1
    job = control.start(command, subject, lambda job_id: old, attempt=attempt)
    control.refuse_foreign(job, subject)
    return job


def _start(controls: Controls, desired: Desired, actual: Actual, rehearsal: Job) -> Job:
    """Write down that the import begins, and begin it, once.

    The end of the dry run is taken first, which only one controller can, and the record is written before the process is
    created: all in one remote call.
    """
    subject = _subject(desired, actual)
    controls.real.free(actual.seen)
    old = [removal(path) for path in actual.leftovers if path != desired.dry_run_report]

    def before(job_id: str) -> Sequence[Command]:
        return [*old, record_writing(desired.started_record, _record(subject, Job(job_id, subject, jobs.RUNNING)))]

    undo = removal(desired.started_record)
    if actual.started is not None:
        undo = record_writing(desired.started_record, actual.started)
    freeing = jobs.retiring(controls.dry_run.place, rehearsal.id)
    command = _command(desired, desired.report, Confirm=False)
    job = controls.real.start(command, subject, before, [undo], freeing=freeing)
    controls.real.refuse_foreign(job, subject)
    return job


def _see_to(control: JobControl, desired: Desired, job: Job) -> tuple[Report, Counts]:
    """What the end of an import means.

    :raises PersistentChatError: it failed or could not be verified; that is written down, and the job is removed.
    """
    if job.state == jobs.LOST:
        return _settle(control, desired, job)
    for outcome in job.outcomes:
        try:
            outcome.objects()
        except CmdletFailed as error:
            _explain(control, desired, job, error)
    try:
        return verify(control, desired, job)
    except RemotingError:
        raise
    except PersistentChatError:
        control.remove(job.id)
        raise


def _explain(control: JobControl, desired: Desired, job: Job, error: CmdletFailed) -> NoReturn:
    """Raise what a failed import means: when nothing arrived, the started record is taken back and the next run begins anew."""
    if observe_counts(control.transport, desired.pool_fqdn).empty:
        control.remove(job.id, [removal(desired.started_record)])
        raise error
    _write_down(control, desired, job, failed=str(error))
    raise PersistentChatError(
        "%s The pool %s may hold a part of the archive. Restore its database as it was before the import, take away the cause, "
        "then set repeat to true." % (error, desired.pool_fqdn),
        "import_failed",
    ) from error


def _settle(control: JobControl, desired: Desired, job: Job) -> tuple[Report, Counts]:
    """An import without an end is complete by its report and the contents, or has not begun by the empty pool, or stops here."""
    report, counts = look(control.transport, desired, answered=False)
    if report is not None and arrived(desired, report, counts):
        return report, counts
    if counts.empty:
        control.remove(job.id, [removal(desired.started_record)])
        control.fail_lost(job, "The pool %s is still empty. Run the task again, which imports." % desired.pool_fqdn)
    _write_down(control, desired, job, lost=True)
    try:
        control.fail_lost(job, "It is not begun a second time by itself.")
    except PersistentChatError as lost:
        raise PersistentChatError("%s %s" % (lost, unfinished(desired, report, counts)), "import_unfinished") from lost


def _write_down(control: JobControl, desired: Desired, job: Job, **how: Any) -> None:
    """Keep in the started record how the job ended, and remove the job: the next run reports it again."""
    control.remove(job.id, [record_writing(desired.started_record, _record(job.subject, job, **how))])
