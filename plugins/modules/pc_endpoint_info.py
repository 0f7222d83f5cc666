#!/usr/bin/python
# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pc_endpoint_info
version_added: 0.1.0
short_description: List legacy endpoints of Persistent Chat pools
description:
  - Lists the endpoints of all Persistent Chat pools, of one pool, or the endpoint with one SIP address.
options:
  sip_address:
    description: List only the endpoint with this SIP address. The prefix V(sip:) may be left out.
    type: str
  pool_fqdn:
    description: List only the endpoints of this Persistent Chat pool.
    type: str
extends_documentation_fragment:
  - lync.persistent_chat.attributes.info_module
  - lync.persistent_chat.remoting
seealso:
  - module: lync.persistent_chat.pc_endpoint
author:
  - The lync.persistent_chat contributors (@lync)
"""

EXAMPLES = r"""
- name: Which endpoints has the pool
  lync.persistent_chat.pc_endpoint_info:
    remote_addr: lync01.contoso.com
    pool_fqdn: pcpool.contoso.com
  register: pool

- name: Is there an endpoint with this address
  lync.persistent_chat.pc_endpoint_info:
    remote_addr: lync01.contoso.com
    sip_address: sip:ocschat@contoso.com
  register: found
"""

RETURN = r"""
endpoints:
  description: The endpoints, in the order of pool and address; an empty list when there is none.
  returned: success
  type: list
  elements: dict
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
unlisted_pools:
  description: For each pool whose endpoints could not be listed, what the server said. They may lack in RV(endpoints[].pool_fqdn).
  returned: success
  type: dict
"""

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.endpoints import run_info
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import remoting_spec, run_module


def main() -> None:
    spec = remoting_spec()
    spec.update(
        sip_address={"type": "str"},
        pool_fqdn={"type": "str"},
    )
    run_module(spec, run_info)


if __name__ == "__main__":
    main()
