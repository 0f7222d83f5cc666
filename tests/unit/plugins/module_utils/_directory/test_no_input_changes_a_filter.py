# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that a user can give changes what a search asks for, or what a write is done to.

The module itself runs here against a directory in memory. Each search is looked at as it leaves: its filter is read by a
strict parser of RFC 4515 and, from the bytes of the request, by a reader of BER, and both must mean the same. Then the same run
with harmless values must have sent the same filters, but for the values.
"""

from __future__ import annotations

import re
import tempfile
import uuid
from unittest import mock

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from ldap3.operation.search import search_operation
from ldap3.utils.asn1 import encode

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup as backups
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import wellknown_user
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.client import Client
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.domain_controllers import (
    find_domain_controllers,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import find_holders
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.options import directory_options
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry, rdns, sid_text
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

BASE = "DC=contoso,DC=com"
CONFIGURATION = "CN=Configuration," + BASE
SCHEMA = "CN=Schema," + CONFIGURATION
DC = "dc1.contoso.com"
SHOW_DELETED = "1.2.840.113556.1.4.417"
GUID = uuid.UUID("3f1c0c5e-6f0e-4b1e-9d55-0f4cf1b3ad11")
SID = bytes([1, 2]) + (5).to_bytes(6, "big") + (21).to_bytes(4, "little") + (1104).to_bytes(4, "little")
SIP_ATTRIBUTE = "msRTCSIP-PrimaryUserAddress"

# A filter as a tree: ("&" or "|", part, ...), ("!", part), ("=", attribute, bytes), ("present", attribute).
ITEM = re.compile(r"([A-Za-z][A-Za-z0-9-]*)=(\*(?=\))|(?:[^\x00()*\\]|\\[0-9A-Fa-f]{2})*)")


def parsed(text):
    """The tree of a filter, by the grammar of RFC 4515 and nothing besides; no substrings, which nobody here may ask for."""
    tree, rest = _filter(text)
    assert not rest, "%r goes on behind its end" % text
    return tree


def _filter(text):
    assert text[0] == "(", text
    if text[1] in "&|!":
        parts, rest = [], text[2:]
        while rest[0] == "(":
            part, rest = _filter(rest)
            parts.append(part)
        assert len(parts) == 1 if text[1] == "!" else parts, text
        tree = (text[1], *parts)
    else:
        match = ITEM.match(text, 1)
        assert match, text
        name, value = match.groups()
        octets = re.sub(rb"\\(..)", lambda pair: bytes.fromhex(pair[1].decode()), value.encode("utf-8"))
        tree = ("present", name) if value == "*" else ("=", name, octets)
        rest = text[match.end() :]
    assert rest[0] == ")", text
    return tree, rest[1:]


def elements(data):
    """Tag and content of each element of BER."""
    while data:
        tag, length, start = data[0], data[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
        yield tag, data[start : start + length]
        data = data[start + length :]


def decoded(tag, content):
    """The tree of a filter on the wire (RFC 4511, section 4.5.1)."""
    if tag in (0xA0, 0xA1, 0xA2):
        return ("&|!"[tag - 0xA0], *(decoded(*part) for part in elements(content)))
    if tag == 0xA3:
        (_name, name), (_value, value) = elements(content)
        return ("=", name.decode(), value)
    assert tag == 0x87, "a match of another kind: %#x" % tag
    return ("present", content.decode())


def matches(tree, entry):
    kind, *rest = tree
    if kind == "present":
        return rest[0] in entry
    if kind == "=":
        return rest[1].lower() in [value.lower() for value in entry.values(rest[0])]
    found = [matches(part, entry) for part in rest]
    return {"&": all(found), "|": any(found), "!": not found[0]}[kind]


class World:
    """A directory in memory that does what its filters mean, and keeps what it was asked."""

    def __init__(self, *entries):
        self.entries = [
            Entry(BASE, {"objectClass": [b"domainDNS"]}),
            Entry(CONFIGURATION, {"objectClass": [b"configuration"]}),
            Entry("CN=Partitions," + CONFIGURATION, {"objectClass": [b"crossRefContainer"]}),
            Entry("CN=Sites," + CONFIGURATION, {"objectClass": [b"sitesContainer"]}),
            Entry(SCHEMA, {"objectClass": [b"dMD"]}),
            Entry("CN=s," + SCHEMA, {"lDAPDisplayName": [SIP_ATTRIBUTE.encode()], "isSingleValued": [b"TRUE"]}),
            Entry("CN=d," + SCHEMA, {"lDAPDisplayName": [b"servicePrincipalName"]}),
            Entry("CN=u," + SCHEMA, {"lDAPDisplayName": [b"userPrincipalName"], "isSingleValued": [b"TRUE"]}),
            Entry("CN=Deleted Objects," + BASE, {"objectClass": [b"container"], "isDeleted": [b"TRUE"]}),
            *entries,
        ]
        self.root = Entry(
            "",
            {
                "objectClass": [b"top"],
                "currentTime": [b"20261122170340.0Z"],
                "defaultNamingContext": [BASE.encode()],
                "configurationNamingContext": [CONFIGURATION.encode()],
                "schemaNamingContext": [SCHEMA.encode()],
                "rootDomainNamingContext": [BASE.encode()],
                "namingContexts": [BASE.encode(), CONFIGURATION.encode(), SCHEMA.encode()],
                "dnsHostName": [DC.encode()],
                "isSynchronized": [b"TRUE"],
                "isGlobalCatalogReady": [b"TRUE"],
            },
        )
        self.filters = []
        self.bases = []
        self.writes = []

    def unbind(self):
        """The client closes its connection."""

    def delete(self, dn, **_named):
        self.writes.append(("delete", dn))
        self.entries = [entry for entry in self.entries if "<GUID=%s>" % _guid(entry) != dn]
        self.result = {"result": 0}

    def search(self, **arguments):
        base, scope = self._received(arguments)
        deleted = SHOW_DELETED in [control[0] for control in arguments.get("controls") or ()]
        seen = [entry for entry in self.entries if deleted or not entry.boolean("isDeleted")]
        at = [e for e in [self.root, *seen] if base.lower() in (e.dn.lower(), "<guid=%s>" % _guid(e))]
        self.result = {"result": 0 if at else 32}
        candidates = at[:1]
        if at and scope != "BASE":
            candidates = [e for e in seen if not base or e.dn.lower().endswith("," + at[0].dn.lower())]
        found = [entry for entry in candidates if matches(self.filters[-1], entry)]
        self.response = [{"type": "searchResEntry", "dn": e.dn, "raw_attributes": e.attributes} for e in found]

    def _received(self, arguments):
        """Make the request as the client library does, and keep what its bytes mean."""
        request = search_operation(
            arguments["search_base"], arguments["search_filter"], arguments["search_scope"], "NEVER", arguments["attributes"],
            0, 0, False, arguments["auto_escape"], True, None, None, False,
        )  # fmt: skip
        ((_tag, content),) = elements(encode(request))
        base, *_limits, wire, _attributes = elements(content)
        tree = decoded(*wire)
        assert tree == parsed(arguments["search_filter"])
        self.filters.append(tree)
        self.bases.append(base[1].decode("utf-8"))
        assert self.bases[-1] == arguments["search_base"]
        return arguments["search_base"], arguments["search_scope"]


def _guid(entry):
    return entry.guid if "objectGUID" in entry else None


def in_world(world, work):
    with mock.patch.object(Client, "_connect", lambda client: setattr(client, "_connection", world)):
        return work()


def params(**changes):
    values = {
        "server": [DC],
        "auth_protocol": "kerberos",
        "override": [],
        "accept_undo": "none",
        "allow_recreate": False,
    }
    return {**values, "backup": None, "replication_timeout": 0, **changes}


def person(dn, sip, name, **attributes):
    """A user as the directory has one."""
    classes = [b"top", b"person", b"organizationalPerson", b"user"]
    descriptor = bytes([1, 0, 4, 0x80]) + bytes(12) + (20).to_bytes(4, "little") + bytes([2, 0, 8, 0]) + bytes(4)
    return Entry(
        dn,
        {
            "objectClass": classes,
            "objectGUID": [GUID.bytes_le],
            "objectSid": [SID],
            "uSNChanged": [b"7"],
            "userAccountControl": [b"512"],
            "nTSecurityDescriptor": [descriptor],
            "sAMAccountName": [name.encode("utf-8")],
            SIP_ATTRIBUTE: [str(sip).encode()],
            **attributes,
        },
    )


def substituted(tree, values):
    """The tree with other values in it."""
    if tree[0] == "=":
        return (*tree[:2], values.get(tree[2], tree[2]))
    return tuple(substituted(part, values) if isinstance(part, tuple) else part for part in tree)


FRAGMENTS = [
    "*",
    "(",
    ")",
    "\\",
    ")(objectClass=*",
    "*)(|(a=b",
    "\\2a",
    "=",
    ":=",
    ":dn:=",
    "~=",
    ">=",
    "&",
    "|",
    "!",
    " ",
    ",",
    "+",
]
FRAGMENTS += ['"', "#", ";", "<GUID=", ">", "ä", "\U0001f4ac", "DC=contoso", "a"]
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20), st.lists(st.sampled_from(FRAGMENTS)).map("".join)
).map(str.strip).filter(bool)  # fmt: skip
ATOM = st.text(st.sampled_from("aZ09!#$%&'*+/=?^_`{|}~-"), min_size=1, max_size=12)
LABEL = st.from_regex(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?", fullmatch=True)
SIPS = st.builds(
    lambda prefix, user, domain: SipAddress.parse(prefix + ".".join(user) + "@" + ".".join(domain)),
    st.sampled_from(["", "sip:", "SIP:"]), st.lists(ATOM, min_size=1, max_size=3), st.lists(LABEL, min_size=2, max_size=3),
)  # fmt: skip
PLAIN = SipAddress.parse("sip:plain@contoso.com")
NO_HURRY = {"deadline": None}
# The whole module runs in each example: narrowing a failure down would take minutes.
HEAVY = {**NO_HURRY, "max_examples": 40, "phases": [Phase.explicit, Phase.reuse, Phase.generate]}


@settings(**NO_HURRY)
@given(SIPS)
def test_the_holders_of_an_address_are_those_of_exactly_this_address(sip):
    near = [str(sip).replace(character, "x", 1) for character in "*+=!&|~"] + ["sip:*@*.*", str(sip) + "x", "*"]
    others = [text for text in near if text.lower() != sip.key]
    world = World(person("CN=it," + BASE, sip, "it"))
    world.entries += [
        Entry("CN=%d,%s" % (n, BASE), {"objectGUID": [uuid.UUID(int=n).bytes_le], SIP_ATTRIBUTE: [text.encode()]})
        for n, text in enumerate(others)
    ]
    found = in_world(world, lambda: find_holders(DirectoryConnection(params()), sip))
    assert [holder.guid for holder in found] == [str(GUID)]
    value = str(sip).encode("ascii")
    asked = [tree for tree in world.filters if tree[0] == "|" and ("=", SIP_ATTRIBUTE, value) in tree]
    assert len(asked) == 3  # two naming contexts and the catalog
    assert set(asked) == {("|", ("=", SIP_ATTRIBUTE, value), ("=", "proxyAddresses", value))}


@settings(**NO_HURRY)
@given(st.one_of(TEXT, st.text(max_size=20), st.tuples(SIPS, TEXT).map(lambda both: str(both[0]) + both[1])))
def test_what_is_no_address_is_never_asked_for(text):
    world = World()
    try:
        sip = SipAddress.parse(text)
    except InvalidInput:
        return
    in_world(world, lambda: find_holders(DirectoryConnection(params()), sip))
    assert [tree[1][2] for tree in world.filters if tree[0] == "|" and tree[1][1] == SIP_ATTRIBUTE] == [
        str(sip).encode()
    ] * 3


def removal(sip, name, rdn):
    """Delete an account that is named in every way; return the directory afterwards and the name that was given."""
    dn = "CN=%s,%s" % (rdn, BASE)
    world = World(person(dn, sip, name))
    named = {"distinguished_name": dn, "sam_account_name": name, "object_guid": str(GUID), "object_sid": sid_text(SID)}
    with tempfile.TemporaryDirectory() as folder:
        given_ = params(state="absent", sip_address=str(sip), backup_dir=folder, **named)
        result = in_world(world, lambda: wellknown_user.run(given_))
    assert result["changed"] and not result["holders_after"]
    return world, dn


@settings(**HEAVY)
@given(SIPS, TEXT, TEXT)
def test_a_removal_asks_the_same_whatever_the_account_is_called(sip, name, rdn):
    harmless, plain_dn = removal(PLAIN, "plain-name", "plain")
    world, dn = removal(sip, name, rdn)
    values = {str(PLAIN).encode(): str(sip).encode(), b"plain-name": name.encode("utf-8")}
    assert world.filters == [substituted(tree, values) for tree in harmless.filters]
    assert world.bases == [{plain_dn: dn}.get(base, base) for base in harmless.bases]
    assert world.writes == [("delete", "<GUID=%s>" % GUID)]


def preview_of_a_return(sip, name, upn, attribute, group, dn="CN=was," + BASE, gone=False):
    """Plan to bring an account back from a backup with these in it; return the directory.

    :param gone: there is no deleted object any more, so it is to be created anew.
    """
    values = {"userPrincipalName": upn, "servicePrincipalName": "a/" + upn, attribute: "x", "memberOf": group}
    was = person(dn, sip, name, **{kind: [text.encode("utf-8")] for kind, text in values.items()})
    deleted = person("CN=was\\0ADEL:%s,CN=Deleted Objects,%s" % (GUID, BASE), sip, name, isDeleted=[b"TRUE"])
    world = World(Entry(",".join(rdns(dn)[1:]), {"objectClass": [b"container"]}), *([] if gone else [deleted]))
    with tempfile.TemporaryDirectory() as folder:
        backups.save(folder, sip, "absent", was, {})
        given_ = params(state="present", sip_address=str(sip), backup_dir=folder, allow_recreate=gone)
        result = in_world(world, lambda: wellknown_user.run(given_, check_mode=True))
    assert result["restored_from"] == ("backup" if gone else "tombstone")
    return world


@settings(**HEAVY)
@given(SIPS, TEXT, TEXT, st.text(st.sampled_from("aZ09-*()\\=&|!;<>. ,"), min_size=1, max_size=12), TEXT, st.booleans())
def test_a_return_asks_the_same_whatever_the_backup_says(sip, name, upn, attribute, group, gone):
    attribute = "x" + attribute.strip()
    harmless = preview_of_a_return(PLAIN, "plain-name", "plain-upn", "xplain", "plain-group", gone=gone)
    world = preview_of_a_return(sip, name, upn, attribute, group, gone=gone)
    plain = [str(PLAIN).encode(), b"plain-name", b"plain-upn", b"xplain", b"a/plain-upn"]
    values = [str(sip).encode(), *(text.encode("utf-8") for text in (name, upn, attribute, "a/" + upn))]
    assert world.filters == [substituted(tree, dict(zip(plain, values, strict=True))) for tree in harmless.filters]
    assert world.bases == harmless.bases
    asked = {value for tree in world.filters for value in asserted(tree)}
    assert asked >= set(values)  # or nothing was tested


def asserted(tree):
    """Every value of a filter."""
    return [tree[2]] if tree[0] == "=" else [value for part in tree[1:] if tree[0] in "&|!" for value in asserted(part)]


@settings(**NO_HURRY)
@given(
    st.sampled_from(["distinguished_name", "sam_account_name", "object_guid", "object_sid"]),
    TEXT, st.characters(categories=["Cc", "Cs"]), TEXT,
)  # fmt: skip
def test_control_characters_and_half_characters_are_refused_before_anything_is_asked(option, before, wrong, after):
    world = World()
    given_ = params(
        state="absent", sip_address=str(PLAIN), backup_dir="/tmp", **{option: "CN=" + before + wrong + after}
    )
    with pytest.raises(InvalidInput, match=option):
        in_world(world, lambda: wellknown_user.run(given_))
    assert not world.filters


@settings(**NO_HURRY)
@given(
    st.sampled_from(["server", "domain", "global_catalog", "verify_on", "lync_domain_controllers", "realm", "kdc"]),
    st.text() | TEXT,
)
def test_a_host_name_is_a_host_name_or_refused(option, text):
    name = {
        "server": [DC],
        "realm": "CONTOSO.COM",
        option: text if option in ("domain", "global_catalog", "realm") else [text],
    }
    try:
        checked = directory_options(params(**name))
    except InvalidInput as error:
        assert option in str(error)
        return
    for value in (
        *checked.servers,
        checked.domain,
        checked.global_catalog,
        *checked.verify_on,
        *checked.kdc,
        checked.realm,
    ):
        assert value is None or re.fullmatch(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?", value)


ESCAPED = re.compile(r'["#+,;<=>\\]')
NAMES = st.lists(st.tuples(st.sampled_from(["CN", "OU", "DC"]), TEXT), min_size=1, max_size=4)


def spelled(kind, value):
    """A relative distinguished name with everything escaped that the client library's parser wants escaped."""
    return "%s=%s" % (kind, ESCAPED.sub(r"\\\g<0>", value))


@settings(**NO_HURRY)
@given(TEXT)
def test_the_site_of_a_domain_controller_is_the_third_name_above_it(site):
    sites = "CN=Sites," + CONFIGURATION
    server = "CN=DC9,CN=Servers,%s,%s" % (spelled("CN", site), sites)
    named = Entry(server, {"objectClass": [b"server"], "dNSHostName": [b"dc9.contoso.com"]})
    world = World(named, Entry("CN=NTDS Settings," + server, {"objectClass": [b"nTDSDSA"]}))
    (found,) = in_world(world, lambda: find_domain_controllers(DirectoryConnection(params())))
    assert (found.host, "CN=" + found.site) == ("dc9.contoso.com", spelled("CN", site))


@settings(**HEAVY)
@given(NAMES, TEXT)
def test_the_parent_of_a_deleted_account_is_looked_for_by_its_own_name(above, rdn):
    parent = ",".join([spelled(*name) for name in above] + [BASE])
    world = preview_of_a_return(PLAIN, "name", "upn", "x", "group", dn=spelled("CN", rdn) + "," + parent)
    assert parent in world.bases
