# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control client: how tests and the command line talk to a running lab."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

from tests.lab import settings
from tests.lab.settings import Paths


class LabError(Exception):
    """The lab is not there, or it refused; the text says what to do."""


class LabClient:
    """A running lab, by its folder.

    :param folder: the lab's folder; default as in L(Paths.of).
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.paths = Paths.of(folder)

    def connect(self, timeout: float = 60.0) -> socket.socket:
        """Connect to the control socket. :raises LabError: no lab is up in this folder."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        folder = None
        try:  # by way of the folder's descriptor: a socket's path must be short, a lab's folder need not be
            folder = os.open(self.paths.root, os.O_PATH)
            connection.connect("/proc/self/fd/%d/%s" % (folder, self.paths.control.name))
        except OSError as error:
            connection.close()
            raise LabError(
                "No lab is up in %s (%s). Start one: %s --dir %s up"
                % (self.paths.root, error.strerror or error, settings.PROGRAM, self.paths.root)
            ) from error
        finally:
            if folder is not None:
                os.close(folder)
        return connection

    def call(self, op: str, timeout: float = 180.0, **arguments: Any) -> dict[str, Any]:
        """Send one operation to the supervisor and return its answer.

        :param op: such as status, reset, faults.set, switch.set, counters, estate.patch, directory.use.
        :param timeout: the first directory.use of a shape may have to build it, on a busy machine.
        :raises LabError: no lab, no answer in time (seconds), or the operation was refused.
        """
        with self.connect(timeout) as connection:
            try:
                connection.sendall(json.dumps({"op": op, **arguments}).encode() + b"\n")
                text = b"".join(iter(lambda: connection.recv(65536), b""))
            except OSError as error:
                raise LabError("The lab in %s did not answer %s: %s" % (self.paths.root, op, error)) from error
        if not text:
            raise LabError("The lab in %s ended while it worked on %s." % (self.paths.root, op))
        answer: dict[str, Any] = json.loads(text)
        if "error" in answer:
            raise LabError("%s: %s" % (op, answer["error"]))
        return answer

    def status(self) -> dict[str, Any]:
        """Holders, endpoints, services, databases and counters, as C(status --json) prints them."""
        return self.call("status")

    def reset(self) -> None:
        """Put directory and estate back to their first state, in the shape of the last directory.use; about one second."""
        self.call("reset")

    def writes(self) -> tuple[int, int]:
        """Estate writes and dc1's USN: equal before and after means that nothing was written.

        With two controllers an idle directory stays as still as with one. But what was written on dc2 counts when dc1 has
        it: about a second later, or never while dc1's inbound replication is paused. To pause and to resume are writes
        themselves, done when the operation returns.
        """
        counters = self.call("counters")
        return counters["writes"], counters["directory_usn"]
