# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calling modules in the lab: through Ansible as a user does, or their ``run`` in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from tests.lab.client import LabClient

ROOT = Path(__file__).resolve().parents[3]
Options = dict[str, Any]


@pytest.fixture
def remoting(lab: LabClient) -> Options:
    """The options of a connection to the management server."""
    return {
        "remote_addr": "lync01.contoso.com",
        "ca_cert": str(lab.paths.ca),
        "connection_timeout": 10,
        "operation_timeout": 60,
    }


@pytest.fixture
def ansible(remoting: Options) -> Callable[..., Options]:
    """Run a module with ``ansible localhost``: ``ansible("pc_endpoint", check=True, sip_address=...)`` returns its result."""

    def call(module: str, check: bool = False, connection: Options | None = None, **options: Any) -> Options:
        given = {**(remoting if connection is None else connection), **options}
        command = [str(Path(sys.executable).parent / "ansible"), "localhost", "-m", "lync.persistent_chat." + module]
        command += ["-a", json.dumps(given), *(["--check", "--diff"] if check else [])]
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
        }
        ended = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False
        )
        head, arrow, text = ended.stdout.partition(" => ")
        assert arrow, "ansible printed no result: %s %s" % (ended.stdout, ended.stderr)
        result: Options = json.loads(text)
        result["printed"], result["failed"] = head, ended.returncode != 0
        return result

    return call


@pytest.fixture
def refused(lab: LabClient) -> Callable[..., PersistentChatError]:
    """Expect that a call is refused with a code and a text, and that nothing at all was written."""

    def check(code: str, names: str, run: Callable[..., Options], options: Options) -> PersistentChatError:
        before = lab.writes()
        with pytest.raises(PersistentChatError) as caught:
            run(options, False)
        assert caught.value.code == code, str(caught.value)
        assert names in str(caught.value)
        assert lab.writes() == before
        return caught.value

    return check
