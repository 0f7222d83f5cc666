# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One migration of the lab: planned in this process, or run by ansible-playbook as an operator does."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.plan_module import run
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import connections_spec, migration_spec
from tests.lab.client import LabClient

ROOT = Path(__file__).resolve().parents[3]
INVENTORY = ROOT / "tests/demo/inventory.yml"
Options = dict[str, Any]


class Played(NamedTuple):
    """The end of ansible-playbook."""

    status: int
    changed: int
    output: str


def with_defaults(spec: Options, given: Options) -> Options:
    """Options as AnsibleModule hands them over."""
    filled = {}
    for name, option in spec.items():
        value = given.get(name, option.get("default"))
        if "options" in option and isinstance(value, dict):
            value = with_defaults(option["options"], value)
        if option["type"] == "list" and isinstance(value, str):
            value = value.split(",")
        filled[name] = value
    return filled


@pytest.fixture
def variables(running_lab: LabClient, tmp_path: Path) -> Options:
    """The variables of the demonstration's inventory, for changes that a test makes; not templated."""
    text = INVENTORY.read_text("utf-8").replace("{{ lab_dir }}", str(running_lab.paths.root))
    variables: Options = yaml.safe_load(text)["all"]["vars"]
    variables["pc_migration"]["backup_dir"] = str(tmp_path / "migration")
    return variables


@pytest.fixture
def plan(variables: Options) -> Callable[..., Options]:
    """Run pc_migration_plan in this process: ``plan(step="import")``, or the whole plan without a step."""

    def call(check_mode: bool = False, **options: Any) -> Options:
        given = {
            name: copy.deepcopy(variables["pc_" + name])
            for name in ("migration", "remoting", "legacy_remoting", "directory")
        }
        spec = {**connections_spec(), "migration": {"type": "dict", "options": migration_spec()}}
        return run({"stop_before": "nothing", **with_defaults(spec, given), **options}, check_mode)

    return call


@pytest.fixture
def play(variables: Options, tmp_path: Path) -> Callable[..., Played]:
    """Run a playbook of the collection with the variables above: ``play("migrate", "--check", stop_before="nothing")``."""

    def call(name: str, *options: str, **extra: Any) -> Played:
        given = tmp_path / "variables.json"
        given.write_text(json.dumps({**variables, **extra}), "utf-8")
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local"]
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "true",
        }
        ended = subprocess.run(
            [*command, "-e", "@%s" % given, *options, "lync.persistent_chat." + name],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        output = ended.stdout + ended.stderr
        changed = sum(int(number) for number in re.findall(r"changed=(\d+)", output))
        assert "Traceback" not in output
        return Played(ended.returncode, changed, output)

    return call
