# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observation of the legacy identity: who holds the address, what stands in the way, what could be undone. Private to this collection.

Reads only. The modules and the migration's planner start from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup as backups
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import Backup
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import (
    DISABLED,
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
    sid_text,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

LIVE = "live"
DELETED = "deleted"
GONE = "gone"
_UNSET_LIFETIME, _LEAST_LIFETIME = 60, 2  # days (MS-ADTS, section 3.1.1.1.15)


@dataclass(frozen=True)
class IdentityState:
    """What was seen of the identity behind one SIP address.

    :param holders: everything that holds the address, wherever it was seen.
    :param pending: those of them that the global catalog still shows although the domain controller has deleted or stripped them.
    :param account: the object that the address or the backup leads to: live, or deleted; None when it cannot be seen.
    :param account_state: live, deleted or gone.
    :param guards_failed: every guard that forbids to touch the one holder, or the account that is L(retired); overrides are
        not considered.
    :param backup: the newest verified backup for the address, or the one that the operator named.
    :param named: what is wrong with the operator's identifiers, compared with the backup's account.
    :param recycle_bin: whether the forest has the Recycle Bin enabled.
    :param sees_deleted: whether the account with which the module signs in can see deleted objects; without, none can be restored.
    :param undo_days: how many days the directory keeps a deleted account so that it can be restored; None when that cannot be read.
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
    sees_deleted: bool = True
    undo_days: int | None = None

    @property
    def retired(self) -> bool:
        """Whether we disabled the account earlier, by the verified backup, and it still is as we left it.

        It lives, disabled and without SIP attributes, so nothing but our own backup connects it with the address.
        """
        backup, account = self.backup, self.account
        return (
            backup is not None
            and backup.first.state == DISABLED
            and self.account_state == LIVE
            and account is not None
            and account.guid == backup.guid
            and account.enabled is False
            and not lync_attributes(account)
            and backup.guid not in {holder.guid for holder in self.current}
        )

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
    recycle_bin = recycle_bin_enabled(connection)
    state = IdentityState(
        sip=sip,
        holders=holders,
        pending=pending,
        account=account,
        account_state=GONE if account is None else DELETED if account.boolean("isDeleted") else LIVE,
        guards_failed=failures,
        backup=backup,
        named=tuple(_mismatches(identifiers, backup, meant)) if backup else (),
        recycle_bin=recycle_bin,
        sees_deleted=_sees_deleted(connection),
        undo_days=_undo_days(connection, recycle_bin),
    )
    if account is not None and state.retired:
        subject = _subject(connection, sip, current, identifiers, account, meant)
        return replace(state, guards_failed=failed_guards(subject, holds=False))
    return state


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
    return account, failed_guards(_subject(connection, sip, holders, identifiers, account, meant))


def lync_attributes(account: Entry) -> list[str]:
    """The names of the account's attributes that make it a SIP user."""
    return sorted(name for name in account if name.lower().startswith("msrtcsip-"))


def _subject(
    connection: DirectoryConnection,
    sip: SipAddress,
    holders: Sequence[Holder],
    identifiers: Identifiers,
    account: Entry,
    meant: str | None,
) -> Subject:
    """Read what the guards look at besides the account itself."""
    below = connection.search(account.dn, "(objectClass=*)", ["objectClass"], "level")
    return Subject(
        sip=sip,
        holders=tuple(holders),
        identifiers=identifiers,
        account=account,
        guid_of_dn=meant,
        children=tuple(entry.dn for entry in below),
        now=generalized_time(connection.read_root().text("currentTime") or ""),
        own_sids=connection.once(_own_sids),
    )


def _own_sids(connection: DirectoryConnection) -> tuple[str, ...]:
    """Who is signed in: the SIDs of the account and of its groups, by the rootDSE (MS-ADTS, section 3.1.1.3.2)."""
    root = connection.read("", ["tokenGroups"])
    return tuple(sid_text(value) for value in root.values("tokenGroups")) if root else ()


def recycle_bin_enabled(connection: DirectoryConnection) -> bool:
    """Whether the forest keeps deleted objects whole (domain.md, section 4.3)."""
    partitions = connection.read("CN=Partitions," + connection.configuration, ["msDS-EnabledFeature"])
    features = partitions.texts("msDS-EnabledFeature") if partitions else []
    return any(feature.lower().startswith("cn=recycle bin feature,") for feature in features)


def _sees_deleted(connection: DirectoryConnection) -> bool:
    """Whether CN=Deleted Objects can be read. Whoever may not sees its name at most (directory.md, section 6)."""
    container = connection.read("CN=Deleted Objects," + connection.domain, ["objectClass"], deleted=True)
    return container is not None and "objectClass" in container


def _undo_days(connection: DirectoryConnection, recycle_bin: bool) -> int | None:
    """How long a deleted object can be restored: until it is recycled or removed (MS-ADTS, section 3.1.1.1.15)."""
    names = ["tombstoneLifetime"] + (["msDS-DeletedObjectLifetime"] if recycle_bin else [])
    settings = connection.read(
        "CN=Directory Service,CN=Windows NT,CN=Services," + connection.configuration, names + ["cn"]
    )
    if settings is None or "cn" not in settings:
        return None
    lifetime = next((settings.integer(name) for name in reversed(names) if name in settings), _UNSET_LIFETIME)
    return max(lifetime, _LEAST_LIFETIME)


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
    """What the operator's identifiers say against the account of the backup; a deleted account's name leads nowhere.

    An account that was created anew may be named as either: as the one that was lost, and as the one that is there now.
    """
    dn = identifiers.distinguished_name
    if dn and meant is None and dn.lower() == backup.entry.dn.lower():
        meant = backup.guid
    entry = backup.entry
    name = entry.text("sAMAccountName")
    first = backup.first_guid if meant == backup.guid else meant
    wrong = identifiers.mismatches(backup.first_guid, entry.sid, name, first)
    noted = backup.recreation
    if not wrong or noted is None or not identifiers.mismatches(backup.guid, noted.object_sid, name, meant):
        return []
    return wrong
