# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LDIF (RFC 2849): one object to text and back, byte for byte. Private to this collection."""

from __future__ import annotations

import base64
import re

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry

_SAFE = re.compile(rb"[\x21-\x39\x3b\x3d-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?\Z")
_WIDTH = 76


def write_ldif(entry: Entry) -> str:
    """Return the object as an LDIF content record."""
    lines = ["version: 1", _line("dn", entry.dn.encode("utf-8"))]
    lines += [_line(name, value) for name, values in entry.attributes.items() for value in values]
    return "\n".join(lines) + "\n"


def read_ldif(text: str) -> Entry:
    """Return the one object of an LDIF content record.

    :raises ValueError: the text is not one.
    """
    dn = None
    attributes: dict[str, list[bytes]] = {}
    for line in text.replace("\n ", "").splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError("%r is not a line of LDIF" % line[:60])
        raw = (
            base64.b64decode(value[1:].strip(), validate=True)
            if value.startswith(":")
            else value.strip(" ").encode("ascii")
        )
        if name == "dn":
            dn = raw.decode("utf-8")
        elif name != "version":
            attributes.setdefault(name, []).append(raw)
    if dn is None:
        raise ValueError("there is no dn line")
    return Entry(dn, attributes)


def _line(name: str, value: bytes) -> str:
    plain = not value or _SAFE.match(value)
    text = (
        "%s: %s" % (name, value.decode("ascii"))
        if plain
        else "%s:: %s" % (name, base64.b64encode(value).decode("ascii"))
    )
    return "\n ".join(
        [text[:_WIDTH]] + [text[start : start + _WIDTH - 1] for start in range(_WIDTH, len(text), _WIDTH - 1)]
    )
