# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills ansible-playbook with SIGKILL right before a task begins: a controller that dies, at a place of the test's choice."""

from __future__ import annotations

import os
import signal

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: kill_at
type: notification
short_description: Kills ansible-playbook before a task
description:
  - Sends SIGKILL to ansible-playbook before the task whose name stands in the environment variable E(KILL_AT_TASK), or
    before the task with the number in E(KILL_AT_NUMBER), counted from 1.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "kill_at"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._started = 0

    def v2_playbook_on_task_start(self, task: object, is_conditional: bool) -> None:
        self._started += 1
        if task.get_name() == os.environ.get("KILL_AT_TASK") or str(self._started) == os.environ.get("KILL_AT_NUMBER"):
            os.kill(os.getpid(), signal.SIGKILL)
