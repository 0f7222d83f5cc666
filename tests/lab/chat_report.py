# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report of export and import. Nobody has described its form (domain.md, section 8, question 6): it is a switch."""

from __future__ import annotations

import html

#: a row: its kind and its text
Row = tuple[str, str]
_GERMAN = {"Information": "Information", "Warning": "Warnung", "Error": "Fehler"}


def render(title: str, rows: list[Row], style: str) -> str:
    """The report as HTML.

    :param rows: kinds are Information, Warning and Error.
    :param style: ``table`` (a row each, the kind in a cell), ``list`` (the kind as a class) or ``german`` (a German table).
    """
    if style == "list":
        items = ['<li class="%s">%s</li>' % (kind.lower(), html.escape(text)) for kind, text in rows]
        body = "<ul>\n%s\n</ul>" % "\n".join(items)
    else:
        words = _GERMAN if style == "german" else {kind: kind for kind in _GERMAN}
        head = ("Typ", "Meldung") if style == "german" else ("Status", "Message")
        cells = ["<tr><td>%s</td><td>%s</td></tr>" % (words[kind], html.escape(text)) for kind, text in rows]
        body = "<table>\n<tr><th>%s</th><th>%s</th></tr>\n%s\n</table>" % (*head, "\n".join(cells))
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>%s</title></head><body>\n<h1>%s</h1>\n%s\n</body></html>\n'
        % (
            html.escape(title),
            html.escape(title),
            body,
        )
    )
