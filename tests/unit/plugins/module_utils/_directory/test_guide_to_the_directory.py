# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide to the directory lists must be what the code takes and says."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
import yaml

from ansible_collections.lync.persistent_chat.plugins.module_utils import _module
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import GUARDS
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.options import directory_options
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.removal import WORTH

ROOT = Path(_module.__file__).resolve().parents[2]
GUIDE = (ROOT / "docs/docsite/rst/guide_directory.rst").read_text("utf-8")
BLOCKS = [
    yaml.safe_load(textwrap.dedent(block))
    for block in re.findall(r"\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", GUIDE)
]
CONNECTIONS = [block["pc_directory"] for block in BLOCKS if "pc_directory" in block]
TASKS = [
    task
    for block in BLOCKS
    if isinstance(block, list)
    for item in block
    for task in item.get("tasks", [item])
    if "lync.persistent_chat.pc_wellknown_user" in task
]


def section(title):
    """The text below a heading."""
    return re.split(r"\n[^\n]+\n-{4,}\n", GUIDE.partition("\n%s\n%s\n" % (title, "-" * len(title)))[2])[0]


def first_column(text):
    """The words in the first column of a list-table."""
    return [word for row in re.findall(r"^   \* - (.*)$", text, re.MULTILINE) for word in re.findall(r"``(\w+)``", row)]


def test_each_guard_is_explained_in_the_order_of_the_code():
    assert first_column(section("What is checked before anything is deleted")) == [guard.name for guard in GUARDS]


def test_what_undo_can_be_worth():
    assert first_column(section("What undo is worth")) == list(WORTH)


def test_each_code_that_is_named_exists():
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "plugins/module_utils/_directory").glob("*.py"))
    named = set(first_column(section("Messages"))) - {"guard_one_holder", "guard_identity", "guard_", "kerberos_"}
    assert len(named) > 30 and [code for code in sorted(named) if '"%s"' % code not in sources] == []


@pytest.mark.parametrize("given", CONNECTIONS, ids=[str(number) for number in range(len(CONNECTIONS))])
def test_each_connection_is_accepted(monkeypatch, given):
    from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import options

    monkeypatch.setattr(options, "_ca_cert", lambda path: path)  # the file is on the reader's machine
    spec = _module.directory_spec()
    assert given and set(given) <= set(spec)
    directory_options({name: given.get(name, option.get("default")) for name, option in spec.items()})


def test_each_task_has_options_of_the_module():
    module = (ROOT / "plugins/modules/pc_wellknown_user.py").read_text("utf-8")
    documented = set(yaml.safe_load(module.partition('DOCUMENTATION = r"""')[2].partition('"""')[0])["options"])
    assert len(TASKS) >= 2
    for task in TASKS:
        assert set(task["lync.persistent_chat.pc_wellknown_user"]) <= documented | set(_module.directory_spec())


def test_the_rights_are_those_that_were_measured():
    measured = (ROOT / "docs/dev/directory.md").read_text("utf-8")
    commands = re.findall(r"^ *(dsacls .*)$", GUIDE, re.MULTILINE)
    assert commands == re.findall(r"^(dsacls .*)$", measured, re.MULTILINE) and len(commands) == 6
