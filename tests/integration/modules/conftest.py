# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calling modules in the lab: through Ansible as a user does, or their ``run`` in this process.

Each test runs over both transports, and what a module returned over the one it has to return over the other, key by key.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from tests.lab.client import LabClient

ROOT = Path(__file__).resolve().parents[3]
Options = dict[str, Any]
#: what differs from run to run: identities that a server makes up
_MADE_UP = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_RETURNED: dict[tuple[str, int], tuple[str, Options]] = {}


@pytest.fixture(scope="module", params=["winrm", "psrp"])
def transport(request: pytest.FixtureRequest) -> str:
    """The transport that the tests use; a file's tests run over the one, then over the other."""
    return request.param


@pytest.fixture(scope="module")
def lab(running_lab: LabClient, transport: str) -> LabClient:
    """The lab, restored before a file's first test over each transport."""
    running_lab.reset()
    return running_lab


@pytest.fixture
def remoting(lab: LabClient, transport: str) -> Options:
    """The options of a connection to the management server."""
    return {
        "transport": transport,
        "remote_addr": "lync01.contoso.com",
        "ca_cert": str(lab.paths.ca),
        "connection_timeout": 10,
        "operation_timeout": 60,
    }


@pytest.fixture
def same(request: pytest.FixtureRequest, transport: str) -> Callable[[Options], None]:
    """Expect that a result equals the one that the same call of the same test had over the other transport."""
    test, calls = request.node.nodeid.replace(transport, "*"), iter(range(100))

    def check(result: Options) -> None:
        shown = json.loads(_MADE_UP.sub("*", json.dumps(result, sort_keys=True).replace(transport, "*")))
        other, expected = _RETURNED.setdefault((test, next(calls)), (transport, shown))
        assert shown == expected, "%s and %s return different results" % (other, transport)

    return check


@pytest.fixture
def ansible(remoting: Options, same: Callable[[Options], None]) -> Callable[..., Options]:
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
        same({key: value for key, value in result.items() if key != "job"})
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
