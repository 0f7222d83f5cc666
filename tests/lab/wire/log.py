# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came in and what was done: the requests and the cmdlets of all simulated hosts, for tests to compare with."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import deque
from typing import Any

from tests.lab.cmdlets.calls import Call

REQUESTS = 2000
CALLS = 20000


class Log:
    """The last requests and cmdlet calls; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS)
        self._calls: deque[Call] = deque(maxlen=CALLS)

    def request(self, host: str, user: str, verb: str, message_id: str, cmdlets: list[str]) -> None:
        """Keep a request. :param cmdlets: grows by what the request makes the server call."""
        kept = {
            "at": time.time(),
            "host": host,
            "user": user,
            "verb": verb,
            "message_id": message_id,
            "cmdlets": cmdlets,
        }
        with self._lock:
            self._requests.append(kept)

    def call(self, call: Call) -> None:
        """Keep a cmdlet's call, which tells by itself how it goes on."""
        with self._lock:
            self._calls.append(call)

    def requests(self, limit: int | None = None) -> dict[str, Any]:
        """C({"requests": [{"at", "host", "user", "verb", "message_id", "cmdlets"}]}), the newest last; at is Unix time."""
        with self._lock:
            kept = list(self._requests)
        chosen = kept if limit is None else kept[-limit:] if limit > 0 else []
        return {"requests": [{**one, "cmdlets": list(one["cmdlets"])} for one in chosen]}

    def cmdlets(self) -> dict[str, Any]:
        """C({"cmdlets": [{"host", "user", "name", "parameters", "applied", "ended"}]}), in the order in which they began."""
        with self._lock:
            return {"cmdlets": [dataclasses.asdict(call) for call in self._calls]}

    def clear(self) -> dict[str, Any]:
        """Forget everything."""
        with self._lock:
            self._requests.clear()
            self._calls.clear()
        return {}
