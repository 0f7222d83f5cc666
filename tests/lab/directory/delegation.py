# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What svc-directory may do, as single grants that a test can take away and give again (directory.md, section 6).

Security descriptors are changed as bytes ([MS-DTYP], sections 2.4.2 to 2.4.6), so that Samba's builder and a test over
LDAP do the same, each with the library that it has.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.lab import settings
from tests.lab.directory.fixtures import group_dn

if TYPE_CHECKING:  # the builder's Python need not have it
    import ldap3

USER_CLASS = "bf967aba-0de6-11d0-a285-00aa003049e2"
MEMBER = "bf9679c0-0de6-11d0-a285-00aa003049e2"
REANIMATE_TOMBSTONES = "45ec5156-db7e-47bb-b53f-dbeb2d03c40f"
DELETED_OBJECTS_DN = "CN=Deleted Objects," + settings.BASE_DN
# After "dsacls ... /takeownership", without which nobody but the system may change who sees it.
DELETED_OBJECTS_OWNED = "O:DAG:DAD:PAI(A;;RPWPCCDCLCRCWOWDSDSW;;;SY)(A;;RPLC;;;BA)"
SHOW_DELETED = ("1.2.840.113556.1.4.417", True, None)
ONLY_THE_DACL = ("1.2.840.113556.1.4.801", True, b"\x30\x03\x02\x01\x04")

TYPES = {"A": 0, "OA": 5}
FLAGS = {"CI": 2, "IO": 8}
RIGHTS = {"CC": 1, "DC": 2, "LC": 4, "RP": 0x10, "WP": 0x20, "CR": 0x100}


@dataclass(frozen=True)
class Grant:
    """One right of svc-directory on one object.

    :param name: what it allows; the same for several objects.
    :param ace: the entry in SDDL with C({sid}) for the account.
    """

    name: str
    dn: str
    ace: str

    def sddl(self, sid: str) -> str:
        """The entry with the account's SID in it."""
        return self.ace.format(sid=sid)


ACCOUNT_OUS = (settings.LEGACY_OU_DN, settings.LOOKUP_OU_DN)
ACCOUNT_GROUPS = sorted(
    {group for account in settings.ACCOUNTS if account.parent in ACCOUNT_OUS for group in account.groups}
)
GRANTS = (
    *(Grant("delete users", dn, "(OA;;DC;%s;;{sid})" % USER_CLASS) for dn in ACCOUNT_OUS),
    *(Grant("create users", dn, "(OA;;CC;%s;;{sid})" % USER_CLASS) for dn in ACCOUNT_OUS),
    *(Grant("write users", dn, "(OA;CIIO;RPWP;;%s;{sid})" % USER_CLASS) for dn in ACCOUNT_OUS),
    Grant("reanimate", settings.BASE_DN, "(OA;;CR;%s;;{sid})" % REANIMATE_TOMBSTONES),
    Grant("list deleted", DELETED_OBJECTS_DN, "(A;;RPLC;;;{sid})"),
    *(Grant("write members", group_dn(group), "(OA;;RPWP;%s;;{sid})" % MEMBER) for group in ACCOUNT_GROUPS),
)


def _pairs(letters: str, values: dict[str, int]) -> int:
    return sum(values[letters[at : at + 2]] for at in range(0, len(letters), 2))


def _sid_bytes(sid: str) -> bytes:
    authority, *parts = (int(part) for part in sid.split("-")[2:])
    return bytes([1, len(parts)]) + authority.to_bytes(6, "big") + struct.pack("<%dI" % len(parts), *parts)


def ace_bytes(sddl: str) -> bytes:
    """An entry of an access control list from its SDDL, with a SID that is written out.

    :raises KeyError: a type, flag or right that no grant here has.
    """
    kind, flags, rights, object_type, inherited_type, sid = sddl.strip("()").split(";")
    body = struct.pack("<I", _pairs(rights, RIGHTS))
    if TYPES[kind] == TYPES["OA"]:
        guids = [uuid.UUID(text).bytes_le if text else b"" for text in (object_type, inherited_type)]
        body += struct.pack("<I", bool(guids[0]) | bool(guids[1]) << 1) + b"".join(guids)
    body += _sid_bytes(sid)
    return struct.pack("<BBH", TYPES[kind], _pairs(flags, FLAGS), 4 + len(body)) + body


def _entries(descriptor: bytes) -> list[bytes]:
    """The entries of a self-relative security descriptor's DACL."""
    (start,) = struct.unpack_from("<I", descriptor, 16)
    (count,) = struct.unpack_from("<H", descriptor, start + 4)
    entries, at = [], start + 8
    for _number in range(count):
        (size,) = struct.unpack_from("<H", descriptor, at + 2)
        entries.append(descriptor[at : at + size])
        at += size
    return entries


def changed(descriptor: bytes, sddl: str, present: bool) -> bytes:
    """A descriptor of the same DACL with an entry, or without it; for use with the control for the DACL only.

    :raises LookupError: the entry that is to go is not there: a test that takes it away would prove nothing.
    """
    ace, entries = ace_bytes(sddl), _entries(descriptor)
    if not present and ace not in entries:
        raise LookupError("the object has no entry %s" % sddl)
    kept = [entry for entry in entries if entry != ace]
    entries = [ace, *kept] if present else kept
    (start,) = struct.unpack_from("<I", descriptor, 16)
    size = 8 + sum(map(len, entries))
    acl = struct.pack("<BBHHH", descriptor[start], 0, size, len(entries), 0) + b"".join(entries)
    control = struct.unpack_from("<H", descriptor, 2)
    return struct.pack("<BBHIIII", 1, 0, *control, 0, 0, 0, 20) + acl


def _put(connection: ldap3.Connection, grant: Grant, present: bool) -> None:
    connection.search(settings.BASE_DN, "(sAMAccountName=%s)" % settings.DIRECTORY_SERVICE, attributes=["objectSid"])
    sid = sid_text(_value(connection, "objectSid"))
    controls = [SHOW_DELETED, ONLY_THE_DACL]
    connection.search(grant.dn, "(objectClass=*)", "BASE", attributes=["nTSecurityDescriptor"], controls=controls)
    descriptor = changed(_value(connection, "nTSecurityDescriptor"), grant.sddl(sid), present)
    connection.modify(grant.dn, {"nTSecurityDescriptor": [("MODIFY_REPLACE", [descriptor])]}, controls=controls)


def _value(connection: ldap3.Connection, attribute: str) -> bytes:
    (entry,) = [item for item in connection.response if item["type"] == "searchResEntry"]
    return entry["raw_attributes"][attribute][0]


def sid_text(sid: bytes) -> str:
    """A SID as text, from its bytes."""
    parts = struct.unpack_from("<%dI" % sid[1], sid, 8)
    return "-".join(["S-1", str(int.from_bytes(sid[2:8], "big")), *map(str, parts)])


def take(connection: ldap3.Connection, name: str) -> None:
    """Take the grants of this name away from svc-directory in the running directory, until it is restored or given().

    :param connection: an administrator's, with C(raise_exceptions=True).
    :raises LookupError: there is none of this name, or svc-directory does not have it.
    """
    for grant in named(name):
        _put(connection, grant, present=False)


def give(connection: ldap3.Connection, name: str) -> None:
    """Give the grants of this name to svc-directory (again); as C(take)."""
    for grant in named(name):
        _put(connection, grant, present=True)


def named(name: str) -> list[Grant]:
    """The grants of a name, one for each object. :raises LookupError: there is none."""
    found = [grant for grant in GRANTS if grant.name == name]
    if not found:
        raise LookupError("no grant %r; there are %s" % (name, sorted({grant.name for grant in GRANTS})))
    return found
