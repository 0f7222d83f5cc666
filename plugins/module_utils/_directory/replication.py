# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting until every domain controller that must agree does. Private to this collection."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.domain_controllers import (
    RequiredSet,
    required_set,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import (
    DOMAIN_CONTROLLER,
    Holder,
    Look,
    asked_as,
    holders_in,
    look_around,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

_POLL = 1.0  # seconds between two looks while domain controllers do not agree yet


def wait(
    connection: DirectoryConnection,
    sip: SipAddress,
    guid: str,
    holds: bool,
    done: Callable[[], bool],
    timeout: int,
    facts: Mapping[str, Any],
) -> tuple[dict[str, Any], list[Holder]]:
    """Wait until every domain controller that must agree shows that the account holds the address, or that it does not.

    Those that agree are left alone until all do. Then all are asked once more: a conflict of replication can bring an account
    back. GUIDs are compared, never USNs of different servers nor clocks.

    :param guid: of the account as it is now.
    :param holds: what they must agree on.
    :param done: whether the pinned domain controller shows the account as it should be.
    :param timeout: seconds.
    :param facts: what the error shall carry besides, such as the backup.
    :returns: who agreed and who was not asked, as a module returns it, and every holder in the last look.
    :raises DirectoryError: C(replication_pending), they do not agree in time; running again goes on waiting.
    """
    required = connection.once(required_set)
    everyone = [way for member in required.members for way in asked_as(member)]
    looks: dict[str, Look] = {}
    behind = everyone
    deadline = time.monotonic() + timeout
    while True:
        asked = behind
        judged = [_judge(look, guid, holds, done) for look in look_around(connection, sip, required, asked)]
        looks.update((look.seen_as, look) for look, _agrees in judged)
        behind = [look.seen_as for look, agrees in judged if not agrees]
        if not behind and asked == everyone:
            agreed = {member.host: True for member in required.members}
            return report(required, agreed), holders_in(looks[way] for way in everyone)
        if not behind:
            behind = everyone
        elif time.monotonic() < deadline:
            time.sleep(min(_POLL, max(0.0, deadline - time.monotonic())))
        else:
            raise _pending(sip, required, [looks[way] for way in behind], holds, timeout, facts)


def report(required: RequiredSet, agrees: Mapping[str, bool] | None = None) -> dict[str, Any]:
    """Who must agree and who is exempted, as a module returns it.

    :param agrees: by the name of the domain controller; None when nobody was asked.
    """
    return {
        "required": [member.shown((agrees or {}).get(member.host)) for member in required.members],
        "exempted": [
            {"server": controller.host, "read_only": controller.read_only, "reason": "not in verify_on"}
            for controller in required.exempted
        ],
    }


def _judge(look: Look, guid: str, holds: bool, done: Callable[[], bool]) -> tuple[Look, bool]:
    """The look, and whether it agrees."""
    if look.error or any(entry.guid == guid for entry in look.entries) != holds:
        return look, False
    try:
        return look, look.seen_as != DOMAIN_CONTROLLER or done()
    except DirectoryError as error:  # the pinned one broke off between two questions
        return replace(look, error=error), False


def _pending(
    sip: SipAddress, required: RequiredSet, late: Sequence[Look], holds: bool, timeout: int, facts: Mapping[str, Any]
) -> DirectoryError:
    unreachable = {look.host: "%s (%s)" % (look, look.error) for look in late if look.error}
    waiting = {look.host: str(look) for look in late if look.host not in unreachable}
    hosts = [member.host for member in required.members]
    agreed = [host for host in hosts if host not in unreachable and host not in waiting]
    text = "%s: after %d seconds, not every domain controller that must agree shows that the account %s." % (
        sip,
        timeout,
        "holds the address" if holds else "does not hold the address any more",
    )
    for what, names in (
        ("Agreed", agreed),
        ("Waiting for", waiting.values()),
        ("Could not be asked", unreachable.values()),
        ("Not asked, because not in verify_on", map(str, required.exempted)),
    ):
        listed = ", ".join(names)
        text += " %s: %s." % (what, listed) if listed else ""
    text += "" if holds else " Do not create an endpoint with it yet."
    return DirectoryError(
        text + " Check replication and run the module again; it goes on waiting.",
        "replication_pending",
        agreed=agreed,
        waiting_for=list(waiting),
        unreachable=list(unreachable),
        exempted=report(required)["exempted"],
        replication=report(required, {host: host in agreed for host in hosts}),
        **facts,
    )
