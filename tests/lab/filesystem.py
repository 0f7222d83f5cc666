# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated file systems of the servers: Windows paths on top of a folder of the lab.

``C:\\Migration\\x.zip`` on pc01 is ``<root>/pc01/C/Migration/x.zip``; ``\\\\pc01\\C$\\...`` reaches it from anywhere.
Names compare without regard to letter case, as on NTFS.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Iterable

#: the folders that every server has from the start
FOLDERS = ("Windows/Temp", "Windows/System32", "Temp", "Migration", "ProgramData", "Users/csadmin", "Program Files")

_DRIVE = re.compile(r"([A-Za-z]):[\\/]")
_SHARE = re.compile(r"[\\/]{2}([^\\/]+)[\\/]([A-Za-z])\$(?:[\\/]|$)")
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]')


class PathRefused(Exception):
    """The path cannot name a file of the simulated servers; the text says why."""


class WindowsFiles:
    """The files of all servers.

    :param root: the folder that holds one folder for each server.
    :param servers: their full names; a server's folder has its short name.
    """

    def __init__(self, root: Path, servers: Iterable[str]) -> None:
        self.root = root
        self.servers = tuple(_short(server) for server in servers)

    def reset(self) -> None:
        """Remove everything and lay out the folders that a fresh server has."""
        shutil.rmtree(self.root, ignore_errors=True)
        for server in self.servers:
            for folder in FOLDERS:
                (self.root / server / "C" / folder).mkdir(parents=True, exist_ok=True)

    def locate(self, host: str, path: str) -> Path:
        """The real path behind a Windows path; it need not exist, its folder neither.

        :raises PathRefused: the path is relative, names an unknown server or drive, or has a character that NTFS refuses.
        """
        drive, share = _DRIVE.match(path), _SHARE.match(path)
        if drive:
            server, letter, rest = _short(host), drive.group(1), path[drive.end() :]
        elif share:
            server, letter, rest = self._server(share.group(1)), share.group(2), path[share.end() :]
        else:
            raise PathRefused("The path '%s' is not an absolute path." % path)
        place = self.root / server / letter.upper()
        if not place.is_dir():
            raise PathRefused("Cannot find drive. A drive with the name '%s' does not exist." % letter)
        for part in re.split(r"[\\/]+", rest.rstrip("\\/")):
            if part in ("", "."):
                continue
            if part == ".." or _FORBIDDEN.search(part):
                raise PathRefused("Illegal characters in path '%s'." % path)
            place = _child(place, part)
        return place

    def server_of(self, path: Path) -> str:
        """The short name of the server that a real path belongs to."""
        return path.relative_to(self.root).parts[0]

    def shown(self, host: str, path: Path) -> str:
        """The Windows spelling, seen from that host, of a real path."""
        server, letter, *rest = path.relative_to(self.root).parts
        tail = "\\".join(rest)
        return "%s:\\%s" % (letter, tail) if server == _short(host) else "\\\\%s\\%s$\\%s" % (server, letter, tail)

    def _server(self, name: str) -> str:
        if _short(name) in self.servers:
            return _short(name)
        raise PathRefused("The network path '\\\\%s' was not found." % name)


def _short(host: str) -> str:
    return host.lower().partition(".")[0]


def _child(folder: Path, name: str) -> Path:
    """The entry of that name whatever its letter case, else the path that it would have."""
    if folder.is_dir() and not (folder / name).exists():
        for entry in folder.iterdir():
            if entry.name.lower() == name.lower():
                return entry
    return folder / name
