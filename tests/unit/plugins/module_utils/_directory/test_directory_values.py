# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No input changes the meaning of a filter, and values of Active Directory read as Windows shows them."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ldap3.operation import search

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import Identifiers
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import (
    Entry,
    escape_filter,
    filetime,
    generalized_time,
    guid_text,
    sid_text,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput

OPERATORS = ["~=", ":=", ">=", "<=", "=", "*", "(", ")", "\\", "\x00", "&", "|", "!", " ", "ä", "x", ":dn:="]


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(OPERATORS)).map("".join)))
def test_a_value_stays_one_equality_match_of_exactly_its_bytes(value):
    """What ldap3 sends for (a=<value>) is an equality match of attribute a with the value, whatever the value is."""
    parsed = search.parse_filter("(&(a=%s)(b=c))" % escape_filter(value), None, False, True, None, False)
    compiled = search.compile_filter(parsed.elements[0])
    both = compiled["and"]
    assert len(both) == 2
    match = both[0]["equalityMatch"]
    assert (str(match["attributeDesc"]), bytes(match["assertionValue"])) == ("a", value.encode("utf-8"))


@settings(deadline=None)
@given(st.uuids())
def test_a_guid_reads_as_its_text(guid):
    assert guid_text(guid.bytes_le) == str(guid)


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=15))
def test_a_sid_reads_as_its_text(parts):
    raw = bytes([1, len(parts)]) + (5).to_bytes(6, "big") + b"".join(part.to_bytes(4, "little") for part in parts)
    text = sid_text(raw)
    assert text == "S-1-5-" + "-".join(map(str, parts))
    assert Identifiers.from_params({"object_sid": text}).object_sid == text


def test_times():
    assert filetime(0) is None and filetime(0x7FFFFFFFFFFFFFFF) is None
    assert filetime(132539328000000000).isoformat() == "2021-01-01T00:00:00+00:00"
    assert generalized_time("20261122170340.0Z").isoformat() == "2026-11-22T17:03:40+00:00"


def test_an_entry_knows_its_attributes_by_any_case_and_misses_none():
    entry = Entry("CN=x", {"objectGUID": [uuid.UUID(int=1).bytes_le], "objectClass": [b"top", b"user"], "empty": []})
    assert entry.guid == str(uuid.UUID(int=1))
    assert entry.values("OBJECTCLASS") == (b"top", b"user") and "objectclass" in entry
    assert entry.object_class == "user" and entry.sid is None and entry.enabled is None
    assert "empty" not in entry and entry.text("mail") is None and entry.integer("mail") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"object_guid": "not-a-guid"},
        {"object_sid": "S-1-5-"},
        {"object_sid": "S-1-5-21-٣"},
        {"distinguished_name": "<GUID=00000000-0000-0000-0000-000000000000>"},
        {"distinguished_name": "ocschat"},
        {"distinguished_name": "CN=a\x00,DC=contoso,DC=com"},
        {"sam_account_name": "ocs\nchat"},
    ],
)
def test_an_identifier_that_is_none_is_refused_by_its_name(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        Identifiers.from_params(wrong)
