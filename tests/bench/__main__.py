# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection costs: python -m tests.bench [--repeats N] [--compare] [--json FILE]

It runs inside a lab (`make bench` starts one). Times are of this machine in this run; compare them with one another only.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.bench import directory, remoting
from tests.lab.client import LabClient


def main() -> int:
    """Measure everything, print tables, and write the numbers as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=7, help="measurements of each kind; the medians are shown")
    parser.add_argument("--compare", action="store_true", help="also with what tests/setup/bench-peers installed")
    parser.add_argument("--json", type=Path, help="a file for the numbers")
    given = parser.parse_args()
    lab = LabClient()
    numbers = {
        "repeats": given.repeats,
        "remoting": remoting.run(lab, given.repeats),
        "directory": directory.run(lab, given.repeats, given.compare),
    }
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(numbers, indent=2), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
