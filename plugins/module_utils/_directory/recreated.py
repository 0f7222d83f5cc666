# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The note that an account was created anew, and as which one. Private to this collection.

It lies beside the account's backups and belongs to all of them, so its name is the GUID that the account had first. It is written
before the account is created and completed right after, so a run that was killed in between is recognised by the next one.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Iterator

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.disk import replace_file
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError

_FORMAT = "lync.persistent_chat re-creation 1"


@dataclass(frozen=True)
class Recreation:
    """An account that is being, or was, created anew.

    :param domain_controller: where: until it has replicated, no other domain controller can tell whether it was done.
    :param distinguished_name: where the account was created.
    :param object_guid: the new account's; None while it is not known.
    :param object_sid: the new account's; None while it is not known.
    """

    domain_controller: str
    distinguished_name: str
    object_guid: str | None = None
    object_sid: str | None = None


def note_path(directory: str, first_guid: str) -> str:
    """The note's file.

    :param directory: with the backups.
    :param first_guid: the account's GUID before it was lost.
    """
    return os.path.join(directory, first_guid + ".recreated.json")


def read_note(directory: str, first_guid: str) -> Recreation | None:
    """Return what is noted; None when the account was never created anew.

    :raises PersistentChatError: C(backup_failed), the note is there and damaged.
    """
    path = note_path(directory, first_guid)
    try:
        with open(path, "rb") as stream:
            content = json.loads(stream.read())
        if content.pop("format") != _FORMAT:
            raise ValueError("it has another format")
        return Recreation(**content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PersistentChatError(
            "%s, which says whether the account was created anew, cannot be read: %s. Bring the right file back."
            % (path, error),
            "backup_failed",
        ) from error


@contextmanager
def alone(directory: str) -> Iterator[None]:
    """Keep other processes on this machine from creating an account anew from these backups.

    :raises PersistentChatError: C(changed_meanwhile), one is at it. It is not waited for: it may be stopped for ever.
    """
    handle = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PersistentChatError(
                "Another run is creating an account anew from the backups in %s. This one changed nothing. Run the module again "
                "when the other has ended." % directory,
                "changed_meanwhile",
            ) from error
        yield
    finally:
        os.close(handle)


def write_note(directory: str, first_guid: str, recreation: Recreation) -> None:
    """Write the note, or replace it; it is whole and on disk when this returns.

    :raises PersistentChatError: C(backup_failed).
    """
    path = note_path(directory, first_guid)
    content = json.dumps(dict(asdict(recreation), format=_FORMAT), indent=2, sort_keys=True) + "\n"
    try:
        replace_file(path, content.encode("ascii"))
    except OSError as error:
        raise PersistentChatError("Could not write %s: %s." % (path, error), "backup_failed") from error
