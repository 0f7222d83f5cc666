# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Following a job on the server: a module that waits for a short time only is called until the job has ended.

Private to this collection.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Callable, Mapping

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

Result = dict[str, Any]
#: seconds between two lines, at the most
SILENCE = 25.0
#: seconds before a server that is out of reach is asked again
_PAUSE = 5.0
#: what the first call knows best: it saw the state before
_FROM_FIRST = ("actions", "counts_before", "diff", "invocation")
_OUT_OF_REACH = ("retryable", "ambiguous")


def follow(
    call: Callable[[Mapping[str, Any]], Result],
    say: Callable[[str], None],
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """Call the module until the job has ended; what it would have returned, had it waited itself.

    A server that is out of reach while the job runs is waited for.

    :param call: calls the module; takes options that replace those of the task.
    :param say: takes a line for the user, without module and server.
    """
    merged: Result = {}
    again: dict[str, Any] = {}
    job: dict[str, Any] = {}
    lost_at: float | None = None
    while True:
        result = call(again)
        error = result.get("error") if isinstance(result.get("error"), dict) else {}
        if job and result.get("failed") and error.get("kind") in _OUT_OF_REACH:
            lost_at = monotonic() if lost_at is None else lost_at
            if monotonic() - lost_at < job["outage_timeout"]:
                say("out of reach for %s; the job goes on there" % duration(monotonic() - lost_at))
                sleep(_PAUSE)
                continue
        if result.get("failed"):
            return result
        lost_at = None
        merged = _merge(merged, result)
        job = merged.pop("job", None) or {}
        if not job:
            return merged
        again.update(job["again"])
        say(describe(job))


def _merge(earlier: Result, later: Result) -> Result:
    merged = {**earlier, **later, "changed": bool(earlier.get("changed") or later.get("changed"))}
    merged.update({name: earlier[name] for name in _FROM_FIRST if name in earlier})
    warnings = [*earlier.get("warnings", ()), *later.get("warnings", ())]
    return dict(merged, warnings=list(dict.fromkeys(warnings))) if warnings else merged


def describe(job: Mapping[str, Any]) -> str:
    """One line about a running job."""
    if job["state"] == "unknown":
        return "whether it began is not known yet; it is looked for"
    if job["state"] == "verifying":
        return "%s has ended, waiting for its contents" % job["what"]
    parts = [job["what"] + " running for " + duration(job["elapsed"])]
    if job.get("written"):
        parts.append("archive %s" % size(job["written"]))
    parts.append("processor time %s" % duration(job["cpu"]))
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Seconds as hours, minutes and seconds."""
    whole = int(seconds)
    return "%02d:%02d:%02d" % (whole // 3600, whole // 60 % 60, whole % 60)


def size(count: int) -> str:
    """A number of bytes for people."""
    return "%d MB" % (count // 1000000) if count >= 1000000 else "%d kB" % max(1, count // 1000)


class _Lines:
    """Prints lines, and speaks up when nobody has spoken for a while.

    A call of the module may take longer than that, when it computes the hash of a large archive.

    :param head: begins each line.
    """

    def __init__(self, head: str) -> None:
        self._head = head
        self._last = "at work"
        self._asked = self._spoke = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._remind, daemon=True)

    def say(self, text: str) -> None:
        """Print what is known now."""
        self._last, self._asked = text, time.monotonic()
        self._print(text)

    def _print(self, text: str) -> None:
        """To standard error: standard output belongs to the callback, which may write JSON there."""
        self._spoke = time.monotonic()
        Display().display("%s: %s" % (self._head, text), stderr=True)

    def _remind(self) -> None:
        while not self._ended.wait(1.0):
            if time.monotonic() - self._spoke >= SILENCE:
                self._print("%s; no answer for %s" % (self._last, duration(time.monotonic() - self._asked)))

    def __enter__(self) -> _Lines:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._thread.join()


class JobAction(ActionBase):
    """The action plugin of a module that follows a job."""

    _supports_check_mode = True
    _supports_async = True  # refused below, in words of our own

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> Result:
        """Run the module to the end of its job."""
        result: Result = super().run(tmp, task_vars)
        if self._task.async_val:
            raise AnsibleActionFail(
                "%s does not take async: the work runs as a job on the server anyway, and goes on when the controller ends. "
                "Leave async and poll out." % self._task.action
            )

        def call(again: Mapping[str, Any]) -> Result:
            called: Result = self._execute_module(module_args={**self._task.args, **again}, task_vars=task_vars)
            return called

        server = self._task.args.get("remote_addr") or os.environ.get("PERSISTENT_CHAT_REMOTE_ADDR")
        try:
            with _Lines("%s on %s" % (self._task.action.rpartition(".")[2], server)) as lines:
                result.update(follow(call, lines.say))
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result
