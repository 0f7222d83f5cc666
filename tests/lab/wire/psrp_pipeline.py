# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pipeline of a runspace pool: a thread that runs statements of cmdlets, or a script that is one literal command."""

from __future__ import annotations

import re
import sys
import threading
import traceback
import uuid
from typing import TYPE_CHECKING, Any, Callable, Iterable

from psrpcore import GetMetadata, ServerHostRequestor, ServerPipeline
from psrpcore.types import ChoiceDescription, ErrorRecord, PSInvocationState, PSRPMessageType

from tests.lab.cmdlets import CMDLETS, CmdletFault, Scalar
from tests.lab.cmdlets.binding import COMMON
from tests.lab.cmdlets.registry import visible
from tests.lab.cmdlets.selection import glob

from .powershell import NOT_SIMULATED, NotLiteral, parse_command
from .processes import Killed
from .programs import find_program
from .psrp_values import error_record, metadata, net_object, python_value

if TYPE_CHECKING:
    from .psrp import PowerShellPool

_CHOICES = (("&Yes", True), ("Yes to &All", True), ("&No", False), ("No to A&ll", False))
_EXIT = re.compile(r"\s*\n\s*exit \$LASTEXITCODE\s*\Z", re.IGNORECASE)
#: one object of a pipeline and the name of the cmdlet that gave it
Item = tuple[str, Any]


class Terminated(Exception):
    """A statement ended with an error.

    :param stops: the statements after it are not run either.
    :param items: what came before the error.
    """

    def __init__(self, record: ErrorRecord, stops: bool = False, items: Iterable[Item] = ()) -> None:
        super().__init__(record.FullyQualifiedErrorId)
        self.record = record
        self.stops = stops
        self.items = items


class Pipeline:
    """One pipeline, as L(session.Runner) wants it."""

    def __init__(self, owner: PowerShellPool, key: uuid.UUID) -> None:
        self.running = False
        self.input: list[Any] = []
        self.input_ended = False
        self.answers: dict[int, Any] = {}
        self.cmdlets: list[str] = []
        self._owner = owner
        self._key = key
        self._server = ServerPipeline(owner.pool, key)
        self._killed = False

    def start(self, work: Any, cmdlets: list[str]) -> None:
        """Run what the client sent, once the pool has a runspace for it. :param cmdlets: names of the request's cmdlets."""
        self.cmdlets = cmdlets
        threading.Thread(target=self._main, args=(work,), daemon=True, name="psrp-pipeline").start()

    def kill(self) -> None:
        """Stop it; under the pool's lock."""
        self._killed = True

    def check(self) -> None:
        """Go on only while alive. :raises Killed: it was stopped."""
        with self._owner.changed:
            if self._killed:
                raise Killed

    def ask(self, question: str) -> bool:
        """Ask the client for confirmation, as Windows PowerShell does, and wait for its answer for as long as it takes."""
        choices = [ChoiceDescription(Label=label, HelpMessage="") for label, _yes in _CHOICES]
        with self._owner.changed:
            self.check()
            text = "Are you sure you want to perform this action?\n%s" % question
            number = ServerHostRequestor(self._server).prompt_for_choice("Confirm", text, choices, 0)
            self._owner.sort_out()
            self._owner.changed.wait_for(lambda: self._killed or number in self.answers)
            self.check()
            answer = self.answers.pop(number)
        return isinstance(answer, int) and 0 <= answer < len(_CHOICES) and _CHOICES[answer][1]

    # The thread

    def _main(self, work: Any) -> None:
        failure = None
        try:
            self._begin()
            failure = self._describe(work) if isinstance(work, GetMetadata) else self._run(work)
        except Killed:
            pass
        except Exception:  # a defect of the lab: it must be seen on both sides
            text = "defect of the lab:\n" + traceback.format_exc()
            sys.stderr.write(text)
            failure = error_record(CmdletFault(text, "LabDefect", "NotSpecified"))
        self._finish(failure)

    def _begin(self) -> None:
        with self._owner.changed:
            self._owner.changed.wait_for(lambda: self._killed or self._owner.has_room)
            self.check()
            self.running = True
            self._mark_running()

    def _mark_running(self) -> None:
        """psrpcore's own way would also tell the client, which Windows PowerShell does not."""
        self._server._change_state(PSInvocationState.Running, emit=False)

    def _finish(self, failure: ErrorRecord | None) -> None:
        with self._owner.changed:
            if self._killed:
                if self._server.state == PSInvocationState.NotStarted:
                    self._mark_running()
                self._server.stop()
            elif failure is not None:
                self._server._change_state(PSInvocationState.Failed, failure)  # psrpcore has no public way
            else:
                self._server.complete()
            self.running = False
            self._server.close()
            self._owner.sort_out(self._key)

    def _send(self, write: Callable[..., Any], *arguments: Any) -> None:
        with self._owner.changed:
            self.check()
            write(*arguments)
            self._owner.sort_out()

    def _send_error(self, record: ErrorRecord) -> None:
        self._send(self._server.prepare_message, record, PSRPMessageType.ErrorRecord)

    def _describe(self, wanted: GetMetadata) -> None:
        patterns = [str(name) for name in wanted.name]
        commands = visible(self._owner.session.context(self))
        chosen = [item for item in commands if any(glob(pattern, item.name) for pattern in patterns)]
        for item in metadata(chosen):
            self._send(self._server.write_output, item)

    # Statements

    def _run(self, work: Any) -> ErrorRecord | None:
        """Run all statements; returns the error that failed the pipeline.

        In a batch, a statement that fails leaves its error on the error stream, and the next one is run; only
        -ErrorAction Stop ends it (source: BatchInvocationCallback in PowerShell's hostifaces/PowerShell.cs).
        """
        statements = list(_statements(work.commands))
        given = self._whole_input() if not work.no_input else []
        for statement in statements:
            try:
                self._statement(statement, given)
            except Terminated as end:
                if len(statements) == 1 or end.stops:
                    return end.record
                self._send_error(end.record)
        return None

    def _whole_input(self) -> list[Any]:
        with self._owner.changed:
            self._owner.changed.wait_for(lambda: self._killed or self.input_ended)
            self.check()
            return [python_value(item) for item in self.input]

    def _statement(self, commands: list[Any], given: list[Any]) -> None:
        items: list[Item] = [("", item) for item in given]
        for place, command in enumerate(commands):
            try:
                if command.is_script:
                    items = self._script(command.command_text)
                else:
                    items = self._command(command, items, place == 0 and not given)
            except Terminated as end:
                if command is commands[-1]:
                    self._send_output(end.items)
                raise
        self._send_output(items)

    def _send_output(self, items: Iterable[Item]) -> None:
        for name, item in items:
            self._send(self._server.write_output, net_object(CMDLETS.get(name.lower()), item))

    def _script(self, text: str) -> list[Item]:
        """A script that is one command; its errors do not end the pipeline, as a script goes on after them."""
        if self._owner.session.restricted:
            fault = CmdletFault(
                "The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode.",
                "ScriptsNotAllowed",
                "ParserError",
            )
            raise Terminated(error_record(fault))
        try:
            name, positional, named = parse_command(_EXIT.sub("", text))
        except NotLiteral:
            raise Terminated(error_record(CmdletFault(NOT_SIMULATED, "NotSimulated", "NotImplemented"))) from None
        exit_code = 0
        items: list[Item] = []
        try:
            if find_program(name):
                exit_code, items = self._program(name, positional)
            else:
                items = self._call(name, _with_position(name, positional, named), None)
        except Terminated as end:
            if end.stops:
                raise
            self._send_output(end.items)
            self._send_error(end.record)
        if _EXIT.search(text):
            self._send(ServerHostRequestor(self._server).set_should_exit, exit_code)
        return items

    def _command(self, command: Any, items: list[Item], first: bool) -> list[Item]:
        name = str(command.command_text)
        positional = [python_value(value) for key, value in command.parameters if key is None]
        named = {str(key): python_value(value) for key, value in command.parameters if key is not None}
        if find_program(name) and not self._owner.session.restricted:
            return self._program(name, [str(one) for one in positional])[1]
        parameters = _with_position(name, positional, named)
        found = CMDLETS.get(name.lower())
        if found is not None and found.gathers:
            return self._call(name, parameters, [item for _name, item in items])
        if first:
            return self._call(name, parameters, None)
        return [one for _name, item in items for one in self._call(name, parameters, _handed(name, item))]

    def _program(self, name: str, arguments: list[str]) -> tuple[int, list[Item]]:
        known = find_program(name)
        assert known is not None
        end = known(self._owner.session.context(self), arguments)
        for line in end.stderr.splitlines():
            self._send_error(error_record(CmdletFault(line, "NativeCommandError", "NotSpecified"), name, line))
        return end.exit_code, [("", Scalar(line)) for line in end.stdout.splitlines()]

    def _call(self, name: str, parameters: dict[str, Any], given: Any) -> list[Item]:
        """One call of a cmdlet. :raises Terminated: it ended with a terminating error, or one that -ErrorAction makes one."""
        self.check()
        result = self._owner.session.call(self, name, parameters, given)
        for text in result.warnings:
            self._send(self._server.write_warning, text)
        items = [(name, item) for item in result.output]
        if result.error is not None:
            self._fail(name, parameters, result.error, items)
        return items

    def _fail(self, name: str, parameters: dict[str, Any], fault: CmdletFault, items: list[Item]) -> None:
        given = {key.lower().lstrip("-"): value for key, value in parameters.items()}
        unknown = fault.error_id == "CommandNotFoundException"
        record = error_record(fault, name, name if unknown else given.get("identity", given.get("name")))
        stop = str(given.get("erroraction")).lower() == "stop"
        if fault.terminating or stop:
            raise Terminated(record, stops=stop and not fault.terminating, items=items)
        self._send_error(record)


def _statements(commands: Iterable[Any]) -> Iterable[list[Any]]:
    statement: list[Any] = []
    for command in commands:
        statement.append(command)
        if command.end_of_statement:
            yield statement
            statement = []
    if statement:
        yield statement


def _with_position(name: str, positional: list[Any], named: dict[str, Any]) -> dict[str, Any]:
    """The parameters by name: what has none is the cmdlet's Identity, else its first parameter."""
    if not positional:
        return named
    found = CMDLETS.get(name.lower())
    own = [key for key in found.parameters if key not in COMMON] if found else []
    first = "Identity" if not own or "Identity" in own else own[0]
    return {first: positional[0], **named}


def _handed(name: str, item: Any) -> Any:
    """What a cmdlet takes of an object from the pipeline: the whole where it wants one, else the property Identity."""
    found = CMDLETS.get(name.lower())
    if isinstance(item, Scalar):
        return item["Value"]
    wants_whole = found is None or {"InputObject", "Instance"} & set(found.parameters)
    return item if wants_whole or not isinstance(item, dict) else item.get("Identity", item)
