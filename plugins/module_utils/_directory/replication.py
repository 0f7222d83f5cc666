# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting until every domain controller that must agree does. Private to this collection."""

from __future__ import annotations

import time
from typing import Any, Callable, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.domain_controllers import (
    RequiredSet,
    required_set,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import (
    DOMAIN_CONTROLLER,
    GLOBAL_CATALOG,
    Holder,
    find_holders,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

_POLL = 1.0  # seconds between two looks while servers do not agree yet


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

    :param guid: of the account as it is now.
    :param holds: what they must agree on.
    :param done: whether the pinned domain controller shows the account as it should be.
    :param timeout: seconds.
    :param facts: what the error shall carry besides, such as the backup.
    :returns: who agreed and who was not asked, as a module returns it, and every holder in the last look.
    :raises DirectoryError: C(replication_pending), they do not agree in time; running again goes on waiting.
    """
    required = connection.once(required_set)
    behind = _poll(lambda: _behind(connection, sip, guid, required, holds, done), timeout)
    if behind:
        raise DirectoryError(
            "%s: %s shows the change, but after %d seconds these do not agree yet: %s. Do not create an endpoint. Check "
            "replication and run the module again; it goes on waiting."
            % (sip, connection.server, timeout, ", ".join(behind)),
            "replication_pending",
            waiting_for=behind,
            **facts,
        )
    return report(required, True), find_holders(connection, sip)


def report(required: RequiredSet, agrees: bool | None) -> dict[str, Any]:
    """Who must agree and who is exempted, as a module returns it."""
    return {
        "required": [member.shown(agrees) for member in required.members],
        "exempted": [
            {"server": controller.host, "read_only": controller.read_only, "reason": "not in verify_on"}
            for controller in required.exempted
        ],
    }


def _behind(
    connection: DirectoryConnection,
    sip: SipAddress,
    guid: str,
    required: RequiredSet,
    holds: bool,
    done: Callable[[], bool],
) -> list[str]:
    seen = [holder for holder in find_holders(connection, sip) if holder.guid == guid]
    where = set(seen[0].seen_in) if seen else set()
    asked = {DOMAIN_CONTROLLER: connection.server, GLOBAL_CATALOG: connection.catalog_server}
    asked.update({member.host: member.host for member in required.others})
    behind = ["%s (%s)" % (asked[name], name.replace("_", " ")) for name in asked if (name in where) != holds]
    return behind if behind or done() else [connection.server]


def _poll(lagging: Callable[[], list[str]], timeout: int) -> list[str]:
    deadline = time.monotonic() + timeout
    while True:
        behind = lagging()
        if not behind or time.monotonic() >= deadline:
            return behind
        time.sleep(min(_POLL, max(0.0, deadline - time.monotonic())))
