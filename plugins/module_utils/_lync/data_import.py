# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The import of an archive into the database of a Persistent Chat pool: what is there, what may be done.

Private to this collection. import_changes.py writes.

A second import is not known to be harmless (domain.md, section 2.2), so two records beside the archive on the server say
what was done: C(.import-started.json) from before the import and C(.imported.json) from after its verification. The end of
an import that is there as a job is always seen to before anything else is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.counts import (
    Counts,
    counts_reading,
    expected_counts,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.files import (
    FileState,
    beside,
    checked_sha256,
    exists_reading,
    file_reading,
    folder_of,
    record_reading,
    server_path,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.jobs import (
    LOST,
    Job,
    Place,
    Seen,
    job_reading,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.pools import Topology, topology_reading
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import read
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action, Conflict, Plan
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Transport

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Desired:
    """What the operator declared about one import."""

    archive: str
    report: str
    db_instance: str
    pool_fqdn: str
    expected: Mapping[str, int] = field(default_factory=dict)
    expected_sha256: str | None = None
    verification: str = "counts"
    verify_timeout: float = 300.0
    accept_warnings: tuple[str, ...] = ()
    repeat: bool = False
    merge: bool = False
    report_statuses: Mapping[str, Sequence[str]] | None = None
    job_folder: str | None = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Desired:
        """The declaration in a module's parameters.

        :raises InvalidInput: an option's value cannot be right.
        """
        archive = server_path("file_name", params["file_name"], ".zip")
        for option in ("db_instance", "pool_fqdn"):
            if not str(params[option]).strip():
                raise InvalidInput("%s is empty." % option)
        if not all(text.strip() for text in params.get("accept_warnings") or ()):
            raise InvalidInput("accept_warnings has an empty text, which would accept every warning.")
        return cls(
            archive=archive,
            report=server_path("report", params.get("report") or beside(archive, ".import-report.html"), ".html"),
            db_instance=params["db_instance"],
            pool_fqdn=params["pool_fqdn"],
            expected=expected_counts(params.get("expected")),
            expected_sha256=checked_sha256("expected_sha256", params.get("expected_sha256")),
            verification=params.get("verification") or "counts",
            verify_timeout=float(params.get("verify_timeout") or 0),
            accept_warnings=tuple(params.get("accept_warnings") or ()),
            repeat=bool(params.get("repeat")),
            merge=bool(params.get("merge")),
            report_statuses=params.get("report_statuses"),
            job_folder=params.get("job_folder") and server_path("job_folder", params["job_folder"], local=True),
        )

    @property
    def dry_run_report(self) -> str:
        """Where the report of the dry run goes."""
        return self.report[: -len(".html")] + ".dry-run.html"

    @property
    def started_record(self) -> str:
        """The record that is written right before an import."""
        return beside(self.archive, ".import-started.json")

    @property
    def imported_record(self) -> str:
        """The record that is written after the verification of an import."""
        return beside(self.archive, ".imported.json")

    @property
    def place(self) -> Place:
        """The place of the import's job. :raises InvalidInput: the archive is on a share and there is no job_folder."""
        return Place.of(self.archive, "import-job", self.job_folder)

    @property
    def dry_run_place(self) -> Place:
        """The place of the dry run's job. :raises InvalidInput: as C(place)."""
        return Place.of(self.archive, "dry-run-job", self.job_folder)

    @property
    def target(self) -> dict[str, str]:
        """Where the import goes, as the records have it."""
        return {"db_instance": self.db_instance.lower(), "pool_fqdn": self.pool_fqdn.lower()}


@dataclass(frozen=True)
class Actual:
    """What is on the server; the records are as L(record_reading) gives them.

    :param seen: what is at the place of the import's job.
    :param previewed: what is at the place of the dry run's job.
    :param folder_exists: whether the folder for the jobs is there.
    :param leftovers: those of the files of an earlier import that are there.
    """

    archive: FileState
    started: Record | None
    imported: Record | None
    topology: Topology
    counts: Counts
    seen: Seen
    previewed: Seen
    folder_exists: bool
    leftovers: tuple[str, ...] = ()

    @property
    def job(self) -> Job | None:
        """The job of an import that was begun and whose end nobody has seen to.

        One that is lost and has no record of its own was prepared and never began.
        """
        job = self.seen.job
        if job is None or (self.imported or {}).get("job") == job.id:
            return None
        return job if job.state != LOST or (self.started or {}).get("job") == job.id else None


def observe(transport: Transport, desired: Desired) -> Actual:
    """Everything that decides, in one remote call.

    :raises CmdletFailed: the archive, a record or the topology cannot be read.
    """
    own = (desired.dry_run_report, desired.report, desired.imported_record)
    archive, started, imported, topology, counts, seen, previewed, folder, *there = read(
        transport,
        file_reading(desired.archive),
        record_reading(desired.started_record),
        record_reading(desired.imported_record),
        topology_reading(),
        counts_reading(desired.pool_fqdn),
        job_reading(desired.place),
        job_reading(desired.dry_run_place),
        exists_reading(folder_of(desired.place.root)),
        *map(exists_reading, own),
    )
    leftovers = tuple(path for path, exists in zip(own, there) if exists)
    return Actual(archive, started, imported, topology, counts, seen, previewed, folder, leftovers)


def import_state(
    archive_sha256: str | None, target: Mapping[str, str], started: Record | None, imported: Record | None
) -> str:
    """How far the import is, by the records beside the archive. Pure.

    :param target: as Desired.target.
    :returns: C(none), C(started) (begun and not known to be complete; also for an earlier archive of this name, or when the
        record cannot be read) or C(verified).
    """
    done = (imported or {}).get("target") == dict(target)
    if done and archive_sha256 is not None and (imported or {}).get("sha256") == archive_sha256:
        return "verified"
    if started is None or (started and started.get("target") != dict(target)):
        return "none"
    finished = bool(started) and done and (imported or {}).get("sha256") == started.get("sha256")
    return "none" if finished else "started"


def plan(desired: Desired, actual: Actual) -> Plan:
    """What leads to a verified import. Pure."""
    conflicts = _archive_refusals(desired, actual.archive) + actual.topology.refusals(desired.pool_fqdn)
    if not conflicts:
        conflicts = _job_refusals(desired, actual)
    if conflicts:
        return Plan(conflicts=conflicts)
    job = actual.job
    if job is not None and not (desired.repeat and job.subject.get("sha256") != actual.archive.sha256):
        return _plan_to_finish(desired, actual)
    state = import_state(actual.archive.sha256, desired.target, actual.started, actual.imported)
    if state == "verified" and not _undone(actual) and not (desired.repeat and desired.merge):
        return Plan()
    if state == "verified" and not desired.repeat:
        return Plan(conflicts=[_restored(desired)])
    if state == "started" and not desired.repeat:
        return _plan_to_finish(desired, actual)
    refusal = _target_refusal(desired, actual.counts)
    if refusal is not None:
        return Plan(conflicts=[refusal])
    before = dict(actual.counts.shown(), state=state)
    after = {"archive": desired.archive, "sha256": actual.archive.sha256, "state": "verified", **desired.expected}
    return Plan([Action("import", _target(desired), before, after)])


def _target(desired: Desired) -> str:
    return "database %s of the pool %s" % (desired.db_instance, desired.pool_fqdn)


def _archive_refusals(desired: Desired, archive: FileState) -> list[Conflict]:
    facts = {"file_name": archive.path, "sha256": archive.sha256}
    if not archive.exists or not archive.length:
        fault = "is empty" if archive.exists else "is not there"
        return [Conflict("archive_missing", "The archive %s %s. Export it first." % (archive.path, fault), facts)]
    if desired.expected_sha256 not in (None, archive.sha256):
        text = "The archive %s has the hash %s and not %s: it was changed or replaced after it was recorded."
        return [Conflict("archive_changed", text % (archive.path, archive.sha256, desired.expected_sha256), facts)]
    return []


def _job_refusals(desired: Desired, actual: Actual) -> list[Conflict]:
    if not actual.folder_exists:
        folder = folder_of(desired.place.root)
        return [Conflict("folder_missing", "The folder %s is not there or cannot be read; create it." % folder)]
    job = actual.job
    if job is not None and job.subject.get("target") != desired.target:
        text = (
            "This archive is, or was, being imported into %(db_instance)s of the pool %(pool_fqdn)s, and nobody has seen to the end of "
            "that. Run that task again first." % dict(job.subject["target"])
        )
        return [Conflict("job_foreign", text)]
    return []


def _undone(actual: Actual) -> bool:
    """Whether the target is empty although the record says that something was imported into it."""
    recorded = (actual.imported or {}).get("counts") or {}
    return actual.counts.empty and any(recorded.values())


def _restored(desired: Desired) -> Conflict:
    text = (
        "%s says that %s was imported into the %s, but that pool is empty now: its database was restored or replaced. Set repeat "
        "to true to import again." % (desired.imported_record, desired.archive, _target(desired))
    )
    return Conflict("import_undone", text)


def _plan_to_finish(desired: Desired, actual: Actual) -> Plan:
    """An import was begun: it is finished by verifying it, never by a second one."""
    started = actual.started or {}
    if actual.job is None and started.get("failed"):
        text = (
            "%s says that an import into the %s was begun and failed: %s Restore the database of the pool as it was before the "
            "import, take away the cause, then set repeat to true."
            % (desired.started_record, _target(desired), started["failed"])
        )
        return Plan(conflicts=[Conflict("import_failed", text)])
    if (actual.job.subject if actual.job else started).get("sha256") != actual.archive.sha256:
        text = (
            "%s says that an import into the %s was begun, of another archive than the one that is there now, and nothing says "
            "that it was completed. Restore the database of the pool as it was before the import, then set repeat to true."
            % (desired.started_record, _target(desired))
        )
        return Plan(conflicts=[Conflict("import_unfinished", text)])
    before = dict(actual.counts.shown(), state="started")
    return Plan([Action("verify", _target(desired), before, {"state": "verified", **desired.expected})])


def _target_refusal(desired: Desired, counts: Counts) -> Conflict | None:
    if counts.empty or desired.merge and (counts.unavailable is None or desired.verification == "report"):
        return None
    if counts.unavailable is not None:
        text = (
            "The contents of the pool %s could not be counted: %s. So nobody knows whether it is empty, and an import could not be "
            "verified by counts. If these cmdlets need the pool's services here, set verification to report, and merge to true "
            "to say that what the pool may hold can be merged with."
            % (desired.pool_fqdn, counts.unavailable.rstrip("."))
        )
        return Conflict("counts_unavailable", text)
    text = (
        "The pool %s is not empty (%d categories, %d rooms, %d add-ins), and an import overwrites what has the same name. Import "
        "into an empty pool, or set merge to true."
        % (desired.pool_fqdn, counts.categories, counts.rooms, counts.addins)
    )
    return Conflict("target_not_empty", text, {"counts": counts.shown()})
