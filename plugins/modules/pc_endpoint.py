#!/usr/bin/python
# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pc_endpoint
version_added: 0.1.0
short_description: Manage a legacy endpoint of a Persistent Chat pool
description:
  - Creates or removes an endpoint, the contact that gives a Persistent Chat pool a SIP address for legacy clients of
    Group Chat.
  - Before anything is written, it makes sure that the pool is a Persistent Chat pool, that the domain of the address is a
    SIP domain of the deployment, and that no user and no endpoint of another pool holds the address.
  - What it returns was read back from the server after the change.
options:
  sip_address:
    description: The SIP address of the endpoint. The prefix V(sip:) may be left out.
    type: str
    required: true
  pool_fqdn:
    description:
      - The fully qualified domain name of the Persistent Chat pool. Required for O(state=present).
      - With O(state=absent) the endpoint is removed only when it belongs to this pool; without it, whatever its pool is.
    type: str
  display_name:
    description:
      - The display name of the endpoint. An endpoint that exists keeps its own when this is not set.
    type: str
  state:
    description:
      - V(present) makes sure that the endpoint exists.
      - V(absent) makes sure that it does not. It removes the endpoint with exactly this address and no other, so the
        endpoint that setup created for a pool goes only when its own address is given.
    type: str
    choices: [present, absent]
    default: present
  recreate:
    description:
      - Whether an endpoint with another pool or display name may be removed and created again. There is no other way to change
        one, and legacy clients cannot sign in in between.
      - When V(false), such an endpoint is an error.
    type: bool
    default: false
  wait_for_address:
    description:
      - For how many seconds to try again while the server refuses an address that nobody holds any more. Lync can claim an
        address for a while after its holder was deleted.
      - It also bounds the time for the new endpoint to be seen when it is read back.
    type: int
    default: 180
extends_documentation_fragment:
  - lync.persistent_chat.attributes
  - lync.persistent_chat.remoting
notes:
  - Over the endpoint C(OcsPowershell) the role C(CsPersistentChatAdministrator) is enough. Where no role of the account has
    C(Get-CsUser), only the server makes sure that no user holds the address, when the endpoint is created.
seealso:
  - module: lync.persistent_chat.pc_endpoint_info
  - module: lync.persistent_chat.pc_wellknown_user
author:
  - The lync.persistent_chat contributors (@lync)
"""

EXAMPLES = r"""
- name: The pool answers to the address of the former well-known user
  lync.persistent_chat.pc_endpoint:
    remote_addr: lync01.contoso.com
    sip_address: sip:ocschat@contoso.com
    pool_fqdn: pcpool.contoso.com
    display_name: Group Chat

- name: Move an endpoint to another pool
  lync.persistent_chat.pc_endpoint:
    remote_addr: lync01.contoso.com
    sip_address: sip:ocschat@contoso.com
    pool_fqdn: pcpool2.contoso.com
    recreate: true

- name: Legacy clients are gone, and so is the endpoint
  lync.persistent_chat.pc_endpoint:
    remote_addr: lync01.contoso.com
    sip_address: sip:ocschat@contoso.com
    state: absent
"""

RETURN = r"""
endpoint:
  description: The endpoint as it was seen at the end; V(null) when there is none. In check mode, as it is now.
  returned: success
  type: dict
  contains:
    sip_address:
      description: The SIP address, with V(sip:).
      type: str
    pool_fqdn:
      description: The Persistent Chat pool that lists the endpoint; V(null) when none does.
      type: str
    display_name:
      description: The display name.
      type: str
    identity:
      description: The distinguished name of the endpoint's contact.
      type: str
actions:
  description: What was done, or would be done in check mode, in order.
  returned: success
  type: list
  elements: dict
  contains:
    op:
      description: V(create) or V(remove).
      type: str
    target:
      description: What it is done to.
      type: str
    before:
      description: The properties that the action changes, as they were.
      type: dict
    after:
      description: The same properties, as they are afterwards.
      type: dict
"""

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.endpoint_changes import run
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import remoting_spec, run_module


def main() -> None:
    spec = remoting_spec()
    spec.update(
        sip_address={"type": "str", "required": True},
        pool_fqdn={"type": "str"},
        display_name={"type": "str"},
        state={"type": "str", "choices": ["present", "absent"], "default": "present"},
        recreate={"type": "bool", "default": False},
        wait_for_address={"type": "int", "default": 180},
    )
    run_module(spec, run, required_if=[("state", "present", ("pool_fqdn",))])


if __name__ == "__main__":
    main()
