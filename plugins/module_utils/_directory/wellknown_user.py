# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The legacy user behind a SIP address: absent, disabled or present. Private to this collection.

observe (identity.py) -> plan -> in check mode return -> backup, re-read, write -> observe again until every asked server agrees.
A run that was killed anywhere can be run again: what was done is seen in the directory and in the verified backup.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Mapping

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
    Identifiers,
    not_overridden,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import SIP_ATTRIBUTE, find_holders
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import (
    GONE,
    LIVE,
    IdentityState,
    observe_identity,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.restore import (
    act_present,
    differences,
    plan_present,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import (
    ACCOUNTDISABLE,
    Entry,
    guid_dn,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action, Conflict, Plan
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

PRESENT = "present"
_POLL = 1.0  # seconds between two looks while servers do not agree yet
_LOST_WITHOUT_RECYCLE_BIN = [
    "password",
    "links that other objects have to the account, except group memberships",
    "sign-in statistics",
]


def run(params: Mapping[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """Converge the legacy user of C(sip_address) to C(state).

    :param params: the options of the module pc_wellknown_user.
    :raises PersistentChatError: see the codes in the module's documentation; before the first write unless it says otherwise.
    """
    sip = SipAddress.parse(params["sip_address"])
    identifiers = Identifiers.from_params(params)
    if params["state"] != PRESENT:
        if not identifiers:
            raise InvalidInput(
                "state=%s needs a second identifier of the account besides %s: distinguished_name, object_guid, object_sid or "
                "sam_account_name." % (params["state"], sip)
            )
        backups.check_directory(params["backup_dir"])
    connection = DirectoryConnection(params)
    try:
        return _converge(connection, sip, identifiers, params, check_mode)
    finally:
        connection.close()


def _converge(
    connection: DirectoryConnection,
    sip: SipAddress,
    identifiers: Identifiers,
    params: Mapping[str, Any],
    check_mode: bool,
) -> dict[str, Any]:
    wanted = params["state"]
    named = params.get("backup") if wanted == PRESENT else None
    state = observe_identity(connection, sip, identifiers, params.get("backup_dir"), named)
    if wanted == PRESENT:
        plan = plan_present(connection, state)
    else:
        plan = plan_removal(state, wanted, params["override"], params["backup_dir"])
    plan.refuse_conflicts()
    result = _result(plan, state, wanted)
    if check_mode:
        return result
    saved = state.backup
    if plan.changed and wanted == PRESENT and saved:
        result["not_restored"] = act_present(connection, saved, plan)
    elif plan.changed and state.account:
        saved = _act_removal(connection, state, state.account, wanted, params["backup_dir"])
        result["backup"] = saved.shown()
    if saved:
        _wait(connection, sip, saved, wanted, params["replication_timeout"], plan.changed)
    return _seen_after(connection, sip, saved, result)


def plan_removal(state: IdentityState, wanted: str, override: list[str], backup_dir: str) -> Plan:
    """Decide what leads to C(absent) or C(disabled). Pure.

    :param override: names of guards that the operator takes upon himself.
    """
    users = [holder for holder in state.current if not holder.is_contact]
    if not users:
        return _plan_without_user(state, wanted, backup_dir)
    stops = not_overridden(state.guards_failed, override, wanted)
    if stops:
        conflicts = []
        for stop in stops:
            message = "Guard %s: %s (%s)." % (stop.name, stop.message.rstrip("."), users[0].dn)
            if wanted in stop.overridable:
                message += " If that is as it should be, add %s to override." % stop.name
            conflicts.append(Conflict("guard_" + stop.name, message, {"guards": [stop.shown() for stop in stops]}))
        return Plan(conflicts=tuple(conflicts))
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


def _act_removal(
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
        seen = "it was not done" if not _done(connection, saved, wanted) else ""
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


def _done(connection: DirectoryConnection, saved: Backup, wanted: str) -> bool:
    """Whether the domain controller shows the account as it should be."""
    account = connection.read(guid_dn(saved.guid), ["*"])
    if wanted == ABSENT:
        return account is None
    if wanted == DISABLED:
        return account is not None and not account.enabled and not _lync_attributes(account)
    return account is not None


def _wait(
    connection: DirectoryConnection, sip: SipAddress, saved: Backup, wanted: str, timeout: int, changed: bool
) -> None:
    """Wait until the domain controller and the global catalog agree that the account holds the address, or does not.

    :param timeout: seconds.
    :raises DirectoryError: C(replication_pending), they do not agree in time; running again goes on waiting.
    """
    holds = wanted == PRESENT and saved.entry.text(SIP_ATTRIBUTE) is not None

    def lagging() -> list[str]:
        seen = [holder for holder in find_holders(connection, sip) if holder.guid == saved.guid]
        where = set(seen[0].seen_in) if seen else set()
        servers = {"domain_controller": connection.server, "global_catalog": connection.catalog_server}
        behind = [
            servers[name] + " (" + name.replace("_", " ") + ")" for name in sorted(servers) if (name in where) != holds
        ]
        return behind if behind or _done(connection, saved, wanted) else [connection.server]

    behind = _poll(lagging, timeout)
    if behind:
        raise DirectoryError(
            "%s: the account is %s on %s, but after %d seconds this server does not agree yet: %s. Do not create an endpoint. Check "
            "replication and run the module again; it goes on waiting."
            % (sip, wanted, connection.server, timeout, ", ".join(behind)),
            "replication_pending",
            changed=changed,
            waiting_for=behind,
            backup=saved.shown(),
        )


def _poll(lagging: Callable[[], list[str]], timeout: int) -> list[str]:
    deadline = time.monotonic() + timeout
    while True:
        behind = lagging()
        if not behind or time.monotonic() >= deadline:
            return behind
        time.sleep(min(_POLL, max(0.0, deadline - time.monotonic())))


def _lync_attributes(account: Entry) -> list[str]:
    return sorted(name for name in account if name.lower().startswith("msrtcsip-"))


def _undo(state: IdentityState, wanted: str) -> tuple[str, list[str]]:
    """What bringing the account back will be worth, and what it cannot bring back."""
    if wanted == DISABLED:
        return ("none", ["the account"]) if state.account_state == GONE else ("full", [])
    if state.account_state == GONE and not state.current:
        return "none", ["the account: no deleted object with its GUID can be seen"]
    return ("full", []) if state.recycle_bin else ("partial", _LOST_WITHOUT_RECYCLE_BIN)


def _result(plan: Plan, state: IdentityState, wanted: str) -> dict[str, Any]:
    undo, lost = (None, []) if wanted == PRESENT else _undo(state, wanted)
    shown = [holder.shown() for holder in state.holders]
    return dict(
        plan.result(),
        sip_address=str(state.sip),
        state=wanted,
        already_done=not plan.changed,
        holders_before=shown,
        holders_after=shown,
        backup=state.backup.shown() if state.backup else None,
        guards_failed=[failure.shown() for failure in state.guards_failed],
        recycle_bin=state.recycle_bin,
        undo=undo,
        undo_loses=lost,
        not_restored=[],
        differs=[],
    )


def _seen_after(
    connection: DirectoryConnection, sip: SipAddress, saved: Backup | None, result: dict[str, Any]
) -> dict[str, Any]:
    result["holders_after"] = [holder.shown() for holder in find_holders(connection, sip)]
    if result["state"] == PRESENT and saved:
        account = connection.read(guid_dn(saved.guid), backups.ATTRIBUTES)
        result["differs"] = differences(saved.entry, account) if account else []
    return result


def _refuse(code: str, message: str) -> Plan:
    return Plan(conflicts=(Conflict(code, message),))
