# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each guard stops the account that it is there for, and no other."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import guards
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import (
    ABSENT,
    DISABLED,
    Identifiers,
    Subject,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import Holder
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
GUID = str(uuid.UUID(int=7))
SID = bytes.fromhex("010500000000000515000000010000000200000003000000") + (1104).to_bytes(4, "little")
DN = "CN=ocschat,OU=Group Chat,DC=contoso,DC=com"
EMPTY_DACL = bytes.fromhex("0100048000000000000000000000000014000000" + "0400080000000000")
DENY_DELETE = bytes.fromhex(
    "0100048000000000000000000000000014000000"
    + "04001c0001000000"
    + "01001400"
    + "40000100"
    + "010100000000000100000000"
)
ATTRIBUTES = {
    "objectGUID": [uuid.UUID(int=7).bytes_le],
    "objectSid": [SID],
    "objectClass": [b"top", b"person", b"organizationalPerson", b"user"],
    "sAMAccountName": [b"ocschat"],
    "userAccountControl": [b"512"],
    "msRTCSIP-PrimaryUserAddress": [b"sip:OCSchat@contoso.com"],
    "nTSecurityDescriptor": [EMPTY_DACL],
    "lastLogonTimestamp": [b"133000000000000000"],  # in 2022
}
HOLDER = Holder(
    GUID,
    "S-1-5-21-1-2-3-1104",
    DN,
    "user",
    "ocschat",
    "sip:ocschat@contoso.com",
    True,
    ("domain_controller", "global_catalog"),
    1,
)


def subject(**changes) -> Subject:
    attributes = dict(ATTRIBUTES, **changes.pop("attributes", {}))
    return replace(
        Subject(
            sip=SipAddress.parse("sip:ocschat@contoso.com"),
            holders=(HOLDER,),
            identifiers=Identifiers(sam_account_name="OcsChat"),
            account=Entry(DN, attributes),
            guid_of_dn=None,
            children=(),
            now=NOW,
        ),
        **changes,
    )


def filetime(moment: datetime) -> bytes:
    return b"%d" % (int((moment - datetime(1601, 1, 1, tzinfo=timezone.utc)).total_seconds()) * 10_000_000)


def classes(*names: bytes) -> dict:
    return {"attributes": {"objectClass": [b"top", b"person", b"organizationalPerson", b"user", *names]}}


STOPPED = {
    "one_holder": [
        {"holders": ()},
        {"holders": (HOLDER, replace(HOLDER, guid="other", dn="CN=two"))},
        {"holders": (replace(HOLDER, seen_in=("global_catalog",)),)},
        {"holders": (replace(HOLDER, seen_in=("domain_controller",)),)},
        {"holders": (replace(HOLDER, seen_in=("dc2.contoso.com",)),)},
    ],
    "plain_user": [
        classes(b"computer"),
        classes(b"computer", b"msDS-GroupManagedServiceAccount"),
        classes(b"computer", b"msDS-ManagedServiceAccount"),
        classes(b"inetOrgPerson"),
        {"attributes": {"objectClass": [b"top", b"person", b"organizationalPerson", b"contact"]}},
        # of class user, all the same: accounts of an interdomain trust, a workstation, a server, and no account at all
        *(
            {"attributes": {"userAccountControl": [flags]}}
            for flags in (b"2080", b"4096", b"8192", b"4608", b"2", b"0")
        ),
    ],
    "own_account": [{"own_sids": ("S-1-5-21-1-2-3-1104", "S-1-1-0")}],
    "identity": [
        {"identifiers": Identifiers()},
        {"identifiers": Identifiers(sam_account_name="ocschat2")},
        {"identifiers": Identifiers(object_guid=str(uuid.UUID(int=8)))},
        {"identifiers": Identifiers(object_sid="S-1-5-21-1-2-3-1105")},
        {"identifiers": Identifiers(distinguished_name=DN)},  # leads nowhere
        {"identifiers": Identifiers(distinguished_name=DN), "guid_of_dn": str(uuid.UUID(int=8))},
        {
            "identifiers": Identifiers(sam_account_name="ocschat", object_sid="S-1-5-21-1-2-3-1105")
        },  # one right, one wrong
    ],
    "primary_address": [
        {"attributes": {"msRTCSIP-PrimaryUserAddress": []}},
        {"attributes": {"msRTCSIP-PrimaryUserAddress": ["sip:öcschat@contoso.com".encode()]}},
    ],
    "admin_count": [{"attributes": {"adminCount": [b"1"]}}],
    "critical": [
        {"attributes": {"isCriticalSystemObject": [b"TRUE"]}},
        {"attributes": {"systemFlags": [b"-2147483648"]}},  # as it comes over the wire: a signed number
        {"attributes": {"systemFlags": [b"-1946157056"]}},
    ],
    "protected": [
        {"attributes": {"nTSecurityDescriptor": [DENY_DELETE]}},
        {"attributes": {"nTSecurityDescriptor": []}},  # not readable
        {"attributes": {"nTSecurityDescriptor": [DENY_DELETE[:-1]]}},
    ],
    "moving": [{"attributes": {"msRTCSIP-TargetHomeServer": [b"CN=LC Services,DC=contoso,DC=com"]}}],
    "children": [{"children": ("CN=child," + DN,)}],
    "mailbox": [
        {"attributes": {name: [b"1"]}}
        for name in (
            "homeMDB",
            "mail",
            "msExchMailboxGuid",
            "msExchRemoteRecipientType",
            "targetAddress",
            "mailNickname",
        )
    ],
    "enterprise_voice": [
        {"attributes": {"msRTCSIP-Line": [b"tel:+1"]}},
        {"attributes": {"msRTCSIP-OptionFlags": [b"385"]}},
    ],
    "recent_logon": [
        {"attributes": {"lastLogon": [filetime(NOW - timedelta(days=29))]}},
        {"attributes": {"lastLogonTimestamp": [filetime(NOW - timedelta(days=43))]}},  # it may lag 14 days
        {"attributes": {"lastLogon": [filetime(NOW + timedelta(days=1))]}},
    ],
}
CASES = [(name, case) for name, cases in STOPPED.items() for case in cases]


def test_the_plain_legacy_user_passes_every_guard():
    assert guards.failed_guards(subject()) == ()


@pytest.mark.parametrize("identifiers", [Identifiers(object_guid=GUID), Identifiers(object_sid="S-1-5-21-1-2-3-1104")])
def test_each_identifier_alone_is_enough(identifiers):
    assert guards.failed_guards(subject(identifiers=identifiers)) == ()


def test_a_name_that_leads_to_the_account_is_enough():
    assert guards.failed_guards(subject(identifiers=Identifiers(distinguished_name=DN), guid_of_dn=GUID)) == ()


@pytest.mark.parametrize(
    "harmless",
    [
        {"lastLogonTimestamp": [filetime(NOW - timedelta(days=45))], "lastLogon": [filetime(NOW - timedelta(days=31))]},
        {"lastLogonTimestamp": [b"0"], "lastLogon": [b"9223372036854775807"]},  # never
        {"adminCount": [b"0"], "isCriticalSystemObject": [b"FALSE"], "systemFlags": [b"1073741824"]},
        {"userAccountControl": [b"66050"]},  # disabled, and its password does not expire
        {"msRTCSIP-OptionFlags": [b"257"], "proxyAddresses": [b"sip:ocschat@contoso.com", b"smtp:o@contoso.com"]},
    ],
)
def test_what_looks_similar_stops_nothing(harmless):
    assert guards.failed_guards(subject(attributes=harmless)) == ()


def test_another_account_of_the_same_groups_is_not_the_own_one():
    assert guards.failed_guards(subject(own_sids=("S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-513"))) == ()


def test_an_account_that_was_disabled_earlier_need_not_hold_the_address_and_all_else_is_asked():
    stopped = {name for name, case in CASES if guards.failed_guards(subject(**case), holds=False)}
    assert stopped == set(STOPPED) - {"one_holder", "primary_address"}


@pytest.mark.parametrize("name, case", CASES)
def test_exactly_this_guard_stops(name, case):
    """Exactly this one: take the guard out and nothing stops."""
    failures = guards.failed_guards(subject(**case))
    assert [failure.name for failure in failures] == [name]
    assert failures[0].message


def test_every_guard_has_a_case_and_what_may_be_overridden_is_named_one_by_one():
    assert set(guards.OVERRIDABLE) == set(STOPPED) - {"one_holder", "plain_user", "identity", "own_account"}
    assert {guard.name for guard in guards.GUARDS} == set(STOPPED)


def test_overrides_of_guards_that_did_not_fail_are_harmless():
    assert guards.not_overridden(guards.failed_guards(subject()), guards.OVERRIDABLE, ABSENT) == []


@pytest.mark.parametrize("name, case", CASES)
def test_an_override_lifts_only_the_guard_that_it_names(name, case):
    failures = guards.failed_guards(subject(**case))
    others = [guard.name for guard in guards.GUARDS if guard.name != name]
    assert guards.not_overridden(failures, others, ABSENT) and guards.not_overridden(failures, others, DISABLED)
    fixed = name in ("one_holder", "plain_user", "identity", "own_account")
    assert bool(guards.not_overridden(failures, [name], DISABLED)) == fixed
    assert bool(guards.not_overridden(failures, [name], ABSENT)) == (fixed or name == "children")
