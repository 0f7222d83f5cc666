# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One LDAP connection to one server: the only file that knows the client library, ldap3. Private to this collection.

The library is used within the limits that directory.md, section 5, measured: TLS with a validated certificate, simple or Kerberos
bind, one plain synchronous connection, no pools, no referrals, no typed values, no ranges. A request is sent once; when the
answer to a write is lost the error says so (C(ambiguous)) and the caller reads again.
"""

from __future__ import annotations

import re
import ssl
import sys
import time
from typing import Any, Callable

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import (
    DirectoryError,
    from_exception,
    from_result,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.options import START_TLS, DirectoryOptions
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import MissingLibrary, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._kerberos import TicketCache

_PAGED_RESULTS = "1.2.840.113556.1.4.319"
_PAGE = 500  # objects in an answer
_RANGE = re.compile(r"(?P<name>[^;]+);range=(?P<first>\d+)-(?P<last>\d+|\*)\Z", re.IGNORECASE | re.ASCII)
_ROOT_ATTRIBUTES = [
    "configurationNamingContext",
    "currentTime",
    "defaultNamingContext",
    "dnsHostName",
    "dsServiceName",
    "highestCommittedUSN",
    "isGlobalCatalogReady",
    "isSynchronized",
    "namingContexts",
    "rootDomainNamingContext",
    "schemaNamingContext",
    "supportedCapabilities",
]


class Client:
    """A connection to one port of one server. Connects and signs in at first use, and again after it broke: to the same one.

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
        self._root: Entry | None = None

    @property
    def root(self) -> Entry:
        """The server's rootDSE as it was at the first connection."""
        if self._root is None:
            self._connect()
        return self._root or self.read_root()

    @property
    def name(self) -> str:
        """The server's own DNS name in lower case, whatever name it was reached by."""
        return (self.root.text("dnsHostName") or self.host).lower()

    def read_root(self) -> Entry:
        """Read the rootDSE now.

        :raises DirectoryError: also when the server is no domain controller (C(not_a_dc)).
        """
        found = self.search(
            "read the rootDSE",
            search_base="",
            search_filter="(objectClass=*)",
            search_scope="BASE",
            attributes=_ROOT_ATTRIBUTES,
        )
        if not found or not found[0].text("defaultNamingContext"):
            raise DirectoryError(
                "%s answers LDAP but is not a domain controller of Active Directory." % self.host,
                "not_a_dc",
                server=self.host,
            )
        return found[0]

    def search(self, tried: str, **arguments: Any) -> list[Entry]:
        """Send one search and return what was found: every object, page by page unless it reads a single one, with every value.

        References to other servers are left out, never followed.

        :raises DirectoryError: it failed; nothing of an incomplete answer is returned.
        """
        arguments = dict(
            arguments,
            time_limit=self._options.connection_timeout,
            dereference_aliases="NEVER",
            auto_escape=False,
        )
        found, cookie = [], None
        if arguments["search_scope"] == "BASE":
            found = _found(self.call("search", tried, **arguments))
        else:
            while cookie != b"":
                done = self.call("search", tried, paged_size=_PAGE, paged_cookie=cookie, **arguments)
                found += _found(done)
                paged = done.result.get("controls", {}).get(_PAGED_RESULTS, {})
                cookie = paged.get("value", {}).get("cookie") or b""
        return [Entry(item["dn"], self._whole(tried, item, arguments)) for item in found]

    def _whole(self, tried: str, item: Any, arguments: dict[str, Any]) -> dict[str, list[bytes]]:
        """The attributes of one object, with the values that the server held back: it sent C(member;range=0-1499) (MS-ADTS, 3.1.1.3.1.3.3).

        :raises DirectoryError: C(incomplete_answer), the rest did not come.
        """
        given = item["raw_attributes"]
        attributes = {name: list(values or ()) for name, values in given.items() if not _has_range(name)}
        for part in filter(_has_range, given):
            name, values, last = self._range(item, part, 0)
            while last != "*":
                wanted = "%s;range=%d-*" % (name, len(values))
                one = dict(
                    search_base=item["dn"], search_scope="BASE", search_filter="(objectClass=*)", attributes=[wanted]
                )
                (again,) = _found(self.call("search", tried, **dict(arguments, **one))) or [item]
                part = next(filter(_has_range, again["raw_attributes"]), wanted)
                _name, more, last = self._range(again, part, len(values))
                values += more
            attributes[name] = values
        return attributes

    def _range(self, item: Any, part: str, first: int) -> tuple[str, list[bytes], str]:
        """The plain name, the values and the end of one range, which must begin where the last one ended."""
        matched, values = _RANGE.match(part), list(item["raw_attributes"].get(part) or ())
        ends = ("*", str(first + len(values) - 1))
        if not matched or not values or int(matched["first"]) != first or matched["last"] not in ends:
            raise DirectoryError(
                "%s did not give all values of %s of %s, so nothing that was read of it is used. Try again."
                % (self.host, part.partition(";")[0], item["dn"]),
                "incomplete_answer",
                server=self.host,
            )
        return matched["name"], values, matched["last"]

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
        except PersistentChatError:
            self.close()
            raise
        except Exception as error:  # ldap3 also lets errors of gssapi, krb5, ssl and socket through
            self.close()
            options = self._options
            start_tls = options.tls_mode == START_TLS
            raise from_exception(error, tried, self.host, self.port, options.ca_cert, start_tls, sent) from error

    def _connect(self) -> None:
        """Open, sign in, and see that it is a domain controller, and the same one as before.

        :raises DirectoryError: C(another_server), the name leads to another domain controller now.
        """
        tried = "sign in to the %s" % self._what
        self._guarded(self._open_and_bind, tried, False)
        connection = self._connection
        if not connection.bound:
            self.close()
            raise from_result(connection.result, tried, self.host)
        try:
            root = self.read_root()
        except DirectoryError:
            self.close()
            raise
        if self._root is not None and root.text("dsServiceName") != self._root.text("dsServiceName"):
            self.close()
            raise DirectoryError(
                "%s was %s at first and is %s now, so its name leads to more than one domain controller, and what was read on "
                "one need not be there on the other. Name single domain controllers in server and global_catalog."
                % (self.host, self._root.text("dnsHostName"), root.text("dnsHostName")),
                "another_server",
                server=self.host,
            )
        self._root = self._root or root

    def _open_and_bind(self) -> None:
        try:
            import ldap3
            from ldap3.core.exceptions import LDAPException, LDAPOperationResult, LDAPStartTLSError
        except ImportError as error:
            raise MissingLibrary("ldap3") from error
        options = self._options
        validate = ssl.CERT_REQUIRED if options.validate else ssl.CERT_NONE
        server = ldap3.Server(
            self.host,
            self.port,
            use_ssl=options.tls_mode != START_TLS,
            tls=ldap3.Tls(validate=validate, ca_certs_file=options.ca_cert, sni=self.host),
            get_info=ldap3.NONE,
            connect_timeout=options.connection_timeout,
        )
        # raise_exceptions until it is bound: otherwise an aborted Kerberos bind hides the server's own answer
        self._connection = connection = ldap3.Connection(
            server, client_strategy=ldap3.SYNC, auto_bind=ldap3.AUTO_BIND_NONE, auto_referrals=False, auto_range=False,
            check_names=False, receive_timeout=options.connection_timeout, raise_exceptions=True, return_empty_attributes=False,
            **self._credentials(ldap3),
        )  # fmt: skip
        connection.open(read_server_info=False)
        if options.tls_mode == START_TLS:
            connection.socket = _TimedSocket(connection.socket, options.connection_timeout)
            try:
                connection.start_tls(read_server_info=False)
            except LDAPOperationResult as refusal:
                said = (refusal.description, refusal.message)
                raise LDAPStartTLSError("startTLS was answered with %s %s" % said) from refusal
        if not isinstance(connection.socket, ssl.SSLSocket):
            raise ssl.SSLError("the connection is not encrypted")
        connection.socket = _TimedSocket(connection.socket, options.connection_timeout)
        outer = sys.exc_info()[1]
        try:
            connection.bind(read_server_info=False)
        except LDAPException as error:
            # when Kerberos fails on this side, ldap3 sends an abort, and what comes of that hides the reason
            if error.__context__ not in (None, outer):
                raise error.__context__ from None
            if not isinstance(error, LDAPOperationResult):
                raise
        connection.raise_exceptions = False

    def _credentials(self, ldap3: Any) -> dict[str, Any]:
        options = self._options
        if options.auth_protocol == "simple":
            # as bytes: ldap3 normalises text (SASLprep), Active Directory does not, and each wrong password counts
            password = (options.password or "").encode("utf-8")
            return {"user": options.username, "password": password, "authentication": ldap3.SIMPLE}
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


class _TimedSocket:
    """A socket on which the whole answer to a request must come in time, not only each part of it.

    :param seconds: from the request on.
    """

    def __init__(self, inner: Any, seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def sendall(self, data: bytes) -> None:
        self._end = time.monotonic() + self._seconds
        self._inner.settimeout(self._seconds)
        self._inner.sendall(data)

    def recv(self, size: int) -> Any:
        left = self._end - time.monotonic()
        try:
            if left > 0:
                self._inner.settimeout(left)
                return self._inner.recv(size)
        except TimeoutError:
            pass
        raise TimeoutError("no complete answer within %g seconds" % self._seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _has_range(name: str) -> bool:
    return ";range=" in name.lower()


def _found(done: Any) -> list[Any]:
    return [item for item in done.response if item["type"] == "searchResEntry"]


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
