#!/usr/bin/python
# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pc_service
version_added: 0.1.0
short_description: Start, stop and configure Windows services of Group Chat and Persistent Chat
description:
  - Brings named services of one computer to a state and a start mode, and waits, with a bound, until they are there.
  - The start mode is set before a service is stopped or started. So a run that is killed in between never leaves a
    stopped service that the next reboot brings back, and a disabled service can be started.
options:
  name:
    description:
      - The service names, not the display names. Each stands for one service, without wildcards.
      - A service that does not exist is an error, and nothing is changed. An empty list is an error, too.
    type: list
    elements: str
    required: true
  state:
    description: The state that each service shall have. When it is not set, the services stay as they are.
    type: str
    choices: [started, stopped]
  start_mode:
    description:
      - How each service shall start with Windows. When it is not set, this stays as it is.
      - V(delayed) is an automatic start after the other automatic ones.
      - It needs O(transport=winrm), because only C(sc.exe) tells V(delayed) from V(auto) on every version of Windows.
    type: str
    choices: [auto, delayed, manual, disabled]
  control:
    description:
      - How the services are controlled.
      - V(cs) is for the services of Lync Server and Skype for Business Server, with C(Get-CsWindowsService) and its like.
      - V(windows) is for any service, with C(Get-Service) and its like.
      - V(sc) is for hosts that have no Windows PowerShell 3.0, which are those of Group Chat, with C(sc.exe). Only its numbers
        are read, so the language of Windows does not matter. It needs O(transport=winrm).
    type: str
    choices: [cs, windows, sc]
    default: cs
  computer_name:
    description:
      - The computer whose services are meant, when it is not the server of O(remote_addr). That server must be able to control
        services over there.
    type: str
  graceful:
    description:
      - Whether a service that is stopped first serves those who are connected. Needs O(control=cs) and O(state=stopped).
      - Draining can last; see O(timeout).
    type: bool
    default: false
  timeout:
    description: For how many seconds to wait until each service has reached its state.
    type: int
    default: 300
extends_documentation_fragment:
  - lync.persistent_chat.attributes
  - lync.persistent_chat.remoting
author:
  - The lync.persistent_chat contributors (@lync)
"""

EXAMPLES = r"""
- name: Group Chat is off, and a reboot does not bring it back
  lync.persistent_chat.pc_service:
    remote_addr: gc01.contoso.com
    scheme: http
    control: sc
    name:
      - GroupChatLookup
      - GroupChatChannel
    state: stopped
    start_mode: disabled
  register: legacy

- name: Persistent Chat runs
  lync.persistent_chat.pc_service:
    remote_addr: pc01.contoso.com
    name:
      - RTCCHAT
      - RTCCOMPLIANCE
    state: started
"""

RETURN = r"""
host:
  description: The computer whose services these are.
  returned: success
  type: str
services:
  description: The services as they were seen at the end. In check mode, as they are now.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The service name.
      type: str
    status:
      description:
        - V(running), V(stopped), V(paused), V(start_pending), V(stop_pending), V(continue_pending) or V(pause_pending).
        - A Lync service that drains is V(paused).
      type: str
    start_mode:
      description:
        - V(auto), V(delayed), V(manual), V(disabled), V(boot) or V(system); V(null) when it cannot be read.
        - Without O(start_mode), and with O(control=cs) or O(control=windows), V(auto) can also be a delayed start.
      type: str
services_before:
  description: The services as they were before; worth keeping, because it says what to go back to.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The service name.
      type: str
    status:
      description:
        - V(running), V(stopped), V(paused), V(start_pending), V(stop_pending), V(continue_pending) or V(pause_pending).
        - A Lync service that drains is V(paused).
      type: str
    start_mode:
      description:
        - V(auto), V(delayed), V(manual), V(disabled), V(boot) or V(system); V(null) when it cannot be read.
        - Without O(start_mode), and with O(control=cs) or O(control=windows), V(auto) can also be a delayed start.
      type: str
actions:
  description: What was done, or would be done in check mode, in order.
  returned: success
  type: list
  elements: dict
  contains:
    op:
      description: V(set_start_mode), V(stop) or V(start).
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

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.service_changes import run
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import remoting_spec, run_module


def main() -> None:
    spec = remoting_spec()
    spec.update(
        name={"type": "list", "elements": "str", "required": True},
        state={"type": "str", "choices": ["started", "stopped"]},
        start_mode={"type": "str", "choices": ["auto", "delayed", "manual", "disabled"]},
        control={"type": "str", "choices": ["cs", "windows", "sc"], "default": "cs"},
        computer_name={"type": "str"},
        graceful={"type": "bool", "default": False},
        timeout={"type": "int", "default": 300},
    )
    run_module(spec, run)


if __name__ == "__main__":
    main()
