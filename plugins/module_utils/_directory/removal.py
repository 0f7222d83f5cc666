# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking the address from the legacy user: by deleting or by disabling it. Private to this collection.

The decision is pure; the act backs up, reads once more, writes once, and looks when the answer was lost.
"""

from __future__ import annotations

from typing import Any, Collection

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup as backups
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import Backup
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import (
    Change,
    DirectoryConnection,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import (
    ABSENT,
    DISABLED,
    GuardFailure,
    not_overridden,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import (
    SIP_ATTRIBUTE,
    find_holders,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import (
    GONE,
    LIVE,
    IdentityState,
    lync_attributes,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import (
    ACCOUNTDISABLE,
    Entry,
    guid_dn,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action, Conflict, Plan
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

FULL = "full"
PARTIAL = "partial"
NONE = "none"
#: what undo may be worth, best first
WORTH = (FULL, PARTIAL, NONE)
_LOST_WITHOUT_RECYCLE_BIN = [
    "password",
    "attributes that the account with which the module signs in cannot read or may not write",
    "links that other objects have to the account, except group memberships",
    "sign-in statistics",
]
_LOST_FOR_GOOD = ["GUID and SID, with every right that was granted to them", *_LOST_WITHOUT_RECYCLE_BIN]


def undo_worth(state: IdentityState, wanted: str) -> tuple[str, list[str]]:
    """What bringing the account back will be worth (one of L(WORTH)), and what it cannot bring back.

    A deleted object that cannot be seen cannot be restored, so then only a new account is left (domain.md, section 4.3).
    """
    gone = state.account_state == GONE and not state.current
    if wanted == DISABLED and not gone:
        return FULL, []
    if gone or not state.sees_deleted:
        return NONE, list(_LOST_FOR_GOOD)
    return (FULL, []) if state.recycle_bin else (PARTIAL, list(_LOST_WITHOUT_RECYCLE_BIN))


def undo_said(state: IdentityState, wanted: str) -> dict[str, Any]:
    """What undo is worth, as results and errors say it.

    :returns: C(undo_days): days after its deletion that the account can be brought back; None where there is no such limit or
        nothing to bring back, and when it is not known.
    """
    worth, lost = undo_worth(state, wanted)
    limited = wanted == ABSENT and worth != NONE
    return {"undo": worth, "undo_loses": lost, "undo_days": state.undo_days if limited else None}


def stops(state: IdentityState, wanted: str, override: Collection[str], accept_undo: str) -> list[GuardFailure]:
    """Return everything that forbids to take the address away: guards, and an undo worth less than the operator accepts. Pure.

    :param override: names of guards that the operator takes upon himself.
    :param accept_undo: the least that undo must be worth, one of L(WORTH).
    """
    failures = not_overridden(state.guards_failed, override, wanted)
    worth, lost = undo_worth(state, wanted)
    if WORTH.index(worth) > WORTH.index(accept_undo):
        blind = (
            ""
            if state.sees_deleted
            else " because the account with which the module signs in cannot see CN=Deleted Objects"
        )
        failures.append(
            GuardFailure(
                "accept_undo",
                "undo would be worth %s%s, and accept_undo is %s: these would not come back: %s"
                % (worth, blind, accept_undo, "; ".join(lost)),
            )
        )
    return failures


def plan_removal(
    state: IdentityState, wanted: str, override: Collection[str], backup_dir: str, accept_undo: str = FULL
) -> Plan:
    """Decide what leads to C(absent) or C(disabled). Pure. For the parameters see L(stops)."""
    users = [holder for holder in state.current if not holder.is_contact]
    retired = wanted == ABSENT and state.retired
    if not users:
        plan = _plan_without_user(state, wanted, backup_dir, retired)
        if plan.conflicts or not retired:
            return plan
    account = state.account
    name = account.dn if account else users[0].dn
    failures = stops(state, wanted, override, accept_undo)
    if failures:
        said = undo_said(state, wanted)
        return Plan(conflicts=tuple(_conflict(failure, failures, name, wanted, said) for failure in failures))
    if account is None:  # an observation with a user and without failed guards has the account
        raise PersistentChatError("%s holds %s and cannot be read." % (name, state.sip), "internal")
    save = Action("back_up", "account %s" % name, None, {"directory": backup_dir})
    return Plan((save, _deletion(account) if wanted == ABSENT else _disabling_shown(account, state.sip)))


def _deletion(account: Entry) -> Action:
    before = {
        "object_guid": account.guid,
        "object_sid": account.sid,
        "enabled": account.enabled,
        "sip_address": account.text(SIP_ATTRIBUTE),
        "member_of": account.texts("memberOf"),
    }
    return Action("delete", "account %s" % account.dn, before, None)


def _disabling_shown(account: Entry, sip: SipAddress) -> Action:
    before: dict[str, Any] = {name: account.texts(name) for name in lync_attributes(account)}
    before.update(proxyAddresses=account.texts("proxyAddresses"), enabled=account.enabled)
    kept = [text for text in account.texts("proxyAddresses") if text.lower() != sip.key]
    after = dict({name: [] for name in lync_attributes(account)}, proxyAddresses=kept, enabled=False)
    return Action("disable", "account %s" % account.dn, before, after)


def _conflict(
    failure: GuardFailure, failures: Collection[GuardFailure], dn: str, wanted: str, said: dict[str, Any]
) -> Conflict:
    facts = dict(said, guards=[every.shown() for every in failures])
    if failure.name == "accept_undo":
        message = "%s (%s). If that is enough, set accept_undo; state=disabled loses nothing."
        return Conflict("undo_not_accepted", message % (failure.message, dn), facts)
    message = "Guard %s: %s (%s)." % (failure.name, failure.message.rstrip("."), dn)
    if wanted in failure.overridable:
        message += " If that is as it should be, add %s to override." % failure.name
    return Conflict("guard_" + failure.name, message, facts)


def _plan_without_user(state: IdentityState, wanted: str, backup_dir: str, retired: bool) -> Plan:
    """No account holds the address: done already, or a mistake. Only a verified backup can tell (domain.md, section 6, 9).

    :param retired: the account was disabled earlier and is to be deleted now; the guards judge it, not this function.
    """
    backup = state.backup
    contact = next(iter(state.current), None)
    if backup is None and contact is None:
        return _refuse(
            "no_holder",
            "Nobody holds %s, and %s has no backup of an account that did. Check sip_address, server and backup_dir. If the account "
            "was deleted otherwise, there is nothing for this module to do." % (state.sip, backup_dir),
        )
    if backup is None or (contact is not None and (not contact.is_application_contact or len(state.current) > 1)):
        return _refuse(
            "held_by_contact",
            "%s is held by a contact, not by a user: %s. This module touches user accounts only."
            % (state.sip, "; ".join(holder.dn for holder in state.current)),
        )
    if retired:
        return Plan()
    if state.named:
        message = "The account that held %s, by the backup %s, is not the one that you named: %s."
        return _refuse("identity_mismatch", message % (state.sip, backup.path, "; ".join(state.named)))
    account, live = state.account, state.account_state == LIVE
    if wanted == ABSENT and live and account is not None:
        return _refuse("account_still_exists", _still_exists(state, account, backup))
    if wanted == DISABLED and (not live or (account is not None and account.enabled)):
        return _refuse(
            "not_disabled",
            "The account of the backup %s is %s, so it is not disabled. Bring it back with state=present first."
            % (backup.path, "enabled and without the address" if live else "deleted"),
        )
    return Plan()


def _still_exists(state: IdentityState, account: Entry, backup: Backup) -> str:
    """Why an account that lost the address is not deleted: it is not as this module leaves one that it disabled."""
    reasons = (
        [] if backup.first.state == DISABLED else ["the backup %s does not say that it was disabled" % backup.path]
    )
    reasons += ["it is enabled"] if account.enabled else []
    reasons += ["it has %s" % ", ".join(lync_attributes(account))] if lync_attributes(account) else []
    return (
        "%s does not hold %s any more but still exists, and is not as this module leaves an account that it disabled: %s. Delete it "
        "by hand, or bring it back with state=present first." % (account.dn, state.sip, "; ".join(reasons))
    )


def act_removal(
    connection: DirectoryConnection, state: IdentityState, account: Entry, wanted: str, backup_dir: str
) -> Backup:
    """Back the account up, make sure that it is still what was judged, and delete or disable it.

    :raises BackupError: the backup is not safely there; nothing was changed.
    :raises DirectoryError: the write was refused, or its answer lost and the directory shows that it was not done.
    """
    saved = state.backup
    if saved is None or saved.state != wanted or saved.held.attributes != backups.without_secrets(account).attributes:
        facts = {"domain_controller": connection.name, "recycle_bin": state.recycle_bin}
        earlier = saved.first if saved and state.retired else None
        saved = backups.save(backup_dir, state.sip, wanted, account, facts, earlier)
    _require_unchanged(connection, state, account, saved)
    try:
        if wanted == ABSENT:
            connection.delete(account.guid, account.dn)
        else:
            connection.modify(account.guid, _disabling(account, state.sip), account.dn)
    except DirectoryError as error:
        if not error.ambiguous:
            error.facts["backup"] = saved.shown()
            raise
        _settle(connection, saved, wanted, error)
    return saved


def _settle(connection: DirectoryConnection, saved: Backup, wanted: str, lost: DirectoryError) -> None:
    """After a lost answer only the directory knows: look, on a new connection. Returns when the write was done."""
    try:
        seen = "it was not done" if not is_done(connection, saved, wanted) else ""
    except DirectoryError as error:
        seen = "looking it up failed as well (%s)" % error
    if seen:
        message = "%s Looking right afterwards: %s. The backup is %s." % (lost, seen, saved.path)
        raise DirectoryError(message, "connection_lost", backup=saved.shown()) from lost


def _disabling(account: Entry, sip: SipAddress) -> list[Change]:
    """One modify that only works on exactly the values that were read: a value that changed meanwhile refuses it all."""
    changes = [Change("delete", name, account.values(name)) for name in lync_attributes(account)]
    listed = [
        value for value in account.values("proxyAddresses") if value.decode("utf-8", "replace").lower() == sip.key
    ]
    if listed:
        changes.append(Change("delete", "proxyAddresses", listed))
    if account.enabled:
        flags = account.integer("userAccountControl")
        changes.append(Change("replace", "userAccountControl", [str(flags | ACCOUNTDISABLE)]))
    return changes


def _require_unchanged(connection: DirectoryConnection, state: IdentityState, account: Entry, saved: Backup) -> None:
    """Read once more right before the write: the same holders, the same version of the account (domain.md, section 6, 8)."""
    holders = {holder.guid for holder in find_holders(connection, state.sip)}
    now = connection.read(guid_dn(account.guid), ["uSNChanged"])
    if (
        now is None
        or now.integer("uSNChanged") != account.integer("uSNChanged")
        or holders != {h.guid for h in state.holders}
    ):
        raise PersistentChatError(
            "%s, or who holds %s, changed while the backup was written. Nothing was changed. Run the module again."
            % (account.dn, state.sip),
            "changed_meanwhile",
            backup=saved.shown(),
        )


def is_done(connection: DirectoryConnection, saved: Backup, wanted: str) -> bool:
    """Whether the domain controller shows the account as it should be."""
    account = connection.read(guid_dn(saved.guid), ["*"])
    if wanted == ABSENT:
        return account is None
    if wanted == DISABLED:
        return account is not None and not account.enabled and not lync_attributes(account)
    return account is not None


def _refuse(code: str, message: str) -> Plan:
    return Plan(conflicts=(Conflict(code, message),))
