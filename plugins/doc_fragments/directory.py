# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a connection to Active Directory over LDAP."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/lync.persistent_chat.directory) in C(module_defaults) to set the connection once for these modules.
    support: full
    membership:
      - lync.persistent_chat.directory
options:
  server:
    description:
      - The domain controller to which the module connects, by its fully qualified domain name.
      - The environment variable E(PERSISTENT_CHAT_LDAP_SERVER) is used when this option is not set.
    type: str
    required: true
  port:
    description:
      - The port of LDAP over TLS. Without it, V(636).
      - The environment variable E(PERSISTENT_CHAT_LDAP_PORT) is used when this option is not set.
    type: int
  global_catalog:
    description:
      - The global catalog server on which the forest is searched. Without it, O(server).
      - The environment variable E(PERSISTENT_CHAT_LDAP_GLOBAL_CATALOG) is used when this option is not set.
    type: str
  auth_protocol:
    description:
      - How to authenticate. V(kerberos) uses the ticket that is in the credential cache, unless O(username) and
        O(password) are given.
      - The environment variable E(PERSISTENT_CHAT_LDAP_AUTH_PROTOCOL) is used when this option is not set.
    type: str
    choices: [kerberos, simple]
    default: kerberos
  username:
    description:
      - The account to bind as, such as V(admin@contoso.com).
      - The environment variable E(PERSISTENT_CHAT_LDAP_USERNAME) is used when this option is not set.
    type: str
  password:
    description:
      - The account's password.
      - The environment variable E(PERSISTENT_CHAT_LDAP_PASSWORD) is used when this option is not set.
    type: str
  ca_cert:
    description:
      - A PEM file with the certificates of the authorities to trust, instead of those that the controller trusts.
      - The environment variable E(PERSISTENT_CHAT_LDAP_CA_CERT) is used when this option is not set.
    type: path
  cert_validation:
    description:
      - Whether the server's certificate is checked. With V(ignore) anybody on the way can read and change what is sent.
      - The environment variable E(PERSISTENT_CHAT_LDAP_CERT_VALIDATION) is used when this option is not set.
    type: str
    choices: [validate, ignore]
    default: validate
  connection_timeout:
    description:
      - How long to wait for a connection and for an answer, in seconds.
      - The environment variable E(PERSISTENT_CHAT_LDAP_CONNECTION_TIMEOUT) is used when this option is not set.
    type: int
    default: 30
requirements:
  - ldap3 >= 2.9.1
  - gssapi >= 1.8.0 and cryptography >= 3.1, for O(auth_protocol=kerberos)
"""
