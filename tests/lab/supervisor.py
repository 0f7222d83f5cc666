# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supervisor: runs inside the lab's namespaces, owns every process of the lab and answers on the control socket.

It starts as process 1, forks, and lets the child be the lab; process 1 only waits, so that what others leave behind is
collected, and ends with the child, which ends everything.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from tests.lab import settings
from tests.lab.directory_service import DirectoryService
from tests.lab.dns import DnsServer, lab_records
from tests.lab.estate import Estate
from tests.lab.job_service import JobService
from tests.lab.jobs import ProcessJobs
from tests.lab.lab_directory import LabDirectory
from tests.lab.settings import Paths
from tests.lab.wire.server import WireServer


class Lab:
    """Everything that runs. Operations come one at a time, in any thread."""

    def __init__(self, paths: Paths, templates: Path) -> None:
        self.paths = paths
        self.ended = threading.Event()
        self._lock = threading.RLock()
        self.controllers = DirectoryService(paths, templates)
        self.dns = DnsServer(lab_records())
        self.directory = LabDirectory(paths)
        self.estate = Estate(paths, self.directory)
        self.wire = WireServer(settings, paths, self.estate, self.directory)
        self.estate.jobs = self._jobs = ProcessJobs(paths.root)
        self._job_operations = JobService(self._jobs, self.estate, self.wire).operations

    def start(self) -> None:
        """Start name server, directory, estate and WS-Man server. :raises Exception: any of them could not."""
        self.dns.start()
        self._restore()
        self.wire.start()

    def _restore(self) -> None:
        self.controllers.restore()
        self.directory.close()
        self.estate.reset()

    def stop(self) -> None:
        """Stop what start() started."""
        self._jobs.end()
        self.wire.stop()
        self.dns.stop()
        self.controllers.end()

    def answer(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Carry out one control operation and return its answer.

        :raises Exception: the operation is unknown, was not asked as it must be, or failed; nothing but its text is shown.
        """
        if op == "shutdown":
            self.ended.set()
            return {}
        if op == "ping":
            return {"pid": os.getpid()}
        if op in self._job_operations:
            return self._job_operations[op](**arguments)
        with self._lock:
            operations = {
                **self.controllers.operations,
                "reset": self._reset,
                "directory.use": self._use,
                "status": self._status,
                "kinit": self._log_on,
                "counters": lambda: {**self._counted(self.estate.control("counters")), "wire": self.wire.counters()},
                "faults.set": self.wire.faults.set,
                "faults.list": self.wire.faults.list,
                "faults.clear": self.wire.faults.clear,
                "requests.list": self.wire.log.requests,
                "cmdlets.list": self.wire.log.cmdlets,
                "log.clear": self.wire.log.clear,
                "policy.set": self.wire.policies.set,
                "policy.list": self.wire.policies.list,
                "policy.clear": self.wire.policies.clear,
            }
            if op in operations:
                return operations[op](**arguments)
            return self.estate.control(op, **arguments)

    def _reset(self) -> dict[str, Any]:
        self._jobs.end()
        self._jobs.ahead = 0.0
        self.wire.reset()
        self._restore()
        return {}

    def _use(self, controllers: int, recycle_bin: str) -> dict[str, Any]:
        self.controllers.choose(controllers, recycle_bin)
        return self._reset()

    def _counted(self, counters: dict[str, Any]) -> dict[str, Any]:
        return {**counters, "requests": self.wire.counters()["requests"]}

    def _status(self) -> dict[str, Any]:
        status = self.estate.status()
        return {
            **self.controllers.status(),
            **status,
            "counters": self._counted(status["counters"]),
            "wire": self.wire.counters(),
        }

    def _log_on(self, account: str) -> dict[str, Any]:
        if account not in settings.ACCOUNT_NAMES:
            raise ValueError("there is no account %r; there are %s" % (account, ", ".join(settings.ACCOUNT_NAMES)))
        cache = self.paths.ccache(account)
        run = subprocess.run(
            ["kinit", "-r", "7d", "-c", "FILE:%s" % cache, account],
            input=settings.PASSWORD + "\n",
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise ValueError(run.stderr.strip())
        return {"ccache": str(cache)}


class _Handler(socketserver.StreamRequestHandler):
    lab: Lab

    def handle(self) -> None:
        """One line of JSON in, one out; nothing for one who only looks whether somebody is there."""
        line = self.rfile.readline()
        if not line:
            return
        try:
            answer = self.lab.answer(**json.loads(line))
        except Exception as error:  # whatever it is, the caller must hear of it
            traceback.print_exc()
            answer = {"error": "%s" % error or repr(error)}
        with contextlib.suppress(OSError):
            self.wfile.write(json.dumps(answer).encode() + b"\n")


class _ControlServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def serve(paths: Paths, templates: Path) -> None:
    """Be the lab until somebody asks to shut down or sends SIGTERM."""
    lab = Lab(paths, templates)

    def end(number: int, frame: FrameType | None) -> None:
        lab.ended.set()

    signal.signal(signal.SIGTERM, end)
    try:
        lab.start()
        paths.control.unlink(missing_ok=True)
        os.chdir(paths.root)  # a socket's path must be short, a lab's folder need not be
        server = _ControlServer(paths.control.name, type("Handler", (_Handler,), {"lab": lab}))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        lab.ended.wait()
        server.shutdown()
    finally:
        paths.control.unlink(missing_ok=True)
        lab.stop()


def main() -> int:
    """Process 1: start the lab, collect orphans, end with the lab."""
    paths, templates = Paths(Path(sys.argv[1])), Path(sys.argv[2])
    child = os.fork()
    if child == 0:
        try:
            serve(paths, templates)
        except BaseException as error:  # the reason is for the person who typed "up"
            traceback.print_exc()
            (paths.logs / "failure").write_text(str(error), encoding="utf-8")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(child, number))
    while True:
        done, status = os.wait()
        if done == child:
            return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(main())
