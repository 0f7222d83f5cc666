# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a connection to Active Directory, checked before anything is connected. Private to this collection."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._kerberos import KDC, REALM, principal

LDAPS = "ldaps"
START_TLS = "start_tls"
#: the two words that C(verify_on) knows besides names of domain controllers
REQUIRED = "required"
ALL = "all"
#: ports of the domain controller and of the global catalog, by tls_mode
_PORTS = {LDAPS: (636, 3269), START_TLS: (389, 3268)}
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z", re.ASCII)


@dataclass(frozen=True)
class DirectoryOptions:
    """How to reach the directory, and who must agree.

    :param servers: domain controllers in order of preference; empty when C(domain) is to be asked in DNS.
    :param global_catalog: None leaves the choice to the connection.
    :param connection_timeout: seconds, for a connection and for each answer.
    :param verify_on: C(required), C(all), or names of domain controllers.
    """

    servers: tuple[str, ...] = ()
    domain: str | None = None
    port: int = 636
    catalog_port: int = 3269
    tls_mode: str = LDAPS
    global_catalog: str | None = None
    auth_protocol: str = "kerberos"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    realm: str | None = None
    kdc: tuple[str, ...] = ()
    ca_cert: str | None = None
    validate: bool = True
    connection_timeout: int = 30
    verify_on: tuple[str, ...] = (REQUIRED,)
    lync_domain_controllers: tuple[str, ...] = ()

    def only(self, host: str) -> DirectoryOptions:
        """The same options for one other domain controller, at the usual port."""
        return replace(self, servers=(host,), domain=None, port=_PORTS[self.tls_mode][0], global_catalog=host)


def directory_options(params: Mapping[str, Any]) -> DirectoryOptions:
    """Check the options of L(_module.directory_spec), already checked for type.

    :raises InvalidInput: a value cannot work; nothing was connected.
    """
    tls_mode = params.get("tls_mode") or LDAPS
    servers = tuple(dict.fromkeys(_host(name, "server") for name in params.get("server") or ()))
    domain = _host(params["domain"], "domain") if params.get("domain") else None
    if not servers and not domain:
        raise InvalidInput(
            "Neither server nor domain was given. Name one or more domain controllers in server, or the domain whose "
            "domain controllers DNS shall name."
        )
    _check_sign_in(params)
    timeout = params.get("connection_timeout") or 30
    if timeout < 1:
        raise InvalidInput("connection_timeout is %s. Give whole seconds, at least 1." % timeout)
    return DirectoryOptions(
        servers=servers,
        domain=domain,
        port=_port(params.get("port"), tls_mode),
        catalog_port=_PORTS[tls_mode][1],
        tls_mode=tls_mode,
        global_catalog=_host(params["global_catalog"], "global_catalog") if params.get("global_catalog") else None,
        auth_protocol=params["auth_protocol"],
        username=_username(params),
        password=params.get("password") or None,
        realm=_realm(params),
        kdc=tuple(params.get("kdc") or ()),
        ca_cert=_ca_cert(params.get("ca_cert")),
        validate=params.get("cert_validation") != "ignore",
        connection_timeout=timeout,
        verify_on=_verify_on(params.get("verify_on") or (REQUIRED,)),
        lync_domain_controllers=tuple(
            _host(name, "lync_domain_controllers") for name in params.get("lync_domain_controllers") or ()
        ),
    )


def _check_sign_in(params: Mapping[str, Any]) -> None:
    if params["auth_protocol"] == "simple":
        if not (params.get("username") and params.get("password")):
            raise InvalidInput(
                "auth_protocol=simple needs username and password; an empty password would be an anonymous sign-in."
            )
        if params.get("realm") or params.get("kdc"):
            raise InvalidInput("realm and kdc belong to auth_protocol=kerberos; now it is simple.")
    elif params.get("password") and not params.get("username"):
        raise InvalidInput(
            "password was given without username. Give both, or neither to use the ticket that is there."
        )
    elif params.get("kdc") and not params.get("realm"):
        raise InvalidInput("kdc was given without realm. Give the realm to which these servers belong.")
    if params.get("realm") and not REALM.match(params["realm"]):
        raise InvalidInput("realm is %r, which is no name of a Kerberos realm such as CONTOSO.COM." % params["realm"])
    for kdc in params.get("kdc") or ():
        if not KDC.match(kdc):
            raise InvalidInput("kdc is %r. Give names with or without a port, such as dc1.contoso.com:88." % kdc)


def _username(params: Mapping[str, Any]) -> str | None:
    """The account in a form that this way to sign in knows; as a principal for Kerberos, with its realm in capitals."""
    name = (params.get("username") or "").strip()
    if not name:
        return None
    if params["auth_protocol"] == "simple":
        if not any(mark in name for mark in "@\\="):
            raise InvalidInput(
                "username is %r. With auth_protocol=simple write %s@contoso.com, CONTOSO\\%s or the account's distinguished name: "
                "the name alone is refused, and each try counts towards the account's lockout." % (name, name, name)
            )
        return name
    account, at, realm = name.rpartition("@")
    if "\\" in name or "=" in name or (at and not (account and realm)):
        raise InvalidInput(
            "username is %r, which is no Kerberos principal. With auth_protocol=kerberos write the account, @ and the realm, such "
            "as admin@CONTOSO.COM; CONTOSO\\admin and distinguished names are for auth_protocol=simple." % name
        )
    return principal(name, _realm(params))


def _realm(params: Mapping[str, Any]) -> str | None:
    return (params.get("realm") or "").upper() or None


def _ca_cert(path: str | None) -> str | None:
    """The file of the authorities, once it could be read."""
    if not path:
        return None
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:
        raise InvalidInput("ca_cert names %s, which holds no certificate in PEM form (%s)." % (path, error)) from error
    except OSError as error:
        raise InvalidInput("ca_cert names %s, which cannot be read: %s." % (path, error.strerror)) from error
    return path


def _port(port: int | None, tls_mode: str) -> int:
    """The port to use; the ports of plain LDAP and LDAPS are not confused with one another."""
    wrong = {LDAPS: (389, 3268), START_TLS: (636, 3269)}[tls_mode]
    if port in wrong:
        raise InvalidInput(
            "port is %d, where %s does not answer with tls_mode=%s. Leave port out, or use %d; the other mode is tls_mode=%s."
            % (port, "a server", tls_mode, _PORTS[tls_mode][0], START_TLS if tls_mode == LDAPS else LDAPS)
        )
    if port in (3268, 3269):
        raise InvalidInput("port is %d, the global catalog's, which takes no changes. Leave port out." % port)
    return port or _PORTS[tls_mode][0]


def _verify_on(names: Sequence[str]) -> tuple[str, ...]:
    words = [name for name in names if name in (REQUIRED, ALL)]
    if words and len(names) > 1:
        raise InvalidInput(
            "verify_on is %s. Give %s alone, %s alone, or names of domain controllers."
            % (", ".join(names), REQUIRED, ALL)
        )
    return tuple(name if name in (REQUIRED, ALL) else _host(name, "verify_on") for name in names)


def _host(text: str, option: str) -> str:
    text = (text or "").strip().rstrip(".")
    if not _HOST.match(text):
        raise InvalidInput(
            "%s is %r. Give a name such as %s, without a port or ldaps://."
            % (option, text, "contoso.com" if option == "domain" else "dc1.contoso.com")
        )
    return text.lower()
