# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observation of the legacy identity: who holds the address, what stands in the way, what could be undone. Private to this collection.

Reads only. The modules and the migration's planner start from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup as backups
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import Backup
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import (
    GuardFailure,
    Identifiers,
    Subject,
    failed_guards,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import (
    DOMAIN_CONTROLLER,
    Holder,
    find_holders,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import (
    Entry,
    generalized_time,
    guid_dn,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

LIVE = "live"
DELETED = "deleted"
GONE = "gone"


@dataclass(frozen=True)
class IdentityState:
    """What was seen of the identity behind one SIP address.

    :param holders: everything that holds the address, wherever it was seen.
    :param pending: those of them that the global catalog still shows although the domain controller has deleted or stripped them.
    :param account: the object that the address or the backup leads to: live, or deleted; None when it cannot be seen.
    :param account_state: live, deleted or gone.
    :param guards_failed: every guard that forbids to touch the one holder; overrides are not considered.
    :param backup: the newest verified backup for the address, or the one that the operator named.
    :param named: what is wrong with the operator's identifiers, compared with the backup's account.
    :param recycle_bin: whether the forest has the Recycle Bin enabled.
    """

    sip: SipAddress
    holders: tuple[Holder, ...]
    pending: tuple[Holder, ...]
    account: Entry | None
    account_state: str
    guards_failed: tuple[GuardFailure, ...]
    backup: Backup | None
    named: tuple[str, ...]
    recycle_bin: bool

    @property
    def current(self) -> tuple[Holder, ...]:
        """The holders that are not just waiting for replication."""
        return tuple(holder for holder in self.holders if holder not in self.pending)


def observe_identity(
    connection: DirectoryConnection,
    sip: SipAddress,
    identifiers: Identifiers | Mapping[str, Any],
    backup_dir: str | None,
    backup_file: str | None = None,
) -> IdentityState:
    """Observe who holds the address and what a deletion, a disabling or a return would meet. Writes nothing.

    :param backup_dir: where to look for backups of this address; None to look nowhere.
    :param backup_file: the backup to use instead of the newest one.
    :raises DirectoryError: the directory could not be asked.
    :raises BackupError: a backup is there and damaged.
    """
    if not isinstance(identifiers, Identifiers):
        identifiers = Identifiers.from_params(identifiers)
    backup = _backup(sip, backup_dir, backup_file)
    holders = tuple(find_holders(connection, sip))
    pending = tuple(holder for holder in holders if _left_behind(connection, holder, backup))
    current = [holder for holder in holders if holder not in pending]
    meant = guid_of_dn(connection, identifiers.distinguished_name)
    users = [holder for holder in current if not holder.is_contact]
    account: Entry | None = None
    failures: tuple[GuardFailure, ...] = ()
    if users:
        account, failures = judge(connection, sip, current, users[0], identifiers, meant)
    elif backup:
        account = connection.read(guid_dn(backup.guid), backups.ATTRIBUTES, deleted=True)
    return IdentityState(
        sip=sip,
        holders=holders,
        pending=pending,
        account=account,
        account_state=GONE if account is None else DELETED if account.boolean("isDeleted") else LIVE,
        guards_failed=failures,
        backup=backup,
        named=tuple(_mismatches(identifiers, backup, meant)) if backup else (),
        recycle_bin=recycle_bin_enabled(connection),
    )


def judge(
    connection: DirectoryConnection,
    sip: SipAddress,
    holders: Sequence[Holder],
    holder: Holder,
    identifiers: Identifiers,
    meant: str | None,
) -> tuple[Entry | None, tuple[GuardFailure, ...]]:
    """Read one holder, and say which guards forbid to touch it; overrides are not considered.

    :param holders: everything that holds the address, C(holder) among it.
    :param meant: what L(guid_of_dn) says of the operator's distinguished name.
    :returns: the object as the domain controller has it, None when it is not there, and the guards.
    :raises DirectoryError: the directory could not be asked.
    """
    account = connection.read(guid_dn(holder.guid), backups.ATTRIBUTES, deleted=True)
    if account is None:
        message = "%s is not on %s. Name a domain controller of its domain." % (holder, connection.server)
        return None, (GuardFailure("one_holder", message),)
    below = connection.search(account.dn, "(objectClass=*)", ["objectClass"], "level")
    now = generalized_time(connection.read_root().text("currentTime") or "")
    children = tuple(entry.dn for entry in below)
    return account, failed_guards(Subject(sip, tuple(holders), identifiers, account, meant, children, now))


def recycle_bin_enabled(connection: DirectoryConnection) -> bool:
    """Whether the forest keeps deleted objects whole (domain.md, section 4.3)."""
    partitions = connection.read("CN=Partitions," + connection.configuration, ["msDS-EnabledFeature"])
    features = partitions.texts("msDS-EnabledFeature") if partitions else []
    return any(feature.lower().startswith("cn=recycle bin feature,") for feature in features)


def _backup(sip: SipAddress, backup_dir: str | None, backup_file: str | None) -> Backup | None:
    if not backup_file:
        return backups.newest(backup_dir, sip) if backup_dir else None
    backup = backups.load(backup_file)
    if str(backup.manifest["sip_address"]).lower() != sip.key:
        raise InvalidInput("The backup %s is of %s, not of %s." % (backup.path, backup.manifest["sip_address"], sip))
    return backup


def _left_behind(connection: DirectoryConnection, holder: Holder, backup: Backup | None) -> bool:
    """Whether only the global catalog shows the holder and its own domain controller knows better.

    A deleted object cannot come back by replication. One that lives without the address counts only when our own backup says
    that we took the address away: otherwise the domain controller may be the one that lags.
    """
    if DOMAIN_CONTROLLER in holder.seen_in:
        return False
    here = connection.read(guid_dn(holder.guid), ["objectGUID", "isDeleted"], deleted=True)
    if here is not None and here.boolean("isDeleted"):
        return True
    return backup is not None and backup.guid == holder.guid


def guid_of_dn(connection: DirectoryConnection, dn: str | None) -> str | None:
    """The objectGUID of the object that a distinguished name leads to; None without a name, or when nothing is there.

    :raises InvalidInput: the name cannot be used here.
    """
    if not dn:
        return None
    try:
        entry = connection.read(dn, ["objectGUID"])
    except DirectoryError as error:
        if error.code in ("invalid_dn", "referral"):
            raise InvalidInput("distinguished_name %s cannot be used: %s" % (dn, error)) from error
        raise
    return entry.guid if entry else None


def _mismatches(identifiers: Identifiers, backup: Backup, meant: str | None) -> list[str]:
    """What the operator's identifiers say against the account of the backup; a deleted account's name leads nowhere."""
    dn = identifiers.distinguished_name
    if dn and meant is None and dn.lower() == backup.entry.dn.lower():
        meant = backup.guid
    entry = backup.entry
    return identifiers.mismatches(backup.guid, entry.sid, entry.text("sAMAccountName"), meant)
