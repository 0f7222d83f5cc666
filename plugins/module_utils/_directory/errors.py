# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a directory's refusal means to a person: tables. Private to this collection.

Sources: MS-ADTS for the result codes; MIT krb5's krb5_err.et for those of Kerberos; directory.md, sections 5.1 and 6, for the
texts that were measured.
"""

from __future__ import annotations

import re
from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError

NO_SUCH_OBJECT = 32

#: result code -> (code of the error, what it means and what to do)
_RESULTS = {
    1: (
        "operations_error",
        "The server could not carry it out. For a deleted object this also means that the account may not list or "
        "reanimate deleted objects.",
    ),
    3: (
        "time_limit",
        "The search took longer than was allowed, so its answer is not complete and is not used. Raise connection_timeout, "
        "or name another domain controller.",
    ),
    4: (
        "size_limit",
        "The server stopped the search at its size limit, so its answer is not complete and is not used.",
    ),
    8: (
        "stronger_auth_required",
        "The directory demands signed and sealed connections, which are not available for this kind of bind. Use LDAPS "
        "(port 636); when LDAPS is in use already, use auth_protocol=simple, or let the domain controller accept Kerberos "
        "inside TLS.",
    ),
    10: ("referral", "The object belongs to another domain. Name a domain controller of that domain as server."),
    11: (
        "admin_limit",
        "The search went beyond a limit of the directory's LDAP policy, so its answer is not complete and is not used. Name "
        "another domain controller, or have the limit raised.",
    ),
    16: ("no_such_attribute", "An attribute changed since it was read. Run the module again."),
    19: ("constraint_violation", "A value breaks a rule of the directory."),
    20: ("value_exists", "A value is there already. Run the module again."),
    32: ("no_such_object", "The object is not there, or the account may not see it."),
    34: ("invalid_dn", "The distinguished name is not well formed."),
    50: ("insufficient_rights", "The account that the module uses lacks a right there."),
    51: ("busy", "The domain controller is busy. Try again later, or name another one."),
    52: ("unavailable", "The domain controller is shutting down or not ready. Try again, or name another one."),
    53: ("unwilling", "The directory's rules forbid it."),
    66: ("has_children", "The object has children. They are never deleted along with it: move or delete them first."),
    68: ("already_exists", "Another object has that name."),
}
#: (result code, words of the server in lower case) -> the same, where these words say more than the code
_WORDS = {
    (1, "successful bind must be completed"): (
        "not_signed_in",
        "The domain controller takes the connection for an anonymous one. Name the domain controller itself as server, not "
        "something in between, and run the module again.",
    ),
    (53, "global catalog"): (
        "unwilling",
        "It was asked at a port of the global catalog, which takes no changes. Leave port out.",
    ),
}

#: the hexadecimal reason inside an invalidCredentials answer
_BIND_REASONS = {
    "525": "The directory knows no such user.",
    "52e": "The user name or the password is wrong.",
    "530": "The account may not sign in at this time of day.",
    "531": "The account may not sign in from this computer.",
    "532": "The account's password has expired.",
    "533": "The account is disabled.",
    "57": "The domain controller does not accept this kind of sign-in.",
    "701": "The account has expired.",
    "773": "The account's password must be changed first.",
    "775": "The account is locked out.",
}

#: codes of krb5_err.et -> (code of the error, what to do)
_KERBEROS: dict[tuple[int, ...], tuple[str, str]] = {
    (-1765328243, -1765328189): (
        "no_kerberos_ticket",
        "There is no Kerberos ticket for that. Run kinit first (KRB5CCNAME names the ticket's file), or give username and "
        "password.",
    ),
    (-1765328352,): ("no_kerberos_ticket", "The Kerberos ticket has expired. Run kinit again."),
    (-1765328360, -1765328353, -1765328174): (
        "invalid_credentials",
        "The password is wrong for that Kerberos principal. Each try counts towards the account's lockout.",
    ),
    (-1765328378,): ("invalid_credentials", "The realm knows no such account. Check username."),
    (-1765328366, -1765328383, -1765328363, -1765328372): (
        "invalid_credentials",
        "The account is disabled, locked out or expired, or may not sign in now.",
    ),
    (-1765328361,): ("invalid_credentials", "The account's password has expired. Change it first."),
    (-1765328377,): (
        "kerberos_unknown_service",
        "The realm knows no service ldap/%(server)s. Set server to the full name of the domain controller.",
    ),
    (-1765328347,): (
        "kerberos_clock_skew",
        "The clocks differ by more than five minutes. Set this machine's clock.",
    ),
    (-1765328228, -1765328230, -1765328164): (
        "kerberos_no_kdc",
        "No Kerberos server of the realm answered. Check the realm in username, realm and kdc, port 88 from here, and without "
        "realm /etc/krb5.conf.",
    ),
    (-1765328160,): (
        "kerberos_no_realm",
        "Write username with its realm, such as admin@CONTOSO.COM, or set realm.",
    ),
    (-1765328370,): (
        "kerberos_encryption_type",
        "The account, the domain controller and this machine have no encryption type in common. Let the account use AES.",
    ),
}
_NO_CREDENTIALS = 7  # routine errors of GSS-API (RFC 2744, section 3.9.1)
_CREDENTIALS_EXPIRED = 11


class DirectoryError(PersistentChatError):
    """The directory could not be reached, or refused a request.

    :param result_code: the LDAP result code, or None where there was no answer.
    :param ambiguous: True when a write was sent and its answer was lost: only a new read can tell.
    """

    def __init__(
        self, message: str, code: str, result_code: int | None = None, ambiguous: bool = False, **facts: object
    ) -> None:
        super().__init__(message, code, **facts)
        self.result_code = result_code
        self.ambiguous = ambiguous


def from_result(result: Mapping[str, Any], tried: str, server: str, right: str = "") -> DirectoryError:
    """The error for an LDAP result that is not success.

    :param tried: what was tried, such as C(delete CN=ocschat,OU=...).
    :param right: the right that this needs, named when the server says that one is missing.
    """
    number, name = result["result"], result.get("description") or ""
    said = _short(result.get("message") or "")
    if number == 49:
        return _bind_refused(said, tried, server)
    code, advice = _RESULTS.get(number, ("ldap_%s" % (name or number), "Look the answer up and try again."))
    for (known, words), meaning in _WORDS.items():
        if known == number and words in said.lower():
            code, advice = meaning
    if number == 50 and right:
        advice += " It needs: %s." % right
    return DirectoryError(
        "Could not %s on %s: the directory answered %d %s%s. %s"
        % (tried, server, number, name, ' ("%s")' % said if said else "", advice),
        code,
        result_code=number,
        server=server,
    )


def _bind_refused(said: str, tried: str, server: str) -> DirectoryError:
    if "80090346" in said:
        return DirectoryError(
            "Could not %s on %s: the domain controller demands channel binding (80090346), and that of the sign-in was missing "
            "or for another certificate. Something in between that ends TLS, such as a load balancer, has this effect: name the "
            "domain controllers themselves as server. auth_protocol=simple needs no channel binding." % (tried, server),
            "channel_binding_required",
            result_code=49,
            server=server,
        )
    reason = re.search(r"data ([0-9a-f]+)", said)
    meaning = _BIND_REASONS.get(reason.group(1) if reason else "", "The user name or the password is wrong.")
    return DirectoryError(
        "Could not %s on %s: the directory refused the sign-in (49 invalidCredentials%s). %s Check username (as UPN, "
        "DOMAIN\\name or distinguished name) and password first: each try counts towards the account's lockout."
        % (tried, server, ", " + reason.group(0) if reason else "", meaning),
        "invalid_credentials",
        result_code=49,
        server=server,
    )


def from_exception(
    error: Exception, tried: str, server: str, port: int, ca_cert: str | None, start_tls: bool, sent: bool
) -> DirectoryError:
    """The error for an exception of the LDAP or Kerberos library.

    :param sent: True when a write may have reached the server before the connection broke.
    """
    where, text = "%s port %d" % (server, port), str(error)
    kerberos = _kerberos_failed(error, server)
    if sent and not kerberos:
        return DirectoryError(
            "The connection to %s broke while the module tried to %s (%s), so it is not known whether that was done. "
            "Run the module again: it looks first." % (where, tried, _short(text)),
            "connection_lost",
            ambiguous=True,
            server=server,
        )
    code, said, advice = kerberos or _connection_failed(text, port, ca_cert, start_tls)
    return DirectoryError("Could not %s on %s: %s. %s" % (tried, where, said, advice), code, server=server)


def _connection_failed(text: str, port: int, ca_cert: str | None, start_tls: bool) -> tuple[str, str, str]:
    """The code, what happened, and what to do."""
    if "certificate verify failed" in text.lower().replace("_", " "):
        reason = re.search(r"certificate verify failed: ([^(\]']+)", text)
        return (
            "untrusted_certificate",
            "its certificate is not trusted (%s)" % (reason.group(1).strip() if reason else "unknown authority"),
            "Set ca_cert to the file of the authority that issued it%s."
            % ("; now it is " + ca_cert if ca_cert else ""),
        )
    if "doesn't match any name" in text:
        return (
            "certificate_name_mismatch",
            "its certificate is for another name",
            "Set server to the name that the certificate carries, usually the domain controller's full name; an IP address "
            "cannot be checked.",
        )
    if start_tls and ("startTLS" in text or "wrap socket" in text):
        return (
            "start_tls_refused",
            "it did not begin TLS (%s), and nothing else was sent" % _short(text),
            "Have a certificate installed on the domain controller, or use tls_mode=ldaps.",
        )
    if "security layer" in text:
        return _RESULTS[8][0], _short(text), _RESULTS[8][1]
    return (
        "unreachable",
        "the domain controller cannot be reached (%s)" % _short(text),
        "Check the name, that port %d (%s) is open from here, and that the server has a certificate%s."
        % (
            port,
            "StartTLS" if start_tls else "LDAPS",
            "; global_catalog can name another server" if port in (3268, 3269) else "",
        ),
    )


def _kerberos_failed(error: Exception, server: str) -> tuple[str, str, str] | None:
    """The code, what Kerberos said, and what to do; None when the error is not one of Kerberos."""
    said = "Kerberos said: " + _kerberos_text(error)
    if type(error).__name__ == "KdcTimeout":
        return "kerberos_no_kdc", said, next(a for code, a in _KERBEROS.values() if code == "kerberos_no_kdc")
    number = getattr(error, "err_code", getattr(error, "min_code", None))  # of krb5, of gssapi
    if not isinstance(number, int):
        return None
    number -= 2**32 if number >= 2**31 else 0
    for numbers, (code, advice) in _KERBEROS.items():
        if number in numbers:
            return code, said, advice % {"server": server} if "%(" in advice else advice
    routine = getattr(error, "maj_code", 0) >> 16 & 0xFF
    if routine in (_NO_CREDENTIALS, _CREDENTIALS_EXPIRED):
        missing = (-1765328243, -1765328189) if routine == _NO_CREDENTIALS else (-1765328352,)
        return _KERBEROS[missing][0], said, _KERBEROS[missing][1]
    return "kerberos_failed", said, "Check /etc/krb5.conf and the ticket with klist."


def _kerberos_text(error: Exception) -> str:
    """What krb5 or gssapi said, without the numbers that they put around it."""
    text = re.sub(r" -17653\d{5}$", "", str(error))
    minor = re.search(r"Minor \(\d+\): (.+)", text, re.DOTALL)
    if minor and not minor.group(1).startswith(("Success", "Unknown error")):
        return _short(minor.group(1))
    return _short(re.sub(r"^Major \(\d+\): |, Minor \(\d+\):.*$", "", text, flags=re.DOTALL))


def _short(text: str) -> str:
    """A server's or library's words on one line, without control characters and without a whole certificate."""
    line = re.sub(r"[\x00-\x1f\x7f]+", " ", str(text)).strip().rstrip(".")
    return line if len(line) <= 240 else line[:237] + "..."
