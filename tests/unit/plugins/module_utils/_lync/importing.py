# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of imports have in common: one archive, one target, and what is left of an import."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.import_changes import run as run_module

ARCHIVE = "C:\\Migration\\groupchat.zip"
TARGET = {"db_instance": "sql01.contoso.com\\pchat", "pool_fqdn": "pcpool.contoso.com"}
DONE = {"import-started.json", "imported.json", "import-report.html", "import-report.dry-run.html"}
ALL = {"categories": 3, "rooms": 12, "addins": 2}
DATABASE = "sql01.contoso.com\\PCHAT"


class Killed(Exception):
    """The end of the module in the middle of its work."""


def params(**changes: Any) -> dict[str, Any]:
    given = {"db_instance": DATABASE, "pool_fqdn": "PCPool.contoso.com", "file_name": ARCHIVE, "expected": ALL}
    return {"remote_addr": "lync01.contoso.com", "verify_timeout": 30, **given, **changes}


def run(given: dict[str, Any], check_mode: bool, connect: Any, clock: Any = None) -> dict[str, Any]:
    """Call the module until its jobs have ended, as the action plugin does."""
    while True:
        result = run_module(given, check_mode, connect, clock)
        if "job" not in result:
            return result
        given = {**given, **result["job"]["again"]}


def left(estate: Any) -> set[str]:
    """The names of what an import has left beside the archive."""
    names = {place.name for place in estate.files.locate("lync01", "C:\\Migration").iterdir()}
    return {name.removeprefix("groupchat.") for name in names if "export" not in name} - {"zip"}


def imports(server: Any, estate: Any) -> int:
    """How many imports arrived: each brings every message once more (switch import_repeat)."""
    rooms = [r for c in estate.data["databases"][DATABASE]["mgc"]["categories"] for r in c["rooms"]]
    original = [r for c in estate.data["databases"]["sql01.contoso.com\\GC"]["mgc"]["categories"] for r in c["rooms"]]
    found, one = (sum(len(room["messages"]) for room in some) for some in (rooms, original))
    assert found % one == 0
    return found // one


def empty(estate: Any) -> None:
    """Restore the target as it was before the import."""
    estate.control("estate.patch", patch={"databases": {DATABASE: {"mgc": {"categories": [], "addins": []}}}})


def failing(code: str, server: Any, clock: Any, match: str | None = None, **changes: Any) -> PersistentChatError:
    with pytest.raises(PersistentChatError, match=match) as caught:
        run(params(**changes), False, server.connect, clock)
    assert caught.value.code == code
    return caught.value
