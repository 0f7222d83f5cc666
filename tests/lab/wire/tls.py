# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TLS that a simulated server speaks at present: its versions, its certificate, and whether it asks for the client's."""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from typing import Any

from tests.lab.policies import Policies


@dataclass(frozen=True)
class Channel:
    """What one connection is, apart from its user.

    :param tls: the connection is encrypted by TLS.
    :param binding: the TLS channel's binding value (RFC 5929, tls-server-end-point), or None.
    :param certificate: the client's certificate (DER), or None; TLS has found it good.
    """

    tls: bool = False
    binding: bytes | None = None
    certificate: bytes | None = None


class TlsLayers:
    """The TLS settings of all hosts, as their policies are.

    :param paths: the lab's Paths.
    """

    def __init__(self, paths: Any, policies: Policies) -> None:
        self._paths = paths
        self._policies = policies
        self._contexts: dict[tuple[str, str, bool], ssl.SSLContext] = {}
        self._bindings: dict[str, bytes] = {}

    def context(self, host: Any) -> ssl.SSLContext | None:
        """What a new connection to a host is wrapped in; None: nothing. :raises OSError: a certificate is not there."""
        version, asks = (self._policies.get(host.fqdn, name) for name in ("tls", "auth_certificate"))
        if version == "none":
            return None
        key = (self._stem(host), version, asks)
        if key not in self._contexts:
            self._contexts[key] = self._make(*key)
        return self._contexts[key]

    def channel(self, host: Any, connection: ssl.SSLSocket) -> Channel:
        """What a connection to a host is, after its handshake."""
        stem = self._stem(host)
        if stem not in self._bindings:
            self._bindings[stem] = endpoint_binding(str(self._paths.certificate(stem)))
        return Channel(True, self._bindings[stem], connection.getpeercert(binary_form=True))

    def _stem(self, host: Any) -> str:
        kind = self._policies.get(host.fqdn, "certificate")
        return host.name if kind == "own" else "%s-%s" % (host.name, kind)

    def _make(self, stem: str, version: str, asks: bool) -> ssl.SSLContext:
        if version == "old":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                # like the old server, and unlike a new one that is limited, it overlooks what the client says of newer versions
                context = ssl.SSLContext(ssl.PROTOCOL_TLSv1)
            context.set_ciphers("DEFAULT:@SECLEVEL=0")  # its signatures are too weak for any other level
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._paths.certificate(stem), self._paths.key(stem))
        if asks:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(self._paths.ca)
        return context


def endpoint_binding(certificate: str) -> bytes:
    """The tls-server-end-point binding (RFC 5929) of a PEM certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    with open(certificate, "rb") as file:
        parsed = x509.load_pem_x509_certificate(file.read())
    used = parsed.signature_hash_algorithm
    algorithm = hashes.SHA256() if used is None or used.name in ("md5", "sha1") else used
    return b"tls-server-end-point:" + parsed.fingerprint(algorithm)
