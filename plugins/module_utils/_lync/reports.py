# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the HTML reports of export and import say. Private to this collection.

The format is an ASSUMPTION (domain.md, section 8, question 6). So the reader looks for table rows with a cell that is one of
the known status words, wherever that cell is, and takes nothing for clean that it does not understand.
"""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError

DEFAULT_STATUSES: Mapping[str, Sequence[str]] = {
    "information": ("Information", "Info", "Success"),
    "warning": ("Warning",),
    "error": ("Error",),
}
_WORST_FIRST = ("error", "warning", "information")


@dataclass(frozen=True)
class Report:
    """What a report says.

    :param rows: how many rows have a status.
    :param warnings: the text of each row with a warning, and of each row whose status is unknown.
    :param errors: the text of each row with an error.
    """

    rows: int
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """The report as a module returns it."""
        return {"rows": self.rows, "warnings": list(self.warnings), "errors": list(self.errors)}

    def objections(self, accepted: Sequence[str] = ()) -> list[str]:
        """The errors, and the warnings that no accepted text is part of."""
        open_warnings = [w for w in self.warnings if not any(text in w for text in accepted)]
        return ["error: " + text for text in self.errors] + ["warning: " + text for text in open_warnings]


class _Tables(HTMLParser):
    """Collects the rows of all tables: for each table, for each row, the texts of its td cells."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self.open: list[int] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
            self.open.append(len(self.tables) - 1)
        elif tag == "tr" and self.open:
            self.tables[self.open[-1]].append([])
        elif tag == "td" and self.open:
            rows = self.tables[self.open[-1]]
            if not rows:
                rows.append([])
            rows[-1].append("")
            self._in_cell = True
        elif tag == "th":
            self._in_cell = False

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "tr", "th"):
            self._in_cell = False
        elif tag == "table" and self.open:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self._in_cell and self.open:
            row = self.tables[self.open[-1]][-1]
            row[-1] = " ".join((row[-1] + data).split())


def parse_report(html: str, statuses: Mapping[str, Sequence[str]] | None = None) -> Report | None:
    """Read a report; None when it cannot be understood, which must never pass for clean.

    In a table that has known status words, a row without one counts as a warning: the operator can accept it, nobody
    overlooks it.

    :param statuses: the words of the server's language for C(information), C(warning) and C(error).
    """
    kind_of = {
        word.strip().lower(): kind for kind, words in (statuses or DEFAULT_STATUSES).items() for word in words or ()
    }
    reader = _Tables()
    reader.feed(html)
    reader.close()
    if reader.open:
        return None
    found: dict[str, list[str]] = {"information": [], "warning": [], "error": []}
    for rows in reader.tables:
        kinds = [{kind_of[cell.lower()] for cell in row if cell.lower() in kind_of} for row in rows]
        for row, known in zip(rows, kinds):
            if row and any(kinds):
                found[next((kind for kind in _WORST_FIRST if kind in known), "warning")].append(" | ".join(row))
    count = sum(map(len, found.values()))
    return Report(count, tuple(found["warning"]), tuple(found["error"])) if count else None


def judged(text: str | None, path: str, what: str, statuses: Mapping[str, Sequence[str]] | None) -> Report:
    """The report that C(text) holds.

    :param what: what it is the report of, for the message.
    :raises PersistentChatError: there is no report or it cannot be understood.
    """
    report = None if text is None else parse_report(text, statuses)
    if report is None:
        raise PersistentChatError(
            "The report of the %s, %s, %s, so nobody knows whether the %s was clean. Read it on the server; if its status "
            "words are in another language, give them in report_statuses."
            % (
                what,
                path,
                "is not there" if text is None else "has no rows with a status that is known, or breaks off",
                what,
            ),
            "report_unreadable",
            report=path,
        )
    return report
