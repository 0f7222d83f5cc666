# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creating an account anew that the directory has given up for good. Private to this collection.

It is another account then: other GUID, other SID, no password, disabled. Who it is stands in a note beside the backup
(recreated.py). Until that note is complete the account carries a mark, so whoever was killed in between finds it again.
"""

from __future__ import annotations

import os

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup as backups
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import Backup
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.recreated import (
    Recreation,
    alone,
    note_path,
    read_note,
    write_note,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.repair import MARKED
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import ACCOUNTDISABLE, Entry
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action, Conflict
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

_NORMAL_ACCOUNT = 0x200
#: the bits of userAccountControl that a new account gets from the old one: password never expires, smart card required, not
#: delegated, DES only, no pre-authentication (MS-ADTS, section 2.2.16). Trust for delegation is for a person to give.
_KEPT_FLAGS = 0x10000 | 0x40000 | 0x100000 | 0x200000 | 0x400000


def mark(backup: Backup) -> str:
    """What the account says of itself in L(repair.MARKED) while it is not known yet who it is."""
    return "lync.persistent_chat creates this account anew: %s" % backup.first_guid


def half_made(connection: DirectoryConnection, backup: Backup) -> Entry | None:
    """The account that an earlier run created without living to note its GUID."""
    if backup.recreation is None:
        return None
    found = connection.read(backup.recreation.distinguished_name, backups.ATTRIBUTES)
    return found if found is not None and found.text(MARKED) == mark(backup) else None


def begun_elsewhere(connection: DirectoryConnection, backup: Backup) -> Conflict | None:
    """An earlier run created the account, or began to, on another domain controller, and it cannot be seen here."""
    noted = backup.recreation
    if noted is None or noted.domain_controller.lower() == connection.name:
        return None
    return Conflict(
        "recreation_elsewhere",
        "%s was created anew on %s, or that was begun there, and %s does not show it. Wait for replication, or name %s first in "
        "server. When that domain controller is lost for good, delete the file %s."
        % (
            noted.distinguished_name,
            noted.domain_controller,
            connection.server,
            noted.domain_controller,
            note_path(os.path.dirname(backup.path), backup.first_guid),
        ),
    )


def recreate_action(sip: SipAddress, dn: str) -> Action:
    """The creation as a plan shows it; what the account gets then is a repair of its own."""
    after = {"distinguished_name": dn, "sip_address": str(sip), "enabled": False}
    return Action("recreate", "account %s" % dn, None, after, {"dn": dn})


def recreate(connection: DirectoryConnection, backup: Backup, dn: str) -> Backup:
    """Create the account, disabled and without the address, or find the one that an earlier run created.

    :returns: the backup, which knows the account by its new GUID now.
    :raises DirectoryError: it could not be created.
    :raises PersistentChatError: another run was faster, or the note could not be written; without it nothing is created.
    """
    folder = os.path.dirname(backup.path)
    with alone(folder):
        if read_note(folder, backup.first_guid) != backup.recreation:
            raise PersistentChatError(
                "Another run is creating %s anew, or just did. This one changed nothing. Run the module again." % dn,
                "changed_meanwhile",
            )
        account = half_made(connection, backup)
        if account is None:
            write_note(folder, backup.first_guid, Recreation(connection.name, dn))
            backup = backups.load(backup.path)
            account = _create(connection, backup, dn)
        write_note(folder, backup.first_guid, Recreation(connection.name, account.dn, account.guid, account.sid))
    return backups.load(backup.path)


def _create(connection: DirectoryConnection, backup: Backup, dn: str) -> Entry:
    flags = _NORMAL_ACCOUNT | ACCOUNTDISABLE | backup.entry.integer("userAccountControl") & _KEPT_FLAGS
    attributes = {
        "sAMAccountName": backup.entry.values("sAMAccountName"),
        "userAccountControl": [str(flags)],
        MARKED: [mark(backup)],
    }
    refused = None
    try:
        connection.add(dn, ["user"], attributes)
    except DirectoryError as error:
        refused = error  # a lost answer says nothing, and another run may have been faster: look
    account = half_made(connection, backup)
    if account is None:
        raise DirectoryError(
            "%s was not created. %s" % (dn, refused or "It cannot be seen. Run the module again."),
            refused.code if refused else "restore_failed",
        ) from refused
    return account
