# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports: what is not understood is never taken for clean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reports import Report, judged, parse_report
from tests.lab.chat_report import render

ROWS = [("Information", "12 rooms"), ("Warning", "invitations <off> & on"), ("Error", "too long")]
GERMAN = {"information": ["Information"], "warning": ["Warnung"], "error": ["Fehler"]}


@pytest.mark.parametrize("style", ["table", "list"])
def test_rows_are_found_in_tables_and_lists(style: str) -> None:
    report = parse_report(render("Import", ROWS, style))
    assert (report.rows, len(report.warnings), len(report.errors), report.unknown) == (3, 1, 1, ())
    assert "invitations <off> & on" in report.warnings[0]


def test_another_language_is_unknown_until_its_words_are_given() -> None:
    html = render("Import", ROWS, "german")
    assert len(parse_report(html).unknown) == 2
    assert len(parse_report(html).objections(["Warnung", "Fehler"])) == 2
    report = parse_report(html, GERMAN)
    assert (len(report.warnings), len(report.errors), report.unknown) == (1, 1, ())


@pytest.mark.parametrize(
    "html",
    [
        "",
        "Error",
        "<p>Everything is fine</p>",
        "<table></table>",
        "<table><tr><td>OK</td><td>12 rooms</td></tr></table>",
        "<table><tr><th>Information</th></tr></table>",
        "</table></td>",
        "<tr><td>Information</td></tr>",
    ],
)
def test_what_has_no_known_status_is_unreadable(html: str) -> None:
    assert parse_report(html) is None
    with pytest.raises(PersistentChatError, match="report_statuses"):
        judged(html, "C:\\x.html", "import", None)


def test_a_report_that_is_missing_is_unreadable() -> None:
    with pytest.raises(PersistentChatError, match="is not there"):
        judged(None, "C:\\x.html", "import", None)


def test_only_warnings_can_be_accepted() -> None:
    report = Report(4, ("Warning | Cafeteria",), ("Error | Cafeteria",), ("? | Cafeteria",))
    assert len(report.objections()) == 3
    assert [text.split(":")[0] for text in report.objections(["Cafeteria"])] == [
        "error",
        "status not known (name its word in report_statuses)",
    ]


rows = st.lists(st.tuples(st.sampled_from(["Information", "Warning", "Error"]), st.text(max_size=20)), min_size=1)


@given(rows, st.sampled_from(["table", "list"]))
def test_no_error_and_no_warning_is_lost(content: list, style: str) -> None:
    report = parse_report(render("Import", content, style))
    kinds = [kind for kind, _text in content]
    assert report.rows == len(content)
    # a text that is itself a status word can only make a row look worse
    assert len(report.errors) >= kinds.count("Error")
    assert len(report.errors) + len(report.warnings) >= kinds.count("Error") + kinds.count("Warning")


@given(rows, st.sampled_from(["table", "list", "german"]), st.data())
def test_a_report_that_breaks_off_is_unreadable_or_whole(content: list, style: str, data: st.DataObject) -> None:
    html = render("Import", content, style)
    cut = html[: data.draw(st.integers(0, len(html)))]
    assert parse_report(cut) in (None, parse_report(html))


@given(st.text())
def test_no_text_is_an_exception(text: str) -> None:
    parse_report(text)
