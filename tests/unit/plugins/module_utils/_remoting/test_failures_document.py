# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/dev/failures.md shows the table as it is."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.failures import STAGES, TABLE

DOCUMENT = Path(__file__).parents[5] / "docs" / "dev" / "failures.md"


def shown():
    """The table in Markdown."""
    lines = ["| code | %s | what is said |" % " | ".join(STAGES), "| --- " * (len(STAGES) + 2) + "|"]
    for row in TABLE:
        text = re.sub(r"(?<!\{)\{(\w+)\}(?!\})", r"*\1*", row.text).replace("{{", "{").replace("}}", "}")
        kinds = [kind.replace("_", " ") for kind in row.kinds]
        lines.append("| `%s` | %s | %s |" % (row.code, " | ".join(kinds), text))
    return lines


def test_the_document_has_the_table():
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert table == shown(), "docs/dev/failures.md must have:\n" + "\n".join(shown())
