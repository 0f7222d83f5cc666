# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive that users install: built from the checkout, installed elsewhere, read there with Ansible's own tools."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).parents[2]
MODULES = sorted("lync.persistent_chat." + path.stem for path in (CHECKOUT / "plugins" / "modules").glob("*.py"))
ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir())
PLAYBOOKS = sorted(path.stem for path in (CHECKOUT / "playbooks").glob("*.yml"))


def run(*command, cwd, **environment):
    result = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Built from the files that git knows or would add, so that nothing else of the checkout gets in."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    names = run("git", "ls-files", "-co", "--exclude-standard", "-z", cwd=CHECKOUT).split("\0")
    for name in names:
        if name and (CHECKOUT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, source / name)
    run("ansible-galaxy", "collection", "build", "--output-path", str(target), cwd=source)
    (path,) = target.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def ansible(archive, tmp_path_factory):
    """A function that runs one of Ansible's commands where only the installed archive can be found."""
    folder = tmp_path_factory.mktemp("elsewhere")
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"), "PYTHONPATH": ""}
    run(
        *("ansible-galaxy", "collection", "install", "--offline", "-p", str(folder / "collections"), str(archive)),
        cwd=folder,
        **environment,
    )
    return lambda *command: run(*command, cwd=folder, **environment)


def test_the_archive_holds_what_users_need_and_nothing_else(archive):
    with tarfile.open(archive) as tar:
        top = {name.split("/")[0] for name in tar.getnames()}
    needed = {"CHANGELOG.rst", "LICENSE", "README.md", "meta", "playbooks", "plugins", "roles"}
    welcome = {"CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "MANIFEST.json", "FILES.json"}
    assert top >= needed
    assert top <= needed | welcome


def test_all_modules_are_listed(ansible):
    listed = json.loads(ansible("ansible-doc", "-t", "module", "-l", "-j", "lync.persistent_chat"))
    assert sorted(listed) == MODULES
    assert all(len(text) > 20 for text in listed.values())


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_documented(ansible, module):
    documentation = json.loads(ansible("ansible-doc", "-t", "module", "-j", module))[module]
    assert yaml.safe_load(documentation["examples"])
    assert documentation["return"]
    assert documentation["doc"]["attributes"]["check_mode"]["support"] == "full"
    assert all(option["description"] for option in documentation["doc"]["options"].values())


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_documented(ansible, role):
    name = "lync.persistent_chat." + role
    documentation = json.loads(ansible("ansible-doc", "-t", "role", "-j", name))[name]
    assert documentation["entry_points"]["main"]["short_description"]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_can_be_called_by_its_name(ansible, playbook):
    output = ansible("ansible-playbook", "--syntax-check", "lync.persistent_chat." + playbook)
    assert output.strip().endswith(
        "/elsewhere0/collections/ansible_collections/lync/persistent_chat/playbooks/%s.yml" % playbook
    )
