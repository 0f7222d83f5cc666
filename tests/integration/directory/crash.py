# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module in a process of its own that is killed, or stopped, right before one of its steps.

A step is what changes something outside the process: in the folder of the backups each creation, renaming, removal and fsync,
in the directory each add, modify and delete; then C(wait), each time that the module sleeps until others agree, and C(end), when
nothing is left to do. What is outside is the same right after one step as right before the next, so nothing is missed.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import Any

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import wellknown_user
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.client import Client
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError

END = "end"
_DIE_WITH_PARENT = 1  # of prctl(2): a test that fails leaves no stopped process behind
_FILES = {
    "os.mkdir": "mkdir",
    "os.rename": "rename",
    "os.remove": "remove",
    "os.link": "link",
    "os.truncate": "truncate",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    :param killed: right before the last one of C(steps).
    :param code: of the module's error; None when it succeeded or was killed.
    """

    killed: bool
    steps: tuple[str, ...]
    changed: bool
    not_restored: tuple[str, ...]
    code: str | None
    text: str


class Run:
    """A process that runs the module; it begins at once.

    :param at: the number of the step, from 1, or the name of the first such step, before which it gets the signal.
    """

    def __init__(
        self, params: dict[str, Any], at: int | str | None = None, by: signal.Signals = signal.SIGKILL
    ) -> None:
        reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _work(params, at, by, writer)
        os.close(writer)
        self._reader = os.fdopen(reader, "rb")

    def stopped(self) -> None:
        """Wait until it has stopped itself."""
        assert os.WIFSTOPPED(os.waitpid(self.pid, os.WUNTRACED)[1]), self.ended()

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def ended(self) -> Ended:
        """Wait for its end."""
        with self._reader:
            *steps, last = self._reader.read().decode().splitlines()
        status = os.waitpid(self.pid, 0)[1]
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return Ended(True, (*steps, last), False, (), None, "")
        said = json.loads(last)
        assert os.waitstatus_to_exitcode(status) == 0, said["text"]
        return Ended(False, tuple(steps), said["changed"], tuple(said["not_restored"]), said["code"], said["text"])


def _work(params: dict[str, Any], at: int | str | None, by: signal.Signals, writer: int) -> None:
    """What the process does; never returns."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    numbers, waiting = itertools.count(1), [at]

    def step(name: str) -> None:
        number = next(numbers)
        os.write(writer, name.encode() + b"\n")
        if waiting[0] in (number, name):
            waiting[0] = None
            os.kill(os.getpid(), by)

    said, status = {"changed": False, "not_restored": [], "code": None, "text": ""}, 0
    try:
        _watch(params["backup_dir"], step)
        result = wellknown_user.run(params)
        said.update(changed=result["changed"], not_restored=result["not_restored"])
        step(END)
    except PersistentChatError as error:
        said.update(code=error.code, text=str(error))
    except BaseException as error:  # whatever it is, the process that began here must not go on in the test
        said.update(text=repr(error))
        status = 1
    os.write(writer, json.dumps(said).encode())
    os._exit(status)


def _watch(folder: str, step: Any) -> None:
    """Call C(step) before each step; Python itself tells about files, and an audit hook lasts as long as the process."""

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _FILES and not (event == "open" and (arguments[2] or 0) & _WRITING):
            return
        if str(arguments[0]).startswith(folder):
            step(_FILES.get(event, "open"))

    fsync, call, sleep = os.fsync, Client.call, time.sleep

    def watched_fsync(handle: int) -> None:
        step("fsync")
        fsync(handle)

    def watched_call(client: Client, operation: str, *arguments: Any, **named: Any) -> Any:
        if operation != "search":
            step(operation)
        return call(client, operation, *arguments, **named)

    def watched_sleep(seconds: float) -> None:
        step("wait")
        sleep(seconds)

    os.fsync, time.sleep = watched_fsync, watched_sleep
    Client.call = watched_call  # type: ignore[method-assign]
    sys.addaudithook(audit)
