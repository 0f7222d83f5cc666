# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the HTML reports of export and import say. Private to this collection.

The format is an ASSUMPTION (domain.md, section 8, question 6). So the reader looks for rows of tables and entries of lists
that have one of the known status words as a cell or as a class, and takes nothing for clean that it does not understand.
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
    :param warnings: the text of each row with a warning.
    :param errors: the text of each row with an error.
    :param unknown: the text of each row beside these whose status is not known.
    """

    rows: int
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """The report as a module returns it."""
        return {
            "rows": self.rows,
            "warnings": list(self.warnings),
            "errors": list(self.errors),
            "unknown": list(self.unknown),
        }

    def faults(self) -> list[str]:
        """The errors, and what may be one."""
        unknown = ["status not known (name its word in report_statuses): " + text for text in self.unknown]
        return ["error: " + text for text in self.errors] + unknown

    def objections(self, accepted: Sequence[str] = ()) -> list[str]:
        """The faults, and the warnings that no accepted text is part of."""
        return self.faults() + ["warning: " + w for w in self.warnings if not any(text in w for text in accepted)]


class _Row:
    """A table row or a list entry: the texts of its cells and the words of its class attributes."""

    def __init__(self) -> None:
        self.cells: list[str] = []
        self.classes: set[str] = set()

    def texts(self) -> list[str]:
        return [" ".join(cell.split()) for cell in self.cells]

    def words(self) -> set[str]:
        return self.classes | {text.lower() for text in self.texts()}


class _Rows(HTMLParser):
    """Collects the rows of each table and the entries of each list."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.groups: list[list[_Row]] = []
        self.open: list[list[_Row]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("table", "ul", "ol"):
            self.groups.append([])
            self.open.append(self.groups[-1])
            return
        if not self.open or tag not in ("tr", "td", "li"):
            self._in_cell = self._in_cell and tag != "th"
            return
        group = self.open[-1]
        if tag in ("tr", "li") or not group:
            group.append(_Row())
        group[-1].classes.update((dict(attrs).get("class") or "").lower().split())
        if tag in ("td", "li"):
            group[-1].cells.append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "tr", "th", "li"):
            self._in_cell = False
        elif tag in ("table", "ul", "ol") and self.open:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self._in_cell and self.open and self.open[-1]:
            self.open[-1][-1].cells[-1] += data


def parse_report(html: str, statuses: Mapping[str, Sequence[str]] | None = None) -> Report | None:
    """Read a report; None when it cannot be understood, which must never pass for clean.

    In a table or list that has known status words, a row without one is of unknown status and must not be overlooked.

    :param statuses: the words of the server's language for C(information), C(warning) and C(error).
    """
    kind_of = {
        word.strip().lower(): kind for kind, words in (statuses or DEFAULT_STATUSES).items() for word in words or ()
    }
    reader = _Rows()
    reader.feed(html)
    reader.close()
    if reader.open:
        return None
    found: dict[str, list[str]] = {kind: [] for kind in (*_WORST_FIRST, "unknown")}
    for group in reader.groups:
        rows = [row for row in group if row.cells]
        kinds = [{kind_of[word] for word in row.words() if word in kind_of} for row in rows]
        for row, known in zip(rows, kinds):
            if any(kinds):
                kind = next((kind for kind in _WORST_FIRST if kind in known), "unknown")
                found[kind].append(" | ".join(row.texts()))
    if not any(found[kind] for kind in _WORST_FIRST):
        return None
    rows_seen = sum(map(len, found.values()))
    return Report(rows_seen, tuple(found["warning"]), tuple(found["error"]), tuple(found["unknown"]))


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
