# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a directory's refusal means to a person: one table. Private to this collection.

Sources: MS-ADTS for the result codes; directory.md, sections 5.1 and 6, for the texts that were measured.
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
    3: ("time_limit", "The search took longer than the server allows. Try again, or name another domain controller."),
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
    16: ("no_such_attribute", "An attribute changed since it was read. Run the module again."),
    19: ("constraint_violation", "A value breaks a rule of the directory."),
    20: ("value_exists", "A value is there already. Run the module again."),
    32: ("no_such_object", "The object is not there, or the account may not see it."),
    34: ("invalid_dn", "The distinguished name is not well formed."),
    50: ("insufficient_rights", "The account that the module uses lacks a right there."),
    51: ("busy", "The domain controller is busy. Try again later."),
    52: ("unavailable", "The domain controller is shutting down or not ready. Try again, or name another one."),
    53: ("unwilling", "The directory's rules forbid it."),
    66: ("has_children", "The object has children. They are never deleted along with it: move or delete them first."),
    68: ("already_exists", "Another object has that name."),
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
    number = result["result"]
    said = _short(result.get("message") or result.get("description") or "")
    if number == 49:
        return _bind_refused(said, tried, server)
    code, advice = _RESULTS.get(
        number, ("ldap_%s" % result.get("description", number), "Look the answer up and try again.")
    )
    if number == 50 and right:
        advice += " It needs: %s." % right
    return DirectoryError(
        "Could not %s on %s: the directory answered %d %s%s. %s"
        % (tried, server, number, result.get("description", ""), ' ("%s")' % said if said else "", advice),
        code,
        result_code=number,
        server=server,
    )


def _bind_refused(said: str, tried: str, server: str) -> DirectoryError:
    if "80090346" in said:
        return DirectoryError(
            "Could not %s on %s: the domain controller demands channel binding (80090346), which a simple bind or this "
            "library's bind did not carry. Use auth_protocol=kerberos over LDAPS with the Python library cryptography "
            "installed." % (tried, server),
            "channel_binding_required",
            result_code=49,
            server=server,
        )
    reason = re.search(r"data ([0-9a-f]+)", said)
    meaning = _BIND_REASONS.get(reason.group(1) if reason else "", "The user name or the password is wrong.")
    return DirectoryError(
        "Could not %s on %s: the directory refused the sign-in (49 invalidCredentials%s). %s Check username (as UPN, "
        "DOMAIN\\name or distinguished name) and password."
        % (tried, server, ", " + reason.group(0) if reason else "", meaning),
        "invalid_credentials",
        result_code=49,
        server=server,
    )


def from_exception(
    error: Exception, tried: str, server: str, port: int, ca_cert: str | None, sent: bool
) -> DirectoryError:
    """The error for an exception of the LDAP or Kerberos library.

    :param sent: True when a write may have reached the server before the connection broke.
    """
    text = str(error)
    where = "%s port %d" % (server, port)
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text:
        reason = re.search(r"certificate verify failed: ([^(\]']+)", text)
        return DirectoryError(
            "Could not %s on %s: its certificate is not trusted (%s). Set ca_cert to the file of the authority that issued "
            "it%s."
            % (
                tried,
                where,
                reason.group(1).strip() if reason else "unknown authority",
                "" if not ca_cert else "; now it is " + ca_cert,
            ),
            "untrusted_certificate",
            server=server,
        )
    if "doesn't match any name" in text:
        return DirectoryError(
            "Could not %s on %s: its certificate is for another name. Set server to the name that the certificate carries, "
            "usually the domain controller's full name; an IP address cannot be checked." % (tried, where),
            "certificate_name_mismatch",
            server=server,
        )
    if type(error).__module__.startswith("gssapi"):
        return _kerberos_failed(text, tried, where, server)
    if sent:
        return DirectoryError(
            "The connection to %s broke while the module tried to %s (%s), so it is not known whether that was done."
            % (where, tried, _short(text)),
            "connection_lost",
            ambiguous=True,
            server=server,
        )
    return DirectoryError(
        "Could not %s on %s: the domain controller cannot be reached (%s). Check the name, that port %d (LDAPS) is open from "
        "here, and that the server has a certificate for LDAPS%s."
        % (tried, where, _short(text), port, "; global_catalog can name another server" if port == 3269 else ""),
        "unreachable",
        server=server,
    )


def _kerberos_failed(text: str, tried: str, where: str, server: str) -> DirectoryError:
    text = re.sub(r"^.*Minor \(\d+\): ", "", text, flags=re.DOTALL)
    lowered = text.lower()
    if "expired" in lowered:
        advice, code = "The Kerberos ticket has expired. Run kinit again.", "no_kerberos_ticket"
    elif "no kerberos credentials" in lowered or "in cache" in lowered or "no credentials" in lowered:
        advice = "There is no Kerberos ticket. Run kinit first (KRB5CCNAME names the ticket's file), or use auth_protocol=simple."
        code = "no_kerberos_ticket"
    elif "preauth" in lowered or "password incorrect" in lowered or "decrypt integrity" in lowered:
        advice, code = "The password is wrong for that Kerberos principal.", "invalid_credentials"
    elif "not found in kerberos database" in lowered:
        advice = "The realm knows no service ldap/%s, or no such principal. Set server to the full name of the domain controller."
        advice, code = advice % server, "kerberos_unknown_service"
    elif "skew" in lowered:
        advice, code = "The clocks differ by more than five minutes. Set this machine's clock.", "kerberos_clock_skew"
    else:
        advice, code = "Check /etc/krb5.conf and the ticket with klist.", "kerberos_failed"
    return DirectoryError(
        "Could not %s on %s: Kerberos said: %s. %s" % (tried, where, _short(text), advice), code, server=server
    )


def _short(text: str) -> str:
    """A server's or library's words on one line, without control characters and without a whole certificate."""
    line = re.sub(r"[\x00-\x1f\x7f]+", " ", str(text)).strip().rstrip(".")
    return line if len(line) <= 240 else line[:237] + "..."
