# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the remoting options of a module to a transport. Private to this collection."""

from __future__ import annotations

import os
import re
import ssl
from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.winrm import WinRmOptions, WinRmTransport

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?\.?\Z|\[[0-9A-Fa-f:.]+\]\Z")
_PATH = re.compile(r"[A-Za-z0-9_./-]+\Z")
_PORTS = {"https": 5986, "http": 5985}


def open_transport(params: Mapping[str, Any]) -> Transport:
    """The transport for the options of C(_module.remoting_spec); it connects at first use.

    :raises InvalidInput: the options do not fit each other, or one cannot be used; nothing was sent.
    """
    scheme, auth = params.get("scheme") or "https", params.get("auth") or "kerberos"
    server = params.get("remote_addr") or ""
    if not _HOST.match(server):
        raise _refused("remote_addr", "%r is not a host name or an address" % server)
    _check_account(scheme, auth, params)
    port = params.get("port") or _PORTS[scheme]
    if not 0 < port < 65536:
        raise _refused("port", "%s is not a port" % port)
    path = params.get("path") or "wsman"
    if not _PATH.match(path):
        raise _refused("path", "%r is not the path of a WinRM endpoint" % path)
    for name in ("connection_timeout", "operation_timeout"):
        if params.get(name) is not None and params[name] < 1:
            raise _refused(name, "it is a number of seconds and must be at least 1")
    validate = (params.get("cert_validation") or "validate") == "validate"
    if scheme == "https" and validate:
        _check_authority(params.get("ca_cert"))
    return WinRmTransport(
        WinRmOptions(
            server=server,
            scheme=scheme,
            port=port,
            path=path,
            auth=auth,
            user=params.get("remote_user"),
            password=params.get("remote_password"),
            ca_cert=params.get("ca_cert"),
            validate=validate,
            kerberos_hostname_override=params.get("kerberos_hostname_override"),
            kerberos_delegation=bool(params.get("kerberos_delegation")),
            connection_timeout=params.get("connection_timeout") or 30,
            operation_timeout=params.get("operation_timeout") or 600,
        )
    )


def _check_account(scheme: str, auth: str, params: Mapping[str, Any]) -> None:
    if auth == "basic":
        if scheme == "http":
            raise InvalidInput(
                "auth=basic over scheme=http would send the password in clear text, so nothing was sent. Use scheme=https, or "
                "auth=kerberos, which encrypts its messages over http.",
                code="insecure_connection",
            )
        if not params.get("remote_user") or not params.get("remote_password"):
            raise _refused("remote_user", "auth=basic needs remote_user and remote_password")
    elif params.get("remote_password"):
        raise _refused(
            "remote_password",
            "auth=kerberos uses the ticket that is there (run kinit first, or set KRB5CCNAME) and takes no password; a password is "
            "for auth=basic over https",
        )


def _check_authority(ca_cert: str | None) -> None:
    if ca_cert is None:
        return
    try:
        if os.path.isdir(ca_cert):
            return
        ssl.create_default_context(cafile=ca_cert)
    except (OSError, ValueError) as error:
        raise _refused("ca_cert", "%s cannot be read as certificates in PEM form (%s)" % (ca_cert, error)) from error


def _refused(option: str, why: str) -> InvalidInput:
    return InvalidInput("The option %s was refused: %s. Nothing was sent." % (option, why), option=option)
