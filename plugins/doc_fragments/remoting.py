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
  remote_user:
    description:
      - The account to connect as. With O(auth=kerberos) a principal such as V(admin@CONTOSO.COM), or nothing to use the
        ticket that is in the credential cache.
      - The environment variable E(PERSISTENT_CHAT_REMOTE_USER) is used when this option is not set.
    type: str
  remote_password:
    description:
      - The account's password, for O(auth=basic). With O(auth=kerberos) the ticket in the credential cache is used (run C(kinit)
        first) and a password is refused.
      - The environment variable E(PERSISTENT_CHAT_REMOTE_PASSWORD) is used when this option is not set.
    type: str
  scheme:
    description:
      - Whether to connect with TLS. Plain V(http) is accepted only with O(auth=kerberos), which encrypts the messages.
      - The environment variable E(PERSISTENT_CHAT_SCHEME) is used when this option is not set.
    type: str
    choices: [https, http]
    default: https
  port:
    description:
      - The port of the WinRM listener. Without it, V(5986) for V(https) and V(5985) for V(http).
      - The environment variable E(PERSISTENT_CHAT_PORT) is used when this option is not set.
    type: int
  path:
    description:
      - The path of the WinRM endpoint's URL.
      - The environment variable E(PERSISTENT_CHAT_PATH) is used when this option is not set.
    type: str
    default: wsman
  auth:
    description:
      - How to authenticate. V(basic) is accepted only over V(https).
      - The environment variable E(PERSISTENT_CHAT_AUTH) is used when this option is not set.
    type: str
    choices: [kerberos, basic]
    default: kerberos
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
  kerberos_hostname_override:
    description:
      - The host name of the service principal, when it is not the host name that the module connects to.
      - The environment variable E(PERSISTENT_CHAT_KERBEROS_HOSTNAME_OVERRIDE) is used when this option is not set.
    type: str
  kerberos_delegation:
    description:
      - Whether to hand the ticket on to the server, so that it can reach a second server as the same account.
      - The environment variable E(PERSISTENT_CHAT_KERBEROS_DELEGATION) is used when this option is not set.
    type: bool
    default: false
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
  - pywinrm >= 0.5.0, with its C(kerberos) extra for O(auth=kerberos)
"""
