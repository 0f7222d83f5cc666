# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Awkward addresses and names against the real directory, written there by somebody who does not escape as the module does."""

from __future__ import annotations

import itertools

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from ldap3.utils.dn import escape_rdn

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import find_holders
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import guid_text
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress
from tests.integration.directory.trips import account_named
from tests.lab import settings as lab_settings

# The same examples each time, and a failure is not narrowed down: that would take longer than all the rest.
FIXED = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": list(HealthCheck),
}
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


def guid_of(admin, dn):
    admin.search(dn, "(objectClass=*)", "BASE", attributes=["objectGUID"])
    return guid_text(admin.response[0]["raw_attributes"]["objectGUID"][0])


def test_each_address_finds_its_own_object_and_no_other(connection, admin):
    known = {}

    @settings(max_examples=60, **FIXED)
    @given(SIPS, st.sampled_from(["contact", "user"]))
    def one(sip, kind):
        assume(sip.key not in known)
        dn = "CN=fuzz%d,%s" % (len(known), lab_settings.PEOPLE_DN)
        if kind == "contact":
            admin.add(dn, "contact", {"msRTCSIP-PrimaryUserAddress": str(sip)})
        else:
            names = {"sAMAccountName": "fuzz%d" % len(known), "proxyAddresses": ["smtp:a@b.example", str(sip)]}
            admin.add(dn, "user", names)
        known[sip.key] = guid_of(admin, dn)
        assert [holder.guid for holder in find_holders(connection, sip)] == [known[sip.key]]

    one()
    assert len(known) > 40
    for key, guid in known.items():  # and those that came later changed nothing
        assert [holder.guid for holder in find_holders(connection, SipAddress.parse(key))] == [guid]


def test_an_account_of_any_name_is_deleted_by_that_name_and_comes_back_under_it(converge, admin):
    numbers = itertools.count()

    @settings(max_examples=8, **FIXED)
    @given(SIPS, NAMES)
    def one(sip, name):
        dn = "CN=%s,%s" % (escape_rdn(name), lab_settings.LOOKUP_OU_DN)
        login = "odd%d" % next(numbers)
        facts = {"msRTCSIP-PrimaryUserAddress": str(sip), "sAMAccountName": login, "userAccountControl": 514}
        admin.add(dn, "user", facts)
        guid = guid_of(admin, dn)
        named = {"sip_address": str(sip), "distinguished_name": dn, "sam_account_name": None}
        assert converge("absent", **named)["holders_after"] == []
        back = converge("present", **named)
        assert back["not_restored"] == [] and back["restored_from"] == "tombstone"
        assert [holder["guid"] for holder in back["holders_after"]] == [guid] == [guid_of(admin, dn)]
        admin.delete(dn)

    one()


def test_the_account_with_every_awkward_name_goes_and_comes_back(converge, admin):
    lookup = account_named(lab_settings.LOOKUP_USER)
    guid = guid_of(admin, lookup.dn)
    named = {"sip_address": lookup.sip, "sam_account_name": lookup.name, "distinguished_name": lookup.dn}
    assert converge("absent", **named)["holders_after"] == []
    assert converge("present", **named)["not_restored"] == []
    assert guid_of(admin, lookup.dn) == guid
