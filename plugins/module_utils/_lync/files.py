# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the server: the archives, their reports and the records beside them. Private to this collection."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import Reading, get, not_found, read
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command, Outcome, Transport

_PATH = re.compile(
    r"(?:[A-Za-z]:|\\\\[A-Za-z0-9_.-]+\\[^\\/:*?\"<>|\[\]\x00-\x1f]+)(?:\\[^\\/:*?\"<>|\[\]\x00-\x1f]+)+\Z"
)
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class FileState:
    """One file; C(sha256) is lower-case hexadecimal and, like C(length) in bytes, None when there is no such file."""

    path: str
    exists: bool
    length: int | None = None
    sha256: str | None = None

    def shown(self) -> dict[str, Any]:
        """The file as a module returns it."""
        return {"path": self.path, "exists": self.exists, "length": self.length, "sha256": self.sha256}


def server_path(option: str, value: str, ending: str = "", local: bool = False) -> str:
    """A path on the server as given.

    :param local: it must be on a drive of the server.
    :raises InvalidInput: it is not absolute, has characters that no Windows path has, or ends otherwise.
    """
    if local and value.startswith("\\\\"):
        raise InvalidInput("%s is %r; it must be on a local drive of the server, such as D:\\Jobs." % (option, value))
    if not _PATH.match(value) or ".." in value.split("\\") or value.endswith((" ", ".")):
        raise InvalidInput(
            "%s is %r, which is not an absolute path on the server. Write it like D:\\Migration\\groupchat%s or "
            "\\\\server\\share\\groupchat%s." % (option, value, ending or ".zip", ending or ".zip")
        )
    if not value.lower().endswith(ending):
        raise InvalidInput("%s is %r; it must end with %s." % (option, value, ending))
    return value


def folder_of(path: str) -> str:
    """The folder that a path is in."""
    folder = path.rpartition("\\")[0]
    return folder + "\\" if folder.endswith(":") else folder


def checked_sha256(option: str, value: str | None) -> str | None:
    """A hash in lower case.

    :raises InvalidInput: it is not the 64 hexadecimal digits of SHA-256.
    """
    if value is None:
        return None
    if not _SHA256.match(value.lower()):
        raise InvalidInput("%s is %r; a SHA-256 hash has 64 hexadecimal digits." % (option, value))
    return value.lower()


def file_reading(path: str) -> Reading[FileState]:
    """Reads a file's length and hash. Get-FileHash came with Windows PowerShell 4.0."""
    commands = (
        get("Get-Item", ("Length",), LiteralPath=path),
        get("Get-FileHash", ("Hash",), LiteralPath=path, Algorithm="SHA256"),
    )

    def understand(outcomes: Sequence[Outcome]) -> FileState:
        if not_found(outcomes[0]):
            return FileState(path, exists=False)
        (item,), (digest,) = outcomes[0].objects(), outcomes[1].objects()
        return FileState(path, True, int(item["Length"]), str(digest["Hash"]).lower())

    return Reading(commands, understand)


def observe_file(transport: Transport, path: str) -> FileState:
    """One file in one remote call.

    :raises CmdletFailed: the file is there, or may be, and cannot be read.
    """
    return read(transport, file_reading(path))[0]


def length_reading(path: str) -> Reading[int | None]:
    """Reads a file's length in bytes; None when there is none. Windows may tell an old one while the file is being written."""
    command = get("Get-Item", ("Length",), LiteralPath=path)

    def understand(outcomes: Sequence[Outcome]) -> int | None:
        return None if not_found(outcomes[0]) else int(outcomes[0].objects()[0]["Length"] or 0)

    return Reading((command,), understand)


def exists_reading(path: str) -> Reading[bool]:
    """Reads whether a file or folder is there."""
    command = get("Test-Path", ("Value",), LiteralPath=path)

    def understand(outcomes: Sequence[Outcome]) -> bool:
        return not not_found(outcomes[0]) and any(item["Value"] is True for item in outcomes[0].objects())

    return Reading((command,), understand)


def text_reading(path: str) -> Reading[str | None]:
    """Reads a text file, as UTF-8 unless it begins with another mark; None when there is none."""
    command = get("Get-Content", ("Value",), LiteralPath=path, Raw=True, Encoding="UTF8")

    def understand(outcomes: Sequence[Outcome]) -> str | None:
        if not_found(outcomes[0]):
            return None
        return "".join(str(item["Value"]) for item in outcomes[0].objects() if item["Value"] is not None)

    return Reading((command,), understand)


def record_reading(path: str) -> Reading[dict[str, Any] | None]:
    """Reads a record; None when there is none, an empty one when it cannot be understood (a write was cut off)."""
    text = text_reading(path)

    def understand(outcomes: Sequence[Outcome]) -> dict[str, Any] | None:
        content = text.understand(outcomes)
        if content is None:
            return None
        try:
            record = json.loads(content.lstrip("\ufeff"))
        except ValueError:
            return {}
        return record if isinstance(record, dict) else {}

    return Reading(text.commands, understand)


def record_writing(path: str, record: Mapping[str, Any]) -> Command:
    """Writes a record. It is pure ASCII, so no encoding can spoil it."""
    content = json.dumps(record, sort_keys=True, indent=2)
    return Command("Set-Content", {"LiteralPath": path, "Value": content, "Encoding": "ASCII", "Confirm": False})


def removal(path: str) -> Command:
    """Removes one file that is there; fails while another process has it open."""
    return Command("Remove-Item", {"LiteralPath": path, "Force": True, "Confirm": False})


def beside(archive: str, ending: str) -> str:
    """The path of a file that belongs to an archive: its own path with C(.zip) replaced by the ending."""
    return archive[: -len(".zip")] + ending
