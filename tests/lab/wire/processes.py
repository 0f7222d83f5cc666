# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process of a WinRS shell: a thread with the standard streams of a Windows process."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from typing import Callable

#: how long a reader that has some output still waits for the end of the process, so that a short command needs one Receive
GATHERING_SECONDS = 0.05
KILLED = 0xC000013A  # STATUS_CONTROL_C_EXIT


class Killed(Exception):
    """The process was killed while it ran; raised inside it."""


class Process:
    """Standard input, output and the exit code of one process. Thread-safe.

    :param run: the program: gets this object, returns the exit code.
    :param codepage: Python codec of the text that it prints.
    :param cmdlets: where the request that started it keeps the names of its cmdlets.
    """

    ask = None  # nobody answers a question there

    def __init__(self, run: Callable[[Process], int], codepage: str, cmdlets: list[str]) -> None:
        self.codepage = codepage
        self.cmdlets = cmdlets
        self._changed = threading.Condition()
        self._input = bytearray()
        self._input_ended = False
        self._output = {"stdout": bytearray(), "stderr": bytearray()}
        self._exit_code: int | None = None
        self._killed = False
        threading.Thread(target=self._main, args=(run,), daemon=True, name="winrs-process").start()

    def _main(self, run: Callable[[Process], int]) -> None:
        try:
            code = run(self)
        except Killed:
            code = KILLED
        except Exception:  # a defect of the lab: it must be seen on both sides
            text = "defect of the lab:\n" + traceback.format_exc()
            sys.stderr.write(text)
            self.write("stderr", text)
            code = 1
        with self._changed:
            self._exit_code = code
            self._changed.notify_all()

    # The program's side

    def read_input(self) -> bytes:
        """Everything on standard input, once it has ended. :raises Killed: the process was killed meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: self._input_ended or self._killed)
            self._check()
            return bytes(self._input)

    def write(self, stream: str, text: str) -> None:
        """Print text to C(stdout) or C(stderr); what the code page lacks becomes a question mark."""
        with self._changed:
            self._output[stream] += text.encode(self.codepage, "replace")
            self._changed.notify_all()

    def check(self) -> None:
        """Go on only while alive. :raises Killed: the process was killed."""
        with self._changed:
            self._check()

    def _check(self) -> None:
        if self._killed:
            raise Killed

    # The shell's side

    def feed(self, data: bytes, end: bool, cmdlets: list[str]) -> bool:
        """Append to standard input and end it where asked; False where it had ended before.

        :param cmdlets: the request's, as at the start.
        """
        with self._changed:
            if self._input_ended:
                return False
            self._input += data
            self._input_ended = end
            self.cmdlets = cmdlets
            self._changed.notify_all()
            return True

    def kill(self) -> None:
        """End the process: readers and the program itself are woken."""
        with self._changed:
            self._killed = True
            self._changed.notify_all()

    def collect(self, timeout: float, limit: int) -> tuple[dict[str, bytes], int | None]:
        """Wait for output or the end; then take at most C(limit) bytes.

        :param timeout: in seconds.
        :returns: the bytes of each stream, and the exit code once all output was taken before.
        :raises Killed: the process was killed.
        :raises TimeoutError: nothing happened in time.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            if not self._changed.wait_for(self._has_news, timeout):
                raise TimeoutError
            rest = min(GATHERING_SECONDS, max(0.0, deadline - time.monotonic()))
            self._changed.wait_for(lambda: self._exit_code is not None or self._killed, rest)
            self._check()
            taken = {}
            for name, pending in self._output.items():
                taken[name] = bytes(pending[:limit])
                del pending[:limit]
                limit -= len(taken[name])
            return taken, None if any(self._output.values()) else self._exit_code

    def _has_news(self) -> bool:
        return self._killed or self._exit_code is not None or any(self._output.values())
