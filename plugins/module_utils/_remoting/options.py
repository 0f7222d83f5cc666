# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach one server: the checked options of a connection, the same for each transport. Private to this collection."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._kerberos import KDC, REALM

TRANSPORTS = ("winrm", "psrp")
AUTHENTICATIONS = ("kerberos", "negotiate", "ntlm", "credssp", "certificate", "basic")
DEFAULT_PATH = "wsman"
DEFAULT_CONFIGURATION = "Microsoft.PowerShell"
#: of the Lync endpoint behind IIS, https://<pool>/OcsPowershell (domain.md, section 3)
_IIS_PORT = 443
_WINRM_PORTS = {"https": 5986, "http": 5985}
#: they encrypt their messages themselves, so plain http is no risk
_SEALING = ("kerberos", "negotiate", "ntlm", "credssp")

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?\.?\Z|\[[0-9A-Fa-f:.]+\]\Z")
_PATH = re.compile(r"[A-Za-z0-9_./-]+\Z")
_SERVICE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_CONFIGURATION = re.compile(r"[A-Za-z0-9_.-]+\Z")


@dataclass(frozen=True)
class RemotingOptions:
    """One connection. Times in seconds; C(service) is the class of the Kerberos service name.

    :param retry_pauses: how long to wait before the second, third, ... attempt; its length bounds the attempts.
    """

    server: str
    transport: str = "winrm"
    scheme: str = "https"
    port: int = 5986
    path: str = DEFAULT_PATH
    configuration_name: str = DEFAULT_CONFIGURATION
    auth: str = "kerberos"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    certificate: str | None = None
    certificate_key: str | None = None
    ca_cert: str | None = None
    validate: bool = True
    channel_binding: bool = True
    hostname_override: str | None = None
    service: str = "HTTP"
    delegation: bool = False
    realm: str | None = None
    kdc: tuple[str, ...] = ()
    connection_timeout: int = 30
    operation_timeout: int = 600
    retry_pauses: tuple[float, ...] = (1.0, 3.0)

    @property
    def url(self) -> str:
        """The endpoint's address."""
        return "%s://%s:%d/%s" % (self.scheme, self.server, self.port, self.path)

    @property
    def principal(self) -> str:
        """The Kerberos service principal that is asked for, such as C(HTTP/lync01.contoso.com)."""
        return "%s/%s" % (self.service, self.hostname_override or self.server)

    @property
    def restricted(self) -> bool:
        """Whether the endpoint is not Windows' own, so that it may know fewer cmdlets and no language (domain.md, section 3)."""
        return self.path.lower() != DEFAULT_PATH or self.configuration_name.lower() != DEFAULT_CONFIGURATION.lower()

    @property
    def reaches_further(self) -> bool:
        """Whether the session has credentials for a second server: Active Directory, SQL, a share (domain.md, section 3)."""
        return self.auth in ("basic", "credssp") or (self.auth in ("kerberos", "negotiate") and self.delegation)


def remoting_options(params: Mapping[str, Any]) -> RemotingOptions:
    """The connection that the options of C(_module.remoting_spec) describe.

    :raises InvalidInput: the options do not fit each other, or one cannot be used; nothing was sent.
    """
    scheme, path = params.get("scheme") or "https", (params.get("path") or DEFAULT_PATH).strip("/")
    options = RemotingOptions(
        server=params.get("remote_addr") or "",
        transport=params.get("transport") or "winrm",
        scheme=scheme,
        port=params.get("port") or (_IIS_PORT if path.lower() == "ocspowershell" else _WINRM_PORTS[scheme]),
        path=path,
        configuration_name=params.get("configuration_name") or DEFAULT_CONFIGURATION,
        auth=params.get("auth") or "kerberos",
        user=params.get("remote_user") or None,
        password=params.get("remote_password") or None,
        certificate=params.get("certificate_pem") or None,
        certificate_key=params.get("certificate_key_pem") or None,
        ca_cert=params.get("ca_cert"),
        validate=(params.get("cert_validation") or "validate") == "validate",
        channel_binding=params.get("send_cbt") is not False,
        hostname_override=params.get("kerberos_hostname_override") or None,
        service=params.get("kerberos_service") or "HTTP",
        delegation=bool(params.get("kerberos_delegation")),
        realm=params.get("realm") or None,
        kdc=tuple(params.get("kdc") or ()),
        connection_timeout=30 if params.get("connection_timeout") is None else params["connection_timeout"],
        operation_timeout=600 if params.get("operation_timeout") is None else params["operation_timeout"],
    )
    _check_address(options)
    _check_account(options)
    _check_kerberos(options)
    _check_files(options)
    return options


def _check_address(options: RemotingOptions) -> None:
    if not _HOST.match(options.server):
        raise _refused("remote_addr", "%r is not a host name or an address" % options.server)
    if not 0 < options.port < 65536:
        raise _refused("port", "%s is not a port" % options.port)
    if not _PATH.match(options.path):
        raise _refused("path", "%r is not the path of a WinRM endpoint" % options.path)
    if not _CONFIGURATION.match(options.configuration_name):
        raise _refused(
            "configuration_name", "%r is not the name of a session configuration" % options.configuration_name
        )
    if options.transport == "winrm" and options.restricted:
        raise _refused(
            "transport",
            "winrm starts powershell.exe, which only the endpoint wsman allows; an endpoint such as OcsPowershell needs "
            "transport psrp",
        )
    for name in ("connection_timeout", "operation_timeout"):
        if getattr(options, name) < 1:
            raise _refused(name, "it is a number of seconds and must be at least 1")


def _check_account(options: RemotingOptions) -> None:
    if options.scheme == "http" and options.auth not in _SEALING:
        raise InvalidInput(
            "auth=%s over scheme=http would send %s in clear text, so nothing was sent. Use scheme=https, or an auth that "
            "encrypts its messages over http: %s."
            % (
                options.auth,
                "the password and all data" if options.auth == "basic" else "all data",
                ", ".join(_SEALING),
            ),
            code="insecure_connection",
        )
    if options.auth == "negotiate" and options.transport == "winrm":
        raise _refused("auth", "negotiate is for transport psrp; with transport winrm choose kerberos or ntlm")
    if options.auth in ("basic", "ntlm", "credssp") and not (options.user and options.password):
        raise _refused("remote_user", "auth=%s needs remote_user and remote_password" % options.auth)
    if options.auth == "certificate" and not (options.certificate and options.certificate_key):
        raise _refused("certificate_pem", "auth=certificate needs certificate_pem and certificate_key_pem")
    if options.auth in ("kerberos", "negotiate") and options.password and not options.user:
        raise _refused(
            "remote_password", "it is the password of nobody: give remote_user too, such as admin@CONTOSO.COM"
        )


def _check_kerberos(options: RemotingOptions) -> None:
    if options.realm is not None and not REALM.match(options.realm):
        raise _refused("realm", "%r is not the name of a Kerberos realm, such as CONTOSO.COM" % options.realm)
    for kdc in options.kdc:
        if not KDC.match(kdc):
            raise _refused("kdc", "%r is not a host name with or without a port, such as dc1.contoso.com:88" % kdc)
    if options.kdc and not options.realm:
        raise _refused("kdc", "it needs realm, the name of the realm that these servers serve")
    if not _SERVICE.match(options.service):
        raise _refused(
            "kerberos_service", "%r is not the class of a service name, such as HTTP or HOST" % options.service
        )


def _check_files(options: RemotingOptions) -> None:
    if options.auth == "certificate":
        _check_client_certificate(str(options.certificate), str(options.certificate_key))
    authority = options.ca_cert
    if options.scheme != "https" or not options.validate or authority is None or os.path.isdir(authority):
        return
    try:
        ssl.create_default_context(cafile=authority)
    except (OSError, ValueError) as error:
        raise _refused("ca_cert", "%s cannot be read as certificates in PEM form (%s)" % (authority, error)) from error


def _check_client_certificate(certificate: str, key: str) -> None:
    def no_passphrase() -> str:
        raise ValueError("the key is protected by a passphrase; nobody is there to type it")

    try:
        ssl.create_default_context().load_cert_chain(certificate, key, no_passphrase)
    except (OSError, ValueError) as error:
        raise _refused(
            "certificate_pem", "%s with the key %s cannot be used (%s)" % (certificate, key, error)
        ) from error


def _refused(option: str, why: str) -> InvalidInput:
    return InvalidInput("The option %s was refused: %s. Nothing was sent." % (option, why), option=option)
