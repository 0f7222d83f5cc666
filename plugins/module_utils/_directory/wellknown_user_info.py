# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that holds a SIP address, and what would stop its deletion. Private to this collection. Reads only."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import Identifiers
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import (
    DOMAIN_CONTROLLER,
    find_holders,
    holder_of,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import DELETED, observe_identity
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress


def run(params: Mapping[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """Observe who holds C(sip_address).

    :param params: the options of the module pc_wellknown_user_info.
    :raises PersistentChatError: the directory could not be asked, or an option is wrong.
    """
    sip = SipAddress.parse(params["sip_address"])
    identifiers = Identifiers.from_params(params)
    connection = DirectoryConnection(params)
    try:
        state = observe_identity(connection, sip, identifiers, params.get("backup_dir"))
        deleted = (
            [holder for holder in find_holders(connection, sip, deleted=True) if holder.deleted]
            if params["include_deleted"]
            else []
        )
        if params["include_deleted"] and state.account_state == DELETED and state.account:
            known = {holder.guid for holder in deleted}
            deleted += [holder for holder in [holder_of(state.account, DOMAIN_CONTROLLER)] if holder.guid not in known]
    finally:
        connection.close()
    return {
        "changed": False,
        "sip_address": str(sip),
        "holders": [holder.shown() for holder in state.holders],
        "deleted": [holder.shown() for holder in deleted],
        "guards_failed": [failure.shown() for failure in state.guards_failed],
        "backup": state.backup.shown() if state.backup else None,
        "recycle_bin": state.recycle_bin,
    }
