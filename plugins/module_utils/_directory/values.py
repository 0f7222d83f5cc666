# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of Active Directory: GUIDs, SIDs, numbers and times, filters, and one object as it was read. Private to this collection.

Everything is converted here from the bytes on the wire, so no client library's idea of a schema is relied on.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta, timezone
from typing import Iterator, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput

_PLAIN_IN_FILTER = re.compile(rb"[A-Za-z0-9@._-]")
_SID = re.compile(r"S-1-\d{1,15}(-\d{1,10}){1,15}\Z", re.ASCII)
_RDN = re.compile(r"(?:\\.|[^\\,])+", re.DOTALL)
_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=timezone.utc)
_NEVER = 0x7FFFFFFFFFFFFFFF


def guid_text(raw: bytes) -> str:
    """The usual text of an objectGUID's 16 bytes."""
    return str(uuid.UUID(bytes_le=raw))


def sid_text(raw: bytes) -> str:
    """The usual text of a security identifier, such as C(S-1-5-21-1-2-3-1104) (MS-DTYP, section 2.4.2)."""
    authority = int.from_bytes(raw[2:8], "big")
    parts = [int.from_bytes(raw[8 + 4 * index : 12 + 4 * index], "little") for index in range(raw[1])]
    return "-".join(["S-%d-%d" % (raw[0], authority)] + [str(part) for part in parts])


def guid_dn(guid: str) -> str:
    """The distinguished name that finds an object by its GUID wherever it was moved (directory.md, section 5.2)."""
    return "<GUID=%s>" % guid


def rdns(dn: str) -> list[str]:
    """The parts of a distinguished name as they are spelled, the object's own first: split at each comma that is not escaped (RFC 4514)."""
    return _RDN.findall(dn)


def parse_guid(text: str) -> str:
    """A GUID in the spelling of L(guid_text).

    :raises InvalidInput: it is none.
    """
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError as error:
        raise InvalidInput(
            "object_guid is %r, which is not a GUID such as 3f1c0c5e-6f0e-4b1e-9d55-0f4cf1b3ad11." % text
        ) from error


def parse_sid(text: str) -> str:
    """A security identifier in upper case.

    :raises InvalidInput: it is none.
    """
    if not _SID.match(text.strip().upper()):
        raise InvalidInput("object_sid is %r, which is not a security identifier such as S-1-5-21-1-2-3-1104." % text)
    return text.strip().upper()


def escape_filter(value: str) -> str:
    """A value for an LDAP filter: every byte but a few harmless ones is written as a backslash and two hex digits.

    That is more than the five characters of RFC 4515, so no parser's idea of what else might be special matters.
    """
    return "".join(
        chr(byte) if _PLAIN_IN_FILTER.match(bytes([byte])) else "\\%02x" % byte for byte in value.encode("utf-8")
    )


def filetime(number: int) -> datetime | None:
    """The time that a Windows FILETIME (100 ns since 1601) means; None for the two values that mean never."""
    if number <= 0 or number >= _NEVER:
        return None
    return _FILETIME_EPOCH + timedelta(microseconds=number // 10)


def generalized_time(text: str) -> datetime:
    """The time that an LDAP generalized time such as C(20260101120000.0Z) means."""
    return datetime.strptime(text.split(".")[0].rstrip("Z"), "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)


class Entry:
    """One directory object as it was read: its distinguished name and raw attribute values.

    Attribute names compare without regard to case. An attribute that was not returned has no values.
    """

    def __init__(self, dn: str, attributes: Mapping[str, Sequence[bytes]]) -> None:
        self.dn = dn
        self.attributes = {name: tuple(values) for name, values in attributes.items() if values}
        self._names = {name.lower(): name for name in self.attributes}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self.attributes)

    def values(self, name: str) -> tuple[bytes, ...]:
        """The values as they came over the wire."""
        return self.attributes.get(self._names.get(name.lower(), ""), ())

    def texts(self, name: str) -> list[str]:
        """The values of a text attribute."""
        return [value.decode("utf-8", "replace") for value in self.values(name)]

    def text(self, name: str) -> str | None:
        """The first value of a text attribute."""
        return next(iter(self.texts(name)), None)

    def integer(self, name: str) -> int:
        """The value of an integer attribute; 0 where there is none."""
        return int(self.text(name) or 0)

    def boolean(self, name: str) -> bool:
        """The value of a boolean attribute; False where there is none."""
        return (self.text(name) or "").upper() == "TRUE"

    @property
    def guid(self) -> str:
        return guid_text(self.values("objectGUID")[0])

    @property
    def sid(self) -> str | None:
        return next((sid_text(value) for value in self.values("objectSid")), None)

    @property
    def object_class(self) -> str:
        """The most specific structural class: Active Directory lists classes from top downwards."""
        return (self.texts("objectClass") or [""])[-1]

    @property
    def enabled(self) -> bool | None:
        """Whether the account is enabled; None for an object that is no account."""
        if "userAccountControl" not in self:
            return None
        return not self.integer("userAccountControl") & ACCOUNTDISABLE


#: bits of userAccountControl (MS-ADTS, section 2.2.16)
ACCOUNTDISABLE = 0x2
TRUST_ACCOUNTS = 0x800 | 0x1000 | 0x2000
