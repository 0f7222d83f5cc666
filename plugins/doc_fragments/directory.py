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
      - The domain controllers, by their fully qualified domain names, in order of preference. The first one that can be used is
        the domain controller that the whole task reads from and writes to.
      - The next one is tried when one cannot be reached, its certificate is not trusted, it is read-only or not ready. A refused
        sign-in ends the task at once, because a wrong password on every domain controller would lock the account out.
      - Required unless O(domain) is set.
      - The environment variable E(PERSISTENT_CHAT_LDAP_SERVER) is used when this option is not set.
    type: list
    elements: str
  domain:
    description:
      - The DNS name of the domain. Without O(server), its domain controllers are looked up in DNS (the SRV records
        C(_ldap._tcp.dc._msdcs)), and tried in the order of their priority and weight.
      - The environment variable E(PERSISTENT_CHAT_LDAP_DOMAIN) is used when this option is not set.
    type: str
  port:
    description:
      - The port of the domain controller. Without it, V(636) with O(tls_mode=ldaps) and V(389) with O(tls_mode=start_tls).
      - The environment variable E(PERSISTENT_CHAT_LDAP_PORT) is used when this option is not set.
    type: int
  tls_mode:
    description:
      - V(ldaps) begins with TLS. V(start_tls) begins TLS inside LDAP, before anything else is said. There is no third way.
      - The environment variable E(PERSISTENT_CHAT_LDAP_TLS_MODE) is used when this option is not set.
    type: str
    choices: [ldaps, start_tls]
    default: ldaps
  global_catalog:
    description:
      - The global catalog server on which the forest is searched. Without it, the domain controller that is used, when it is a global
        catalog, else one that the forest names.
      - The environment variable E(PERSISTENT_CHAT_LDAP_GLOBAL_CATALOG) is used when this option is not set.
    type: str
  auth_protocol:
    description:
      - How to authenticate. V(kerberos) uses the ticket that is in the credential cache, unless O(username) and
        O(password) are given; it is bound to the TLS channel. V(simple) sends O(username) and O(password) inside TLS.
      - The environment variable E(PERSISTENT_CHAT_LDAP_AUTH_PROTOCOL) is used when this option is not set.
    type: str
    choices: [kerberos, simple]
    default: kerberos
  username:
    description:
      - The account to sign in as. With O(auth_protocol=kerberos) a principal such as V(svc@CONTOSO.COM). With O(auth_protocol=simple),
        V(svc@contoso.com), V(CONTOSO\\svc) or a distinguished name.
      - The environment variable E(PERSISTENT_CHAT_LDAP_USERNAME) is used when this option is not set.
    type: str
  password:
    description:
      - The account's password.
      - The environment variable E(PERSISTENT_CHAT_LDAP_PASSWORD) is used when this option is not set.
    type: str
  realm:
    description:
      - The Kerberos realm. With it no system-wide Kerberos configuration is needed or used.
      - The environment variable E(PERSISTENT_CHAT_LDAP_REALM) is used when this option is not set.
    type: str
  kdc:
    description:
      - The Kerberos servers of O(realm). Without it they are looked up in DNS.
      - The environment variable E(PERSISTENT_CHAT_LDAP_KDC) is used when this option is not set.
    type: list
    elements: str
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
  verify_on:
    description:
      - Which domain controllers must agree before an address counts as free, or an account as back. Each of them is also searched for
        holders of the address. One of them that cannot be asked stops the task; the others are named in the result.
      - V(required) means the domain controller that is used, O(lync_domain_controllers) and the global catalog.
      - V(all) means every domain controller that can show the account, those of its domain and every global catalog of the forest.
      - Otherwise names of domain controllers, in addition to the domain controller that is used, O(lync_domain_controllers) and the
        global catalog.
      - The environment variable E(PERSISTENT_CHAT_LDAP_VERIFY_ON) is used when this option is not set.
    type: list
    elements: str
    default: [required]
  lync_domain_controllers:
    description:
      - The domain controllers that the Lync servers use, in their sites. While one of these still shows the old holder, Lync
        refuses the new endpoint, so they must agree.
      - The environment variable E(PERSISTENT_CHAT_LDAP_LYNC_DOMAIN_CONTROLLERS) is used when this option is not set.
    type: list
    elements: str
    default: []
requirements:
  - ldap3 >= 2.9.1
  - dnspython >= 2.4, to look up O(domain)
  - krb5 >= 0.5.0, for O(realm) and for Kerberos with O(password)
  - gssapi >= 1.8.0 and cryptography >= 3.1, for O(auth_protocol=kerberos)
"""
