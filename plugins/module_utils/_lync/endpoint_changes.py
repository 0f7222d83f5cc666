# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creating and removing endpoints, and proving it. Private to this collection."""

from __future__ import annotations

import time
from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.endpoints import Actual, Desired, observe, plan
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.session import Clock, Connect, Session, poll
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action, Plan
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletFailed,
    Command,
    Transport,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import (
    AMBIGUOUS,
    FATAL,
    NOT_APPLIED,
    RemotingError,
)

_INTERVAL = 5.0
#: how long a removal whose answer was lost may take to show
_REMOVAL_SECONDS = 60.0
#: what PowerShell itself says when a call can never work: by id and category, which are not translated
_HOPELESS_IDS = ("CommandNotFoundException", "NamedParameterNotFound", "ParameterArgument", "CannotConvertArgument")
_HOPELESS_CATEGORIES = ("PermissionDenied", "SecurityError", "AuthenticationError")


def run(
    params: Mapping[str, Any], check_mode: bool, connect: Connect = open_transport, clock: Clock = time
) -> dict[str, Any]:
    """What C(pc_endpoint) does.

    :raises InvalidInput: an option's value cannot be right.
    :raises PersistentChatError: the endpoint must not or could not be brought to the desired state.
    """
    desired = Desired.of(params)
    wait = float(params.get("wait_for_address") or 0)
    if wait < 0:
        raise InvalidInput("wait_for_address is %g; it is a number of seconds and cannot be negative." % wait)
    with Session(connect, params) as session:
        actual = observe(session, desired)
        todo = plan(desired, actual)
        todo.refuse_conflicts()
        if todo.changed and not check_mode:
            act(session, desired, todo, wait, clock)
            actual = _prove(session, desired, wait, clock)
    seen = [endpoint.shown() for endpoint in actual.state.endpoints]
    return dict(todo.result(), endpoint=seen[0] if seen else None)


def act(transport: Transport, desired: Desired, todo: Plan, wait: float, clock: Clock = time) -> None:
    """Carry the plan out.

    :param transport: takes a new connection after a failure, as L(Session) does.
    :param wait: for how many seconds a creation is tried again while a freed address is still claimed.
    :raises PersistentChatError: an action failed, or its outcome could not be found out.
    """
    removed = False
    for action in todo.actions:
        try:
            if action.op == "remove":
                _remove(transport, desired, action, clock)
                removed = True
            else:
                _create(transport, desired, action, wait, clock)
        except PersistentChatError as error:
            if not removed:
                raise
            raise PersistentChatError(
                "%s The endpoint was already removed so that it could be created again: run the same task again as soon as "
                "the cause is gone; until then legacy clients cannot sign in." % error,
                error.code,
                **error.facts,
            ) from error


def _remove(transport: Transport, desired: Desired, action: Action, clock: Clock) -> None:
    command = Command(
        "Remove-CsPersistentChatEndpoint", {"Identity": action.arguments["sip_address"], "Confirm": False}
    )
    try:
        transport.run([command])[0].objects()
    except RemotingError as error:
        if error.kind != AMBIGUOUS:
            raise
        # never sent twice: a late first removal would hit the endpoint that is created next
        for _unused in poll(_REMOVAL_SECONDS, _INTERVAL, clock):
            if not observe(transport, desired).state.endpoints:
                return
        raise PersistentChatError(
            "%s %s was sent, its answer was lost, and the endpoint is still there after %d seconds. Run the task again."
            % (error, command, _REMOVAL_SECONDS),
            "unknown_outcome",
        ) from error


def _create(transport: Transport, desired: Desired, action: Action, wait: float, clock: Clock) -> None:
    """Create the endpoint; after a failure look who holds the address, and try again while nobody does.

    Lync may claim an address for a replication cycle after its holder was deleted, and what it says then is not known
    (domain.md, sections 2.7 and 4.3): who holds it decides, not the text. Trying again is safe: a late first creation makes
    the second one fail, and the endpoint is there.
    """
    parameters = {
        "SipAddress": action.arguments["sip_address"],
        "PersistentChatPoolFqdn": action.arguments["pool_fqdn"],
        "DisplayName": action.arguments["display_name"],
        "Confirm": False,
    }
    command = Command("New-CsPersistentChatEndpoint", {k: v for k, v in parameters.items() if v is not None})
    failure: PersistentChatError | None = None
    for _unused in poll(wait, _INTERVAL, clock):
        try:
            transport.run([command])[0].objects()
            return
        except CmdletFailed as error:
            if _hopeless(error):
                raise
            failure = error
        except RemotingError as error:
            if error.kind in (FATAL, NOT_APPLIED):
                raise
            failure = error
        rest = plan(desired, observe(transport, desired))
        rest.refuse_conflicts()
        if not rest.changed:
            return
    raise PersistentChatError(
        "%s Nobody was seen to hold %s, so the creation was tried again for %g seconds (wait_for_address). If its former "
        "holder was deleted just now, wait for Active Directory replication and the next cycle of the User Replicator and "
        "run the task again." % (failure, desired.address, wait),
        "address_claimed",
    )


def _hopeless(error: CmdletFailed) -> bool:
    said = error.outcome.error
    return said is not None and (said.error_id.startswith(_HOPELESS_IDS) or said.category in _HOPELESS_CATEGORIES)


def _prove(transport: Transport, desired: Desired, wait: float, clock: Clock) -> Actual:
    """Read back until what is there is what was asked for: the reading may reach another domain controller than the write."""
    rest = Plan()
    for _unused in poll(wait, _INTERVAL, clock):
        actual = observe(transport, desired)
        rest = plan(desired, actual)
        if not rest.changed and not rest.conflicts:
            return actual
    rest.refuse_conflicts()
    left = "; ".join("%s %s" % (action.op, action.target) for action in rest.actions)
    raise PersistentChatError(
        "The server reported success, but after %g seconds of reading back this is still to be done: %s. Look at the "
        "replication of Active Directory and run the task again." % (wait, left),
        "read_back",
        sip_address=str(desired.address),
    )
