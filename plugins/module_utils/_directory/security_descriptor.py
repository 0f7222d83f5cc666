# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security descriptors: only what tells whether an object is protected from deletion. Private to this collection.

Layout: MS-DTYP, sections 2.4.4 to 2.4.6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import sid_text

DENY = 1
_DENY_OBJECT = 6
_OBJECT_TYPES = (5, 6, 7, 8)
DELETE = 0x10000
_INHERIT_ONLY = 0x8


@dataclass(frozen=True)
class Ace:
    """One entry of an access control list: type and flags as numbers, the access mask and whom it is about."""

    kind: int
    flags: int
    mask: int
    sid: str


def parse_dacl(raw: bytes) -> list[Ace]:
    """Return the entries of a self-relative security descriptor's DACL; none when it has no DACL.

    :raises ValueError: the bytes are no security descriptor.
    """
    try:
        offset = struct.unpack_from("<I", raw, 16)[0]
        if not offset:
            return []
        count = struct.unpack_from("<H", raw, offset + 4)[0]
        entries = []
        position = offset + 8
        for _index in range(count):
            kind, flags, size, mask = struct.unpack_from("<BBHI", raw, position)
            trustee = position + 8
            if kind in _OBJECT_TYPES:
                present = struct.unpack_from("<I", raw, trustee)[0]
                trustee += 4 + 16 * (present & 1) + 16 * ((present & 2) >> 1)
            end = position + size
            if size < 8 or end > len(raw) or trustee + 8 > end or trustee + 8 + 4 * raw[trustee + 1] > end:
                raise ValueError("an entry of the access control list is cut off")
            entries.append(Ace(kind, flags, mask, sid_text(raw[trustee:end])))
            position = end
        return entries
    except (struct.error, IndexError) as error:
        raise ValueError("the security descriptor is cut off") from error


def deletion_denied_to(raw: bytes) -> list[str]:
    """Return the SIDs to which the object itself denies its deletion.

    "Protect object from accidental deletion" denies it to Everyone, C(S-1-1-0). The server does not look at this entry when the
    caller may delete children of the parent (directory.md, section 6), so a module must.

    :raises ValueError: the bytes are no security descriptor.
    """
    return [
        ace.sid
        for ace in parse_dacl(raw)
        if ace.kind in (DENY, _DENY_OBJECT) and ace.mask & DELETE and not ace.flags & _INHERIT_ONLY
    ]
