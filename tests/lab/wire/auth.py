# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at the other end of a connection: basic (TLS only), Kerberos and Negotiate.

As in WinRM, Kerberos and Negotiate authenticate the TCP connection, basic every request. Another scheme is one more method
in L(Authenticator).
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from typing import Any

from .session import User


@dataclass(frozen=True)
class Verdict:
    """What the authentication of one request came to.

    :param user: None: answer 401.
    :param challenges: the WWW-Authenticate headers of the answer.
    """

    user: User | None
    challenges: tuple[str, ...] = ()


def use_keytab(paths: Any) -> None:
    """Let this process accept Kerberos tickets for the lab's hosts (paths: the lab's Paths)."""
    os.environ["KRB5_KTNAME"] = "FILE:%s" % paths.keytab
    os.environ["KRB5_CONFIG"] = str(paths.krb5_conf)
    # one process accepts for all hosts, and the lab is nobody's target: a replay cache would only cost time
    os.environ["KRB5RCACHENAME"] = "none:"


class Authenticator:
    """The authentication state of one connection.

    :param names: the names that a Kerberos ticket for this host may carry, in lower case.
    :param tls: the connection is encrypted.
    :param binding: the TLS channel's binding value, or None.
    :param netbios: the domain's short name.
    """

    def __init__(self, names: set[str], tls: bool, binding: bytes | None, directory: Any, netbios: str) -> None:
        self._names = names
        self._tls = tls
        self._binding = binding
        self._directory = directory
        self._netbios = netbios
        self._user: User | None = None
        self._basic: tuple[str, User] | None = None
        #: the complete security context of the connection, or None
        self.context: Any = None
        self._pending: Any = None

    def judge(self, authorization: str | None) -> Verdict:
        """Authenticate one request by its Authorization header."""
        if not authorization:
            return Verdict(self._user, () if self._user else self._offers())
        scheme, _blank, credentials = authorization.partition(" ")
        judge = {"basic": self._judge_basic, "negotiate": self._judge_token, "kerberos": self._judge_token}
        act = judge.get(scheme.lower())
        return act(scheme, credentials.strip()) if act else self._refused()

    def _offers(self) -> tuple[str, ...]:
        return ("Negotiate", "Kerberos", *(('Basic realm="WSMAN"',) if self._tls else ()))

    def _refused(self) -> Verdict:
        self._user = self.context = self._pending = None
        return Verdict(None, self._offers())

    def _judge_basic(self, scheme: str, credentials: str) -> Verdict:
        """A password that the directory confirms; refused without TLS, as a service without AllowUnencrypted does."""
        if not self._tls:
            return self._refused()
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

    def _judge_token(self, scheme: str, credentials: str) -> Verdict:
        try:
            token = base64.b64decode(credentials, validate=True)
            context = self._pending or self._new_context(scheme)
            answer = context.step(token)
            complete = context.complete
            user = self._user_of(context) if complete else None
        except Exception:  # the errors of binascii, spnego, gssapi and krb5 have no common base
            return self._refused()
        reply = ("%s %s" % (scheme, base64.b64encode(answer).decode()),) if answer else ()
        if not complete:
            self._pending = context
            return Verdict(None, reply)
        self._pending = None
        if user is None:
            return self._refused()
        self.context, self._user = context, user
        return Verdict(user, reply)

    def _new_context(self, scheme: str) -> Any:
        import spnego
        from spnego.channel_bindings import GssChannelBindings

        # without NTLM: there is no store of hashes to check it against
        options = spnego.NegotiateOptions.wrapping_winrm | spnego.NegotiateOptions.negotiate_kerberos
        bindings = GssChannelBindings(application_data=self._binding) if self._binding else None
        return spnego.server(protocol=scheme.lower(), options=options, channel_bindings=bindings)

    def _user_of(self, context: Any) -> User | None:
        """The ticket's owner; None when the ticket is for another host, whose key this process happens to hold too."""
        import spnego

        inner = getattr(context, "_context", context)  # Negotiate wraps the mechanism's context
        inner = getattr(inner, "_context", inner)
        # the host's computer account, or one of its service principal names: they share a key
        service = str(inner.target_name).partition("@")[0].rpartition("/")[2].rstrip("$").lower()
        if service not in self._names:
            return None
        name = context.client_principal.partition("@")[0]
        delegated = bool(context.context_attr & spnego.ContextReq.delegate)
        return User("%s\\%s" % (self._netbios, name), delegated)
