# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command is as a pipeline of the PowerShell remoting protocol, and what the pipeline answers. Private to this collection."""

from __future__ import annotations

import struct
from typing import Any, Callable, Iterator

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import bridge
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletError,
    Command,
    Outcome,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.objects import Message, RemoteObject

#: MS-PSRP section 2.2.1
_OUTPUT, _ERROR, _STATE, _WARNING, _HOST_CALL = 0x00041004, 0x00041005, 0x00041006, 0x00041009, 0x00041100
#: MS-PSRP section 2.2.3.5; a pipeline does nothing more after these
_STOPPED, _COMPLETED, _FAILED = 3, 4, 5
_FRAGMENT = struct.Struct(">QQBI")  # object, number, whether first or last, length
_HEADER = struct.Struct("<II16s16s")  # destination, type, pool, pipeline
#: calls to the host that nobody waits for
_MERE_DISPLAY = ("Write", "Set", "Notify", "Exit")
_NOT_FOUND = "CommandNotFoundException"
_IMPORT = "Import-Module"
_IMPORT_CLASS = "Microsoft.PowerShell.Commands.ImportModuleCommand"
#: System.Management.Automation.ErrorCategory
_CATEGORIES = (
    "NotSpecified OpenError CloseError DeviceError DeadlockDetected InvalidArgument InvalidData InvalidOperation InvalidResult "
    "InvalidType MetadataError NotImplemented NotInstalled ObjectNotFound OperationStopped OperationTimeout SyntaxError "
    "ParserError PermissionDenied ResourceBusy ResourceExists ResourceUnavailable ReadError WriteError FromStdErr "
    "SecurityError ProtocolError ConnectionError AuthenticationError LimitsExceeded QuotaExceeded NotEnabled"
).split()

#: brings in Lync's cmdlets where the endpoint does not have them by itself; a module that is not there is no error
IMPORT = Command(
    _IMPORT,
    {
        "Name": list(bridge.MODULES),
        "DisableNameChecking": True,
        "ErrorAction": "SilentlyContinue",
        "WarningAction": "SilentlyContinue",
    },
)


def parameters(command: Command, tagged: Callable[[str, Any], Any]) -> dict[str, Any]:
    """A command's parameters, with those that pypsrp would send as another type marked; an error always ends the command.

    :param tagged: makes a value of an explicit type: C(pypsrp.serializer.TaggedValue).
    """

    def typed(value: Any) -> Any:
        if isinstance(value, bool) or value is None or isinstance(value, str):
            return value
        if isinstance(value, int):
            return value if -(2**31) <= value < 2**31 else tagged("I64", value)
        if isinstance(value, float):
            return tagged("Db", repr(value))
        if isinstance(value, dict):
            return {key: typed(item) for key, item in value.items()}
        return [typed(item) for item in value]

    typed_parameters = {name: typed(value) for name, value in command.parameters.items()}
    if not any(name.lower() == "erroraction" for name in typed_parameters):
        typed_parameters["ErrorAction"] = "Stop"
    return typed_parameters


class Answer:
    """What a pipeline has sent so far.

    :ivar question: what it asked the person at the keyboard, if it did: it waits for an answer that never comes.
    """

    def __init__(self) -> None:
        self.question = ""
        self._state: int | None = None
        self._output: list[RemoteObject] = []
        self._warnings: list[str] = []
        self._errors: list[RemoteObject] = []
        self._last: RemoteObject | None = None
        self._parts: dict[int, bytes] = {}

    @property
    def ended(self) -> bool:
        return self._state in (_STOPPED, _COMPLETED, _FAILED)

    @property
    def stopped(self) -> bool:
        """Whether somebody ended it before its time; nobody knows how far it came."""
        return self._state == _STOPPED

    def feed(self, data: bytes) -> None:
        """Take in fragments of messages.

        :raises ValueError: they are not what the protocol says.
        """
        for kind, xml in self._messages(data):
            if kind not in (_OUTPUT, _ERROR, _STATE, _WARNING, _HOST_CALL):
                continue
            content = Message(xml).root
            if kind == _OUTPUT:
                self._output.append(content)
            elif kind == _ERROR:
                self._errors.append(content)
            elif kind == _WARNING:
                self._warnings.append(_text(content, "InformationalRecord_Message") or content.text)
            elif kind == _HOST_CALL:
                self.question = self.question or _question(content)
            else:
                state = content.get("PipelineState")
                self._state = None if state is None else int(state.value())
                self._last = content.get("ExceptionAsErrorRecord")

    def outcome(self, command: Command) -> Outcome:
        """What the command did."""
        warnings, error = list(self._warnings), None
        records = [record for record in self._errors if command.name == _IMPORT or not _of_import(record)]
        for record in self._errors:
            # as with the bridge: it only matters when the command is then unknown
            if record not in records and not _identity(record).startswith("Modules_ModuleNotFound"):
                warnings.append(_message(record))
        if self.question:
            error = CmdletError(
                "it asked for input (%s), and nobody is there to answer; it was stopped" % self.question,
                "HostCallWithoutHost",
                "InvalidOperation",
            )
        elif self._state == _FAILED and self._last is not None:
            error = _cmdlet_error(self._last)
        elif records:
            error = _cmdlet_error(records[-1])
        elif self._state == _FAILED:
            error = CmdletError("the server said that it failed, and not why")
        output = [item.row(command.select) for item in self._output] if command.select else []
        return Outcome(command, output, warnings, error)

    def _messages(self, data: bytes) -> Iterator[tuple[int, str]]:
        place = 0
        while place < len(data):
            if len(data) - place < _FRAGMENT.size:
                raise ValueError("a fragment of a message is cut")
            number, _fragment, first_or_last, length = _FRAGMENT.unpack_from(data, place)
            start, place = place + _FRAGMENT.size, place + _FRAGMENT.size + length
            if place > len(data):
                raise ValueError("a fragment of a message is cut")
            content = (b"" if first_or_last & 1 else self._parts.pop(number, b"")) + data[start:place]
            if not first_or_last & 2:
                self._parts[number] = content
                continue
            if len(content) < _HEADER.size:
                raise ValueError("a message is cut")
            yield _HEADER.unpack_from(content)[1], content[_HEADER.size :].decode("utf-8-sig")


def _cmdlet_error(record: RemoteObject) -> CmdletError:
    category = record.get("ErrorCategory_Category")
    number = category.value() if category is not None else 0
    return CmdletError(
        _message(record),
        _NOT_FOUND if _identity(record).startswith(_NOT_FOUND) else _identity(record),
        _CATEGORIES[number] if isinstance(number, int) and 0 <= number < len(_CATEGORIES) else "",
    )


def _message(record: RemoteObject) -> str:
    exception = record.get("Exception")
    said = _text(record, "ErrorDetails_Message") or record.shown
    return said or ("" if exception is None else _text(exception, "Message") or exception.text)


def _identity(record: RemoteObject) -> str:
    return _text(record, "FullyQualifiedErrorId")


def _of_import(record: RemoteObject) -> bool:
    return _identity(record).endswith("," + _IMPORT_CLASS) or _text(record, "InvocationInfo_InvocationName") == _IMPORT


def _question(call: RemoteObject) -> str:
    """What a call to the host asks; nothing where it only shows something."""
    method, arguments = call.get("mi"), call.get("mp")
    name = method.text if method is not None else "a call"
    if name.startswith(_MERE_DISPLAY):
        return ""
    texts = [item.text for item in (arguments.items() if arguments is not None else [])[:2]]
    return " ".join(" ".join([name + ":", *texts]).split()).rstrip(":")


def _text(parent: RemoteObject, name: str) -> str:
    item = parent.get(name)
    value = None if item is None else item.value()
    return "" if value is None else str(value)
