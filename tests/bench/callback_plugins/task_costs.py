# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down what each task of a playbook costs: seconds, and TCP connections that anybody on this machine's network accepted."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_costs
type: aggregate
short_description: Costs of tasks, for the benchmark
description: One JSON object a line, with name, seconds and connections, in the file that C(TASK_COSTS) names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_costs"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._name, self._connections, self._began = task.get_name(), accepted(), time.monotonic()

    def v2_runner_on_ok(self, result):
        costs = {"name": self._name, "seconds": time.monotonic() - self._began}
        costs["connections"] = accepted() - self._connections
        with open(os.environ["TASK_COSTS"], "a", encoding="utf-8") as lines:
            lines.write(json.dumps(costs) + "\n")


def accepted() -> int:
    """How many TCP connections were accepted so far in this network namespace, which in the lab is the lab's own."""
    names, values = [
        line.split() for line in Path("/proc/net/snmp").read_text("ascii").splitlines() if line.startswith("Tcp:")
    ]
    return int(values[names.index("PassiveOpens")])
