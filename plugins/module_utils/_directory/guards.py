# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true of an account before it may be deleted or stripped of its SIP address. Private to this collection.

Each guard has a name and a message and is one pure function (domain.md, section 6, invariants 4, 5 and 8). Those that judge a
likelihood can be overridden, each by its own name; those without which the wrong object would be hit cannot.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Callable, Collection, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import (
    DOMAIN_CONTROLLER,
    GLOBAL_CATALOG,
    SIP_ATTRIBUTE,
    Holder,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.security_descriptor import (
    deletion_denied_to,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import (
    TRUST_ACCOUNTS,
    Entry,
    filetime,
    parse_guid,
    parse_sid,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

ABSENT = "absent"
DISABLED = "disabled"
#: a sign-in this recently means that somebody uses the account
RECENT_LOGON_DAYS = 30
#: lastLogonTimestamp is written again only when it is this old (documented at that attribute of the schema)
_TIMESTAMP_LAG_DAYS = 14

_PLAIN_USER = {"top", "person", "organizationalperson", "user"}
_NORMAL_ACCOUNT = 0x200  # bit of userAccountControl
_DISALLOW_DELETE = 0x80000000  # bit of systemFlags (MS-ADTS, section 2.2.10)
_ENTERPRISE_VOICE = 0x80  # bit of msRTCSIP-OptionFlags (domain.md, section 4.2)
_MAILBOX = (
    "homeMDB",
    "legacyExchangeDN",
    "mail",
    "mailNickname",
    "msExchHomeServerName",
    "msExchMailboxGuid",
    "msExchRecipientTypeDetails",
    "msExchRemoteRecipientType",
    "targetAddress",
)
#: the options by which an operator names the account, besides its address
IDENTIFIERS = ("distinguished_name", "object_guid", "object_sid", "sam_account_name")


@dataclass(frozen=True)
class Identifiers:
    """How the operator named the account, besides its SIP address. At least one is needed to delete or disable it."""

    distinguished_name: str | None = None
    object_guid: str | None = None
    object_sid: str | None = None
    sam_account_name: str | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Identifiers:
        """Take the identifiers out of a module's parameters, in their usual spelling.

        :raises InvalidInput: one is not well formed.
        """
        given = {name: (params.get(name) or "").strip() or None for name in IDENTIFIERS}
        for name, value in given.items():
            if value and any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
                raise InvalidInput("%s has a control character, or half of a character, in it: %r." % (name, value))
        dn = given["distinguished_name"]
        if dn and (dn.startswith("<") or "=" not in dn):
            raise InvalidInput(
                "distinguished_name is %r. Write it like CN=ocschat,OU=Service Accounts,DC=contoso,DC=com." % dn
            )
        if given["object_guid"]:
            given["object_guid"] = parse_guid(given["object_guid"])
        if given["object_sid"]:
            given["object_sid"] = parse_sid(given["object_sid"])
        return cls(**given)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in IDENTIFIERS)

    def mismatches(self, guid: str, sid: str | None, sam_account_name: str | None, guid_of_dn: str | None) -> list[str]:
        """Name each given identifier that means another object.

        :param guid_of_dn: the GUID of the object that C(distinguished_name) leads to; None when it leads nowhere.
        """
        wrong = []
        if self.distinguished_name and guid_of_dn != guid:
            wrong.append(
                "distinguished_name %s %s"
                % (self.distinguished_name, "is another object" if guid_of_dn else "is not there")
            )
        if self.object_guid and self.object_guid != guid:
            wrong.append("object_guid %s is not its GUID %s" % (self.object_guid, guid))
        if self.object_sid and self.object_sid != (sid or "").upper():
            wrong.append("object_sid %s is not its SID %s" % (self.object_sid, sid))
        if self.sam_account_name and self.sam_account_name.lower() != (sam_account_name or "").lower():
            wrong.append("sam_account_name %s is not its name %s" % (self.sam_account_name, sam_account_name))
        return wrong


@dataclass(frozen=True)
class Subject:
    """Everything that a guard may look at. Observed by L(identity.observe_identity).

    :param account: the account as the domain controller has it, with all its attributes.
    :param guid_of_dn: the GUID of the object that the operator's distinguished name leads to.
    :param children: the distinguished names below the account.
    :param now: the domain controller's time, never this machine's.
    :param own_sids: the SIDs of the account with which the module signed in, and of its groups.
    """

    sip: SipAddress
    holders: tuple[Holder, ...]
    identifiers: Identifiers
    account: Entry
    guid_of_dn: str | None
    children: tuple[str, ...]
    now: datetime
    own_sids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guard:
    """One check. C(check) returns the reason to stop, or None.

    :param overridable: the states for which the operator may override it.
    :param of_holder: it is about the address, so an account that lost it when it was disabled is not asked.
    """

    name: str
    check: Callable[[Subject], str | None]
    overridable: tuple[str, ...] = (ABSENT, DISABLED)
    of_holder: bool = False


@dataclass(frozen=True)
class GuardFailure:
    """A guard that stops: its name, the reason, and the states for which C(override) may name it."""

    name: str
    message: str
    overridable: tuple[str, ...] = field(default=())

    def shown(self) -> dict[str, Any]:
        return {"name": self.name, "message": self.message, "overridable": list(self.overridable)}


def one_holder(subject: Subject) -> str | None:
    """Exactly one object of the forest holds the address, on the domain controller that is written to and in the global catalog."""
    if len(subject.holders) != 1:
        return "%s is held by %d objects: %s. Find out which one is right and take the address from the others." % (
            subject.sip,
            len(subject.holders),
            "; ".join(str(holder) for holder in subject.holders),
        )
    holder = subject.holders[0]
    if DOMAIN_CONTROLLER not in holder.seen_in:
        return "%s holds %s. Name a domain controller of its domain as server, or wait for replication." % (
            holder,
            subject.sip,
        )
    if GLOBAL_CATALOG not in holder.seen_in:
        return (
            "%s holds %s, and the global catalog does not show it. Wait for replication, or check global_catalog."
            % (holder, subject.sip)
        )
    return None


def plain_user(subject: Subject) -> str | None:
    """The holder is an ordinary user account, nothing derived from it or pretending to be it."""
    classes = [name.lower() for name in subject.account.texts("objectClass")]
    if set(classes) != _PLAIN_USER:
        return "it is no plain user account: its classes are %s" % ", ".join(subject.account.texts("objectClass"))
    flags = subject.account.integer("userAccountControl")
    if flags & TRUST_ACCOUNTS or not flags & _NORMAL_ACCOUNT:
        return "it is no plain user account but one of a computer or of a trust: its userAccountControl is %d" % flags
    return None


def own_account(subject: Subject) -> str | None:
    """The account is not the one with which the module signed in: it could neither look afterwards nor bring itself back."""
    if subject.account.sid in subject.own_sids:
        return "it is the account with which the module signs in. Sign in with another one"
    return None


def identity(subject: Subject) -> str | None:
    """The holder is the account that the operator named by something else than the address."""
    if not subject.identifiers:
        return "no second identifier was given; name the account by distinguished_name, object_guid, object_sid or sam_account_name"
    account = subject.account
    wrong = subject.identifiers.mismatches(
        account.guid, account.sid, account.text("sAMAccountName"), subject.guid_of_dn
    )
    return "it is not the account that you named: %s" % "; ".join(wrong) if wrong else None


def primary_address(subject: Subject) -> str | None:
    """The address is the account's own SIP address, not just an entry of proxyAddresses."""
    held = subject.account.text(SIP_ATTRIBUTE)
    if (held or "").lower() != subject.sip.key:
        return "its %s is %s; it holds the address otherwise, so it may not be the legacy user" % (
            SIP_ATTRIBUTE,
            held or "not set",
        )
    return None


def admin_count(subject: Subject) -> str | None:
    """The account is not, and was not, a protected administrator (AdminSDHolder)."""
    return "adminCount is set: it is or was an administrator" if subject.account.integer("adminCount") else None


def critical(subject: Subject) -> str | None:
    """The account is not one that Active Directory itself needs."""
    if subject.account.boolean("isCriticalSystemObject"):
        return "isCriticalSystemObject is set: the directory needs it"
    if subject.account.integer("systemFlags") & _DISALLOW_DELETE:
        return "its systemFlags forbid to delete it: the directory needs it"
    return None


def protected(subject: Subject) -> str | None:
    """The account is not protected from accidental deletion."""
    raw = subject.account.values("nTSecurityDescriptor")
    if not raw:
        return "its security descriptor cannot be read, so nobody knows whether it is protected from deletion"
    try:
        denied = deletion_denied_to(raw[0])
    except ValueError as error:
        return "its security descriptor makes no sense (%s)" % error
    return (
        "it is protected from accidental deletion: its security descriptor denies Delete to %s" % ", ".join(denied)
        if denied
        else None
    )


def moving(subject: Subject) -> str | None:
    """The account is not being moved between pools."""
    target = subject.account.text("msRTCSIP-TargetHomeServer")
    return "it is being moved to another pool: msRTCSIP-TargetHomeServer is %s" % target if target else None


def children(subject: Subject) -> str | None:
    """Nothing lies below the account."""
    return "it has objects below it: %s" % "; ".join(subject.children) if subject.children else None


def mailbox(subject: Subject) -> str | None:
    """The account has no mailbox or mail address: those belong to people."""
    names = [name for name in _MAILBOX if name in subject.account]
    return "it looks like a person's: it has %s" % ", ".join(names) if names else None


def enterprise_voice(subject: Subject) -> str | None:
    """The account is no telephone."""
    line = subject.account.text("msRTCSIP-Line")
    if line:
        return "it looks like a person's: it has the telephone line %s" % line
    if subject.account.integer("msRTCSIP-OptionFlags") & _ENTERPRISE_VOICE:
        return "it looks like a person's: msRTCSIP-OptionFlags says that it is enabled for Enterprise Voice"
    return None


def recent_logon(subject: Subject) -> str | None:
    """Nobody signed in with the account lately, as far as this domain controller knows.

    lastLogon is exact and known only where the sign-in was; lastLogonTimestamp is known everywhere, and late.
    """
    window = {"lastLogon": RECENT_LOGON_DAYS, "lastLogonTimestamp": RECENT_LOGON_DAYS + _TIMESTAMP_LAG_DAYS}
    for name, days in window.items():
        last = filetime(subject.account.integer(name))
        if last and subject.now - last < timedelta(days=days):
            return (
                "somebody signed in with it: %s is %s, less than %d days ago. That is what the services of Group Chat do while they "
                "run; a person must not" % (name, last.date(), days)
            )
    return None


GUARDS = (
    Guard("one_holder", one_holder, (), of_holder=True),
    Guard("plain_user", plain_user, ()),
    Guard("identity", identity, ()),
    Guard("own_account", own_account, ()),
    Guard("primary_address", primary_address, of_holder=True),
    Guard("admin_count", admin_count),
    Guard("critical", critical),
    Guard("protected", protected),
    Guard("moving", moving),
    Guard("children", children, (DISABLED,)),  # the server refuses such a deletion anyway, and should
    Guard("mailbox", mailbox),
    Guard("enterprise_voice", enterprise_voice),
    Guard("recent_logon", recent_logon),
)
OVERRIDABLE = tuple(guard.name for guard in GUARDS if guard.overridable)


def failed_guards(subject: Subject, holds: bool = True) -> tuple[GuardFailure, ...]:
    """Return every guard that forbids to touch the account, whatever may be overridden.

    :param holds: whether the account holds the address; False for one that was disabled earlier and is to be deleted now.
    """
    failures = []
    for guard in GUARDS:
        reason = guard.check(subject) if holds or not guard.of_holder else None
        if reason:
            failures.append(GuardFailure(guard.name, reason, guard.overridable))
    return tuple(failures)


def not_overridden(failures: Collection[GuardFailure], override: Collection[str], state: str) -> list[GuardFailure]:
    """Return the failures that the operator did not override by name, or cannot."""
    return [failure for failure in failures if failure.name not in override or state not in failure.overridable]
