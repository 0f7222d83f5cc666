# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking the address from the legacy user: by deleting or by disabling it. Private to this collection.

The decision is pure; the act backs up, reads once more, writes once, and looks when the answer was lost.
"""

from __future__ import annotations

from typing import Collection

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
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import find_holders
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import GONE, LIVE, IdentityState
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
    "links that other objects have to the account, except group memberships",
    "sign-in statistics",
]


def undo_worth(state: IdentityState, wanted: str) -> tuple[str, list[str]]:
    """What bringing the account back will be worth (one of L(WORTH)), and what it cannot bring back."""
    if wanted == DISABLED:
        return (NONE, ["the account"]) if state.account_state == GONE else (FULL, [])
    if state.account_state == GONE and not state.current:
        return NONE, ["the account: no deleted object with its GUID can be seen"]
    return (FULL, []) if state.recycle_bin else (PARTIAL, list(_LOST_WITHOUT_RECYCLE_BIN))


def stops(state: IdentityState, wanted: str, override: Collection[str], accept_undo: str) -> list[GuardFailure]:
    """Return everything that forbids to take the address away: guards, and an undo worth less than the operator accepts. Pure.

    :param override: names of guards that the operator takes upon himself.
    :param accept_undo: the least that undo must be worth, one of L(WORTH).
    """
    failures = not_overridden(state.guards_failed, override, wanted)
    worth, lost = undo_worth(state, wanted)
    if WORTH.index(worth) > WORTH.index(accept_undo):
        failures.append(
            GuardFailure(
                "accept_undo",
                "undo would be worth %s, and accept_undo is %s: these would not come back: %s"
                % (worth, accept_undo, "; ".join(lost)),
            )
        )
    return failures


def plan_removal(
    state: IdentityState, wanted: str, override: Collection[str], backup_dir: str, accept_undo: str = FULL
) -> Plan:
    """Decide what leads to C(absent) or C(disabled). Pure. For the parameters see L(stops)."""
    users = [holder for holder in state.current if not holder.is_contact]
    if not users:
        return _plan_without_user(state, wanted, backup_dir)
    failures = stops(state, wanted, override, accept_undo)
    if failures:
        return Plan(conflicts=tuple(_conflict(failure, failures, users[0].dn, wanted) for failure in failures))
    account = state.account
    if account is None:  # an observation with a user and without failed guards has the account
        raise PersistentChatError("%s holds %s and cannot be read." % (users[0].dn, state.sip), "internal")
    target = "account %s" % account.dn
    save = Action("back_up", target, None, {"directory": backup_dir})
    if wanted == ABSENT:
        before = {
            "object_guid": account.guid,
            "object_sid": account.sid,
            "enabled": account.enabled,
            "sip_address": str(state.sip),
        }
        return Plan((save, Action("delete", target, dict(before, member_of=account.texts("memberOf")), None)))
    before = {name: account.texts(name) for name in _lync_attributes(account)}
    before.update(proxyAddresses=account.texts("proxyAddresses"), enabled=account.enabled)
    kept = [text for text in account.texts("proxyAddresses") if text.lower() != state.sip.key]
    after = dict({name: [] for name in _lync_attributes(account)}, proxyAddresses=kept, enabled=False)
    return Plan((save, Action("disable", target, before, after)))


def _conflict(failure: GuardFailure, failures: Collection[GuardFailure], dn: str, wanted: str) -> Conflict:
    facts = {"guards": [every.shown() for every in failures]}
    if failure.name == "accept_undo":
        message = "%s (%s). If that is enough, set accept_undo; state=disabled loses nothing."
        return Conflict("undo_not_accepted", message % (failure.message, dn), facts)
    message = "Guard %s: %s (%s)." % (failure.name, failure.message.rstrip("."), dn)
    if wanted in failure.overridable:
        message += " If that is as it should be, add %s to override." % failure.name
    return Conflict("guard_" + failure.name, message, facts)


def _plan_without_user(state: IdentityState, wanted: str, backup_dir: str) -> Plan:
    """No account holds the address: done already, or a mistake. Only a verified backup can tell (domain.md, section 6, 9)."""
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
    if state.named:
        message = "The account that held %s, by the backup %s, is not the one that you named: %s."
        return _refuse("identity_mismatch", message % (state.sip, backup.path, "; ".join(state.named)))
    live = state.account_state == LIVE
    if wanted == ABSENT and live:
        return _refuse(
            "account_still_exists",
            "%s does not hold %s any more but still exists (%s). Delete it by hand, or bring it back with state=present first."
            % (
                state.account.dn if state.account else backup.guid,
                state.sip,
                "enabled" if state.account and state.account.enabled else "disabled",
            ),
        )
    if wanted == DISABLED and (not live or (state.account is not None and state.account.enabled)):
        return _refuse(
            "not_disabled",
            "The account of the backup %s is %s, so it is not disabled. Bring it back with state=present first."
            % (backup.path, "enabled and without the address" if live else "deleted"),
        )
    return Plan()


def act_removal(
    connection: DirectoryConnection, state: IdentityState, account: Entry, wanted: str, backup_dir: str
) -> Backup:
    """Back the account up, make sure that it is still what was judged, and delete or disable it."""
    facts = {"domain_controller": connection.root.text("dnsHostName"), "recycle_bin": state.recycle_bin}
    saved = state.backup
    if saved is None or saved.state != wanted or saved.entry.attributes != backups.without_secrets(account).attributes:
        saved = backups.save(backup_dir, state.sip, wanted, account, facts)
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
        message = "%s Afterwards %s. Run the module again; the backup is %s." % (lost, seen, saved.path)
        raise DirectoryError(message, "connection_lost", backup=saved.shown()) from lost


def _disabling(account: Entry, sip: SipAddress) -> list[Change]:
    """One modify that only works on exactly the values that were read: a value that changed meanwhile refuses it all."""
    changes = [Change("delete", name, account.values(name)) for name in _lync_attributes(account)]
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
    """Read once more right before the write: the same version of the account, the same holders (domain.md, section 6, 8)."""
    now = connection.read(guid_dn(account.guid), ["uSNChanged"])
    holders = {holder.guid for holder in find_holders(connection, state.sip)}
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
        return account is not None and not account.enabled and not _lync_attributes(account)
    return account is not None


def _lync_attributes(account: Entry) -> list[str]:
    return sorted(name for name in account if name.lower().startswith("msrtcsip-"))


def _refuse(code: str, message: str) -> Plan:
    return Plan(conflicts=(Conflict(code, message),))
