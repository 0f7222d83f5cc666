# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the remoting options of a module to a transport. Private to this collection."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import (
    RemotingOptions,
    remoting_options,
)


def open_transport(params: Mapping[str, Any]) -> Transport:
    """The transport for the options of C(_module.remoting_spec); it connects at first use.

    :raises InvalidInput: the options do not fit each other, or one cannot be used; nothing was sent.
    """
    return transport_for(remoting_options(params))


def transport_for(options: RemotingOptions) -> Transport:
    """The transport for checked options; the module of the other one is not even imported."""
    if options.transport == "psrp":
        from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.psrp import PsrpTransport

        return PsrpTransport(options)
    from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.winrm import WinRmTransport

    return WinRmTransport(options)
