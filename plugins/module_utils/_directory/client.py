# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One LDAP connection to one server: the only file that knows the client library, ldap3. Private to this collection.

The library is used within the limits that directory.md, section 5, measured: TLS with a validated certificate, simple or Kerberos
bind, one plain synchronous connection, no pools, no referrals, no typed values. A request is sent once; when the answer to a
write is lost the error says so (C(ambiguous)) and the caller reads again.
"""

from __future__ import annotations

import ssl
from typing import Any, Callable

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import from_exception, from_result
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.options import START_TLS, DirectoryOptions
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import MissingLibrary
from ansible_collections.lync.persistent_chat.plugins.module_utils._kerberos import TicketCache

_PAGED_RESULTS = "1.2.840.113556.1.4.319"
_PAGE = 500  # objects in an answer


class Client:
    """A connection to one port of one server. Connects and signs in at first use, and again after it broke.

    :param tickets: where the Kerberos ticket comes from.
    :param what: what the port is, for messages: directory or global catalog.
    """

    def __init__(self, options: DirectoryOptions, host: str, port: int, tickets: TicketCache, what: str) -> None:
        self.host = host
        self.port = port
        self._options = options
        self._tickets = tickets
        self._what = what
        self._connection: Any = None

    def search(self, tried: str, **arguments: Any) -> list[Entry]:
        """Send one search and return what was found, page by page unless it reads a single object.

        References to other servers are left out, never followed.

        :raises DirectoryError: it failed; nothing of an incomplete answer is returned.
        """
        arguments = dict(
            arguments,
            time_limit=self._options.connection_timeout,
            dereference_aliases="NEVER",
            auto_escape=False,
        )
        if arguments["search_scope"] == "BASE":
            return _entries(self.call("search", tried, **arguments))
        found: list[Entry] = []
        cookie = None
        while True:
            done = self.call("search", tried, paged_size=_PAGE, paged_cookie=cookie, **arguments)
            found += _entries(done)
            cookie = done.result.get("controls", {}).get(_PAGED_RESULTS, {}).get("value", {}).get("cookie")
            if not cookie:
                return found

    def call(self, operation: str, tried: str, right: str = "", **arguments: Any) -> Any:
        """Carry out one operation of the library and return the connection, which has its result.

        :param tried: what is tried, for messages, such as C(delete CN=ocschat,OU=...).
        :param right: the right that it needs, for the message when that is missing.
        :raises DirectoryError: the server refused it or could not be reached.
        """
        if self._connection is None:
            self._connect()
        connection = self._connection
        self._guarded(lambda: getattr(connection, operation)(**arguments), tried, operation != "search")
        if connection.result["result"] != 0:
            raise from_result(connection.result, tried, self.host, right)
        return connection

    def close(self) -> None:
        """Release the connection. Never raises. The next use connects again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.unbind()
            except Exception:  # pylint: disable=broad-except  # the server may have gone; there is nothing left to do
                pass

    def _guarded(self, call: Callable[[], Any], tried: str, sent: bool) -> None:
        try:
            call()
        except MissingLibrary:
            raise
        except Exception as error:  # ldap3 also lets errors of gssapi, ssl and socket through
            self.close()
            raise from_exception(error, tried, self.host, self.port, self._options.ca_cert, sent) from error

    def _connect(self) -> None:
        try:
            import ldap3
        except ImportError as error:
            raise MissingLibrary("ldap3") from error
        options = self._options
        tried = "sign in to the %s" % self._what
        made = []

        def open_and_bind() -> None:
            validate = ssl.CERT_REQUIRED if options.validate else ssl.CERT_NONE
            tls = ldap3.Tls(validate=validate, ca_certs_file=options.ca_cert, sni=self.host)
            server = ldap3.Server(
                self.host,
                self.port,
                use_ssl=options.tls_mode != START_TLS,
                tls=tls,
                get_info=ldap3.NONE,
                connect_timeout=options.connection_timeout,
            )
            made.append(
                ldap3.Connection(
                    server, client_strategy=ldap3.SYNC, auto_bind=ldap3.AUTO_BIND_NONE, auto_referrals=False, check_names=False,
                    receive_timeout=options.connection_timeout, raise_exceptions=False, return_empty_attributes=False,
                    **self._credentials(ldap3),
                )
            )  # fmt: skip
            made[0].open()
            if options.tls_mode == START_TLS:
                made[0].start_tls()
            made[0].bind()

        self._guarded(open_and_bind, tried, False)
        if not made[0].bound:
            result = made[0].result
            made[0].unbind()
            raise from_result(result, tried, self.host)
        self._connection = made[0]

    def _credentials(self, ldap3: Any) -> dict[str, Any]:
        options = self._options
        if options.auth_protocol == "simple":
            return {"user": options.username, "password": options.password, "authentication": ldap3.SIMPLE}
        gssapi = _gssapi()
        self._tickets.open()
        credentials = None
        if options.username and not options.password:
            name = gssapi.Name(options.username, gssapi.NameType.kerberos_principal)
            credentials = gssapi.Credentials(name=name, usage="initiate")
        return {
            "authentication": ldap3.SASL,
            "sasl_mechanism": ldap3.KERBEROS,
            "sasl_credentials": (self.host, None, credentials),
        }


def _entries(done: Any) -> list[Entry]:
    return [Entry(item["dn"], item["raw_attributes"]) for item in done.response if item["type"] == "searchResEntry"]


def _gssapi() -> Any:
    """The Kerberos library; cryptography too, without which ldap3 cannot bind Kerberos to the TLS channel."""
    try:
        import gssapi
    except ImportError as error:
        raise MissingLibrary("gssapi") from error
    try:
        import cryptography  # noqa: F401  # pylint: disable=unused-import
    except ImportError as error:
        raise MissingLibrary("cryptography") from error
    return gssapi
