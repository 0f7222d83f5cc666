# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's side of a security context: Kerberos or NTLM, in Negotiate or within CredSSP, and its channel binding."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from typing import Any

NTLM_AUTHENTICATE = b"NTLMSSP\0\3\0\0\0"
GSS_C_CHANNEL_BOUND_FLAG = 0x800  # of the context: the client sent bindings, and they are right


class Refused(Exception):
    """The client is not let in."""


def prepare(paths: Any, netbios: str, domain: str, accounts: Iterable[str], password: str) -> None:
    """Let this process accept Kerberos tickets and NTLM logons for the lab's hosts (paths: the lab's Paths)."""
    lines = ["%s:%s:%s\n:%s@%s:%s\n" % (netbios, name, password, name, domain, password) for name in accounts]
    paths.ntlm_users.unlink(missing_ok=True)
    with open(os.open(paths.ntlm_users, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.writelines(lines)
    os.environ["NTLM_USER_FILE"] = str(paths.ntlm_users)
    os.environ["KRB5_KTNAME"] = "FILE:%s" % paths.keytab
    os.environ["KRB5_CONFIG"] = str(paths.krb5_conf)
    # one process accepts for all hosts, and the lab is nobody's target: a replay cache would only cost time
    os.environ["KRB5RCACHENAME"] = "none:"


class Acceptor:
    """One security context in the making.

    :param scheme: negotiate, kerberos or credssp.
    :param binding: the TLS channel's binding value, or None.
    :param hardening: the policy cbt_hardening.
    """

    def __init__(self, scheme: str, binding: bytes | None, hardening: str) -> None:
        import spnego
        from spnego.channel_bindings import GssChannelBindings

        options = spnego.NegotiateOptions.wrapping_winrm | spnego.NegotiateOptions.negotiate_kerberos
        within = scheme == "credssp"
        self._inner: Any = spnego.server(protocol="negotiate" if within else scheme, options=options)
        #: what seals the connection's messages, when it is complete
        self.context: Any = self._inner
        if within:
            self.context = spnego.server(
                protocol="credssp", credssp_negotiate_context=self._inner, credssp_tls_context=_credssp_tls()
            )
        checked = binding is not None and hardening != "none" and not within  # CredSSP binds to a TLS of its own
        self._bindings = GssChannelBindings(application_data=binding) if checked else None
        self._strict = checked and hardening == "strict"
        self._delegated = within

    def step(self, token: bytes) -> bytes | None:
        """Take the client's token, give the answer to it.

        :raises Exception: the client is refused; the errors of spnego, gssapi and krb5 have no common base.
        """
        bindings = self._bindings
        if bindings is not None and _is_unbound_ntlm(token):
            if self._strict:
                raise Refused
            bindings = None  # spnego would refuse it
        answer = self.context.step(token, channel_bindings=bindings)
        if self.context.complete and self._strict and self.mechanism == "kerberos":
            if not int(self._kerberos.actual_flags) & GSS_C_CHANNEL_BOUND_FLAG:
                raise Refused
        return answer

    @property
    def mechanism(self) -> str:
        """kerberos or ntlm."""
        return self._inner.negotiated_protocol

    @property
    def _kerberos(self) -> Any:
        """The library's own context: Negotiate wraps the mechanism's, which wraps it."""
        inner = getattr(self._inner, "_context", self._inner)
        return getattr(inner, "_context", inner)

    def account(self, names: set[str]) -> str:
        """The client's account name, from a complete context.

        :param names: the names that a Kerberos ticket for this host may carry, in lower case.
        :raises Refused: the ticket is for another host, whose key this process happens to hold too.
        """
        if self.mechanism == "kerberos":
            # the host's computer account, or one of its service principal names: they share a key
            service = str(self._kerberos.target_name).partition("@")[0].rpartition("/")[2].rstrip("$").lower()
            if service not in names:
                raise Refused
        return self._inner.client_principal.rpartition("\\")[2].partition("@")[0]

    @property
    def delegated(self) -> bool:
        """Whether the client handed over credentials that reach further servers."""
        import spnego

        return self._delegated or bool(self._inner.context_attr & spnego.ContextReq.delegate)


def _credssp_tls() -> Any:
    from spnego._credssp import _create_tls_context  # makes the certificate once for all

    layer = _create_tls_context("accept")
    layer.context.maximum_version = ssl.TLSVersion.TLSv1_2  # as on Windows Server 2012 to 2019
    return layer


def _is_unbound_ntlm(token: bytes) -> bool:
    """Whether a token is the last message of NTLM, and without a channel binding."""
    from spnego._ntlm_raw.messages import Authenticate, AvId, NTClientChallengeV2

    start = token.find(NTLM_AUTHENTICATE)
    if start < 0:
        return False
    response = Authenticate.unpack(token[start:]).nt_challenge_response or b""
    if len(response) <= 24:  # NTLMv1 cannot carry one
        return True
    return not any(NTClientChallengeV2.unpack(response[16:]).av_pairs.get(AvId.channel_bindings) or b"")
