# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain controllers by SRV records: their order, and one clear error when there are none."""

from __future__ import annotations

import sys

import dns.message
import dns.resolver
import dns.rrset
import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.discovery import domain_controllers_of
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import MissingLibrary

NAME = "_ldap._tcp.dc._msdcs.contoso.com."


@pytest.fixture
def answers(monkeypatch):
    """Let DNS answer with these records, or with an error."""

    def set_to(*records, error=None):
        def resolve(name, kind, lifetime):
            assert (name, kind, lifetime) == (NAME, "SRV", 7)
            if error is not None:
                raise error
            return dns.rrset.from_text(NAME, 60, "IN", "SRV", *records)

        monkeypatch.setattr(dns.resolver, "resolve", resolve)

    return set_to


def test_priority_then_weight_then_name_and_each_once(answers):
    answers(
        "10 0 389 DC4.contoso.com.",
        "0 50 389 dc3.contoso.com.",
        "0 100 389 dc2.contoso.com.",
        "0 50 389 DC1.Contoso.com.",
        "20 0 389 dc2.contoso.com.",
    )
    found = domain_controllers_of("contoso.com", 7)
    assert found == ("dc2.contoso.com", "dc1.contoso.com", "dc3.contoso.com", "dc4.contoso.com")


def test_a_target_that_says_no_is_left_out(answers):
    answers("0 0 0 .", "10 100 389 dc1.contoso.com.")
    assert domain_controllers_of("contoso.com", 7) == ("dc1.contoso.com",)
    answers("0 0 0 .")
    with pytest.raises(DirectoryError, match="not available") as caught:
        domain_controllers_of("contoso.com", 7)
    assert caught.value.code == "discovery_failed"


@pytest.mark.parametrize(
    "error",
    [
        dns.resolver.NXDOMAIN(),
        dns.resolver.NoAnswer(response=dns.message.make_response(dns.message.make_query(NAME, "SRV"))),
        dns.resolver.NoNameservers(),
        dns.resolver.LifetimeTimeout(timeout=7, errors=[]),
        dns.resolver.NoResolverConfiguration(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_answer_is_one_clear_error(answers, error):
    answers(error=error)
    with pytest.raises(DirectoryError) as caught:
        domain_controllers_of("contoso.com", 7)
    assert caught.value.code == "discovery_failed"
    assert NAME in str(caught.value) and "in server" in str(caught.value) and "\n" not in str(caught.value)


def test_the_library_is_named_when_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "dns.resolver", None)
    with pytest.raises(MissingLibrary, match="dnspython"):
        domain_controllers_of("contoso.com", 7)
