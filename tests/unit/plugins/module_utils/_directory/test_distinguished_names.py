# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Distinguished names are taken apart where RFC 4514 says, and an endpoint is known by where it lies."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ldap3.utils.dn import parse_dn

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import holder_of
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry, rdns

BASE = "DC=contoso,DC=com"
CONFIGURATION = "CN=Configuration," + BASE
PIECES = [*',+"\\<>;#/*()&|! @=', "DC=x", "\\,", "\u00e4", "\U0001f4ac", "a"]
VALUES = (
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join).filter(lambda text: text == text.strip())
)
NAMES = st.lists(st.tuples(st.sampled_from(["CN", "OU", "DC"]), VALUES), min_size=1, max_size=4)


@settings(deadline=None)
@given(NAMES)
def test_a_name_is_taken_apart_where_the_client_library_does(names):
    parts = ["%s=%s" % (kind, re.sub(r'["#+,;<=>\\]', r"\\\g<0>", value)) for kind, value in names]
    assert rdns(",".join(parts)) == parts
    assert ["%s=%s" % part[:2] for part in parse_dn(",".join(parts))] == parts


@pytest.mark.parametrize(
    "dn, is_endpoint",
    [
        ("CN={1-2},CN=Application Contacts,CN=RTC Service,CN=Services," + CONFIGURATION, True),
        ("CN=cn=application contacts,CN=Users," + BASE, False),
        ("CN=x cn=application contacts,CN=Users," + BASE, False),
        ("CN=x\\,cn=application contacts,CN=Users," + BASE, False),
        ("CN=cn=application contacts\\,CN=Users,CN=Users," + BASE, False),
    ],
)
def test_an_endpoint_is_known_by_where_it_lies_and_not_by_what_its_name_says(dn, is_endpoint):
    contact = Entry(dn, {"objectClass": [b"contact"], "objectGUID": [bytes(16)]})
    assert holder_of(contact, "domain_controller").is_application_contact == is_endpoint
