# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an import may be made, by its dry run, and whether it has arrived. Private to this collection."""

from __future__ import annotations

import math
from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.counts import Counts, counts_reading
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.data_import import Desired
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.files import text_reading
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.job_control import JobControl, StillRuns
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.jobs import Job
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import read
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reports import Report, judged, parse_report
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.session import poll
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Transport

_INTERVAL = 5.0


def judged_dry_run(desired: Desired, text: str | None) -> Report:
    """What the report of the dry run says.

    :raises PersistentChatError: it has objections, or cannot be understood.
    """
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


def look(transport: Transport, desired: Desired, answered: bool) -> tuple[Report | None, Counts]:
    """The report of the import, None while there is no complete one, and what the pool holds.

    :param answered: the import has ended by itself, so a report that cannot be understood now never will be.
    :raises PersistentChatError: the report has objections.
    """
    text, counts = read(transport, text_reading(desired.report), counts_reading(desired.pool_fqdn))
    report = parse_report(text or "", desired.report_statuses)
    if answered:
        judged(text, desired.report, "import", desired.report_statuses)
    objections = report.objections(desired.accept_warnings) if report else []
    if report is not None and objections:
        raise PersistentChatError(
            "The report of the import, %s, has %d objections: %s. If a warning is fine, name it in accept_warnings and run "
            "the task again, which verifies and does not import. Otherwise restore the database of the pool %s, and set "
            "repeat to true." % (desired.report, len(objections), "; ".join(objections[:5]), desired.pool_fqdn),
            "import_objections",
            report=report.shown(),
        )
    return report, counts


def arrived(desired: Desired, report: Report | None, counts: Counts) -> bool:
    """Whether the import is complete. The report tells that: rooms exist before their messages do."""
    if report is None:
        return False
    enough = counts.reaches(desired.expected) and (bool(desired.expected) or not counts.empty)
    return desired.verification == "report" or enough


def verify(control: JobControl, desired: Desired, job: Job | None, wait: bool = True) -> tuple[Report, Counts]:
    """Wait, with a bound, until the report is there and clean and the pool holds what it should.

    :param job: the import's, when it has answered; without one, the import may still run where nobody can see it.
    :param wait: False for one look.
    :raises StillRuns: the time of this call of the module is over.
    :raises PersistentChatError: the report has objections, or the time was not enough.
    """
    report, counts = None, Counts(unavailable="not counted")
    seconds = desired.verify_timeout if wait else 0.0
    now = min(seconds, max(control.limits.left, 0.0))
    for _unused in poll(now, _INTERVAL, control.limits.clock):
        report, counts = look(control.transport, desired, job is not None)
        if report is not None and arrived(desired, report, counts):
            return report, counts
    if now < seconds:
        shown = control.shown(job, "verifying")
        shown["again"]["verify_timeout"] = math.ceil(seconds - now)
        raise StillRuns(shown)
    raise unfinished(desired, report, counts)


def unfinished(desired: Desired, report: Report | None, counts: Counts) -> PersistentChatError:
    """The error for an import that is not verified."""
    if report is None:
        seen = "there is no complete report %s" % desired.report
    elif counts.unavailable:
        seen = "its contents cannot be counted (%s)" % counts.unavailable
    else:
        seen = "it has %s" % _numbers(counts.shown())
    expected = "at least %s" % _numbers(desired.expected) if desired.expected else "something"
    return PersistentChatError(
        "The import of %s into the pool %s was started, but it is not verified in the time of verify_timeout: %s; expected was %s. "
        "If it may still run on the server, wait and run the task again: it verifies and does not import. If it has ended without "
        "completing, restore the database of the pool as it was before the import, then set repeat to true."
        % (desired.archive, desired.pool_fqdn, seen, expected),
        "import_unfinished",
        counts=counts.shown(),
    )


def _numbers(counts: Mapping[str, Any]) -> str:
    return ", ".join("%s %s" % (value, name) for name, value in counts.items() if isinstance(value, int))
