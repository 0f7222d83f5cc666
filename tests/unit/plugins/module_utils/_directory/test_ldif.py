# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LDIF: what was written reads back byte for byte, and is what RFC 2849 says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.ldif import read_ldif, write_ldif
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry

NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,40}", fullmatch=True).filter(
    lambda name: name.lower() not in ("dn", "version")
)
VALUES = st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: text.encode("utf-8")))
ATTRIBUTES = st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=4), max_size=6)


@given(st.text(min_size=1), ATTRIBUTES)
def test_round_trip(dn, attributes):
    entry = Entry(dn, attributes)
    back = read_ldif(write_ldif(entry))
    assert back.dn == entry.dn
    assert back.attributes == entry.attributes


@given(st.text(min_size=1), ATTRIBUTES)
def test_lines_are_short_printable_ascii(dn, attributes):
    text = write_ldif(Entry(dn, attributes))
    assert re.fullmatch(r"(?:[\x20-\x7e]{1,76}\n)+", text)


@pytest.mark.parametrize(
    "value", [b" leading", b"trailing ", b":colon", b"<less", b"", b"two\nlines", "größe".encode(), b"x" * 500]
)
def test_awkward_values(value):
    assert read_ldif(write_ldif(Entry("CN=x", {"description": [value]}))).values("description") == (value,)


@pytest.mark.parametrize("text", ["version: 1\ndescription: x\n", "dn: CN=x\nnonsense\n", "dn: CN=x\na:: %%%\n", ""])
def test_what_is_no_ldif_is_refused(text):
    with pytest.raises(ValueError):
        read_ldif(text)
