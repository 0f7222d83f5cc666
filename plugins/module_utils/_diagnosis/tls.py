# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the other end of a TLS connection is: version, cipher, certificate, and whether it is to be trusted.

Private to this collection. Nothing is sent here but the handshake.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from typing import Any, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.network import connect, host_of
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.probes import Facts, explained
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

_NOTHING: Facts = {"version": None, "cipher": None, "refused_here": False, "certificate": None, "name_matches": None}


def look(options: RemotingOptions, seconds: float) -> Facts:
    """C({"version", "cipher", "refused_here", "certificate", "name_matches", "trusted", "problem"}).

    C(refused_here): only with settings that this machine refuses does the server speak TLS. C(trusted): None where there was
    no certificate to judge.
    """
    problem = None
    try:
        seen = {**_NOTHING, **_handshake(options, _any_peer(), seconds)}
    except (OSError, ValueError) as error:
        problem = explained(error, options)
        seen = {**_NOTHING, **(_with_old_settings(options, seconds) if problem["code"] == "tls_version" else {})}
    trusted = None
    if problem is None:
        try:
            _handshake(options, _trusted_peer(options), seconds)
            trusted = True
        except (OSError, ValueError) as error:
            problem, trusted = explained(error, options), False
    return {**seen, "trusted": trusted, "problem": problem}


def context_for_anybody() -> ssl.SSLContext:
    """Speaks TLS with whomever, in any version: for questions that carry nothing secret and believe nothing."""
    context = _any_peer()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def matches(names: Sequence[str], host: str) -> bool:
    """Whether one of a certificate's names is the host's (RFC 6125: an asterisk stands for one whole label)."""
    wanted = host.lower().rstrip(".")
    for name in (one.lower().rstrip(".") for one in names):
        if name == wanted or (name.startswith("*.") and name[2:] == wanted.partition(".")[2] != ""):
            return True
    return False


def _any_peer() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # as the transports have it
    return context


def _trusted_peer(options: RemotingOptions) -> ssl.SSLContext:
    """Trusts whom the transports trust: ca_cert, else what requests is told by the environment or brings along."""
    trust = options.ca_cert or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or _bundle()
    if trust and os.path.isdir(trust):
        return ssl.create_default_context(capath=trust)
    return ssl.create_default_context(cafile=trust)


def _bundle() -> str | None:
    try:
        import certifi
    except ImportError:
        return None
    return certifi.where()


def _with_old_settings(options: RemotingOptions, seconds: float) -> Facts:
    try:
        return {**_handshake(options, context_for_anybody(), seconds), "refused_here": True}
    except (OSError, ValueError):
        return {"refused_here": True}


def _handshake(options: RemotingOptions, context: ssl.SSLContext, seconds: float) -> Facts:
    with connect(host_of(options), options.port, seconds) as connection:
        connection.settimeout(seconds)
        with context.wrap_socket(connection, server_hostname=host_of(options)) as channel:
            certificate = _certificate(channel.getpeercert(binary_form=True) or b"")
            return {
                "version": channel.version(),
                "cipher": (channel.cipher() or (None,))[0],
                "certificate": certificate,
                "name_matches": matches(certificate["names"], host_of(options)) if certificate else None,
            }


def _certificate(encoded: bytes) -> Facts | None:
    """The parts of a certificate that a person judges it by; None where cryptography is missing or cannot read it."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        parsed = x509.load_der_x509_certificate(encoded)
        subject = parsed.subject.rfc4514_string()
        return {
            "subject": subject,
            "issuer": parsed.issuer.rfc4514_string(),
            "names": _names(parsed, x509),
            "not_before": _moment(parsed, "not_valid_before"),
            "not_after": _moment(parsed, "not_valid_after"),
            "sha256": parsed.fingerprint(hashes.SHA256()).hex(),
        }
    except (ImportError, ValueError):
        return None


def _names(parsed: Any, x509: Any) -> list[str]:
    try:
        found = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = found.get_values_for_type(x509.IPAddress)
    return [*found.get_values_for_type(x509.DNSName), *(str(address) for address in addresses)]


def _moment(parsed: Any, name: str) -> str:
    """A limit of the validity; cryptography before 42 gives it without a time zone."""
    moment = getattr(parsed, name + "_utc", None) or getattr(parsed, name).replace(tzinfo=datetime.timezone.utc)
    return str(moment.isoformat())
