# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an account comes back to, and what is in the way there. Private to this collection.

Samba restores an account although others have its names meanwhile (directory.md, section 2.4), so they are looked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import Backup
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry, escape_filter, rdns
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Conflict


@dataclass(frozen=True)
class Place:
    """Where an account comes back to.

    :param dn: its distinguished name there.
    :param conflict: why it cannot come back there.
    """

    dn: str
    conflict: Conflict | None = None


def find_place(connection: DirectoryConnection, backup: Backup, deleted: Entry | None, own: str | None = None) -> Place:
    """Look where the account belongs, and who has its names. Reads only.

    :param deleted: the deleted object, which knows its OU under the name that it has now.
    :param own: the GUID of an object there that is none of the others.
    """
    dn = str(backup.manifest["distinguished_name"])
    rdn, *above = rdns(dn)
    parent = ",".join(above)
    known = deleted.text("lastKnownParent") if deleted is not None else None
    if connection.read(parent, ["objectClass"]) is None:
        if known is None or connection.read(known, ["objectClass"]) is None:
            return Place(dn, Conflict("parent_missing", _parent_missing(connection, dn, parent, known)))
        dn = "%s,%s" % (rdn, known)  # the OU was renamed or moved
    taken = _taken(connection, backup.entry, dn, own)
    if not taken:
        return Place(dn)
    message = "%s cannot be brought back: its name, sAMAccountName or UPN is taken by %s. Rename or remove that first."
    return Place(dn, Conflict("name_taken", message % (dn, "; ".join(taken))))


def _taken(connection: DirectoryConnection, was: Entry, dn: str, own: str | None) -> list[str]:
    """The living objects that have one of the account's names; deleted ones are in nobody's way."""
    names = {name: was.text(name) for name in ("sAMAccountName", "userPrincipalName") if was.text(name)}
    terms = {name: "(%s=%s)" % (name, escape_filter(value or "")) for name, value in names.items()}
    found = connection.search(connection.domain, "(|%s)" % "".join(terms.values()), ["objectGUID"]) if terms else []
    if "userPrincipalName" in terms:  # unique in the forest, not only in the domain
        found += connection.search("", terms["userPrincipalName"], ["objectGUID"], catalog=True)
    there = connection.read(dn, ["objectGUID"])
    found += [there] if there is not None else []
    return sorted({entry.dn for entry in found if entry.guid != own})


def _parent_missing(connection: DirectoryConnection, dn: str, parent: str, known: str | None) -> str:
    text = "%s cannot be brought back: %s is not there any more." % (dn, parent)
    deleted = connection.read(known, ["isDeleted"], deleted=True) if known else None
    if deleted is None or not deleted.boolean("isDeleted"):
        return text + " Create it first."
    return text + " It was deleted itself and is %s now. Restore that first." % deleted.dn
