# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The export of a Group Chat database into an archive on the server: what is there, what may be done.

Private to this collection. export_changes.py writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.files import (
    FileState,
    beside,
    checked_sha256,
    exists_reading,
    file_reading,
    folder_of,
    record_reading,
    server_path,
    text_reading,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.jobs import Job, Place, Seen, job_reading
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import read
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action, Conflict, Plan
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Transport


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
    job_folder: str | None = None

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
            job_folder=params.get("job_folder") and server_path("job_folder", params["job_folder"], local=True),
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
    def place(self) -> Place:
        """The place of the export's job.

        :raises InvalidInput: the archive is on a share and there is no job_folder.
        """
        return Place.of(self.archive, "export-job", self.job_folder)

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
    """What is on the server; C(record) is as L(record_reading) gives it.

    :param missing: those of the folders for the archive and for the job that are not there.
    """

    archive: FileState
    record: Mapping[str, Any] | None
    seen: Seen
    missing: tuple[str, ...]
    partial_exists: bool
    report_text: str | None

    def job_of(self, source: Mapping[str, Any]) -> Job | None:
        """The job that exports this source and whose archive is not recorded yet."""
        job = self.seen.job
        if job is None or dict(job.subject) != dict(source) or (self.record or {}).get("job") == job.id:
            return None
        return job


def observe(transport: Transport, desired: Desired) -> Actual:
    """Everything that decides, in one remote call.

    :raises CmdletFailed: a file is there and cannot be read.
    """
    folders = list(dict.fromkeys((folder_of(desired.archive), folder_of(desired.place.root))))
    archive, record, seen, partial_exists, report_text, *there = read(
        transport,
        file_reading(desired.archive),
        record_reading(desired.record),
        job_reading(desired.place),
        exists_reading(desired.partial),
        text_reading(desired.report),
        *map(exists_reading, folders),
    )
    missing = tuple(folder for folder, exists in zip(folders, there) if not exists)
    return Actual(archive, record, seen, missing, partial_exists, report_text)


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
    if actual.missing:
        text = "The folder %s is not there or cannot be read; create it before the export."
        return Conflict("folder_missing", text % actual.missing[0], facts)
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
