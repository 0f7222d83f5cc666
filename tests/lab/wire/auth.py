# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at the other end of a connection: Kerberos, NTLM (within Negotiate), CredSSP, a client certificate, or basic.

As in WinRM, basic and certificates (both only within TLS) authenticate every request, the others the TCP connection. The
host's policies say which are offered and taken.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from tests.lab.policies import Policies

from .contexts import Acceptor
from .session import User
from .tls import Channel

CERTIFICATE = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"


@dataclass(frozen=True)
class Verdict:
    """What the authentication of one request came to.

    :param user: None: answer 401.
    :param challenges: the WWW-Authenticate headers of the answer.
    """

    user: User | None
    challenges: tuple[str, ...] = ()


class Authenticator:
    """The authentication state of one connection.

    :param host: whom the client connected to, a Host of the lab's settings.
    :param settings: DOMAIN, NETBIOS and ACCOUNT_NAMES.
    """

    def __init__(self, host: Any, channel: Channel, policies: Policies, directory: Any, settings: Any) -> None:
        self._names = {host.name.lower(), host.fqdn.lower()}
        self._host = host.fqdn
        self._channel = channel
        self._policies = policies
        self._directory = directory
        self._settings = settings
        self._user: User | None = None
        self._basic: tuple[str, User] | None = None
        self._expired = False
        #: the complete security context of the connection, or None
        self.context: Any = None
        self._pending: Acceptor | None = None

    def judge(self, authorization: str | None) -> Verdict:
        """Authenticate one request by its Authorization header."""
        if self._expired:
            self._expired = False
            return self._refused()
        if not authorization:
            return Verdict(self._user, () if self._user else self.offers())
        scheme, _blank, credentials = authorization.partition(" ")
        judge = {
            "basic": self._judge_basic,
            "negotiate": self._judge_token,
            "kerberos": self._judge_token,
            "credssp": self._judge_token,
            CERTIFICATE: self._judge_certificate,
        }
        act = judge.get(scheme.lower())
        return act(scheme, credentials.strip()) if act and self._takes(scheme.lower()) else self._refused()

    def expire(self) -> None:
        """Forget who it is: the next request is refused, whatever it brings."""
        self._expired = True

    def offers(self) -> tuple[str, ...]:
        """The WWW-Authenticate headers of one who is not known yet."""
        offers = {
            "negotiate": "Negotiate",
            "kerberos": "Kerberos",
            "credssp": "CredSSP",
            "basic": 'Basic realm="WSMAN"',
        }
        return tuple(text for scheme, text in offers.items() if self._takes(scheme))

    def _takes(self, scheme: str) -> bool:
        if scheme == "negotiate":
            return self._allows("ntlm") or self._allows("kerberos")
        if scheme in ("basic", CERTIFICATE) and not self._channel.tls:
            return False  # as a service without AllowUnencrypted does
        return self._allows("certificate" if scheme == CERTIFICATE else scheme)

    def _allows(self, means: str) -> bool:
        return self._policies.get(self._host, "auth_" + means)

    def _refused(self) -> Verdict:
        self._user = self.context = self._pending = self._basic = None
        return Verdict(None, self.offers())

    def _judge_basic(self, scheme: str, credentials: str) -> Verdict:
        """A password that the directory confirms."""
        if self._basic and self._basic[0] == credentials:
            return Verdict(self._basic[1])
        try:
            name, _colon, password = base64.b64decode(credentials, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return self._refused()
        known = self._directory.check_password(name, password) if name and password else None
        if known is None:
            return self._refused()
        user = User(known, delegated=True)  # the server has the password itself
        self._basic = (credentials, user)
        return Verdict(user)

    def _judge_certificate(self, scheme: str, credentials: str) -> Verdict:
        """The user whose UPN is in the client's certificate: the lab's servers map all accounts so, and the lab CA alone."""
        from tests.lab.certificates import upn_of

        upn = self._channel.certificate and upn_of(self._channel.certificate)
        name, _at, domain = (upn or "").lower().partition("@")
        user = self._known(name) if domain == self._settings.DOMAIN else None
        return Verdict(user) if user else self._refused()

    def _judge_token(self, scheme: str, credentials: str) -> Verdict:
        try:
            token = base64.b64decode(credentials, validate=True)
            acceptor = self._pending or Acceptor(
                scheme.lower(), self._channel.binding, self._policies.get(self._host, "cbt_hardening")
            )
            answer = acceptor.step(token)
            complete = acceptor.context.complete
            user = self._user_of(acceptor) if complete else None
        except Exception:  # the errors of binascii, spnego, gssapi and krb5 have no common base
            return self._refused()
        reply = ("%s %s" % (scheme, base64.b64encode(answer).decode()),) if answer else ()
        if not complete:
            self._pending = acceptor
            return Verdict(None, reply)
        self._pending = None
        if user is None:
            return self._refused()
        self.context, self._user = acceptor.context, user
        return Verdict(user, reply)

    def _user_of(self, acceptor: Acceptor) -> User | None:
        name = acceptor.account(self._names)
        return self._known(name, acceptor.delegated) if self._allows(acceptor.mechanism) else None

    def _known(self, name: str, delegated: bool = False) -> User | None:
        """The account with this name, in any case of letters."""
        for known in self._settings.ACCOUNT_NAMES:
            if known.lower() == name.lower():
                return User("%s\\%s" % (self._settings.NETBIOS, known), delegated)
        return None
