# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account lacks, compared with its backup, and bringing that back. Private to this collection.

Nothing that is there is overwritten or removed, so the same comparison ends a restore that was interrupted, and undoes C(disabled).
The SIP address comes last, in a step of its own, after one more look that nobody else has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import (
    Change,
    DirectoryConnection,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import (
    SIP_ATTRIBUTE,
    find_holders,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import IdentityState
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import (
    ACCOUNTDISABLE,
    Entry,
    escape_filter,
    filetime,
    guid_dn,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

#: carries the mark of an account that is being created anew, see L(recreate)
MARKED = "adminDescription"
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
    "lastknownparent",
    "lastlogoff",
    "lastlogon",
    "lastlogontimestamp",
    "lockouttime",
    "logoncount",
    "memberof",
    "msds-lastknownrdn",
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
#: attributes that no two objects of a forest should share, though the directory itself lets most of them
_UNIQUE = {"msrtcsip-line", "proxyaddresses", "serviceprincipalname", "userprincipalname"}


@dataclass(frozen=True)
class Repair:
    """What the account lacks, compared with its backup.

    :param changes: of its attributes.
    :param address: the changes that make it hold the SIP address.
    :param groups: distinguished names of the groups that it is no longer a member of.
    :param primary_group: the SID of the primary group, where a restore put it back to Domain Users.
    :param enable: it was enabled and is disabled now.
    :param left: what is not brought back because something else is there, one sentence each.
    """

    changes: tuple[Change, ...] = ()
    address: tuple[Change, ...] = ()
    groups: tuple[str, ...] = ()
    primary_group: str | None = None
    enable: bool = False
    left: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is something to write."""
        return bool(self.changes or self.address or self.groups or self.primary_group or self.enable)

    def action(self, dn: str, account: Entry) -> Action:
        """The repair as a plan shows it.

        :param dn: the name that the account will have then.
        """
        changes = [change for change in self.changes + self.address if change.operation != "delete"]
        before: dict[str, Any] = {change.attribute: account.texts(change.attribute) for change in changes}
        after: dict[str, Any] = {}
        for change in changes:
            shown = after.setdefault(change.attribute, account.texts(change.attribute))
            after[change.attribute] = shown + [_text(value) for value in change.values]
        if self.groups:
            before["memberOf"] = account.texts("memberOf")
            after["memberOf"] = account.texts("memberOf") + list(self.groups)
        if self.primary_group:
            before["primaryGroupID"] = account.texts("primaryGroupID")
            after["primaryGroupID"] = [self.primary_group.rpartition("-")[2]]
        if self.enable:
            before["enabled"], after["enabled"] = False, True
        return Action("repair", "attributes of %s" % dn, before, after)


def missing(
    connection: DirectoryConnection, sip: SipAddress, was: Entry, account: Entry, mark: str | None = None
) -> Repair:
    """Compare the account with its backup. Reads the schema, and who else has what is missing; writes nothing.

    :param account: the living account; the deleted object, which shows what the deletion kept; or one without attributes.
    :param mark: of an account that was created anew. It has no password, so it is not enabled; the mark is taken off.
    """
    marked = mark is not None and account.text(MARKED) == mark
    there = _without(account, MARKED) if marked else account
    candidates = {name: was.values(name) for name in was if name.lower() not in _NOT_FROM_BACKUP}
    candidates = {name: _lacking(values, there.values(name)) for name, values in candidates.items()}
    multi_valued = _writable(connection, [name for name, values in candidates.items() if values])
    wanted = {name: values for name, values in sorted(candidates.items()) if name.lower() in multi_valued and values}
    left = [
        "%s is %s now and was %s; it is left as it is." % (name, _shown(there.values(name)), _shown(values))
        for name, values in wanted.items()
        if name in there and not multi_valued[name.lower()]
    ]
    wanted = {name: values for name, values in wanted.items() if name not in there or multi_valued[name.lower()]}
    own = account.guid if "objectGUID" in account else None
    wanted, elsewhere = _without_others(connection, wanted, sip, own)
    changes = [Change("delete", MARKED, account.values(MARKED))] if marked else []
    address = []
    for name, values in wanted.items():
        last = [value for value in values if _is_address(name, value, sip)]
        rest = [value for value in values if value not in last]
        address += [Change("add", name, last)] if last else []
        changes += [Change("add", name, rest)] if rest else []
    if filetime(was.integer("accountExpires")) and not filetime(account.integer("accountExpires")):
        changes.append(Change("replace", "accountExpires", was.values("accountExpires")))
    groups = {dn.lower() for dn in account.texts("memberOf")}
    return Repair(
        changes=tuple(changes),
        address=tuple(address),
        groups=tuple(dn for dn in was.texts("memberOf") if dn.lower() not in groups),
        primary_group=_primary_group(was, account),
        enable=mark is None and _disabled(account) and not _disabled(was),
        left=tuple(left + elsewhere),
    )


def differences(was: Entry, now: Entry) -> list[str]:
    """The names of the attributes whose values are not those of the backup."""
    names = {
        name.lower(): name for name in list(was) + list(now) if name.lower() not in ("tokengroups", "canonicalname")
    }
    return sorted(name for name in names.values() if sorted(was.values(name)) != sorted(now.values(name)))


def bring_back(connection: DirectoryConnection, state: IdentityState, account: Entry, repair: Repair) -> list[str]:
    """Bring attributes, memberships, the enabled state and, last, the address back.

    :returns: what was not brought back, one sentence each.
    :raises PersistentChatError: C(address_held), somebody else holds the address meanwhile.
    :raises DirectoryError: the directory refused the address, or could not be reached.
    """
    refused = list(repair.left) + _change(connection, account, list(repair.changes))
    for group in repair.groups:
        refused += _join(connection, account, group)
    if repair.primary_group:  # only a member's group can become the primary one
        refused += _join(connection, account, "<SID=%s>" % repair.primary_group)
        refused += _change(
            connection, account, [Change("replace", "primaryGroupID", [repair.primary_group.rpartition("-")[2]])]
        )
    if repair.enable:
        refused += _enable(connection, account)
    if repair.address:
        require_nobody_else(connection, state, account.guid, account.dn)
        _give_address(connection, state, account, repair.address, refused)
    return refused


def _give_address(
    connection: DirectoryConnection, state: IdentityState, account: Entry, address: Sequence[Change], refused: list[str]
) -> None:
    """Give the account its address; whether it was refused, or the answer was lost, is seen by looking."""
    try:
        connection.modify(account.guid, address, account.dn)
    except DirectoryError as error:
        if _is_there(connection, account, address):
            return
        raise DirectoryError(
            "%s is there, but not yet with the address %s; run the module again for that. %s"
            % (account.dn, state.sip, error),
            error.code,
            error.result_code,
            error.ambiguous,
            not_restored=refused,
        ) from error


def require_nobody_else(connection: DirectoryConnection, state: IdentityState, guid: str, dn: str) -> None:
    """Look once more, right before the account gets the address, that no other object holds it.

    :param guid: the account's.
    :param dn: the account's, for the message.
    :raises PersistentChatError: C(address_held).
    """
    known = {guid} | {holder.guid for holder in state.pending}
    others = [holder for holder in find_holders(connection, state.sip) if holder.guid not in known]
    if others:
        raise PersistentChatError(
            "%s is held by %s meanwhile, so %s did not get it. Two holders must never be: remove that, and run the module again."
            % (state.sip, "; ".join(str(holder) for holder in others), dn),
            "address_held",
        )


def _enable(connection: DirectoryConnection, account: Entry) -> list[str]:
    flags = account.integer("userAccountControl") & ~ACCOUNTDISABLE
    try:
        connection.modify(account.guid, [Change("replace", "userAccountControl", [str(flags)])], account.dn)
    except DirectoryError as error:
        if error.result_code is None:
            raise
        return [
            "%s stays disabled. A directory refuses to enable an account that has no password, and a deleted account may have lost "
            "it: set a new password and enable it then. %s" % (account.dn, error)
        ]
    return []


def _join(connection: DirectoryConnection, account: Entry, group: str) -> list[str]:
    try:
        entry = connection.read(group, ["objectGUID"])
        if entry is None:
            return ["The group %s is not there any more." % group]
        connection.modify(
            entry.guid, [Change("add", "member", [account.dn])], group, "Write Property on member of the group"
        )
    except DirectoryError as error:
        if error.result_code is None:
            raise
        if error.code not in ("already_exists", "value_exists"):
            return [str(error)]
    return []


def _is_there(connection: DirectoryConnection, account: Entry, changes: Sequence[Change]) -> bool:
    """Whether the account has the values already: another run may bring it back at the same moment."""
    now = connection.read(guid_dn(account.guid), [change.attribute for change in changes])
    return now is not None and all(
        change.operation != "delete" and set(change.values) <= set(now.values(change.attribute)) for change in changes
    )


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
        if _is_there(connection, account, changes):
            return []
        if len(changes) == 1:
            return ["%s of %s was not brought back. %s" % (changes[0].attribute, account.dn, error)]
    return [text for change in changes for text in _change(connection, account, [change])]


def _writable(connection: DirectoryConnection, names: Sequence[str]) -> dict[str, bool]:
    """Ask the schema which of the attributes can be written; the value says whether there may be many values."""
    if not names:
        return {}
    ldap_filter = "(|%s)" % "".join("(lDAPDisplayName=%s)" % escape_filter(name) for name in names)
    attributes = ["lDAPDisplayName", "systemOnly", "systemFlags", "linkID", "isSingleValued"]
    found = connection.search(connection.schema, ldap_filter, attributes, "level")
    return {
        (entry.text("lDAPDisplayName") or "").lower(): not entry.boolean("isSingleValued")
        for entry in found
        # an odd linkID is a back link: the other object holds it
        if not entry.boolean("systemOnly")
        and not entry.integer("systemFlags") & _CONSTRUCTED
        and not entry.integer("linkID") % 2
    }


def _without_others(
    connection: DirectoryConnection, wanted: Mapping[str, list[bytes]], sip: SipAddress, own: str | None
) -> tuple[dict[str, list[bytes]], list[str]]:
    """Leave out what another object of the forest has by now, except the address itself, of which the plan takes care.

    :param own: the account's GUID.
    :returns: the attributes without those values, and a sentence for each value.
    """
    kept, left = {name: list(values) for name, values in wanted.items()}, []
    for name, values in wanted.items():
        for value in values if name.lower() in _UNIQUE else ():
            if _is_address(name, value, sip):
                continue
            ldap_filter = "(%s=%s)" % (name, escape_filter(_text(value)))
            found = connection.search("", ldap_filter, ["objectGUID"], catalog=True)
            found += connection.search(connection.domain, ldap_filter, ["objectGUID"])
            others = sorted({entry.dn for entry in found if entry.guid != own})
            if others:
                kept[name].remove(value)
                left.append("%s %s was not brought back: %s has it." % (name, _text(value), "; ".join(others)))
    return kept, left


def _is_address(name: str, value: bytes, sip: SipAddress) -> bool:
    """Whether the attribute's value makes its object a holder of the address."""
    return name.lower() in (SIP_ATTRIBUTE.lower(), "proxyaddresses") and _text(value).lower() == sip.key


def _primary_group(was: Entry, account: Entry) -> str | None:
    group = was.text("primaryGroupID")
    if not group or group == _DOMAIN_USERS or account.text("primaryGroupID") not in (None, _DOMAIN_USERS):
        return None
    return "%s-%s" % ((was.sid or "").rpartition("-")[0], group)


def _disabled(account: Entry) -> bool:
    return bool(account.integer("userAccountControl") & ACCOUNTDISABLE)


def _lacking(wanted: Sequence[bytes], there: Sequence[bytes]) -> list[bytes]:
    known = {value.lower() for value in there}
    return [value for value in wanted if value.lower() not in known]


def _without(entry: Entry, name: str) -> Entry:
    return Entry(entry.dn, {other: entry.values(other) for other in entry if other.lower() != name.lower()})


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _shown(values: Sequence[bytes]) -> str:
    """Values for a message, on one line and not too long."""
    text = ", ".join(repr(_text(value)) for value in values)
    return text if len(text) <= 80 else text[:77] + "..."
