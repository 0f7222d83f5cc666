# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a connection to a Lync or Skype for Business server over WinRM."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/lync.persistent_chat.remoting) in C(module_defaults) to set the connection once for these modules.
    support: full
    membership:
      - lync.persistent_chat.remoting
options:
  remote_addr:
    description:
      - The server to which the module connects, by its fully qualified domain name. The module itself runs on the controller.
      - The environment variable E(PERSISTENT_CHAT_REMOTE_ADDR) is used when this option is not set.
    type: str
    required: true
  transport:
    description:
      - How cmdlets reach the server.
      - V(winrm) starts C(powershell.exe) there. It needs Windows PowerShell 3.0 on the server, and an account that may use WinRM.
        It can also run programs, which the control of legacy services needs.
      - V(psrp) speaks the PowerShell remoting protocol. It also reaches the endpoint C(OcsPowershell) of Lync, where an account needs
        no more than a role of Lync; see O(path).
      - The environment variable E(PERSISTENT_CHAT_TRANSPORT) is used when this option is not set.
    type: str
    choices: [winrm, psrp]
    default: winrm
  remote_user:
    description:
      - The account to connect as. With O(auth=kerberos) a principal such as V(admin@CONTOSO.COM), or nothing to use the
        ticket that is in the credential cache. With the other ways V(CONTOSO\\admin) or V(admin@contoso.com).
      - The environment variable E(PERSISTENT_CHAT_REMOTE_USER) is used when this option is not set.
    type: str
  remote_password:
    description:
      - The account's password.
      - With O(auth=kerberos) it gets a ticket of its own, kept in a private cache for the time of the task. Without a password, the
        ticket that is in the credential cache is used (run C(kinit) first).
      - The environment variable E(PERSISTENT_CHAT_REMOTE_PASSWORD) is used when this option is not set.
    type: str
  scheme:
    description:
      - Whether to connect with TLS. Plain V(http) is accepted only with V(kerberos), V(negotiate), V(ntlm) or V(credssp) in O(auth),
        which encrypt the messages.
      - The environment variable E(PERSISTENT_CHAT_SCHEME) is used when this option is not set.
    type: str
    choices: [https, http]
    default: https
  port:
    description:
      - The port of the listener. Without it, V(5986) for V(https) and V(5985) for V(http), and V(443) when O(path) is V(OcsPowershell).
      - The environment variable E(PERSISTENT_CHAT_PORT) is used when this option is not set.
    type: int
  path:
    description:
      - The path of the endpoint's URL. V(OcsPowershell) with O(transport=psrp) is the endpoint of a Lync pool where the account may do
        what its Lync roles allow.
      - The environment variable E(PERSISTENT_CHAT_PATH) is used when this option is not set.
    type: str
    default: wsman
  configuration_name:
    description:
      - The session configuration, for O(transport=psrp).
      - The environment variable E(PERSISTENT_CHAT_CONFIGURATION_NAME) is used when this option is not set.
    type: str
    default: Microsoft.PowerShell
  auth:
    description:
      - How to authenticate.
      - V(negotiate), with O(transport=psrp) only, takes Kerberos and falls back to NTLM.
      - V(certificate) and V(basic) are accepted only over V(https), and know only local accounts of a real server.
      - V(credssp) hands the password to the server, which can then reach further servers as the account.
      - The environment variable E(PERSISTENT_CHAT_AUTH) is used when this option is not set.
    type: str
    choices: [kerberos, negotiate, ntlm, credssp, certificate, basic]
    default: kerberos
  certificate_pem:
    description:
      - The client certificate, in PEM form, for O(auth=certificate).
      - The environment variable E(PERSISTENT_CHAT_CERTIFICATE_PEM) is used when this option is not set.
    type: path
  certificate_key_pem:
    description:
      - The private key of O(certificate_pem), in PEM form and without a passphrase.
      - The environment variable E(PERSISTENT_CHAT_CERTIFICATE_KEY_PEM) is used when this option is not set.
    type: path
  ca_cert:
    description:
      - A PEM file with the certificates of the authorities to trust, instead of those that the controller trusts.
      - The environment variable E(PERSISTENT_CHAT_CA_CERT) is used when this option is not set.
    type: path
  cert_validation:
    description:
      - Whether the server's certificate is checked. With V(ignore) anybody on the way can read and change what is sent.
      - The environment variable E(PERSISTENT_CHAT_CERT_VALIDATION) is used when this option is not set.
    type: str
    choices: [validate, ignore]
    default: validate
  send_cbt:
    description:
      - Whether to bind the authentication to the TLS connection (channel binding token). A server that is set to strict refuses
        connections without it; behind something that ends TLS before the server, it cannot be right.
      - The environment variable E(PERSISTENT_CHAT_SEND_CBT) is used when this option is not set.
    type: bool
    default: true
  kerberos_hostname_override:
    description:
      - The host name of the service principal, when it is not the host name that the module connects to.
      - The environment variable E(PERSISTENT_CHAT_KERBEROS_HOSTNAME_OVERRIDE) is used when this option is not set.
    type: str
  kerberos_service:
    description:
      - The class of the service principal, such as V(HTTP), V(HOST) or V(WSMAN). Where Lync's Kerberos account owns C(HTTP/pool), another one
        may be the server's own.
      - The environment variable E(PERSISTENT_CHAT_KERBEROS_SERVICE) is used when this option is not set.
    type: str
    default: HTTP
  kerberos_delegation:
    description:
      - Whether to hand the ticket on to the server, so that it can reach a second server as the same account.
      - The environment variable E(PERSISTENT_CHAT_KERBEROS_DELEGATION) is used when this option is not set.
    type: bool
    default: false
  realm:
    description:
      - The Kerberos realm, in capital letters, such as V(CONTOSO.COM). With it, a private Kerberos configuration is used in the place of
        the controller's C(krb5.conf), which need not exist.
      - The environment variable E(PERSISTENT_CHAT_REALM) is used when this option is not set.
    type: str
  kdc:
    description:
      - Domain controllers that give tickets for O(realm), each with or without a port. Without them they are looked up in DNS.
      - The environment variable E(PERSISTENT_CHAT_KDC) is used when this option is not set, as a list separated by commas.
    type: list
    elements: str
  connection_timeout:
    description:
      - How long to wait for a connection, in seconds.
      - The environment variable E(PERSISTENT_CHAT_CONNECTION_TIMEOUT) is used when this option is not set.
    type: int
    default: 30
  operation_timeout:
    description:
      - How long one batch of commands may take, in seconds.
      - The environment variable E(PERSISTENT_CHAT_OPERATION_TIMEOUT) is used when this option is not set.
    type: int
    default: 600
requirements:
  - pywinrm >= 0.5.0 for O(transport=winrm), with its extra C(kerberos) or C(credssp) for these ways to authenticate
  - pypsrp >= 0.8.1 for O(transport=psrp), with its extra C(kerberos) or C(credssp) for these ways to authenticate
  - krb5 >= 0.5.0 to get a Kerberos ticket with a password
"""
