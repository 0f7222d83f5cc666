# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole and on disk, or not there at all, whenever the process or the machine dies. Private to this collection."""

from __future__ import annotations

import os
import tempfile


def create_file(path: str, content: bytes) -> None:
    """Create a file.

    :raises FileExistsError: it is there already; it is never overwritten.
    :raises OSError: it could not be written.
    """
    _put(path, content, False)


def replace_file(path: str, content: bytes) -> None:
    """Create a file, or put it in the place of the one that is there.

    :raises OSError: it could not be written; the one that was there still is.
    """
    _put(path, content, True)


def force_to_disk(directory: str) -> None:
    """Make what was created in a directory survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _put(path: str, content: bytes, replace: bool) -> None:
    handle, temporary = tempfile.mkstemp(suffix=".new", prefix=os.path.basename(path) + ".", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if not replace and os.path.lexists(path):
            raise FileExistsError("%s is there already" % path)
        os.rename(temporary, path)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise
    force_to_disk(os.path.dirname(path))
