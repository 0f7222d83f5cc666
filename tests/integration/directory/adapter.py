# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A domain controller that behaves as Samba cannot: the lab's own one behind a program that understands LDAP.

It listens on an address of the lab with that host's certificate, asks the real domain controller over LDAPS, and hands
everything on unchanged until a test says otherwise (directory.md, section 2.4, has what Samba does not do)::

    with Adapter(lab.paths) as adapter:                        # dc1's name and certificate, a free port
        adapter.on("delete", lose_answer)                      # the next deletion is done, its answer never arrives
        adapter.on("bind", refuse(8, "00002028: LdapErr: ..."), times=None)      # each bind is refused
        adapter.on("search", end(4), base="DC=contoso,DC=com")  # what was found comes, then: size limit exceeded
        adapter.changes.append(ranges("memberOf", 2))          # values come in ranges of two, as from Active Directory
        adapter.changes.append(root_dse(isSynchronized=["FALSE"]))
        converge("absent", port=adapter.port)

Kerberos works as long as the host's name is one that the realm knows. Another host's standard ports, when nobody listens
there: C(Adapter(lab.paths, host="dc2", listen=((636, 636), (3269, 3269)))). C(adapter.seen) has every request.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ldap3.protocol import rfc4511
from ldap3.strategy.base import BaseStrategy
from ldap3.utils.asn1 import encode
from pyasn1.codec.ber import decoder
from pyasn1.type import namedtype, univ

from tests.lab import settings

_OPERATIONS = {
    "addRequest": ("add", rfc4511.AddResponse, "addResponse"),
    "bindRequest": ("bind", rfc4511.BindResponse, "bindResponse"),
    "delRequest": ("delete", rfc4511.DelResponse, "delResponse"),
    "extendedReq": ("start_tls", rfc4511.ExtendedResponse, "extendedResp"),
    "modifyRequest": ("modify", rfc4511.ModifyResponse, "modifyResponse"),
    "searchRequest": ("search", rfc4511.SearchResultDone, "searchResDone"),
}


def _with(kind: type, name: str, component: Any) -> Any:
    """A type of RFC 4511 with another type for one of its components."""
    parts = kind.componentType.namedTypes
    named = [namedtype.NamedType(name, component) if part.name == name else part for part in parts]
    return type(kind.__name__, (kind,), {"componentType": namedtype.NamedTypes(*named)})()


# ldap3 does not say what is inside a filter's and, or, not, so such a request could not be decoded; nobody here looks at filters
_SEARCH = _with(rfc4511.SearchRequest, "filter", univ.Any())
_MESSAGE = _with(rfc4511.LDAPMessage, "protocolOp", _with(rfc4511.ProtocolOp, "searchRequest", _SEARCH))
_NOT_THE_LAST = ("searchResEntry", "searchResRef", "intermediateResponse")
Attributes = dict[str, list[bytes]]


@dataclass
class Request:
    """One request of a client.

    :param operation: add, bind, delete, modify, search or start_tls; else the name in RFC 4511.
    :param base: the object, or where a search begins; as it was sent.
    :param attributes: those that a search wants.
    :param connection: counts the client's connections from 1.
    """

    operation: str
    base: str
    attributes: list[str]
    connection: int
    port: int
    message: Any = field(repr=False)


class Cut(Exception):
    """Both connections end without another word."""


class Exchange:
    """One request on its way; what an action gets."""

    def __init__(self, adapter: Adapter, request: Request, raw: bytes, client: socket.socket, server: socket.socket):
        self.adapter, self.request, self.raw = adapter, request, raw
        self.client: Any = client
        self.server = server

    def ask(self) -> list[Any]:
        """Let the domain controller do it, and return its answer, changed by the adapter's changes."""
        self.server.sendall(self.raw)
        answers: list[Any] = []
        while not answers or answers[-1]["protocolOp"].getName() in _NOT_THE_LAST:
            answers.append(_decode(_receive(self.server)))
            if answers[-1]["protocolOp"].getName() == "searchResEntry":
                self._change(answers[-1]["protocolOp"]["searchResEntry"])
        return answers

    def send(self, answers: Sequence[Any]) -> None:
        self.client.sendall(b"".join(encode(answer) for answer in answers))

    def _change(self, entry: Any) -> None:
        attributes = {str(item["type"]): [bytes(value) for value in item["vals"]] for item in entry["attributes"]}
        for change in self.adapter.changes:
            change(self.request, attributes)
        entry["attributes"] = rfc4511.PartialAttributeList()
        for number, (name, values) in enumerate(attributes.items()):
            entry["attributes"][number] = rfc4511.PartialAttribute()
            entry["attributes"][number]["type"] = name
            entry["attributes"][number]["vals"] = rfc4511.Vals()
            entry["attributes"][number]["vals"].extend(rfc4511.AttributeValue(value) for value in values)


Action = Callable[[Exchange], None]


def pass_on(exchange: Exchange) -> None:
    """What happens without a rule."""
    exchange.send(exchange.ask())


def refuse(code: int, message: str = "", referral: str = "") -> Action:
    """Answer with a result instead of the domain controller, which never sees the request."""

    def action(exchange: Exchange) -> None:
        _name, kind, component = _OPERATIONS[exchange.request.message["protocolOp"].getName()]
        answer, result = rfc4511.LDAPMessage(), kind()
        result["resultCode"], result["matchedDN"], result["diagnosticMessage"] = code, "", message
        if referral:
            result["referral"] = rfc4511.Referral()
            result["referral"][0] = referral
        answer["messageID"] = exchange.request.message["messageID"]
        answer["protocolOp"] = rfc4511.ProtocolOp().setComponentByName(component, result)
        exchange.send([answer])

    return action


def end(code: int, message: str = "") -> Action:
    """Let the domain controller do it and hand on what it found, but with this result at the end."""

    def action(exchange: Exchange) -> None:
        answers = exchange.ask()
        last = answers[-1]["protocolOp"].getComponent()
        last["resultCode"], last["diagnosticMessage"] = code, message
        exchange.send(answers)

    return action


def lose_request(exchange: Exchange) -> None:
    """Cut the connection before the domain controller sees the request."""
    raise Cut


def lose_answer(exchange: Exchange) -> None:
    """Cut the connection when the domain controller has done it."""
    exchange.ask()
    raise Cut


def freeze(exchange: Exchange) -> None:
    """Say nothing until the adapter ends; the domain controller never sees the request."""
    exchange.adapter.ended.wait()
    raise Cut


def trickle(action: Action) -> Action:
    """What the action sends comes byte by byte, five a second."""

    def slowly(exchange: Exchange) -> None:
        exchange.client = Trickling(exchange.client, exchange.adapter.ended)
        action(exchange)

    return slowly


class Trickling:
    """A socket that sends slowly."""

    def __init__(self, inner: socket.socket, ended: threading.Event) -> None:
        self._inner, self._ended = inner, ended

    def sendall(self, data: bytes) -> None:
        for byte in data:
            self._inner.sendall(bytes([byte]))
            if self._ended.wait(0.2):
                raise Cut


def ranges(attribute: str, size: int) -> Callable[[Request, Attributes], None]:
    """A change: an attribute's values come in ranges, as C(member;range=0-1499) does from Active Directory."""
    pattern = re.compile(re.escape(attribute) + r"(?:;range=(\d+)-(?:\d+|\*))?\Z", re.IGNORECASE)

    def change(request: Request, attributes: Attributes) -> None:
        for name in [name for name in attributes if pattern.match(name)]:
            first = int(pattern.match(name).group(1) or 0)
            if len(attributes[name]) > size:
                part = attributes.pop(name)[:size]
                attributes["%s;range=%d-%d" % (attribute, first, first + size - 1)] = part

    return change


def root_dse(**values: list[str]) -> Callable[[Request, Attributes], None]:
    """A change: the rootDSE says something else."""

    def change(request: Request, attributes: Attributes) -> None:
        if request.base == "":
            attributes.update({name: [text.encode() for text in texts] for name, texts in values.items()})

    return change


class Adapter:
    """Starts at once; a context manager that ends it.

    :param host: whose address and certificate it has (short name).
    :param listen: pairs of its own port (0: a free one) and the domain controller's port behind it.
    :param behind: the real domain controller (short name).
    :param start_tls: clients begin without TLS and ask for it; C(plain) has what they sent before it.
    """

    def __init__(
        self,
        paths: settings.Paths,
        host: str = "dc1",
        listen: Sequence[tuple[int, int]] = ((0, settings.LDAPS_PORT),),
        behind: str = "dc1",
        start_tls: bool = False,
    ) -> None:
        self.changes: list[Callable[[Request, Attributes], None]] = []
        self.seen: list[Request] = []
        self.plain: list[bytes] = []
        self.ended = threading.Event()
        self._rules: list[list[Any]] = []
        self._start_tls = start_tls
        self._behind = next(known for known in settings.HOSTS if known.name == behind)
        self._up = ssl.create_default_context(cafile=str(paths.ca))
        self._down = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._down.load_cert_chain(paths.certificate(host), paths.key(host))
        self._connections = 0
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        address = next(known.address for known in settings.HOSTS if known.name == host)
        listeners = [(socket.create_server((address, own)), target) for own, target in listen]
        self.port = listeners[0][0].getsockname()[1]
        for listener, target in listeners:
            self._open.append(listener)
            self._start(self._accept, listener, target)

    def __enter__(self) -> Adapter:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.ended.set()
        for (
            opened
        ) in self._open:  # each thread closes its own: a descriptor that it still reads must not become another's
            with contextlib.suppress(OSError):
                socket.socket.shutdown(opened, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def on(self, operation: str, action: Action, times: int | None = 1, base: str | None = None) -> None:
        """Do that for the next C(times) requests (None: all) of an operation, for one base only if it is given."""
        self._rules.append([operation, base, times, action])

    def _action(self, request: Request) -> Action:
        for rule in self._rules:
            if rule[0] == request.operation and rule[1] in (None, request.base) and rule[2] != 0:
                rule[2] = None if rule[2] is None else rule[2] - 1
                return rule[3]
        return pass_on

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, target: int) -> None:
        with listener, contextlib.suppress(OSError):
            while not self.ended.is_set():
                client = listener.accept()[0]
                self._open.append(client)
                self._connections += 1
                self._start(self._serve, client, target, self._connections)

    def _serve(self, client: socket.socket, target: int, number: int) -> None:
        with contextlib.suppress(OSError, Cut), client:
            if self._start_tls:
                self._negotiate(client, target, number)
            with (
                self._down.wrap_socket(client, server_side=True) as secure,
                self._up.wrap_socket(
                    socket.create_connection((self._behind.address, target)), server_hostname=self._behind.fqdn
                ) as server,
            ):
                self._open += [secure, server]
                while raw := _receive(secure):
                    request = self._note(raw, target, number)
                    if request.operation in ("unbindRequest", "abandonRequest"):
                        return
                    self._action(request)(Exchange(self, request, raw, secure, server))

    def _negotiate(self, client: socket.socket, target: int, number: int) -> None:
        """Read plain requests until one asks for TLS and no rule is against it."""
        while raw := _receive(client):
            request = self._note(raw, target, number)
            if request.operation == "unbindRequest":
                break
            self.plain.append(raw)
            action = self._action(request)
            exchange = Exchange(self, request, raw, client, client)
            if action is pass_on:
                refuse(0)(exchange)
                return
            action(exchange)
        raise Cut

    def _note(self, raw: bytes, port: int, connection: int) -> Request:
        message = _decode(raw)
        name = message["protocolOp"].getName()
        inner = message["protocolOp"].getComponent()
        base, wanted = "", []
        if name == "delRequest":
            base = str(inner)
        elif name == "searchRequest":
            base, wanted = str(inner["baseObject"]), [str(item) for item in inner["attributes"]]
        elif name in ("modifyRequest", "addRequest"):
            base = str(inner["object" if name == "modifyRequest" else "entry"])
        operation = _OPERATIONS[name][0] if name in _OPERATIONS else name
        self.seen.append(Request(operation, base, wanted, connection, port, message))
        return self.seen[-1]


def _decode(raw: bytes) -> Any:
    if not raw:
        raise Cut
    return decoder.decode(raw, asn1Spec=_MESSAGE)[0]


def _receive(source: socket.socket) -> bytes:
    """One whole message, or nothing when the other side has ended."""
    data = b""
    while (size := BaseStrategy.compute_ldap_message_size(data)) == -1 or len(data) < size:
        part = source.recv(1 if size == -1 else size - len(data))
        if not part:
            return b""
        data += part
    return data
