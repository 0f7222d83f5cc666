# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One job: what cmd.exe and powershell.exe do with its command line. A process that the lab's supervisor starts.

The cmdlets themselves are called in the supervisor, which has the estate. Faults that a test has ordered happen here: a job
that is killed during a delay before a cmdlet has not called it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Callable, Mapping

from tests.lab.client import LabClient
from tests.lab.cmdlets import CmdletFault
from tests.lab.jobs import parse
from tests.lab.wire.bridge import is_bridge, run_bridge
from tests.lab.wire.session import CmdletResult

CallCmdlet = Callable[[str, "dict[str, Any]"], CmdletResult]


class _Process:
    """What the bridge needs of a process: its standard streams are the files of the command line."""

    ask = None

    def __init__(self, streams: Mapping[str, BinaryIO]) -> None:
        self.cmdlets: list[str] = []
        self._streams = streams

    def read_input(self) -> bytes:
        return self._streams["stdin"].read()

    def write(self, stream: str, text: str) -> None:
        self._streams[stream].write(text.encode("ascii", "replace"))

    def check(self) -> None:
        """Whoever kills a job kills this process."""


class _Session:
    """What the bridge needs of a session."""

    def __init__(self, call: CallCmdlet) -> None:
        self._call = call

    def call(self, process: _Process, name: str, parameters: dict[str, Any]) -> CmdletResult:
        return self._call(name, parameters)

    def context(self, process: _Process) -> _Session:
        return self

    def import_module(self, names: list[str]) -> str | None:
        """Jobs run where the tools are."""
        return names[0] if names else None


def work(line: str, folder: Path, call: CallCmdlet) -> int:
    """Carry the command line out in its folder; returns the exit code."""
    parts = parse(line)
    modes = {"stdin": "rb", "stdout": "wb", "stderr": "wb"}
    streams = {name: open(folder / parts[name], mode, buffering=0) for name, mode in modes.items()}
    try:
        process = _Process(streams)
        script = folder / parts["script"]
        if not script.is_file() or not is_bridge(script.read_text("utf-8")):
            process.write("stderr", "The argument '%s' to the -File parameter does not exist.\r\n" % parts["script"])
            return 1
        return run_bridge(process, _Session(call))  # type: ignore[arg-type]
    finally:
        for stream in streams.values():
            stream.close()


def _call(client: LabClient, facts: Mapping[str, Any], name: str, parameters: dict[str, Any]) -> CmdletResult:
    try:
        _meet(client, "cmdlet-before", facts["host"], name)
        asked = {key: facts[key] for key in ("host", "user", "delegated")}
        answer = client.call("job.cmdlet", timeout=600, name=name, parameters=parameters, **asked)
        if answer["fault"]:
            return CmdletResult([], answer["warnings"], CmdletFault(**answer["fault"]))
        _meet(client, "cmdlet-after", facts["host"], name)
    except CmdletFault as fault:
        return CmdletResult([], [], fault)
    return CmdletResult(answer["output"], answer["warnings"])


def _meet(client: LabClient, point: str, host: str, name: str) -> None:
    """Let an ordered fault happen. What ends a shell or its server ends the job too."""
    rule = client.call("job.fault", point=point, host=host, name=name)
    fields = rule["fields"]
    if rule["do"] == "delay":
        time.sleep(fields["seconds"])
    elif rule["do"] == "error":
        message, error_id = fields.get("message", "The operation failed."), fields.get("error_id", "OrderedFault")
        raise CmdletFault(message, error_id, fields.get("category", "NotSpecified"))
    elif rule["do"] in ("kill-shell", "exit"):
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Be the job whose facts are on the command line, in the current folder."""
    root, facts = sys.argv[1], json.loads(sys.argv[2])
    return work(facts["line"], Path.cwd(), partial(_call, LabClient(root), facts))


if __name__ == "__main__":
    sys.exit(main())
