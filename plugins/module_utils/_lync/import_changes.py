# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out an import, once, and verifying it. Private to this collection."""

from __future__ import annotations

import time
from typing import Any, Mapping, NoReturn

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.counts import (
    Counts,
    counts_reading,
    observe_counts,
)
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
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import read, write_then_read
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reports import Report, judged, parse_report
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.session import Clock, Connect, Session, poll
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletFailed,
    Command,
    Transport,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import AMBIGUOUS, RemotingError

RECORD_FORMAT = 1
_INTERVAL = 5.0


def run(
    params: Mapping[str, Any], check_mode: bool, connect: Connect = open_transport, clock: Clock = time
) -> dict[str, Any]:
    """What C(pc_data_import) does.

    :raises InvalidInput: an option's value cannot be right.
    :raises PersistentChatError: the import must not be made, failed, or could not be verified.
    """
    desired = Desired.of(params)
    with Session(connect, params) as session:
        actual = observe(session, desired)
        todo = plan(desired, actual)
        todo.refuse_conflicts()
        result: dict[str, Any] = {"counts_before": actual.counts.shown(), "counts": actual.counts.shown()}
        if todo.changed and not check_mode:
            result.update(act(session, desired, actual, todo.actions[0], clock))
    return dict(
        todo.result(),
        file_name=desired.archive,
        sha256=actual.archive.sha256,
        report_file=desired.report,
        dry_run_report_file=desired.dry_run_report,
        **result,
    )


def act(transport: Transport, desired: Desired, actual: Actual, action: Action, clock: Clock = time) -> dict[str, Any]:
    """Import and verify, or only verify an import that was begun before.

    :returns: C(counts), C(report) and, when it was made, C(dry_run), as the module returns them.
    :raises PersistentChatError: the dry run has objections, or the import failed or could not be verified.
    """
    shown: dict[str, Any] = {}
    answered = False
    if action.op == "import":
        shown["dry_run"] = _dry_run(transport, desired, actual).shown()
        answered = _import(transport, desired, actual)
    report, counts = _verify(transport, desired, answered, clock)
    record = _record(desired, actual)
    record["counts"] = {} if counts.unavailable else {k: v for k, v in counts.shown().items() if isinstance(v, int)}
    writing, back = record_writing(desired.imported_record, record), record_reading(desired.imported_record)
    if write_then_read(transport, [writing], back) != [record]:
        raise PersistentChatError(
            "The import is verified, but its record %s reads back differently. Run the task again, which verifies and does not "
            "import." % desired.imported_record,
            "read_back",
        )
    return dict(shown, report=report.shown(), counts=counts.shown())


def _record(desired: Desired, actual: Actual) -> dict[str, Any]:
    return {"format": RECORD_FORMAT, "sha256": actual.archive.sha256, "target": desired.target}


def _command(desired: Desired, report: str, **more: bool) -> Command:
    parameters = {"DBInstance": desired.db_instance, "FileName": desired.archive, "Report": report}
    return Command("Import-CsPersistentChatData", {**parameters, **more})


def _dry_run(transport: Transport, desired: Desired, actual: Actual) -> Report:
    """The documented dry run (domain.md, section 2.2); any objection stops the import.

    An old report is removed first, so that it is never taken for the new one.
    """
    commands = [removal(path) for path in actual.leftovers if path == desired.dry_run_report]
    commands.append(_command(desired, desired.dry_run_report, WhatIf=True))
    text = write_then_read(transport, commands, text_reading(desired.dry_run_report))[0]
    report = judged(text, desired.dry_run_report, "dry run", desired.report_statuses)
    objections = report.objections(desired.accept_warnings)
    if objections:
        raise PersistentChatError(
            "The dry run of the import of %s has %d objections: %s. Nothing was imported. Correct the errors at the source and "
            "export again; name each warning that is fine in accept_warnings."
            % (desired.archive, len(objections), "; ".join(objections[:5])),
            "dry_run_objections",
            report=report.shown(),
        )
    return report


def _import(transport: Transport, desired: Desired, actual: Actual) -> bool:
    """Write down that the import begins, and import, once.

    Both go in one remote call: a run that is killed before has done nothing, and one that is killed afterwards does not
    keep the server from going on.

    :returns: whether the server answered; without an answer the import may still run there.
    :raises PersistentChatError: the server answered with an error.
    """
    commands = [removal(path) for path in actual.leftovers if path != desired.dry_run_report]
    commands.append(record_writing(desired.started_record, _record(desired, actual)))
    commands.append(_command(desired, desired.report, Confirm=False))
    try:
        outcomes = transport.run(commands)
    except RemotingError as error:
        if error.kind == AMBIGUOUS:
            return False
        raise
    for outcome in outcomes[:-1]:
        outcome.objects()
    try:
        outcomes[-1].objects()
    except CmdletFailed as error:
        _explain(transport, desired, error)
    return True


def _explain(transport: Transport, desired: Desired, error: CmdletFailed) -> NoReturn:
    """Raise what a failed import means: when nothing arrived, the started record is taken back and the next run begins anew."""
    if observe_counts(transport, desired.pool_fqdn).empty:
        transport.run([removal(desired.started_record)])[0].objects()
        raise error
    raise PersistentChatError(
        "%s The pool %s may hold a part of the archive. Restore its database as it was before the import, take away the cause, "
        "then set repeat to true." % (error, desired.pool_fqdn),
        "import_failed",
    ) from error


def _verify(transport: Transport, desired: Desired, answered: bool, clock: Clock) -> tuple[Report, Counts]:
    """Wait, with a bound, until the report is there and clean and the pool holds what it should.

    The report is what tells a complete import from one that still runs: rooms exist before their messages do.

    :param answered: the import has ended, so a report that cannot be understood now never will be.
    :raises PersistentChatError: the report has objections, or the time was not enough.
    """
    report, counts = None, Counts(unavailable="not counted")
    for _unused in poll(desired.verify_timeout, _INTERVAL, clock):
        text, counts = read(transport, text_reading(desired.report), counts_reading(desired.pool_fqdn))
        report = parse_report(text or "", desired.report_statuses)
        if answered:
            judged(text, desired.report, "import", desired.report_statuses)
        if report is None:
            continue
        objections = report.objections(desired.accept_warnings)
        if objections:
            raise PersistentChatError(
                "The report of the import, %s, has %d objections: %s. If a warning is fine, name it in accept_warnings and run "
                "the task again, which verifies and does not import. Otherwise restore the database of the pool %s, and set "
                "repeat to true." % (desired.report, len(objections), "; ".join(objections[:5]), desired.pool_fqdn),
                "import_objections",
                report=report.shown(),
            )
        if desired.verification == "report" or _arrived(desired, counts):
            return report, counts
    raise PersistentChatError(_unfinished(desired, report, counts), "import_unfinished", counts=counts.shown())


def _arrived(desired: Desired, counts: Counts) -> bool:
    return counts.reaches(desired.expected) and (bool(desired.expected) or not counts.empty)


def _unfinished(desired: Desired, report: Report | None, counts: Counts) -> str:
    if report is None:
        seen = "there is no complete report %s" % desired.report
    elif counts.unavailable:
        seen = "its contents cannot be counted (%s)" % counts.unavailable
    else:
        seen = "it has %s" % _numbers(counts.shown())
    expected = "at least %s" % _numbers(desired.expected) if desired.expected else "something"
    return (
        "The import of %s into the pool %s was started, but after %g seconds (verify_timeout) it is not verified: %s; expected "
        "was %s. If it may still run on the server, wait and run the task again: it verifies and does not import. If it has "
        "ended without completing, restore the database of the pool as it was before the import, then set repeat to true."
        % (desired.archive, desired.pool_fqdn, desired.verify_timeout, seen, expected)
    )


def _numbers(counts: Mapping[str, Any]) -> str:
    return ", ".join("%s %s" % (value, name) for name, value in counts.items() if isinstance(value, int))
