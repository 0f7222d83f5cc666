# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which access control entries protect an account from deletion."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.security_descriptor import (
    DELETE,
    deletion_denied_to,
    parse_dacl,
)

EVERYONE = bytes.fromhex("010100000000000100000000")
ALLOW, DENY, ALLOW_OBJECT, DENY_OBJECT = 0, 1, 5, 6
INHERIT_ONLY = 0x8


def ace(kind, mask=DELETE, flags=0, sid=EVERYONE, object_types=0):
    body = struct.pack("<I", mask)
    if kind in (ALLOW_OBJECT, DENY_OBJECT):
        body += struct.pack("<I", (1 << object_types) - 1) + bytes(16) * object_types
    body += sid
    return struct.pack("<BBH", kind, flags, 4 + len(body)) + body


def descriptor(*entries):
    acl = b"".join(entries)
    return (
        struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20)
        + struct.pack("<BBHHH", 4, 0, 8 + len(acl), len(entries), 0)
        + acl
    )


@pytest.mark.parametrize(
    "entries, denied",
    [
        ([ace(ALLOW), ace(DENY, 0x10040)], ["S-1-1-0"]),  # what "Protect object from accidental deletion" sets
        ([ace(ALLOW_OBJECT, object_types=2), ace(DENY_OBJECT, object_types=1), ace(DENY)], ["S-1-1-0", "S-1-1-0"]),
        ([ace(DENY, 0x40)], []),  # DeleteTree alone
        ([ace(ALLOW)], []),
        ([ace(DENY, flags=INHERIT_ONLY)], []),  # is for children only
        ([], []),
    ],
)
def test_protection(entries, denied):
    assert deletion_denied_to(descriptor(*entries)) == denied


def test_entries_of_every_length_are_read():
    entries = [
        ace(ALLOW),
        ace(ALLOW_OBJECT, object_types=0),
        ace(ALLOW_OBJECT, object_types=1),
        ace(ALLOW_OBJECT, object_types=2),
    ]
    assert [entry.sid for entry in parse_dacl(descriptor(*entries))] == ["S-1-1-0"] * 4


def test_no_dacl_denies_nothing():
    assert parse_dacl(struct.pack("<BBHIIII", 1, 0, 0x8000, 0, 0, 0, 0)) == []


@given(st.integers(0, 19 + 8 + 20))
def test_a_cut_off_descriptor_is_an_error_and_not_an_unprotected_account(length):
    with pytest.raises(ValueError):
        parse_dacl(descriptor(ace(DENY))[:length])


@given(st.binary())
def test_any_bytes_are_entries_or_a_value_error(raw):
    try:
        parse_dacl(raw)
    except ValueError:
        pass
