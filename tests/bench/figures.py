# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as a benchmark shows them: the median, and from where to where they went."""

from __future__ import annotations

import statistics
from typing import Any, Mapping, Sequence


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """The median of some times and their extremes, in milliseconds."""
    return {
        "milliseconds": round(statistics.median(seconds) * 1000, 1),
        "milliseconds_least": round(min(seconds) * 1000, 1),
        "milliseconds_most": round(max(seconds) * 1000, 1),
    }


def span(row: Mapping[str, Any]) -> str:
    """The extremes of L(spread), for a table."""
    return "%(milliseconds_least).1f .. %(milliseconds_most).1f" % row
