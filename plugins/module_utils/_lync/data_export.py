# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The export of a Group Chat database into an archive on the server. Private to this collection.

The export writes to a partial file. Only when it is complete (no error, not empty, a report without errors, its hash recorded
beside it) does it get its final name. So an archive under the final name is whole, whatever was killed when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.files import (
    FileState,
    beside,
    checked_sha256,
    exists_reading,
    file_reading,
    folder_of,
    record_reading,
    record_writing,
    removal,
    server_path,
    text_reading,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import read, write_then_read
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reports import Report, judged, parse_report
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.session import Connect, Session
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action, Conflict, Plan
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletFailed,
    Command,
    Transport,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import AMBIGUOUS, RemotingError

RECORD_FORMAT = 1


@dataclass(frozen=True)
class Desired:
    """What the operator declared about one export."""

    archive: str
    report: str
    db_instance: str
    db_name: str
    level: str = "All"
    scope: tuple[str, ...] = ()
    start_date: str | None = None
    existing: str = "refuse"
    expected_sha256: str | None = None
    report_statuses: Mapping[str, Sequence[str]] | None = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Desired:
        """The declaration in a module's parameters.

        :raises InvalidInput: an option's value, or a combination, cannot be right.
        """
        archive = server_path("file_name", params["file_name"], ".zip")
        for option in ("db_instance", "db_name"):
            if not str(params[option]).strip():
                raise InvalidInput("%s is empty." % option)
        if params.get("start_date") and params.get("level") != "RoomDirectory":
            raise InvalidInput("start_date is valid with level RoomDirectory only.")
        return cls(
            archive=archive,
            report=server_path("report", params.get("report") or beside(archive, ".export-report.html")),
            db_instance=params["db_instance"],
            db_name=params["db_name"],
            level=params.get("level") or "All",
            scope=tuple(params.get("scope") or ()),
            start_date=params.get("start_date"),
            existing=params.get("existing") or "refuse",
            expected_sha256=checked_sha256("expected_sha256", params.get("expected_sha256")),
            report_statuses=params.get("report_statuses"),
        )

    @property
    def partial(self) -> str:
        """Where the export writes before it is complete."""
        return beside(self.archive, ".partial.zip")

    @property
    def record(self) -> str:
        """The record beside the archive."""
        return beside(self.archive, ".exported.json")

    @property
    def source(self) -> dict[str, Any]:
        """What was exported, as the record has it."""
        return {
            "db_instance": self.db_instance.lower(),
            "db_name": self.db_name.lower(),
            "level": self.level,
            "scope": sorted(self.scope),
            "start_date": self.start_date,
        }


@dataclass(frozen=True)
class Actual:
    """What is on the server; C(record) is as L(record_reading) gives it."""

    archive: FileState
    record: Mapping[str, Any] | None
    folder_exists: bool
    partial_exists: bool
    report_text: str | None


def observe(transport: Transport, desired: Desired) -> Actual:
    """Everything that decides, in one remote call.

    :raises CmdletFailed: a file is there and cannot be read.
    """
    return Actual(
        *read(
            transport,
            file_reading(desired.archive),
            record_reading(desired.record),
            exists_reading(folder_of(desired.archive)),
            exists_reading(desired.partial),
            text_reading(desired.report),
        )
    )


def export_state(
    archive: FileState,
    record: Mapping[str, Any] | None,
    source: Mapping[str, Any] | None = None,
    expected_sha256: str | None = None,
) -> str:
    """How far the export is. Pure.

    :param source: what the archive must be an export of (Desired.source); None for any.
    :returns: C(none): there is no archive; C(complete): its hash is the expected one or, where none is given, the one in the
        record beside it, and that record names the source; C(foreign): it is something else.
    """
    if not archive.exists:
        return "none"
    if expected_sha256 is not None:
        return "complete" if archive.sha256 == expected_sha256 else "foreign"
    vouched = bool(archive.length) and record is not None and record.get("sha256") == archive.sha256
    if vouched and record is not None and (source is None or record.get("source") == dict(source)):
        return "complete"
    return "foreign"


def plan(desired: Desired, actual: Actual) -> Plan:
    """What leads to a complete archive. Pure."""
    state = export_state(actual.archive, actual.record, desired.source, desired.expected_sha256)
    refuse = _conflict(desired, actual, state)
    if refuse is not None:
        return Plan(conflicts=[refuse])
    if state == "complete" and desired.existing != "replace":
        return Plan()
    before = actual.archive.shown() if actual.archive.exists else None
    return Plan([Action("export", "archive %s" % desired.archive, before, dict(desired.source, path=desired.archive))])


def _conflict(desired: Desired, actual: Actual, state: str) -> Conflict | None:
    facts = {"file_name": desired.archive, "sha256": actual.archive.sha256, "length": actual.archive.length}
    if desired.expected_sha256 and desired.existing == "replace":
        text = "expected_sha256 and existing replace exclude each other: an archive is either checked or replaced."
        return Conflict("invalid_input", text, facts)
    if desired.expected_sha256 and state == "none":
        text = "The archive %s with the hash %s is gone." % (desired.archive, desired.expected_sha256)
        return Conflict("archive_missing", text + " Put it back, or leave expected_sha256 out to export again.", facts)
    if desired.expected_sha256 and state == "foreign":
        text = "The archive %s has the hash %s and not %s: it was changed or replaced after it was recorded."
        return Conflict(
            "archive_changed", text % (desired.archive, actual.archive.sha256, desired.expected_sha256), facts
        )
    if not actual.folder_exists:
        text = "The folder %s is not there or cannot be read; create it before the export." % folder_of(desired.archive)
        return Conflict("folder_missing", text, facts)
    if state == "none" or desired.existing == "replace" or desired.expected_sha256:
        return None
    if desired.existing == "keep":
        text = "The archive %s is not a complete export of %s, database %s, with these options: the record beside it is missing "
        text += "or differs. Nothing was exported. Give its expected_sha256 to accept it, or set existing to replace."
        return (
            None
            if state == "complete"
            else Conflict("archive_foreign", text % (desired.archive, desired.db_instance, desired.db_name), facts)
        )
    text = "The archive %s is there already. It may be of an older export, without what was written since. Give the recorded "
    text += "expected_sha256, or say with existing whether to keep or to replace it."
    return Conflict("archive_exists", text % desired.archive, facts)


def act(transport: Transport, desired: Desired, actual: Actual) -> tuple[Report, FileState]:
    """Export, check, record, and give the archive its final name.

    :returns: what the report says, and the archive as it is now.
    :raises PersistentChatError: the export failed, is empty, or its report is not free of errors.
    """
    partial, text = _export(transport, desired, actual)
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
    return report, _finish(transport, desired, actual, partial)


def _export(transport: Transport, desired: Desired, actual: Actual) -> tuple[FileState, str | None]:
    """Clear what an earlier try left, export, and look at the partial archive and the report.

    A partial file that an export still writes cannot be removed, so two exports never write one file. Never with
    -DisableExportedNodes, which changes the source (domain.md, section 2.2).
    """
    parameters = {
        "DBInstance": desired.db_instance,
        "DBName": desired.db_name,
        "FileName": desired.partial,
        "Report": desired.report,
        "Level": None if desired.level == "All" else desired.level,
        "Scope": list(desired.scope) or None,
        "StartDate": desired.start_date,
    }
    leftovers = [desired.partial] * actual.partial_exists + [desired.report] * (actual.report_text is not None)
    commands = [removal(path) for path in leftovers]
    commands.append(Command("Export-CsPersistentChatData", {k: v for k, v in parameters.items() if v is not None}))
    try:
        partial, text = write_then_read(
            transport, commands, file_reading(desired.partial), text_reading(desired.report)
        )
        return partial, text
    except CmdletFailed as error:
        if error.outcome.command.name != "Remove-Item":
            raise
        raise PersistentChatError(
            "%s The file is left of an earlier export, which may still run on %s: wait until it has ended."
            % (error, transport.server),
            "export_running",
        ) from error
    except RemotingError as error:
        if error.kind != AMBIGUOUS:
            raise
        raise PersistentChatError(
            "%s The export may still run on %s and write %s. Wait until that file stays as it is and run the task again, which "
            "exports anew." % (error, transport.server, desired.partial),
            "unknown_outcome",
        ) from error


def _finish(transport: Transport, desired: Desired, actual: Actual, partial: FileState) -> FileState:
    """Record the hash beside the archive, then give the archive its name: in this order, and read back."""
    record = {"format": RECORD_FORMAT, "sha256": partial.sha256, "length": partial.length, "source": desired.source}
    commands = [record_writing(desired.record, record)]
    if actual.archive.exists:
        commands.append(removal(desired.archive))
    move = {"LiteralPath": desired.partial, "Destination": desired.archive, "Confirm": False}
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


def run(params: Mapping[str, Any], check_mode: bool, connect: Connect = open_transport) -> dict[str, Any]:
    """What C(pc_data_export) does.

    :raises InvalidInput: an option's value, or a combination, cannot be right.
    :raises PersistentChatError: the export must not be made, failed, or could not be verified.
    """
    desired = Desired.of(params)
    with Session(connect, params) as session:
        actual = observe(session, desired)
        todo = plan(desired, actual)
        todo.refuse_conflicts()
        archive = actual.archive
        report = parse_report(actual.report_text or "", desired.report_statuses) if archive.exists else None
        if todo.changed and not check_mode:
            report, archive = act(session, desired, actual)
    return dict(
        todo.result(),
        file_name=desired.archive,
        sha256=archive.sha256,
        length=archive.length,
        report_file=desired.report,
        report=None if report is None else report.shown(),
    )
