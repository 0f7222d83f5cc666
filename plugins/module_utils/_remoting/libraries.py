# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python libraries a connection needs. Private to this collection."""

from __future__ import annotations

import importlib

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import MissingLibrary
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

#: by transport and auth: the modules that are imported, each with what pip installs
_BASE = {"winrm": {"winrm.protocol": "pywinrm"}, "psrp": {"pypsrp.wsman": "pypsrp"}}
_FOR = {
    ("winrm", "kerberos"): {"winrm.vendor.requests_kerberos": "pywinrm[kerberos]"},
    ("winrm", "ntlm"): {"requests_ntlm": "pywinrm"},
    ("winrm", "credssp"): {"requests_credssp": "pywinrm[credssp]"},
    ("psrp", "kerberos"): {"gssapi": "pypsrp[kerberos]", "krb5": "pypsrp[kerberos]"},
    ("psrp", "credssp"): {"requests_credssp": "pypsrp[credssp]"},
}
_TICKET = {"krb5": "krb5"}


def needed(options: RemotingOptions) -> dict[str, str]:
    """The modules that the connection imports, each with what pip installs for it."""
    with_ticket = _TICKET if options.auth == "kerberos" and options.password else {}
    return {**with_ticket, **_BASE[options.transport], **_FOR.get((options.transport, options.auth), {})}


def require(options: RemotingOptions) -> None:
    """Have them all.

    :raises MissingLibrary: one cannot be imported.
    """
    for module, library in needed(options).items():
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise MissingLibrary(library) from error
