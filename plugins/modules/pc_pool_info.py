#!/usr/bin/python
# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pc_pool_info
version_added: 0.1.0
short_description: Read Persistent Chat pools, their servers and their state
description:
  - Reads which Persistent Chat pools there are, their servers, which of these are active, the state of each pool, and the SIP
    domains of the deployment.
options:
  pool_fqdn:
    description:
      - Read only the pool with this fully qualified domain name, whatever kind of pool it is.
      - When no pool has this name, RV(pools) is empty.
    type: str
extends_documentation_fragment:
  - lync.persistent_chat.attributes.info_module
  - lync.persistent_chat.remoting
author:
  - The lync.persistent_chat contributors (@lync)
"""

EXAMPLES = r"""
- name: Read all Persistent Chat pools
  lync.persistent_chat.pc_pool_info:
    remote_addr: lync01.contoso.com
  register: topology

- name: Every server of the pool takes connections
  ansible.builtin.assert:
    that:
      - topology.pools[0].pool_state == "Normal"
      - topology.pools[0].active_servers | sort == topology.pools[0].servers | sort
"""

RETURN = r"""
pools:
  description: The pools.
  returned: success
  type: list
  elements: dict
  contains:
    fqdn:
      description: The pool's fully qualified domain name.
      type: str
    is_persistent_chat:
      description: Whether it is a Persistent Chat pool.
      type: bool
    servers:
      description: The computers of the pool.
      type: list
      elements: str
    active_servers:
      description:
        - The computers that accept new connections. When it is empty, the pool serves nobody.
        - V(null) when the server does not say.
      type: list
      elements: str
    pool_state:
      description: V(Normal) or V(FailedOver), which is about the database and not about the services; V(null) when it cannot be read.
      type: str
sip_domains:
  description: The SIP domains of the deployment.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.pools import run_info
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import remoting_spec, run_module


def main() -> None:
    spec = remoting_spec()
    spec.update(
        pool_fqdn={"type": "str"},
    )
    run_module(spec, run_info)


if __name__ == "__main__":
    main()
