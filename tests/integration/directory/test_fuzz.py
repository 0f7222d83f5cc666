# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Awkward addresses and names against the real directory, written there by somebody who does not escape as the module does."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from ldap3.utils.dn import escape_rdn

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import find_holders
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import guid_text
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress
from tests.integration.directory.trips import account_named
from tests.lab import settings as lab_settings

ATOM = st.text(st.sampled_from("ab*!#$%&'+/=?^_`{|}~-"), min_size=1, max_size=8)
SIPS = st.builds(
    lambda user, domain: SipAddress.parse("sip:%s@%s" % (".".join(user), domain)),
    st.lists(ATOM, min_size=1, max_size=3),
    st.sampled_from(lab_settings.SIP_DOMAINS),
)
PIECES = [*',+"\\<>;#/*()&|! @=', "  ", "\\,", "\\0A", "DC=x", "ADEL:", "\u00e4", "\u200b", "\U0001f4ac", "a"]
NAMES = (
    st.lists(st.sampled_from(PIECES), min_size=5, max_size=12).map("".join).filter(lambda name: name == name.strip())
)


def drawn(strategy, number):
    """That many examples, the same each time."""
    found = []

    @settings(max_examples=number, derandomize=True, database=None, deadline=None)
    @given(strategy)
    def note(example):
        found.append(example)

    note()
    return found


def guid_of(admin, dn):
    admin.search(dn, "(objectClass=*)", "BASE", attributes=["objectGUID"])
    return guid_text(admin.response[0]["raw_attributes"]["objectGUID"][0])


def test_each_address_finds_its_own_object_and_no_other(connection, admin):
    addresses = list({sip.key: sip for sip in drawn(SIPS, 60)}.values())
    assert len(addresses) > 40
    guids = []
    for number, sip in enumerate(addresses):
        dn = "CN=fuzz%d,%s" % (number, lab_settings.PEOPLE_DN)
        if number % 2:
            admin.add(dn, "contact", {"msRTCSIP-PrimaryUserAddress": str(sip)})
        else:
            names = {"sAMAccountName": "fuzz%d" % number, "proxyAddresses": ["smtp:a@b.example", str(sip)]}
            admin.add(dn, "user", names)
        guids.append(guid_of(admin, dn))
    for sip, guid in zip(addresses, guids, strict=True):
        assert [holder.guid for holder in find_holders(connection, sip)] == [guid], sip


def test_an_account_of_any_name_is_deleted_by_that_name_and_comes_back_under_it(converge, admin):
    for number, (sip, name) in enumerate(drawn(st.tuples(SIPS, NAMES), 8)):
        dn = "CN=%s,%s" % (escape_rdn(name), lab_settings.LOOKUP_OU_DN)
        facts = {"msRTCSIP-PrimaryUserAddress": str(sip), "sAMAccountName": "odd%d" % number, "userAccountControl": 514}
        admin.add(dn, "user", facts)
        guid = guid_of(admin, dn)
        named = {"sip_address": str(sip), "distinguished_name": dn, "sam_account_name": None}
        assert converge("absent", **named)["holders_after"] == [], name
        back = converge("present", **named)
        assert back["not_restored"] == [] and back["restored_from"] == "tombstone", name
        assert [holder["guid"] for holder in back["holders_after"]] == [guid] == [guid_of(admin, dn)], name
        admin.delete(dn)


def test_the_account_with_every_awkward_name_goes_and_comes_back(converge, admin):
    lookup = account_named(lab_settings.LOOKUP_USER)
    guid = guid_of(admin, lookup.dn)
    named = {"sip_address": lookup.sip, "sam_account_name": lookup.name, "distinguished_name": lookup.dn}
    assert converge("absent", **named)["holders_after"] == []
    assert converge("present", **named)["not_restored"] == []
    assert guid_of(admin, lookup.dn) == guid
