# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking for a secret where it must not be: in what is printed, in files, in the arguments and environment of processes."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path


def forms(secret: str) -> set[bytes]:
    """The bytes by which a secret can be known: as text, in UTF-16, and within the base64 of something longer."""
    found = set()
    for encoding in ("utf-8", "utf-16-le"):
        raw = secret.encode(encoding)
        found.add(raw)
        for before in range(3):  # only whole groups of three bytes are the same whatever stands around them
            whole = raw[(3 - before) % 3 :]
            found.add(base64.b64encode(whole[: len(whole) // 3 * 3]))
    return found


def shown(data: str | bytes, secrets: Iterable[str]) -> bool:
    """Whether one of the secrets is in there, in any form."""
    raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    return any(form in raw for secret in secrets for form in forms(secret))


def files_with(folders: Iterable[Path], secrets: Iterable[str]) -> list[str]:
    """The files below the folders that hold one of the secrets; what vanishes meanwhile is passed over."""
    wanted = list(secrets)
    return [str(path) for folder in folders for path, data in _contents(folder) if shown(data, wanted)]


def _contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for place, _folders, names in os.walk(folder):
        for name in names:
            try:
                yield Path(place, name), Path(place, name).read_bytes()
            except OSError:
                continue


class Watch(threading.Thread):
    """Looks at a process and its descendants, and into a folder, until it is stopped.

    :ivar seen: the command lines that there were.
    :ivar leaks: where a secret was.
    """

    def __init__(self, process: int, secrets: Iterable[str], folder: Path, interval: float = 0.04) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._secrets = list(secrets)
        self._folder = folder
        self._interval = interval
        self._end = threading.Event()
        self.seen: set[str] = set()
        self.leaks: set[str] = set()

    def run(self) -> None:
        """Look again and again."""
        while not self._end.wait(self._interval):
            for process in _family(self._process):
                self._look(process)
            self.leaks.update(files_with([self._folder], self._secrets))

    def stop(self) -> None:
        """End it, and wait for that."""
        self._end.set()
        self.join()

    def _look(self, process: int) -> None:
        for name in ("cmdline", "environ"):
            try:
                data = Path("/proc", str(process), name).read_bytes()
            except OSError:
                continue
            if name == "cmdline":
                self.seen.add(data.replace(b"\0", b" ").decode("utf-8", "replace"))
            if shown(data, self._secrets):
                self.leaks.add("%s of a process" % name)


def _family(process: int) -> set[int]:
    """A process and all its descendants."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path("/proc", entry, "stat").read_text("utf-8", "replace")
            except OSError:
                continue
            parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    family = {process}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family
