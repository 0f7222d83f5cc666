# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guide to authentication shows must be what the code takes and says."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
import yaml

from ansible_collections.lync.persistent_chat.plugins.module_utils import _module
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import options as options_module
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import (
    AUTHENTICATIONS,
    remoting_options,
)

ROOT = Path(_module.__file__).resolve().parents[2]
GUIDE = (ROOT / "docs/docsite/rst/guide_authentication.rst").read_text("utf-8")
BLOCKS = re.findall(r"\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", GUIDE)
EXAMPLES = [next(iter(yaml.safe_load(textwrap.dedent(block)).values())) for block in BLOCKS]


def with_defaults(given):
    return {name: given.get(name, option.get("default")) for name, option in _module.remoting_spec().items()}


@pytest.mark.parametrize("given", EXAMPLES, ids=[str(number) for number in range(len(EXAMPLES))])
def test_each_example_is_accepted(monkeypatch, given):
    monkeypatch.setattr(options_module, "_check_files", lambda options: None)  # the files are on the reader's machine
    spec = _module.remoting_spec()
    assert set(given) <= set(spec)
    for name, value in given.items():
        assert value in spec[name].get("choices", [value])
    remoting_options(with_defaults({"remote_addr": "gc01.contoso.com", **given}))


def test_each_way_to_authenticate_has_an_example():
    assert {with_defaults(given)["auth"] for given in EXAMPLES} == set(AUTHENTICATIONS)


def test_each_option_that_is_named_exists():
    named = set(re.findall(r":literal:`([a-z_]+)[:`]", GUIDE))
    assert named and named <= {*_module.remoting_spec(), *_module.directory_spec()}


def test_each_code_that_is_named_exists():
    messages = GUIDE.partition("\nMessages\n")[2]
    named = {
        code for row in re.findall(r"^   \* - (.*)$", messages, re.MULTILINE) for code in re.findall(r"``(\w+)``", row)
    }
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "plugins/module_utils").rglob("*.py"))
    assert len(named) > 10
    assert [code for code in sorted(named) if '"%s"' % code not in sources] == []
