# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out an export as a job on the server. Private to this collection.

The export writes to a partial file. Only when it is complete (no error, not empty, a report without errors, its hash recorded
beside it) does it get its final name. So an archive under the final name is whole, whatever was killed when.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync import jobs
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.data_export import (
    Actual,
    Desired,
    export_state,
    observe,
    plan,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.files import (
    FileState,
    exists_reading,
    file_reading,
    record_reading,
    record_writing,
    removal,
    text_reading,
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
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reports import Report, judged, parse_report
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.session import Clock, Connect, Session
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletFailed,
    Command,
    Transport,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import AMBIGUOUS, RemotingError

RECORD_FORMAT = 1


def run(
    params: Mapping[str, Any], check_mode: bool, connect: Connect = open_transport, clock: Clock = time
) -> dict[str, Any]:
    """What C(pc_data_export) does. While the job runs, the result has C(job), and the module must be called again.

    :raises InvalidInput: an option's value, or a combination, cannot be right.
    :raises PersistentChatError: the export must not be made, failed, or could not be verified.
    """
    desired, limits = Desired.of(params), Limits(params, clock)
    connection, place = job_connection(params), desired.place
    # an archive that is there in a later call is the one of the job that this one has seen
    again = {"existing": "keep"} if desired.existing == "refuse" else {}
    result: dict[str, Any] = {"changed": False}
    with Session(connect, params) as session:
        control = JobControl(session, connection, place, "export", limits, again, desired.partial)
        for _unused in range(LOOKS):
            try:
                if not check_mode and _waited(control, desired):
                    desired = replace(desired, **again)
                return _converge(control, desired, check_mode, result)
            except Overtaken:
                desired = replace(desired, existing="keep")
            except LookAnew:
                desired = replace(desired, **again)
            except StillRuns as running:
                return dict(result, job=running.shown)
    raise too_many(desired.archive, session.server)


def _converge(control: JobControl, desired: Desired, check_mode: bool, result: dict[str, Any]) -> dict[str, Any]:
    """From the observation to the complete archive.

    :param result: gets what is known already when the job runs on.
    """
    actual = observe(control.transport, desired)
    todo = plan(desired, actual)
    todo.refuse_conflicts()
    result.update(todo.result())
    archive = actual.archive
    report = parse_report(actual.report_text or "", desired.report_statuses) if archive.exists else None
    if not check_mode:
        if todo.changed:
            report, archive = act(control, desired, actual)
        elif actual.job_of(desired.source) is None:
            control.tidy(actual.seen)
    return dict(
        result,
        file_name=desired.archive,
        sha256=archive.sha256,
        length=archive.length,
        report_file=desired.report,
        report=None if report is None else report.shown(),
    )


def _waited(control: JobControl, desired: Desired) -> bool:
    """Wait for an export that runs already, before anything as costly as a hash is asked for; whether there was one.

    :raises Overtaken: another run has taken its end.
    :raises StillRuns: it goes on.
    :raises PersistentChatError: it exports something else.
    """
    job = control.see().job
    if job is None or job.state != jobs.RUNNING:
        return False
    if desired.expected_sha256 is not None:
        return False  # nothing will be exported: the archive is there, or this fails
    control.refuse_foreign(job, desired.source)
    control.wait(job)
    return True


def act(control: JobControl, desired: Desired, actual: Actual) -> tuple[Report, FileState]:
    """Export, check, record, and give the archive its final name.

    :returns: what the report says, and the archive as it is now.
    :raises LookAnew: what was observed is no longer so.
    :raises StillRuns: the job runs on.
    :raises PersistentChatError: the export failed, is empty, or its report is not free of errors.
    """
    job = _ended(control, desired, actual)
    for outcome in job.outcomes:
        if outcome.error is not None:
            control.remove(job.id)
            outcome.objects()
    try:
        return _complete(control, desired, actual, job)
    except RemotingError:
        raise
    except PersistentChatError:
        control.remove(job.id)
        known = observe(control.transport, desired)
        if export_state(known.archive, known.record, desired.source) != "complete":
            raise
        if actual.archive.exists and (known.record or {}).get("job") != job.id:
            raise
        # another run has made it meanwhile, of this job or of one of its own
        if known.partial_exists:
            control.transport.run([removal(desired.partial)])
        return judged(known.report_text, desired.report, "export", desired.report_statuses), known.archive


def _complete(control: JobControl, desired: Desired, actual: Actual, job: Job) -> tuple[Report, FileState]:
    """From the end of the job to the archive under its name."""
    partial, text, occupied = read(
        control.transport,
        file_reading(desired.partial),
        text_reading(desired.report),
        exists_reading(desired.archive),
    )
    report = _judged(desired, partial, text)
    if occupied and not actual.archive.exists:
        raise PersistentChatError(
            "While the export ran, %s was put there by somebody else. The new archive is left as %s. Remove one of them."
            % (desired.archive, desired.partial),
            "archive_exists",
        )
    final = _finish(control.transport, desired, actual, partial, job)
    control.remove(job.id)
    return report, final


def _ended(control: JobControl, desired: Desired, actual: Actual) -> Job:
    """The job of this export, begun where there is none, at its end; begun anew when it was lost, which harms nothing.

    :raises Overtaken: another run has seen to it meanwhile.
    """
    job = actual.job_of(desired.source) or _start(control, desired, actual, None)
    while True:
        job = control.wait(job)
        if job.state == jobs.ENDED:
            return job
        job = _start(control, desired, observe(control.transport, desired), job)


def _start(control: JobControl, desired: Desired, actual: Actual, lost: Job | None) -> Job:
    """Clear what an earlier try left, and start.

    A partial file that an export still writes cannot be removed, so two exports never write one file.
    """
    if lost is not None and not control.may_try_again(lost):
        control.remove(lost.id)
        control.fail_lost(lost, "Take the cause away, and run the task again, which exports anew.")
    control.free(actual.seen)
    leftovers = [desired.partial] * actual.partial_exists + [desired.report] * (actual.report_text is not None)
    before = [removal(path) for path in leftovers]
    attempt = lost.attempt + 1 if lost else 1
    try:
        job = control.start(_command(desired), desired.source, lambda job_id: before, attempt=attempt)
    except CmdletFailed as error:
        if error.outcome.command not in before:
            raise
        raise PersistentChatError(
            "%s The file is left of an earlier export, which may still run on %s: wait until it has ended."
            % (error, control.transport.server),
            "export_running",
        ) from error
    control.refuse_foreign(job, desired.source)
    return job


def _command(desired: Desired) -> Command:
    """Never with -DisableExportedNodes, which changes the source (domain.md, section 2.2)."""
    parameters = {
        "DBInstance": desired.db_instance,
        "DBName": desired.db_name,
        "FileName": desired.partial,
        "Report": desired.report,
        "Level": None if desired.level == "All" else desired.level,
        "Scope": list(desired.scope) or None,
        "StartDate": desired.start_date,
    }
    return Command("Export-CsPersistentChatData", {k: v for k, v in parameters.items() if v is not None})


def _judged(desired: Desired, partial: FileState, text: str | None) -> Report:
    if not partial.length:
        raise PersistentChatError(
            "The export of %s ended without an error, but %s is %s."
            % (desired.db_instance, desired.partial, "empty" if partial.exists else "not there"),
            "export_empty",
        )
    report = judged(text, desired.report, "export", desired.report_statuses)
    faults = report.faults()
    if faults:
        raise PersistentChatError(
            "The report of the export, %s, has %d faults: %s. The archive is left as %s for a look at it."
            % (desired.report, len(faults), "; ".join(faults[:5]), desired.partial),
            "export_errors",
            report=report.shown(),
        )
    return report


def _finish(transport: Transport, desired: Desired, actual: Actual, partial: FileState, job: Job) -> FileState:
    """Record the hash beside the archive, then give the archive its name: in this order, and read back."""
    record = {"format": RECORD_FORMAT, "sha256": partial.sha256, "length": partial.length, "source": desired.source}
    record["job"] = job.id
    commands = [record_writing(desired.record, record)]
    move = {"LiteralPath": desired.partial, "Destination": desired.archive, "Confirm": False}
    if actual.archive.exists:
        move["Force"] = True  # in one command: a removal before would leave nothing when the partial file is gone
    commands.append(Command("Move-Item", move))
    readings = file_reading(desired.archive), record_reading(desired.record)
    try:
        final, written = write_then_read(transport, commands, *readings)
    except RemotingError as error:
        if error.kind != AMBIGUOUS:
            raise
        final, written = read(transport, *readings)
    if final.sha256 != partial.sha256 or written != record:
        raise PersistentChatError(
            "%s was complete, but it did not become %s with its record %s. Run the task again, which exports anew."
            % (desired.partial, desired.archive, desired.record),
            "read_back",
        )
    return final
