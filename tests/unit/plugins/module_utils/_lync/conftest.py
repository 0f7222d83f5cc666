# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's cmdlets without its wire and its directory: each test has an estate of its own, and can break any remote call."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Mapping, Sequence

import pytest
from importing import ARCHIVE

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.export_changes import run as export
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletError,
    Command,
    Outcome,
    ProcessResult,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[5]))

from tests.lab.cmdlets import CmdletFault, Context, run_cmdlet
from tests.lab.estate import Estate
from tests.lab.programs.sc import sc


class LabServer:
    """A Transport straight to the lab's cmdlets.

    :ivar calls: the commands and programs of each remote call, by name.
    :ivar before: called with the number of the remote call (from 1) before it is carried out; may raise.
    :ivar after: the same afterwards, when what was sent is done.
    """

    server = "lync01.contoso.com"

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.calls: list[list[str]] = []
        self.before: Callable[[int], None] = lambda number: None
        self.after: Callable[[int], None] = lambda number: None

    def connect(self, params: Mapping[str, Any]) -> LabServer:
        return self

    def run(self, commands: Sequence[Command], stop_on_error: bool = True) -> list[Outcome]:
        self.calls.append([command.name for command in commands])
        number = len(self.calls)
        self.before(number)
        outcomes: list[Outcome] = []
        failed = False
        for command in commands:
            outcomes.append(Outcome(command, skipped=True) if failed else self._one(command))
            failed = failed or (stop_on_error and outcomes[-1].error is not None)
        self.after(number)
        return outcomes

    def _one(self, command: Command) -> Outcome:
        context = Context(self.estate, self.server)
        try:
            found = run_cmdlet(context, command.name, command.parameters)
        except CmdletFault as fault:
            return Outcome(command, error=CmdletError(fault.message, fault.error_id, fault.category))
        return Outcome(command, [{name: item.get(name) for name in command.select} for item in found], context.warnings)

    def execute(self, program: str, arguments: Sequence[str], reads: bool = False) -> ProcessResult:
        self.calls.append([" ".join([program, *arguments])])
        self.before(len(self.calls))
        end = sc(Context(self.estate, self.server), list(arguments))
        self.after(len(self.calls))
        return ProcessResult(end.exit_code, end.stdout, end.stderr)

    def close(self) -> None:
        pass

    def sent(self, name: str) -> int:
        """How often a cmdlet was sent."""
        return sum(call.count(name) for call in self.calls)


class Clock:
    """A clock that only waiting moves."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    """A fresh estate without a directory."""
    return Estate(SimpleNamespace(state=tmp_path / "state"), None)


@pytest.fixture
def server(estate: Estate) -> LabServer:
    return LabServer(estate)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(server: LabServer) -> str:
    """An archive of the legacy database; returns its hash."""
    given = {"db_instance": "sql01.contoso.com\\GC", "db_name": "mgc", "file_name": ARCHIVE, "remote_addr": "x"}
    sha256: str = export(given, False, server.connect)["sha256"]
    server.calls.clear()
    return sha256
