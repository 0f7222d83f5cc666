# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing an account back from its backup. Private to this collection.

Out of the deleted objects by GUID, so GUID and SID stay (domain.md, section 4.3); then what the backup has and the account lacks.
Nothing that is there is overwritten or removed, so the same plan also ends a restore that was interrupted, and undoes C(disabled).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import Backup
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import (
    Change,
    DirectoryConnection,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import SIP_ATTRIBUTE
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import (
    DELETED,
    GONE,
    IdentityState,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import (
    ACCOUNTDISABLE,
    Entry,
    escape_filter,
    filetime,
    rdns,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action, Conflict, Plan

#: attributes that the directory keeps itself, although its schema would let them be written, and those with a rule of their own
_NOT_FROM_BACKUP = {
    "accountexpires",
    "admincount",
    "badpasswordtime",
    "badpwdcount",
    "canonicalname",
    "cn",
    "distinguishedname",
    "dscorepropagationdata",
    "instancetype",
    "iscriticalsystemobject",
    "lastlogoff",
    "lastlogon",
    "lastlogontimestamp",
    "lockouttime",
    "logoncount",
    "memberof",
    "name",
    "ntsecuritydescriptor",
    "objectcategory",
    "objectclass",
    "objectguid",
    "objectsid",
    "operatorcount",
    "primarygroupid",
    "pwdlastset",
    "samaccounttype",
    "tokengroups",
    "useraccountcontrol",
    "usnchanged",
    "usncreated",
    "whenchanged",
    "whencreated",
}
_CONSTRUCTED = 0x4
_DOMAIN_USERS = "513"  # the primary group that a reanimated user gets


@dataclass(frozen=True)
class Repair:
    """What the account lacks, compared with its backup.

    :param changes: of its attributes.
    :param groups: distinguished names of the groups that it is no longer a member of.
    :param primary_group: the SID of the primary group, where a restore put it back to Domain Users.
    :param enable: it was enabled and is disabled now.
    """

    changes: tuple[Change, ...] = ()
    groups: tuple[str, ...] = ()
    primary_group: str | None = None
    enable: bool = False

    def __bool__(self) -> bool:
        return bool(self.changes or self.groups or self.primary_group or self.enable)


def plan_present(connection: DirectoryConnection, state: IdentityState) -> Plan:
    """The way back to the account of the backup, or what forbids it. Reads the directory, writes nothing."""
    backup = state.backup
    if backup is None:
        users = [holder for holder in state.current if not holder.is_contact]
        identified = not any(failure.name == "identity" for failure in state.guards_failed)
        if len(state.current) == 1 and users and identified:
            return Plan()
        return _refuse(
            "no_backup", "There is no backup of an account that held %s, so nothing can be brought back." % state.sip
        )
    if state.named:
        return _refuse(
            "identity_mismatch",
            "The backup %s is not of the account that you named: %s." % (backup.path, "; ".join(state.named)),
        )
    others = [holder for holder in state.current if holder.guid != backup.guid]
    if others:
        return _refuse(
            "address_held",
            "%s is held by %s. Two holders must never be: remove the endpoint, or take the address away there, and run this again."
            % (state.sip, "; ".join(str(holder) for holder in others)),
        )
    account = state.account
    if account is None or state.account_state == GONE:
        return _refuse(
            "not_restorable",
            "Neither %s nor a deleted object with its GUID %s can be seen on %s. Either the directory has given it up for good, or "
            "the account that the module uses lacks List on CN=Deleted Objects. It is not created anew: that would be another "
            "account with another SID." % (backup.entry.dn, backup.guid, connection.server),
        )
    held = account.text(SIP_ATTRIBUTE)
    if held and held.lower() != state.sip.key:
        return _refuse(
            "address_changed", "%s now has the SIP address %s. Decide by hand which one is right." % (account.dn, held)
        )
    repair = missing(connection, backup.entry, account)
    if state.account_state != DELETED:
        return Plan((_repair_action(account.dn, repair, account),) if repair else ())
    conflict = _place_taken(connection, backup)
    if conflict:
        return Plan(conflicts=(conflict,))
    back = Action(
        "restore",
        "account %s" % backup.entry.dn,
        None,
        {"distinguished_name": backup.entry.dn, "object_guid": backup.guid, "sip_address": str(state.sip)},
        {"deleted_dn": account.dn},
    )
    return Plan((back, _repair_action(backup.entry.dn, repair, account)) if repair else (back,))


def missing(connection: DirectoryConnection, was: Entry, account: Entry) -> Repair:
    """Compare the account with its backup.

    :param account: the living account, or the deleted object, which shows what the deletion kept.
    """
    candidates = {name: was.values(name) for name in was if name.lower() not in _NOT_FROM_BACKUP}
    candidates = {name: values for name, values in candidates.items() if _lacking(values, account.values(name))}
    restorable = _restorable(connection, list(candidates))
    changes = []
    for name, values in sorted(candidates.items()):
        multi_valued = restorable.get(name.lower())
        if multi_valued is not None and (multi_valued or name not in account):
            changes.append(Change("add", name, _lacking(values, account.values(name))))
    if filetime(was.integer("accountExpires")) and not filetime(account.integer("accountExpires")):
        changes.append(Change("replace", "accountExpires", was.values("accountExpires")))
    groups = {dn.lower() for dn in account.texts("memberOf")}
    disabled_now = bool(account.integer("userAccountControl") & ACCOUNTDISABLE)
    disabled_then = bool(was.integer("userAccountControl") & ACCOUNTDISABLE)
    group = was.text("primaryGroupID")
    regrouped = group and group != _DOMAIN_USERS and account.text("primaryGroupID") in (None, _DOMAIN_USERS)
    return Repair(
        changes=tuple(changes),
        groups=tuple(dn for dn in was.texts("memberOf") if dn.lower() not in groups),
        primary_group="%s-%s" % ((was.sid or "").rpartition("-")[0], group) if regrouped else None,
        enable=disabled_now and not disabled_then,
    )


def act_present(connection: DirectoryConnection, backup: Backup, plan: Plan) -> list[str]:
    """Carry the plan out. Return what could not be brought back, one sentence each.

    :raises DirectoryError: the account itself could not be restored.
    """
    for action in plan.actions:
        if action.op == "restore":
            _restore(connection, backup, action.arguments["deleted_dn"])
    account = connection.read("<GUID=%s>" % backup.guid, ["*"])
    if account is None:
        raise DirectoryError(
            "%s was restored and cannot be seen. Run the module again." % backup.entry.dn, "restore_failed"
        )
    return _repair(connection, account, missing(connection, backup.entry, account))


def differences(was: Entry, now: Entry) -> list[str]:
    """The names of the attributes whose values are not those of the backup."""
    names = {
        name.lower(): name for name in list(was) + list(now) if name.lower() not in ("tokengroups", "canonicalname")
    }
    return sorted(name for name in names.values() if sorted(was.values(name)) != sorted(now.values(name)))


def _restore(connection: DirectoryConnection, backup: Backup, deleted_dn: str) -> None:
    try:
        connection.restore(deleted_dn, backup.entry.dn)
    except DirectoryError as error:
        # codes differ between servers and a lost answer says nothing: look (directory.md, section 4.1)
        seen = connection.read("<GUID=%s>" % backup.guid, ["isDeleted"])
        if seen is None:
            raise DirectoryError(
                "%s could not be restored; it is still a deleted object. %s" % (backup.entry.dn, error),
                "restore_failed",
            ) from error


def _repair(connection: DirectoryConnection, account: Entry, repair: Repair) -> list[str]:
    """Bring attributes, memberships and the enabled state back; what the directory refuses is reported, not hidden."""
    refused = _change(connection, account, list(repair.changes))
    for group in repair.groups:
        refused += _join(connection, account, group)
    if repair.primary_group:  # only a member's group can become the primary one
        refused += _join(connection, account, "<SID=%s>" % repair.primary_group)
        refused += _change(
            connection, account, [Change("replace", "primaryGroupID", [repair.primary_group.rpartition("-")[2]])]
        )
    if repair.enable:
        flags = account.integer("userAccountControl") & ~ACCOUNTDISABLE
        refused += _change(connection, account, [Change("replace", "userAccountControl", [str(flags)])])
    return refused


def _join(connection: DirectoryConnection, account: Entry, group: str) -> list[str]:
    try:
        entry = connection.read(group, ["objectGUID"])
        if entry is None:
            return ["The group %s is not there any more." % group]
        connection.modify(
            entry.guid, [Change("add", "member", [account.dn])], group, "Write Property on member of the group"
        )
    except DirectoryError as error:
        if error.code not in ("already_exists", "value_exists"):
            return [str(error)]
    return []


def _change(connection: DirectoryConnection, account: Entry, changes: list[Change]) -> list[str]:
    """Make all changes in one operation; when that is refused, one by one, so that one bad attribute does not keep the others out."""
    if not changes:
        return []
    try:
        connection.modify(account.guid, changes, account.dn)
        return []
    except DirectoryError as error:
        if error.result_code is None:
            raise
        if len(changes) == 1:
            return ["%s of %s was not brought back. %s" % (changes[0].attribute, account.dn, error)]
    return [text for change in changes for text in _change(connection, account, [change])]


def _restorable(connection: DirectoryConnection, names: Sequence[str]) -> dict[str, bool]:
    """Ask the schema which of the attributes can be written; the value says whether there may be many values."""
    if not names:
        return {}
    ldap_filter = "(|%s)" % "".join("(lDAPDisplayName=%s)" % escape_filter(name) for name in names)
    attributes = ["lDAPDisplayName", "systemOnly", "systemFlags", "linkID", "isSingleValued"]
    found = connection.search(connection.root.text("schemaNamingContext") or "", ldap_filter, attributes, "level")
    return {
        (entry.text("lDAPDisplayName") or "").lower(): not entry.boolean("isSingleValued")
        for entry in found
        # an odd linkID is a back link: the other object holds it
        if not entry.boolean("systemOnly")
        and not entry.integer("systemFlags") & _CONSTRUCTED
        and not entry.integer("linkID") % 2
    }


def _lacking(wanted: Sequence[bytes], there: Sequence[bytes]) -> list[bytes]:
    known = {value.lower() for value in there}
    return [value for value in wanted if value.lower() not in known]


def _place_taken(connection: DirectoryConnection, backup: Backup) -> Conflict | None:
    """Whether another object took the account's names meanwhile; Samba would not notice (directory.md, section 2.4)."""
    was = backup.entry
    parent = ",".join(rdns(was.dn)[1:])
    if connection.read(parent, ["objectClass"]) is None:
        return Conflict(
            "parent_missing",
            "%s cannot be restored: %s is not there any more. Create or restore it first." % (was.dn, parent),
        )
    names = [(name, was.text(name)) for name in ("sAMAccountName", "userPrincipalName") if was.text(name)]
    ldap_filter = "(|%s)" % "".join("(%s=%s)" % (name, escape_filter(value or "")) for name, value in names)
    taken = [entry.dn for entry in connection.search(connection.domain, ldap_filter, ["objectGUID"])] if names else []
    if connection.read(was.dn, ["objectGUID"]) is not None:
        taken.append(was.dn)
    if taken:
        return Conflict(
            "name_taken",
            "%s cannot be restored: its name, sAMAccountName or UPN is taken by %s."
            % (was.dn, "; ".join(sorted(set(taken)))),
        )
    return None


def _repair_action(dn: str, repair: Repair, account: Entry) -> Action:
    before: dict[str, Any] = {change.attribute: account.texts(change.attribute) for change in repair.changes}
    after: dict[str, Any] = {
        change.attribute: account.texts(change.attribute)
        + [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in change.values]
        for change in repair.changes
    }
    if repair.groups:
        before["memberOf"] = account.texts("memberOf")
        after["memberOf"] = account.texts("memberOf") + list(repair.groups)
    if repair.primary_group:
        before["primaryGroupID"] = account.texts("primaryGroupID")
        after["primaryGroupID"] = [repair.primary_group.rpartition("-")[2]]
    if repair.enable:
        before["enabled"], after["enabled"] = False, True
    return Action("repair", "attributes of %s" % dn, before, after)


def _refuse(code: str, message: str) -> Plan:
    return Plan(conflicts=(Conflict(code, message),))
