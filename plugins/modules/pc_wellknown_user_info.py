#!/usr/bin/python
# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pc_wellknown_user_info
version_added: 0.1.0
short_description: Find out who holds a SIP address in Active Directory
description:
  - Searches the whole forest, by the global catalog and by the domain controller, for every object that holds a SIP address in
    C(msRTCSIP-PrimaryUserAddress) or C(proxyAddresses).
  - Says which guards of M(lync.persistent_chat.pc_wellknown_user) would stop the deletion of the account.
  - It reads and never writes.
options:
  sip_address:
    description: The SIP address, such as V(sip:ocschat@contoso.com). The prefix C(sip:) may be left out.
    type: str
    required: true
  distinguished_name:
    description: The distinguished name that the account should have. Without any second identifier the guard C(identity) fails.
    type: str
  object_guid:
    description: The objectGUID that the account should have.
    type: str
  object_sid:
    description: The security identifier that the account should have.
    type: str
  sam_account_name:
    description: The logon name that the account should have.
    type: str
  backup_dir:
    description: A folder with backups of M(lync.persistent_chat.pc_wellknown_user). The newest one for the address is verified.
    type: path
  include_deleted:
    description:
      - Whether to look for deleted objects too. They are found when they kept their address, or when a backup in
        O(backup_dir) has their GUID, and when the account that the module uses may list deleted objects.
    type: bool
    default: false
extends_documentation_fragment:
  - lync.persistent_chat.directory
  - lync.persistent_chat.attributes.info_module
seealso:
  - module: lync.persistent_chat.pc_wellknown_user
author:
  - The lync.persistent_chat contributors (@lync)
"""

EXAMPLES = r"""
- name: Find out who holds the address
  lync.persistent_chat.pc_wellknown_user_info:
    server: dc1.contoso.com
    sip_address: sip:ocschat@contoso.com
    sam_account_name: ocschat
  delegate_to: localhost
  register: identity

- name: Stop when it is not exactly one
  ansible.builtin.assert:
    that: identity.holders | length == 1
"""

RETURN = r"""
sip_address:
  description: The SIP address, with its prefix.
  returned: success
  type: str
  sample: sip:ocschat@contoso.com
holders:
  description: Every object that holds the address.
  returned: success
  type: list
  elements: dict
  contains: &holder
    guid:
      description: Its objectGUID.
      type: str
    sid:
      description: Its security identifier, if it has one.
      type: str
    dn:
      description: Its distinguished name.
      type: str
    object_class:
      description: Its most specific class, such as V(user) or V(contact).
      type: str
    sam_account_name:
      description: Its logon name, if it has one.
      type: str
    sip_address:
      description: Its own SIP address. Null when it holds the address in C(proxyAddresses) only.
      type: str
    enabled:
      description: Whether the account is enabled. Null for an object that is no account.
      type: bool
    seen_in:
      description: Who shows it, V(domain_controller), V(global_catalog) or both.
      type: list
      elements: str
    usn_changed:
      description: Its uSNChanged on the domain controller. Null when only the global catalog shows it.
      type: int
    deleted:
      description: Whether it is a deleted object.
      type: bool
deleted:
  description: Deleted objects that held the address.
  returned: success
  type: list
  elements: dict
  contains: *holder
guards_failed:
  description: The guards that would stop M(lync.persistent_chat.pc_wellknown_user).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The guard's name.
      type: str
    message:
      description: Why it stops.
      type: str
    overridable:
      description: The states for which its C(override) can name it.
      type: list
      elements: str
backup:
  description: The newest backup for the address in O(backup_dir), as M(lync.persistent_chat.pc_wellknown_user) returns it.
  returned: success
  type: dict
recycle_bin:
  description: Whether the forest has the Active Directory Recycle Bin enabled.
  returned: success
  type: bool
"""

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.wellknown_user_info import run
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import directory_spec, run_module


def main() -> None:
    run_module(
        {
            **directory_spec(),
            "sip_address": {"type": "str", "required": True},
            "distinguished_name": {"type": "str"},
            "object_guid": {"type": "str"},
            "object_sid": {"type": "str"},
            "sam_account_name": {"type": "str"},
            "backup_dir": {"type": "path"},
            "include_deleted": {"type": "bool", "default": False},
        },
        run,
    )


if __name__ == "__main__":
    main()
