# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting a job once, following it, and removing what is left of it. Private to this collection.

A module waits for a bounded time only. Then it raises L(StillRuns), whose facts it returns; who called it calls again,
and everything that the next call needs to know is on the server.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from dataclasses import dataclass, replace
from typing import Any, Callable, Mapping, NoReturn, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync import jobs
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.files import length_reading
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.jobs import Job, Place, Seen
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import read
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.session import Clock, poll
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletFailed,
    Command,
    Outcome,
    Transport,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import AMBIGUOUS, RemotingError
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.hints import explained
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import (
    RemotingOptions,
    remoting_options,
)

#: seconds: how long a start whose answer was lost may take to show, and how long what looks dead is watched
_START = 20.0
_DOUBT = 5.0
_PAUSES = (0.5, 1.0, 2.0)
_LONGEST_PAUSE = 5.0
_ATTEMPTS = 3
#: how often what is there may have to be looked at anew, because other controllers do the same
LOOKS = 8


class StillRuns(Exception):
    """The time for one call of the module is over, and the work goes on.

    :param shown: C(job), as the module returns it.
    """

    def __init__(self, shown: Mapping[str, Any]) -> None:
        super().__init__("the job still runs")
        self.shown = dict(shown)


class LookAnew(Exception):
    """What was seen before a job took its place may no longer be so."""


class Overtaken(LookAnew):
    """Another controller has seen to the end of the job."""


def too_many(archive: str, server: str) -> PersistentChatError:
    """The error of one that was overtaken time and again."""
    return PersistentChatError(
        "Other runs work with %s on %s at the same time. Let one of them finish, then run the task again."
        % (archive, server),
        "job_gone",
    )


class Limits:
    """How long which part of the waiting may take, in seconds, on a clock that starts now.

    :raises InvalidInput: a value cannot be right.
    """

    def __init__(self, params: Mapping[str, Any], clock: Clock = time) -> None:
        self.clock = clock
        self.job = _seconds(params, "job_timeout", 86400, 1)
        self.outage = _seconds(params, "outage_timeout", 3600, 0)
        self.interval = _seconds(params, "progress_interval", 20, 1)
        if self.interval > 25:
            raise InvalidInput("progress_interval is %d; it must be at most 25 seconds." % self.interval)
        self._ends = clock.monotonic() + self.interval

    @property
    def left(self) -> float:
        """What is left for this call of the module."""
        return self._ends - self.clock.monotonic()


def _seconds(params: Mapping[str, Any], name: str, default: int, least: int) -> int:
    value = default if params.get(name) is None else int(params[name])
    if value < least:
        raise InvalidInput("%s is %d; it must be at least %d seconds." % (name, value, least))
    return value


def job_connection(params: Mapping[str, Any]) -> RemotingOptions:
    """The connection's options, when jobs can be started over it.

    :raises InvalidInput: the endpoint only has some cmdlets, or an option cannot be used.
    """
    options = remoting_options(params)
    if options.restricted:
        raise InvalidInput(
            "Exports and imports run as processes of %s, and an endpoint such as %s (configuration %s) starts none. Use the "
            "endpoint of Windows itself: leave path and configuration_name out, with an account that may administer the server."
            % (options.server, options.url, options.configuration_name),
            code="endpoint_restricted",
        )
    return options


@dataclass
class JobControl:
    """The one job of a kind for an archive.

    :param what: export, import or dry run, for people.
    :param again: options with which the module must be called again while the job runs.
    :param written: the file that grows while the job works, or None.
    """

    transport: Transport
    connection: RemotingOptions
    place: Place
    what: str
    limits: Limits
    again: Mapping[str, Any]
    written: str | None = None

    # Seeing

    def see(self) -> Seen:
        """What is at the place now. What looks dead is looked at twice: another controller may be about to start it."""
        seen = self._look()
        if seen.job is not None and seen.job.state == jobs.LOST:
            self.limits.clock.sleep(_DOUBT)
            seen = self._look()
        return seen

    def _look(self) -> Seen:
        seen: Seen = read(self.transport, jobs.job_reading(self.place))[0]
        return seen

    def wait(self, job: Job) -> Job:
        """The job once it has ended or is lost; errors that the connection explains say so.

        :raises Overtaken: another controller has removed it meanwhile.
        :raises StillRuns: the time of this call is over.
        :raises PersistentChatError: the job is older than it may become; it is left alone.
        """
        pauses = iter(_PAUSES)
        current = self._again(job) if job.state == jobs.LOST else job
        while current.state == jobs.RUNNING:
            self._check_age(current)
            left = self.limits.left
            if left <= 0:
                raise StillRuns(self.shown(current))
            self.limits.clock.sleep(min(next(pauses, _LONGEST_PAUSE), left))
            current = self._again(job)
        return replace(current, outcomes=tuple(explained(outcome, self.connection) for outcome in current.outcomes))

    def _again(self, job: Job) -> Job:
        seen = self.see().job
        if seen is None or seen.id != job.id:
            raise Overtaken
        return seen

    def _check_age(self, job: Job) -> None:
        if job.elapsed is not None and job.elapsed > self.limits.job:
            raise PersistentChatError(
                "The %s runs for %d seconds on %s (process %s, folder %s), which is longer than job_timeout allows. It was not "
                "ended. Look at it there; to wait longer, run the task again with a larger job_timeout."
                % (self.what, job.elapsed, self.transport.server, job.process_id, self.place.root),
                "job_timeout",
                job=self.shown(job),
            )

    def shown(self, job: Job | None, state: str = jobs.RUNNING) -> dict[str, Any]:
        """The job as the module returns it while it runs."""
        written = None
        if self.written is not None:
            with contextlib.suppress(PersistentChatError):
                written = read(self.transport, length_reading(self.written))[0]
        return {
            "id": job.id if job else None,
            "what": self.what,
            "state": state,
            "server": self.transport.server,
            "process_id": job.process_id if job else None,
            "elapsed": int(job.elapsed or 0) if job else 0,
            "cpu": int(job.cpu) if job else 0,
            "written": written,
            "again": dict(self.again),
            "outage_timeout": self.limits.outage,
        }

    # Starting

    def start(
        self,
        command: Command,
        subject: Mapping[str, Any],
        before: Callable[[str], Sequence[Command]] = lambda job_id: (),
        undo: Sequence[Command] = (),
        attempt: int = 1,
        freeing: Sequence[Command] = (),
    ) -> Job:
        """Start the job, at most once; the job that is there when another controller was faster.

        :param before: from the job's id, what is carried out in the same remote call, once the place is taken and before the
            process begins.
        :param undo: takes C(before) back when the process did not begin.
        :param freeing: what goes before everything, and of several controllers only one can do.
        :raises CmdletFailed: one of C(before) failed; there is no job.
        :raises PersistentChatError: the process was not created; there is no job.
        :raises StillRuns: the connection broke, so that it is not known whether the job began.
        :raises Overtaken: another controller has already seen to the end of the job.
        """
        job_id = uuid.uuid4().hex
        claim = [*freeing, *jobs.preparing(self.place, job_id, [command], subject, attempt)]
        try:
            outcomes = self.transport.run([*claim, *before(job_id), jobs.creating(self.place, job_id)])
        except RemotingError as error:
            if error.kind != AMBIGUOUS:
                raise
            return self._await_start(error)
        if any(outcome.error for outcome in outcomes[: len(freeing)]):
            raise Overtaken
        failed = next((number for number, outcome in enumerate(outcomes) if outcome.error is not None), None)
        if failed is not None and failed < len(claim):
            return self._yield_to_other(job_id, outcomes[failed])
        try:
            outcomes[failed if failed is not None else -1].objects()
            refused = jobs.refusal(outcomes[-1])
        except CmdletFailed:
            self.remove(job_id, undo)
            raise
        if refused is not None:
            self.remove(job_id, undo)
            raise self._not_started(refused)
        return self._found()

    def _found(self) -> Job:
        job = self.see().job
        if job is None:
            raise Overtaken
        return job

    def _await_start(self, error: RemotingError) -> Job:
        """After a lost answer: what was sent may just be about to be carried out."""
        try:
            for _unused in poll(_START, _LONGEST_PAUSE, self.limits.clock):
                job = self.see().job
                if job is not None:
                    return job
        except RemotingError as again:
            raise StillRuns(dict(self.shown_blind(), said=str(again))) from again
        raise PersistentChatError(
            "%s After %d seconds there is no sign of it. Run the task again." % (error, _START), "job_not_started"
        ) from error

    def shown_blind(self) -> dict[str, Any]:
        """As L(shown), when the server cannot be asked."""
        return replace(self, written=None).shown(None, "unknown")

    def _yield_to_other(self, job_id: str, failed: Outcome) -> Job:
        """The place was taken by another controller, or the files could not be written."""
        with contextlib.suppress(PersistentChatError):
            folder = {"LiteralPath": self.place.preparation(job_id), "Recurse": True, "Force": True, "Confirm": False}
            self.transport.run([Command("Remove-Item", folder)])
        job = self.see().job
        if job is None:
            failed.objects()
            raise Overtaken
        return job

    def _not_started(self, why: str) -> PersistentChatError:
        return PersistentChatError(
            "The %s could not be started on %s: creating its process was refused: %s. The account must be an administrator of "
            "the server, WMI must work there (Get-WmiObject Win32_Process), and its protection against malware must not block "
            "processes that WMI creates." % (self.what, self.transport.server, why),
            "job_not_started",
        )

    # Ending

    def remove(self, job_id: str, besides: Sequence[Command] = ()) -> None:
        """Remove an ended job; what cannot be removed stays, and the next run copes with it.

        :param besides: carried out by the one controller that removes the job.
        """
        first, *rest = jobs.retiring(self.place, job_id)
        with contextlib.suppress(PersistentChatError):
            if not besides:
                self.transport.run([first, *rest], stop_on_error=False)
            elif self.transport.run([first])[0].error is None:
                self.transport.run([*besides, *rest], stop_on_error=False)

    def tidy(self, seen: Seen) -> None:
        """Remove a job that has ended and that nobody needs."""
        if seen.job is not None and seen.job.state != jobs.RUNNING:
            self.remove(seen.job.id)

    def free(self, seen: Seen) -> None:
        """Make the place free of a job that has ended or is lost, or of what is left of one.

        :raises LookAnew: it is not so any more.
        :raises PersistentChatError: it cannot be made free, as when a process that could not be seen still works there.
        """
        if not seen.occupied:
            return
        now = self.see()
        if now.job and (seen.job is None or (now.job.id, now.job.state) != (seen.job.id, seen.job.state)):
            raise LookAnew
        if not now.occupied:
            return
        commands = jobs.retiring(self.place, now.job.id) if now.job else jobs.clearing(self.place)
        outcomes = self.transport.run(commands)
        if now.job is not None and outcomes[0].error is not None:
            raise PersistentChatError(
                "An earlier %s seems to have ended, but its folder %s cannot be moved: %s. Perhaps its process runs under an "
                "account that this one may not see. End it, or wait for its end, then run the task again."
                % (self.what, self.place.root, outcomes[0].error.message),
                "job_in_use",
            )

    def may_try_again(self, job: Job) -> bool:
        """Whether a lost job was only unlucky: it printed nothing, and was not lost time and again."""
        return not job.printed and job.attempt < _ATTEMPTS

    def refuse_foreign(self, job: Job, subject: Mapping[str, Any]) -> None:
        """Insist that a job is the wanted one.

        :param subject: what is known of the wanted one's.
        :raises PersistentChatError: it works on something else.
        """
        different = sorted(name for name in subject if job.subject.get(name) != subject[name])
        if not different:
            return
        raise PersistentChatError(
            "Another %s with this archive is at work on %s (for %d seconds, process %s); it differs in %s. Wait for its end, or "
            "run the task with its options."
            % (self.what, self.transport.server, job.elapsed or 0, job.process_id, ", ".join(different)),
            "job_foreign",
            job={"id": job.id, "subject": dict(job.subject)},
        )

    def fail_lost(self, job: Job, then: str) -> NoReturn:
        """Raise that a job has ended without an answer."""
        raise PersistentChatError(
            "The process of the %s on %s has ended without an answer%s: it was killed, the server restarted, or it never began. %s"
            % (self.what, self.transport.server, " (it printed: %s)" % job.printed if job.printed else "", then),
            "job_lost",
        )
