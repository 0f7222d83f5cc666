# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds an address: users, contacts, two at once, nobody, and addresses that look like filters."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import find_holders
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import recycle_bin_enabled
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress
from tests.integration.directory.conftest import SIP, USER, add_endpoint
from tests.lab import settings

BOTH = ("domain_controller", "global_catalog")


def holders(connection, sip=SIP):
    return find_holders(connection, SipAddress.parse(sip))


@pytest.mark.parametrize("spelling", [SIP, SIP.upper().replace("SIP:", "sip:"), SIP[4:]])
def test_the_user_is_found_on_both_servers_by_any_spelling(connection, spelling):
    (holder,) = holders(connection, spelling)
    assert (holder.dn, holder.object_class, holder.seen_in) == (USER.dn, "user", BOTH)
    assert (holder.sam_account_name, holder.sip_address, holder.enabled) == (USER.name, SIP, True)
    assert holder.sid.startswith("S-1-5-21-") and holder.usn_changed > 0 and not holder.is_contact


def test_an_endpoint_lies_in_another_naming_context_and_is_found(connection, admin):
    dn = add_endpoint(admin, "sip:endpoint@contoso.com")
    (holder,) = holders(connection, "sip:endpoint@contoso.com")
    assert (holder.dn, holder.object_class, holder.seen_in, holder.enabled) == (dn, "contact", BOTH, None)
    assert holder.is_application_contact


@pytest.mark.parametrize(
    ("place", "container"), [("configuration", settings.CONTACTS_DN), ("system", settings.SYSTEM_CONTACTS_DN)]
)
def test_the_servers_own_endpoint_is_found_wherever_they_keep_it_and_ends_the_waiting(
    connection, clean_lab, converge, place, container
):
    """Older forests keep the settings, and so the contacts, in the System container (domain.md, section 4.1)."""
    clean_lab.call("switch.set", name="application_contacts", value=place)
    converge("absent")
    parameters = {"SipAddress": SIP, "PersistentChatPoolFqdn": "pcpool.contoso.com", "Confirm": False}
    caller = {"host": "lync01.contoso.com", "user": settings.OPERATOR, "delegated": True}
    made = clean_lab.call("job.cmdlet", name="New-CsPersistentChatEndpoint", parameters=parameters, **caller)
    assert made["fault"] is None
    (holder,) = holders(connection)
    assert holder.dn.endswith("," + container) and holder.is_application_contact and holder.seen_in == BOTH
    again = converge("absent")
    assert not again["changed"] and [one["dn"] for one in again["holders_after"]] == [holder.dn]


def test_two_holders_are_both_found(connection, admin):
    dn = add_endpoint(admin)
    assert {holder.dn for holder in holders(connection)} == {dn, USER.dn}


def test_an_address_in_proxy_addresses_only_counts(connection, admin):
    person = "CN=user01," + settings.PEOPLE_DN
    admin.modify(person, {"proxyAddresses": [("MODIFY_ADD", ["SIP:second@contoso.com", "smtp:x@contoso.com"])]})
    (holder,) = holders(connection, "sip:second@contoso.com")
    assert holder.dn == person and holder.sip_address != "sip:second@contoso.com"


@pytest.mark.parametrize(
    "sip", ["sip:nobody@contoso.com", "sip:*@contoso.com", "sip:o*t@contoso.com", "sip:x~=y@contoso.com"]
)
def test_nobody(connection, sip):
    assert holders(connection, sip) == []


@pytest.mark.parametrize("user", ["a*b", "x~=y", "a&b|c!d", "it's{}", "%41"])
def test_awkward_addresses_are_found_as_they_are(connection, admin, user):
    dn = add_endpoint(admin, "sip:%s@contoso.com" % user)
    assert [holder.dn for holder in holders(connection, "sip:%s@contoso.com" % user)] == [dn]


def test_recycle_bin_is_off_here(connection):
    assert not recycle_bin_enabled(connection)
