# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests each simulated host got, by action: what the benchmarks and tests count."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any


class Counters:
    """Thread-safe counts of requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {}

    def count(self, host: str, action: str) -> None:
        """Add one request: C(action) is the WS-Man verb, or C(authentication) for one that carried no envelope."""
        with self._lock:
            self._counts.setdefault(host, Counter())[action] += 1

    def reset(self) -> None:
        """Start again from zero."""
        with self._lock:
            self._counts.clear()

    def snapshot(self) -> dict[str, Any]:
        """C({"requests": n, "by_host": {host: {action: n}}}); authentication is not among the n requests."""
        with self._lock:
            by_host = {host: dict(actions) for host, actions in self._counts.items()}
        total = sum(n for actions in by_host.values() for action, n in actions.items() if action != "authentication")
        return {"requests": total, "by_host": by_host}
