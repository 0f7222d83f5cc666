#!/usr/bin/python
# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pc_migration_plan
version_added: 0.1.0
short_description: Plan the migration from Group Chat to Persistent Chat
description:
  - Observes the whole estate once - the Group Chat services, the Persistent Chat pool, the archive, and who holds the SIP
    address in the directory - and says what each step of the migration is going to do.
  - The plan is true for every step, also before the first one ran, because each step is planned on what the steps before
    it leave behind.
  - With O(step) it answers one question instead, whether that step may run on what is there now. The roles of this
    collection ask it before each step; it fails when an interlock forbids the step.
  - It reads and never writes. In check mode the steps before O(step) have not happened; it then answers for the estate that
    they would leave behind, and reports as changed, with a diff, what the step would do.
options:
  migration:
    description: The wanted migration. It is the variable C(pc_migration) of the roles.
    type: dict
    required: true
    suboptions:
      sip_address:
        description: The SIP address of the well-known user, which the new endpoint takes over.
        type: str
        required: true
      pool_fqdn:
        description: The Persistent Chat pool that gets the data and the endpoint.
        type: str
        required: true
      wellknown_user_state:
        description:
          - What becomes of the well-known user. V(absent) deletes the account, as the documented process says.
            V(disabled) takes its SIP address away and disables it, so that nothing of it is lost.
          - The choice is yours; there is no default.
        type: str
        choices: [absent, disabled]
        required: true
      wellknown_user:
        description: A second identifier of the well-known user, so that no other account can be meant. Give at least one.
        type: dict
        required: true
        suboptions:
          distinguished_name:
            description: The account's distinguished name.
            type: str
          object_guid:
            description: The account's objectGUID.
            type: str
          object_sid:
            description: The account's objectSid.
            type: str
          sam_account_name:
            description: The account's logon name.
            type: str
          override:
            description: Names of guards that must not stop this account, as in M(lync.persistent_chat.pc_wellknown_user).
            type: list
            elements: str
            default: []
          accept_undo:
            description: The least that undo must be worth before the account is deleted, as in M(lync.persistent_chat.pc_wellknown_user).
            type: str
            choices: [full, partial, none]
            default: full
          replication_timeout:
            description: >-
              How long to wait, in seconds, until every domain controller that must agree shows the address as free. It changes no
              plan; M(lync.persistent_chat.pc_wellknown_user) uses it.
            type: int
            default: 300
      backup_dir:
        description: The folder on the controller that receives the account's backup and the record of the services.
        type: path
        required: true
      legacy_servers:
        description: The servers of the Group Chat pool.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description: The server's fully qualified domain name.
            type: str
            required: true
          services:
            description: The service names of every Group Chat service on this server.
            type: list
            elements: str
            required: true
      pool_services:
        description: The service names of Persistent Chat on the servers of the new pool. Each must exist on one server at least.
        type: list
        elements: str
        required: true
      archive:
        description: Where the export goes, a path on the server that O(remoting) names.
        type: str
        required: true
      source_database:
        description: The Group Chat database.
        type: dict
        required: true
        suboptions:
          instance:
            description: The SQL Server instance, as C(server\\instance).
            type: str
            required: true
          name:
            description: The database's name.
            type: str
            default: mgc
      target_database:
        description: The database of the new pool.
        type: dict
        required: true
        suboptions:
          instance:
            description: The SQL Server instance, as C(server\\instance).
            type: str
            required: true
      expected_counts:
        description: What the new pool must hold at least after the import.
        type: dict
        default: {}
        suboptions:
          categories:
            description: Number of categories.
            type: int
          rooms:
            description: Number of rooms.
            type: int
          addins:
            description: Number of add-ins.
            type: int
      import_verification:
        description: How the import is verified before the account is touched, as in M(lync.persistent_chat.pc_data_import).
        type: str
        choices: [counts, report]
        default: counts
      merge:
        description: Whether the data may be imported into a pool that is not empty, as in M(lync.persistent_chat.pc_data_import).
        type: bool
        default: false
      job_folder:
        description: Where export and import work on the server when the archive is on a share, as in M(lync.persistent_chat.pc_data_export).
        type: str
      job_timeout:
        description: For how many seconds the export, and the import, may run, as in M(lync.persistent_chat.pc_data_export).
        type: int
        default: 86400
  stop_before:
    description: The phase before which the run stops. V(nothing) runs to the end.
    type: str
    choices: [legacy_group_chat, data_migration, identity_cutover, pool_services, verification, nothing]
    default: identity_cutover
  step:
    description: Ask for one step only, whether it may run now.
    type: str
    choices: [stop_legacy, export, stop_pool, preview_import, import, free_address, create_endpoint, start_pool, verify]
  plan_digest:
    description: The digest of the plan that was approved. The module fails when what is there now gives another plan.
    type: str
extends_documentation_fragment:
  - lync.persistent_chat.connections
  - lync.persistent_chat.attributes
author:
  - The lync.persistent_chat contributors (@lync)
"""

EXAMPLES = r"""
- name: Show what the migration would do
  lync.persistent_chat.pc_migration_plan:
    migration: "{{ pc_migration }}"
    remoting: "{{ pc_remoting }}"
    directory: "{{ pc_directory }}"
    stop_before: nothing
  register: plan

- name: Print the plan
  ansible.builtin.debug:
    msg: "{{ plan.text }}"

- name: Ask whether the well-known user may be removed now
  lync.persistent_chat.pc_migration_plan:
    migration: "{{ pc_migration }}"
    remoting: "{{ pc_remoting }}"
    directory: "{{ pc_directory }}"
    step: free_address
"""

RETURN = r"""
plan:
  description: The plan as data. Returned without O(step).
  returned: when O(step) is not given
  type: dict
  sample:
    format_version: "1.1"
    digest: 7f3a19c2d1e04b55
    phases: [legacy_group_chat, data_migration]
text:
  description: The plan as lines of text.
  returned: when O(step) is not given
  type: list
  elements: str
digest:
  description: The fingerprint of the plan, for O(plan_digest).
  returned: when O(step) is not given
  type: str
  sample: 7f3a19c2d1e04b55
step:
  description: The step that was asked for, with its actions, its certainty and what undo is worth after it.
  returned: when O(step) is given
  type: dict
todo:
  description: Whether the step has anything to do.
  returned: when O(step) is given
  type: bool
actions:
  description: What the step is going to do.
  returned: when O(step) is given
  type: list
  elements: dict
observed:
  description: The estate as it was observed.
  returned: when O(step) is given
  type: dict
"""

from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.plan_module import run
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.settings import PHASES, TO_THE_END
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.steps import STEPS
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import (
    connections_spec,
    migration_spec,
    run_module,
)


def main() -> None:
    run_module(
        {
            **connections_spec(),
            "migration": {"type": "dict", "required": True, "options": migration_spec()},
            "stop_before": {
                "type": "str",
                "choices": [*PHASES, TO_THE_END],
                "default": "identity_cutover",
            },
            "step": {"type": "str", "choices": [step.name for step in STEPS]},
            "plan_digest": {"type": "str"},
        },
        run,
    )


if __name__ == "__main__":
    main()
