# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documented options are exactly the options that the modules accept."""

from __future__ import annotations

import importlib
import pathlib

import pytest
import yaml

from ansible_collections.lync.persistent_chat.plugins.module_utils import _module

CHECKOUT = pathlib.Path(__file__).parents[4]
FRAGMENTS = CHECKOUT / "plugins" / "doc_fragments"


def documentation(fragment):
    module = importlib.import_module("ansible_collections.lync.persistent_chat.plugins.doc_fragments." + fragment)
    return yaml.safe_load(module.ModuleDocFragment.DOCUMENTATION)


def facts_of_spec(spec):
    """What the argument specification says and the documentation has to repeat."""
    result = {}
    for name, option in spec.items():
        facts = {key: option[key] for key in ("type", "elements", "choices", "default", "required") if key in option}
        if "options" in option:
            facts["options"] = facts_of_spec(option["options"])
        result[name] = facts
    return result


def facts_of_documentation(options):
    result = {}
    for name, option in options.items():
        facts = {key: option[key] for key in ("type", "elements", "choices", "default", "required") if key in option}
        if "suboptions" in option:
            facts["options"] = facts_of_documentation(option["suboptions"])
        result[name] = facts
    return result


def environment_of_spec(spec):
    return {
        name: option["fallback"][1][0] if "fallback" in option else None
        for name, option in spec.items()
        if "options" not in option
    }


@pytest.mark.parametrize("fragment", ["remoting", "directory", "connections", "data_job"])
def test_options_match_the_specification(fragment):
    spec = getattr(_module, fragment + "_spec")()
    assert facts_of_documentation(documentation(fragment)["options"]) == facts_of_spec(spec)


@pytest.mark.parametrize("fragment", ["remoting", "directory"])
def test_each_environment_variable_is_documented(fragment):
    options = documentation(fragment)["options"]
    for name, variable in environment_of_spec(getattr(_module, fragment + "_spec")()).items():
        assert variable and "E(%s)" % variable in " ".join(options[name]["description"])


def test_action_groups_name_the_modules_that_document_the_connection():
    groups = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text())["action_groups"]
    documented = {group: set() for group in groups}
    for path in (CHECKOUT / "plugins" / "modules").glob("*.py"):
        for group in groups:
            if "- lync.persistent_chat.%s\n" % group in path.read_text():
                documented[group].add(path.stem)
    assert {group: set(modules) for group, modules in groups.items()} == documented
