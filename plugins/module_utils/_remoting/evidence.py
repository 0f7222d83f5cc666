# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an exception of a library, and everything that it was raised from, says. Private to this collection.

The exceptions of the libraries (pywinrm, pypsrp, requests, spnego, gssapi, krb5, requests-credssp) are known by their
class names and attributes, so that this file imports none of them. What failures.py concludes stands there.
"""

from __future__ import annotations

import re
import socket
from typing import Any, Iterator

#: the classes in which errors of Kerberos, SPNEGO and NTLM arrive: pywinrm's, pyspnego's, gssapi's, krb5's
_NEGOTIATION = {"KerberosExchangeError", "SpnegoError", "GSSError", "Krb5Error"}
_AUTHENTICATION = _NEGOTIATION | {"AuthenticationException", "NTStatusException"}


class Evidence:
    """What an exception and everything that it was raised from say.

    :ivar classes: the names of all classes of all exceptions; C(own_classes): those of the exception itself.
    :ivar errnos: error numbers of the system, without those of name resolution.
    :ivar fault: the code of a WS-Man fault; C(status): the HTTP status of an answer that is none.
    :ivar kerberos: minor codes of MIT Kerberos, negative as in krb5_err.et; C(gss): a major code of GSSAPI.
    :ivar nt_status: the status that a server gave as the reason of a CredSSP refusal (MS-ERREF, section 2.3).
    :ivar verify_code: OpenSSL's X509_V_ERR_*.
    """

    def __init__(self, exception: BaseException) -> None:
        self.exceptions = list(_chain(exception))
        self.classes = {base.__name__ for item in self.exceptions for base in type(item).__mro__}
        self.own_classes = {base.__name__ for base in type(exception).__mro__}
        self.errnos = {
            item.errno for item in self.exceptions if isinstance(item, OSError) and not self._is_lookup(item)
        }
        self.fault = self._fault()
        self.status = self._status()
        authenticating = bool(self.own_classes & _AUTHENTICATION)
        self.negotiation = bool(self.own_classes & _NEGOTIATION)
        self.kerberos = (
            {code for item in self.exceptions for code in _kerberos_codes(item)} if authenticating else set()
        )
        self.gss: int | None = self._first("maj_code") if authenticating else None
        self.nt_status: int | None = self._first("status") if "NTStatusException" in self.own_classes else None
        self.tls = " ".join(str(getattr(item, "reason", "")) for item in self.exceptions if isinstance(item, OSError))
        self.verify_code: int | None = self._first("verify_code")

    @staticmethod
    def _is_lookup(item: BaseException) -> bool:
        return isinstance(item, socket.gaierror)

    def _first(self, name: str) -> Any:
        return next((getattr(item, name) for item in self.exceptions if getattr(item, name, None) is not None), None)

    def _fault(self) -> int | None:
        """pywinrm keeps it apart from the HTTP status, pypsrp calls it C(code), which may also be a text or None."""
        if "WSManFaultError" not in self.own_classes:
            return None
        fault = self.exceptions[0]
        code = fault.wsman_fault_code if hasattr(fault, "wsman_fault_code") else getattr(fault, "code", None)
        return code if isinstance(code, int) else None

    def _status(self) -> int | None:
        status = getattr(self._first("response"), "status_code", None)
        if status is None and "WinRMTransportError" in self.own_classes:
            status = self._first("code")
        return status if isinstance(status, int) and "WSManFaultError" not in self.own_classes else None

    @property
    def offered(self) -> set[str]:
        """The authentication schemes that the server named in its refusal, in lower case; empty when it is not known."""
        headers = getattr(self._first("response"), "headers", None) or {}
        text = headers.get("WWW-Authenticate", "")
        if not text and self.own_classes & {"AuthenticationError", "AuthenticationException"}:
            # these two keep of the answer only this
            found = re.search(r"authentication method.* - actual: '(.*)'$", str(self.exceptions[0]))
            text = found.group(1) if found else ""
        return {part.split()[0].lower() for part in text.split(",") if part.strip()}

    @property
    def lookup_error(self) -> int | None:
        """The EAI_* code of a failed name resolution."""
        return next((item.errno for item in self.exceptions if self._is_lookup(item)), None)

    @property
    def said(self) -> str:
        """What the other side or the library said, short."""
        reasons = [item.reason for item in self.exceptions if isinstance(getattr(item, "reason", None), str)]
        system = [str(item) for item in self.exceptions if isinstance(item, OSError) and str(item)]
        text = self._first("verify_message") or (reasons or system[-1:] or [str(self.exceptions[0])])[0]
        return _short(text)

    @property
    def negotiation_said(self) -> str:
        """What Kerberos or SPNEGO said, without its numbers and prefixes."""
        return _short(next((text for item in self.exceptions if (text := _negotiation_text(item))), self.said))


def _chain(exception: BaseException | None, seen: set[int] | None = None) -> Iterator[BaseException]:
    """The exception and those that it was made from: by cause, context, urllib3's reason, spnego's base, or as an argument."""
    seen = set() if seen is None else seen
    if not isinstance(exception, BaseException) or id(exception) in seen:
        return
    seen.add(id(exception))
    yield exception
    named = (getattr(exception, "reason", None), getattr(exception, "base_error", None))
    for item in (exception.__cause__, exception.__context__, *named, *exception.args):
        if isinstance(item, BaseException):
            yield from _chain(item, seen)


def _kerberos_codes(item: BaseException) -> Iterator[int]:
    """Codes of krb5_err.et: krb5 gives them negative, gssapi as 32 bits without a sign, pykerberos in its text."""
    for name in ("err_code", "min_code"):
        code = getattr(item, name, None)
        if isinstance(code, int):
            yield code - 2**32 if code >= 2**31 else code
    if type(item).__name__ == "KerberosExchangeError":
        yield from (int(code) for code in re.findall(r"-17653\d{5}\b", str(item)))


def _negotiation_text(item: BaseException) -> str:
    name, text = type(item).__name__, str(item)
    if name == "KerberosExchangeError":  # pykerberos hands over ((major, code), (minor, code))
        pairs = re.findall(r"""\((?:'([^']*)'|"([^"]*)"), -?\d+\)""", text)
        return pairs[-1][0] or pairs[-1][1] if pairs else ""
    if name == "NTStatusException":
        return "status 0x%08X" % getattr(item, "status", 0)
    if name == "Krb5Error":
        return re.sub(r" -?\d+$", "", text)
    if hasattr(item, "min_code"):  # of gssapi: Major (n): text, Minor (n): text
        minor = re.search(r"Minor \(\d+\): (.+)", text, re.DOTALL)
        if minor and not minor.group(1).startswith(("Success", "Unknown error")):
            return minor.group(1)
        return re.sub(r"^Major \(\d+\): |, Minor \(\d+\):.*$", "", text, flags=re.DOTALL)
    if hasattr(item, "nt_status") and getattr(item, "base_error", None) is None:
        return re.sub(r"^SpnegoError \(\d+\): ", "", text)
    return ""


def _short(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()[:400].rstrip(".")
