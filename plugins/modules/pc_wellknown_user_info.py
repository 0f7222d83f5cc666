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
  - Searches the whole forest for every object that holds a SIP address in C(msRTCSIP-PrimaryUserAddress) or C(proxyAddresses). It asks
    the domain controller in each of its naming contexts, the global catalog, and every other domain controller of O(verify_on).
  - Says for each of them which guards of M(lync.persistent_chat.pc_wellknown_user) would stop its deletion, and what undoing that would be worth.
  - It reads and never writes.
options:
  sip_address:
    description: The SIP address, such as V(sip:ocschat@contoso.com). The prefix C(sip:) may be left out.
    type: str
    required: true
  distinguished_name:
    description:
      - The distinguished name that the account should have.
      - Without any of O(distinguished_name), O(object_guid), O(object_sid) and O(sam_account_name) nothing is compared, and the guard
        C(identity) says so for every holder.
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
      - Whether to look for deleted objects too, in every naming context of the domain controller. They are found when they kept their
        address, or when the backup in O(backup_dir) has their GUID, and when the account that the module uses may list deleted
        objects (RV(sees_deleted)).
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
    server: [dc1.contoso.com, dc2.contoso.com]
    sip_address: sip:ocschat@contoso.com
    sam_account_name: ocschat
  delegate_to: localhost
  register: identity

- name: Stop unless it is one account that nothing forbids to delete
  ansible.builtin.assert:
    that:
      - identity.holders | length == 1
      - identity.holders[0].guards_failed == []

- name: Look for what can be brought back
  lync.persistent_chat.pc_wellknown_user_info:
    domain: contoso.com
    sip_address: sip:ocschat@contoso.com
    backup_dir: /var/lib/persistent-chat/contoso
    include_deleted: true
  delegate_to: localhost
"""

RETURN = r"""
sip_address:
  description: The SIP address, with its prefix.
  returned: success
  type: str
  sample: sip:ocschat@contoso.com
server:
  description: The domain controller that was used.
  returned: success
  type: str
  sample: dc1.contoso.com
servers_skipped:
  description: The domain controllers of O(server) or O(domain) that were tried before and could not be used.
  returned: success
  type: list
  elements: dict
  contains:
    server:
      description: The domain controller.
      type: str
    reason:
      description: Why it could not be used.
      type: str
replication:
  description: Which domain controllers were asked for holders, and which were not.
  returned: success
  type: dict
  contains:
    required:
      description: Those of O(verify_on). Each was asked; one that cannot be asked stops the task.
      type: list
      elements: dict
      contains:
        server:
          description: The domain controller.
          type: str
        roles:
          description: Why it is required, V(pinned) for the one that was used, V(global_catalog), V(lync), V(listed) or V(all).
          type: list
          elements: str
        read_only:
          description: Whether it is a read-only domain controller.
          type: bool
        agrees:
          description: Whether it shows every object of RV(holders).
          type: bool
    exempted:
      description: All others of the forest. They were not asked.
      type: list
      elements: dict
      contains:
        server:
          description: The domain controller.
          type: str
        read_only:
          description: Whether it is a read-only domain controller.
          type: bool
        reason:
          description: Why it is exempted.
          type: str
holders:
  description: Every object that holds the address.
  returned: success
  type: list
  elements: dict
  contains:
    guid: &guid
      description: Its objectGUID.
      type: str
    sid: &sid
      description: Its security identifier, if it has one.
      type: str
    dn: &dn
      description: Its distinguished name.
      type: str
    object_class: &object_class
      description: Its most specific class, such as V(user) or V(contact).
      type: str
    sam_account_name: &sam_account_name
      description: Its logon name, if it has one.
      type: str
    sip_address: &sip_address
      description: Its own SIP address. Null when it has none, or not any more; an object can hold the address in C(proxyAddresses) only.
      type: str
    enabled: &enabled
      description: Whether the account is enabled. Null for an object that is no account.
      type: bool
    seen_in: &seen_in
      description: >-
        Who shows it, V(domain_controller) for the one that is used, V(global_catalog), and the names of the others of O(verify_on).
      type: list
      elements: str
    usn_changed: &usn_changed
      description: Its uSNChanged on the domain controller. Null when only others show it.
      type: int
    deleted: &deleted
      description: Whether it is a deleted object.
      type: bool
    pending:
      description: >-
        Whether it only waits for replication. The domain controller that is used has deleted it, or has taken its address by
        M(lync.persistent_chat.pc_wellknown_user), and others show it still.
      type: bool
    guards_failed:
      description: >-
        The guards that would stop M(lync.persistent_chat.pc_wellknown_user), the ones that its C(override) can name included. Null
        when it is pending.
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
    undo:
      description: >-
        What bringing it back would be worth after a deletion, V(full), V(partial) or V(none). Null for a contact, which is never
        deleted, for what is pending, and for an object that is not on the domain controller.
      type: str
    undo_loses:
      description: What would not come back after a deletion.
      type: list
      elements: str
    undo_days:
      description: How many days after a deletion it could be brought back. Null when that is not known, or not possible.
      type: int
deleted:
  description: Deleted objects that held the address.
  returned: success
  type: list
  elements: dict
  contains:
    guid: *guid
    sid: *sid
    dn: *dn
    object_class: *object_class
    sam_account_name: *sam_account_name
    sip_address: *sip_address
    enabled: *enabled
    seen_in: *seen_in
    usn_changed: *usn_changed
    deleted: *deleted
backup:
  description: The newest backup for the address in O(backup_dir), as M(lync.persistent_chat.pc_wellknown_user) returns it.
  returned: success
  type: dict
recycle_bin:
  description: Whether the forest has the Active Directory Recycle Bin enabled.
  returned: success
  type: bool
sees_deleted:
  description: >-
    Whether the account that the module uses can see deleted objects. If not, RV(deleted) is empty whatever there is, and that account
    cannot restore anything.
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
