# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's certificate authorities, server and client certificates, strict enough for Python 3.13's X.509 checks."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.lab import settings
from tests.lab.settings import Paths

VALIDITY = datetime.timedelta(days=800)
EXPIRED_SINCE = datetime.timedelta(days=3)
UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
UTF8_STRING = 0x0C  # its DER tag
USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
ROGUE = "rogue-ca"


def _usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in names for usage in USAGES})


def _builder(
    subject: str, issuer: str, public_key: ec.EllipticCurvePublicKey, expired: bool = False
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    begin = now - (EXPIRED_SINCE + VALIDITY if expired else datetime.timedelta(days=1))
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + VALIDITY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


class Authority:
    """A certificate authority that lives as long as this object: its key is never stored."""

    def __init__(self, name: str, paths: Paths) -> None:
        self._name = name
        self._paths = paths
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = (
            _builder(name, name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def issue_server(self, stem: str, names: list[str], expired: bool = False) -> None:
        """Write a new key and the certificate for a server with these DNS names; C(stem) is both files' name."""
        alternatives = [x509.DNSName(name) for name in names]
        self._issue(stem, names[0], alternatives, ExtendedKeyUsageOID.SERVER_AUTH, expired)

    def issue_client(self, stem: str, upn: str) -> None:
        """Write a new key and the certificate for a user with this user principal name."""
        name = x509.OtherName(UPN, bytes((UTF8_STRING, len(upn))) + upn.encode())
        self._issue(stem, upn.partition("@")[0], [name], ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(
        self,
        stem: str,
        subject: str,
        names: list[x509.GeneralName],
        purpose: x509.ObjectIdentifier,
        expired: bool = False,
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(subject, self._name, key.public_key(), expired)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage("digital_signature"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        _write(self._paths.key(stem), secret, 0o600)
        _write(self._paths.certificate(stem), certificate.public_bytes(pem), 0o644)


def upn_of(certificate: bytes) -> str | None:
    """The user principal name in a certificate (DER), or None."""
    try:
        names = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return None
    found = (name.value[2:].decode() for name in names.value.get_values_for_type(x509.OtherName) if name.type_id == UPN)
    return next(found, None)


def _write(path: Path, content: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)


def issue_all(paths: Paths) -> None:
    """Make new CAs and all certificates of a lab.

    A server has its own, and for the policy C(certificate) one of each kind that nobody should trust. The rogue host's own
    comes from the CA that nobody knows. Clients' are for the operator, for the operator from the unknown CA
    (C(csadmin-untrusted)), and for one whom no server knows (C(stranger)).
    """
    paths.certificates.mkdir(parents=True, exist_ok=True)
    authority, stranger = Authority("Lab CA", paths), Authority("Unknown CA", paths)
    for host in settings.HOSTS:
        names = [host.fqdn, host.name, *([settings.DOMAIN] if host.kind == "dc" else [])]
        (stranger if host.kind == "rogue" else authority).issue_server(host.name, names)
    for host in settings.WSMAN_HOSTS:
        authority.issue_server(host.name + "-expired", [host.fqdn, host.name], expired=True)
        stranger.issue_server(host.name + "-untrusted", [host.fqdn, host.name])
        authority.issue_server(host.name + "-other_name", [settings.fqdn("other")])
    operator = "%s@%s" % (settings.OPERATOR, settings.DOMAIN)
    authority.issue_client(settings.OPERATOR, operator)
    stranger.issue_client(settings.OPERATOR + "-untrusted", operator)
    authority.issue_client("stranger", "stranger@" + settings.DOMAIN)
    for path, ca in ((paths.ca, authority), (paths.certificate(ROGUE), stranger)):
        _write(path, ca.certificate.public_bytes(serialization.Encoding.PEM), 0o644)
