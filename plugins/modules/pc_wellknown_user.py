#!/usr/bin/python
# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pc_wellknown_user
version_added: 0.1.0
short_description: Delete, disable or restore the well-known user of Group Chat in Active Directory
description:
  - Frees the SIP address of the Group Chat Lookup user, so that an endpoint of a Persistent Chat pool can take it over, and
    brings the account back when the migration is undone.
  - Before anything is deleted or disabled the module searches the whole forest for the address, checks the account with the
    guards listed below, and writes a backup that it reads back and verifies. The account is read once more right before the
    write, addressed by its GUID, and never deleted together with objects below it.
  - After the write it waits until every domain controller of O(verify_on) agrees. Its result is what was seen then.
  - A run that was interrupted can be started again. What was done is told by the directory and by the backup.
  - In check mode nothing is written, neither to the directory nor to O(backup_dir). The result says what would be done, and what
    undoing it would be worth (RV(undo)).
  - The module connects to the directory from the machine where it runs; run it on the controller, with C(delegate_to=localhost).
options:
  sip_address:
    description:
      - The SIP address of the well-known user, such as V(sip:ocschat@contoso.com). The prefix C(sip:) may be left out.
    type: str
    required: true
  state:
    description:
      - V(absent) deletes the account, as the documented migration says. Without the Active Directory Recycle Bin it comes back
        with the same GUID and SID, but without its password.
      - It also deletes an account that this module disabled weeks before, when the newest backup in O(backup_dir) says so, the
        account is still disabled and has no C(msRTCSIP-*) attributes, and no guard stops it. An endpoint may hold the address by then;
        it is not touched. O(state=present) brings such an account back as it was before it was disabled.
      - V(disabled) removes every C(msRTCSIP-*) attribute and the address in C(proxyAddresses), and disables the account. Nothing
        is lost, O(state=present) brings all of it back.
      - V(present) brings the account back from its backup. An account that is there already gets back what it lacks; what it has is
        neither overwritten nor removed. A deleted account is restored by its GUID, out of the Recycle Bin or out of its tombstone,
        with the attributes and the group memberships of the backup. It is created anew only with O(allow_recreate=true), because that
        is another account with another SID. RV(restored_from) tells which.
      - The choice is yours; there is no default.
    type: str
    choices: [absent, disabled, present]
    required: true
  distinguished_name:
    description: >-
      The distinguished name of the account. At least one of O(distinguished_name), O(object_guid), O(object_sid) and
      O(sam_account_name) is required unless O(state=present). Every one that is given must lead to the same account.
    type: str
  object_guid:
    description: The objectGUID of the account, see O(distinguished_name).
    type: str
  object_sid:
    description: The security identifier of the account, see O(distinguished_name).
    type: str
  sam_account_name:
    description: The logon name of the account, see O(distinguished_name).
    type: str
  backup_dir:
    description:
      - The folder for the backup, on the machine where the module runs. It is created with mode 0700 when it does not exist. A
        folder that everybody may write to is refused, because what lies in it decides what is deleted and what comes back.
      - A backup is an LDIF file with every attribute that can be read, group memberships and security descriptor included, and a
        manifest with its SHA-256. Both have mode 0600, and are never overwritten.
      - Passwords are not in the backup. The directory does not give them away.
      - Keep the folder. It is also how a second run knows that the account is gone because this module deleted it.
      - Required unless O(state=present).
    type: path
  backup:
    description:
      - The backup to restore from, its LDIF or its manifest. Without it, the newest one for O(sip_address) in O(backup_dir).
      - Used with O(state=present) only.
    type: path
  override:
    description:
      - Guards that must not stop this account, each by its name. There is no way to override them all at once.
      - V(primary_address) - the address is in C(proxyAddresses) only, or is not spelled like the account's own SIP address.
      - V(admin_count) - the account is or was an administrator.
      - V(critical) - Active Directory itself needs the account, by C(isCriticalSystemObject) or C(systemFlags).
      - V(protected) - the account is protected from accidental deletion. The protection is not taken away, so the directory may
        still refuse the deletion.
      - V(moving) - the account is being moved to another pool.
      - V(children) - there are objects below the account. It can be overridden with O(state=disabled) only.
      - V(mailbox) - the account has a mailbox or a mail address.
      - V(enterprise_voice) - the account has a telephone line, or is enabled for Enterprise Voice.
      - V(recent_logon) - somebody signed in with the account during the last 30 days, by C(lastLogon) of the domain controller that is
        used, or by C(lastLogonTimestamp), which may be 14 days late. The services of Group Chat sign in with it as long as they run.
      - The guards C(one_holder), C(plain_user), C(identity) and C(own_account) cannot be overridden. Exactly one object of the forest
        must hold the address, and the global catalog must show it. It must be an ordinary user account and no computer, managed
        service account, trust account, C(inetOrgPerson) or contact, it must be the account that you named, and not the one with
        which the module signs in.
      - Naming a guard that does not stop the account does no harm.
    type: list
    elements: str
    default: []
    choices:
      - primary_address
      - admin_count
      - critical
      - protected
      - moving
      - children
      - mailbox
      - enterprise_voice
      - recent_logon
  accept_undo:
    description:
      - The least that bringing the account back must be worth before it is deleted. The module stops before any write when it is worth less.
      - V(full) - everything comes back, the password too. That needs the Active Directory Recycle Bin.
      - V(partial) - the account comes back with its GUID, its SID and what the backup holds, without its password.
      - V(none) - nothing comes back but a new account with another SID, see O(allow_recreate). That is so when the account with which
        the module signs in cannot see C(CN=Deleted Objects).
      - With O(state=disabled) nothing is lost, so this option does not matter.
    type: str
    choices: [full, partial, none]
    default: full
  allow_recreate:
    description:
      - With O(state=present), whether an account that the directory has given up for good may be created anew from its backup. It is
        another account then, with another GUID and SID, without a password and disabled; its attributes and group memberships are those of the
        backup. Whatever named the old SID, such as access control lists and SQL Server logins, does not know the new one.
      - Without it the module stops, and says why nothing else is possible.
    type: bool
    default: false
  replication_timeout:
    description:
      - How long to wait, in seconds, until every domain controller of O(verify_on) agrees. The module fails when they do not, and
        goes on waiting when it is run again.
    type: int
    default: 300
notes:
  - With RV(restored_from=attributes), only C(uSNChanged) and C(whenChanged) differ from before.
  - With RV(restored_from=recycle_bin), these may differ from before - C(accountExpires) where it meant never, C(adminCount),
    C(lastKnownParent), C(lastLogon), C(lastLogonTimestamp), C(logonCount), C(operatorCount), C(pwdLastSet), C(uSNChanged) and
    C(whenChanged). The password is as before. This was seen with an emulated Recycle Bin; a real one keeps more.
  - With RV(restored_from=tombstone), these differ from before - C(accountExpires) where it meant never, C(adminCount),
    C(lastKnownParent), C(lastLogon), C(lastLogonTimestamp), C(logonCount), C(operatorCount), C(pwdLastSet), C(uSNChanged) and
    C(whenChanged). The password is lost. Set a new one before the account is used. A directory may refuse to enable the account before;
    then RV(not_restored) says so.
  - With RV(restored_from=backup), these differ from before - C(objectGUID), C(objectSid), C(uSNCreated), C(whenCreated),
    C(uSNChanged), C(whenChanged), C(nTSecurityDescriptor), C(userAccountControl), C(pwdLastSet), C(lastLogon),
    C(lastLogonTimestamp) and C(logonCount). The new account is disabled, has no password, and has the security descriptor that every new
    account gets there. Grant anew what the old one was granted, set a password, and enable it.
  - When the module stops with C(not_restorable), nothing was written. Look first whether the account can still be found on another domain
    controller or in a backup of the directory itself, because only these bring the SID back; then decide about O(allow_recreate).
  - An account that was created anew is noted beside its backups, in a file that ends in C(.recreated.json). Keep it with them. Without it
    the module does not know the new account for the old one, and stops with C(address_held).
  - Between the last look at the account and its deletion a short time remains in which somebody else could change it. Active
    Directory has no conditional delete.
  - The account that the module uses needs the right to delete user objects in the account's OU; to restore one, also
    the right Reanimate Tombstones on the domain, List on C(CN=Deleted Objects), and Create Child and Write Property in the OU.
extends_documentation_fragment:
  - lync.persistent_chat.directory
  - lync.persistent_chat.attributes
seealso:
  - module: lync.persistent_chat.pc_wellknown_user_info
  - module: lync.persistent_chat.pc_endpoint
author:
  - The lync.persistent_chat contributors (@lync)
"""

EXAMPLES = r"""
- name: Delete the legacy user, after a backup
  lync.persistent_chat.pc_wellknown_user:
    server: dc1.contoso.com
    sip_address: sip:ocschat@contoso.com
    sam_account_name: ocschat
    state: absent
    # without the Recycle Bin the password cannot come back
    accept_undo: partial
    backup_dir: /var/lib/persistent-chat/contoso
  delegate_to: localhost
  register: legacy_user

- name: Free the address but keep the account
  lync.persistent_chat.pc_wellknown_user:
    server: dc1.contoso.com
    sip_address: sip:ocschat@contoso.com
    distinguished_name: CN=ocschat,OU=Group Chat,OU=Service Accounts,DC=contoso,DC=com
    state: disabled
    backup_dir: /var/lib/persistent-chat/contoso
    override: [recent_logon]
  delegate_to: localhost

- name: Bring it back from the newest backup
  lync.persistent_chat.pc_wellknown_user:
    server: dc1.contoso.com
    sip_address: sip:ocschat@contoso.com
    state: present
    backup_dir: /var/lib/persistent-chat/contoso
  delegate_to: localhost
"""

RETURN = r"""
sip_address:
  description: The SIP address, with its prefix.
  returned: success
  type: str
  sample: sip:ocschat@contoso.com
state:
  description: The wanted state.
  returned: success
  type: str
  sample: absent
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
  description: Which domain controllers had to agree, and which had not.
  returned: success
  type: dict
  contains:
    required:
      description: Those of O(verify_on).
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
          description: Whether it agreed in the end. Null when nobody waited, as in check mode.
          type: bool
    exempted:
      description: All others of the forest. Nobody looked whether the address is free there.
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
already_done:
  description: Whether there was nothing to do.
  returned: success
  type: bool
actions:
  description: What was done, or would be done in check mode. The operations are C(back_up), C(delete), C(disable), C(restore), C(recreate), C(repair).
  returned: success
  type: list
  elements: dict
  contains:
    op:
      description: The operation.
      type: str
    target:
      description: What it is done to.
      type: str
    before:
      description: What the operation changes, as it was.
      type: dict
    after:
      description: The same, as it will be.
      type: dict
holders_before:
  description: Every object of the forest that held the address when the module began.
  returned: success
  type: list
  elements: dict
  contains:
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
      description: Its most specific class.
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
      description: >-
        Who shows it, V(domain_controller) for the one that is used, V(global_catalog), and the names of the others of O(verify_on).
      type: list
      elements: str
    usn_changed:
      description: Its uSNChanged on the domain controller. Null when only the global catalog shows it.
      type: int
    deleted:
      description: Whether it is a deleted object.
      type: bool
holders_after:
  description: Every object that held the address when the module ended; in check mode the same as RV(holders_before).
  returned: success
  type: list
  elements: dict
backup:
  description: The backup that was written, found or used. Null when there is none.
  returned: success
  type: dict
  contains:
    path:
      description: The LDIF file.
      type: str
    manifest:
      description: The manifest.
      type: str
    sha256:
      description: The SHA-256 of the LDIF file.
      type: str
    created:
      description: When it was written.
      type: str
    object_guid:
      description: The account's objectGUID.
      type: str
    distinguished_name:
      description: The account's distinguished name at that time.
      type: str
    state:
      description: What was about to be done to the account.
      type: str
    continues:
      description: >-
        The earlier backup, where the account was disabled first and deleted later. O(state=present) takes the account's attributes from
        that one, so keep both together. Null otherwise.
      type: str
guards_failed:
  description: The guards that would stop the account, the overridden ones included.
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
      description: The states for which O(override) can name it.
      type: list
      elements: str
recycle_bin:
  description: Whether the forest has the Active Directory Recycle Bin enabled.
  returned: success
  type: bool
undo:
  description: What O(state=present) will be worth afterwards, V(full), V(partial) or V(none). Null with O(state=present).
  returned: success
  type: str
  sample: partial
undo_loses:
  description: What will not come back.
  returned: success
  type: list
  elements: str
undo_days:
  description: >-
    For about how many days after its deletion the directory keeps the account so that it can be brought back, by
    C(msDS-DeletedObjectLifetime) with the Recycle Bin and C(tombstoneLifetime) without. Null when that cannot be read, when
    nothing can be brought back, and for the other states, which have no such limit.
  returned: success
  type: int
  sample: 180
restored_from:
  description: >-
    With O(state=present), where the account came from. V(attributes) - it was there and got back what it lacked. V(recycle_bin),
    V(tombstone) - it was deleted. V(backup) - it was created anew. Null when there was nothing to do.
  returned: success
  type: str
  sample: tombstone
not_restored:
  description: >-
    With O(state=present), each attribute or membership that was not brought back, with the reason. The directory refused it, another value is
    there now, or another object has it by now.
  returned: success
  type: list
  elements: str
object_guid:
  description: >-
    With O(state=present), the objectGUID of the account that is there now; it is a new one after it was created anew. Null in check mode when
    there is none yet.
  returned: success
  type: str
object_sid:
  description: The security identifier of that account.
  returned: success
  type: str
differs:
  description: With O(state=present), the attributes whose values are not those of the backup afterwards.
  returned: success
  type: list
  elements: str
error:
  description: >-
    What kind of error it was, for playbooks. Further values may be there, such as the backup; when a guard or O(accept_undo) stops
    the account, C(guards), C(undo), C(undo_loses) and C(undo_days); with V(replication_pending), C(agreed), C(waiting_for), C(unreachable),
    C(exempted) and C(replication); with V(domain_controller_unreachable), C(unreachable).
  returned: failure
  type: dict
  contains:
    code:
      description: >-
        The kind of error, for example V(no_holder), V(held_by_contact), V(guard_one_holder), V(guard_identity),
        V(identity_mismatch), V(undo_not_accepted), V(not_restorable), V(changed_meanwhile), V(replication_pending),
        V(domain_controller_unreachable), V(backup_failed), V(address_held), V(address_changed), V(name_taken), V(parent_missing),
        V(recreation_elsewhere), V(restore_failed).
      type: str
"""

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import OVERRIDABLE
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.removal import FULL, WORTH
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.wellknown_user import run
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import directory_spec, run_module


def main() -> None:
    run_module(
        {
            **directory_spec(),
            "sip_address": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["absent", "disabled", "present"], "required": True},
            "distinguished_name": {"type": "str"},
            "object_guid": {"type": "str"},
            "object_sid": {"type": "str"},
            "sam_account_name": {"type": "str"},
            "backup_dir": {"type": "path"},
            "backup": {"type": "path"},
            "override": {"type": "list", "elements": "str", "default": [], "choices": list(OVERRIDABLE)},
            "accept_undo": {"type": "str", "choices": list(WORTH), "default": FULL},
            "allow_recreate": {"type": "bool", "default": False},
            "replication_timeout": {"type": "int", "default": 300},
        },
        run,
        required_if=[("state", "absent", ["backup_dir"]), ("state", "disabled", ["backup_dir"])],
    )


if __name__ == "__main__":
    main()
