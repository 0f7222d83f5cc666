# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking those that must agree, and waiting for them: against domain controllers that are played, with a clock that is played."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import replication
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.domain_controllers import (
    DomainController,
    Member,
    RequiredSet,
    required_set,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import find_holders
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

SIP = SipAddress.parse("sip:ocschat@contoso.com")
ACCOUNT, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
DC1, DC2, DC3 = ("dc%d.contoso.com" % number for number in (1, 2, 3))
DOMAIN, CONFIGURATION, SCHEMA = "DC=contoso,DC=com", "CN=Configuration,DC=contoso,DC=com", "CN=Schema,CN=Configuration"
REQUIRED = RequiredSet(
    (Member(DC1, ("pinned",)), Member(DC2, ("global_catalog", "lync")), Member(DC3, ("listed",), True, True)),
    (DomainController("dc9.contoso.com", "Branch", True, False, (DOMAIN,)),),
)
DIRECTORY, CATALOG = "directory", "catalog"


def entry(guid=ACCOUNT, usn=7):
    return Entry(
        "CN=%s,%s" % (guid.int, DOMAIN),
        {"objectGUID": [guid.bytes_le], "objectClass": [b"top", b"user"], "uSNChanged": [b"%d" % usn]},
    )


def gone(host):
    return DirectoryError("Could not sign in on %s: it cannot be reached." % host, "unreachable")


class Forest:
    """Domain controllers that hold the address as a script says, and a clock that only sleeping moves.

    :param script: by (host, port): a list of what each question gets, an entry, None for nothing, or an error; the last one stays.
    """

    def __init__(self, script, monkeypatch):
        self.script = {asked: list(answers) for asked, answers in script.items()}
        self.asked = []
        self.now = 0.0
        monkeypatch.setattr(replication, "time", SimpleNamespace(monotonic=lambda: self.now, sleep=self.sleep))

    def sleep(self, seconds):
        self.now += seconds

    def answer(self, host, port):
        self.asked.append((host, port))
        answers = self.script.get((host, port), [None])
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, DirectoryError):
            raise found
        return [found] if found else []

    def connection(self, host=DC1, catalog=DC2):
        return PlayedConnection(self, host, catalog)


class PlayedConnection:
    def __init__(self, forest, host, catalog):
        self.forest, self.server, self.catalog_server, self.schema = forest, host, catalog, SCHEMA
        names = [DOMAIN, CONFIGURATION, SCHEMA, "DC=DomainDnsZones," + DOMAIN]
        self.root = Entry("", {"namingContexts": [name.encode() for name in names]})
        self.bases = []

    def at(self, host):
        return PlayedConnection(self.forest, host, host)

    def once(self, find_out):
        return REQUIRED if find_out is required_set else None

    def search(self, base, ldap_filter, attributes, deleted=False, catalog=False):
        assert "proxyAddresses=sip" in ldap_filter
        self.bases.append(base)
        if catalog:
            return self.forest.answer(self.catalog_server, CATALOG)
        return self.forest.answer(self.server, DIRECTORY) if base == DOMAIN else []


def wait(forest, holds=False, done=lambda: True, timeout=10, **facts):
    return replication.wait(forest.connection(), SIP, str(ACCOUNT), holds, done, timeout, facts)


def pending(forest, **options):
    with pytest.raises(DirectoryError) as caught:
        wait(forest, **options)
    assert caught.value.code == "replication_pending"
    return caught.value


def test_everybody_agrees_at_once(monkeypatch):
    forest = Forest({(DC3, CATALOG): [entry(OTHER)]}, monkeypatch)
    report, holders = wait(forest)
    assert forest.now == 0 and forest.asked == [(DC1, DIRECTORY), (DC2, CATALOG), (DC2, DIRECTORY), (DC3, CATALOG)]
    assert [(one["server"], one["agrees"]) for one in report["required"]] == [(DC1, True), (DC2, True), (DC3, True)]
    assert report["exempted"] == [{"server": "dc9.contoso.com", "read_only": True, "reason": "not in verify_on"}]
    # another object may hold the address by now; who waits is told, and decides
    assert [(holder.guid, holder.seen_in, holder.usn_changed) for holder in holders] == [(str(OTHER), (DC3,), None)]


def test_every_naming_context_but_the_schema_is_asked(monkeypatch):
    connection = Forest({}, monkeypatch).connection()
    find_holders(connection, SIP)
    assert connection.bases == [DOMAIN, CONFIGURATION, "DC=DomainDnsZones," + DOMAIN, ""]


def test_who_agrees_is_left_alone_until_all_do_and_then_all_are_asked_once_more(monkeypatch):
    forest = Forest({(DC2, DIRECTORY): [entry(), entry(), None]}, monkeypatch)
    wait(forest)
    everyone = [(DC1, DIRECTORY), (DC2, CATALOG), (DC2, DIRECTORY), (DC3, CATALOG)]
    assert forest.asked == everyone + [(DC2, DIRECTORY)] * 2 + everyone


def test_an_account_that_comes_back_while_others_are_waited_for_is_no_success(monkeypatch):
    """A conflict of replication: the first one agreed once, and shows the account again in the last look."""
    forest = Forest({(DC1, DIRECTORY): [None, entry()], (DC2, DIRECTORY): [entry(), None]}, monkeypatch)
    error = pending(forest)
    assert error.facts["waiting_for"] == [DC1] and error.facts["agreed"] == [DC2, DC3]


def test_who_does_not_agree_in_time_is_named_and_so_is_who_does(monkeypatch):
    forest = Forest({(DC2, DIRECTORY): [entry()]}, monkeypatch)
    error = pending(forest, changed=True, backup={"path": "a.ldif"})
    assert forest.now == 10
    assert (error.facts["agreed"], error.facts["waiting_for"], error.facts["unreachable"]) == ([DC1, DC3], [DC2], [])
    assert error.facts["changed"] and error.facts["backup"] == {"path": "a.ldif"}
    assert error.facts["exempted"][0]["server"] == "dc9.contoso.com"
    assert [one["agrees"] for one in error.facts["replication"]["required"]] == [True, False, True]
    for text in (
        "Agreed: dc1.contoso.com, dc3.contoso.com.",
        "Waiting for: dc2.contoso.com.",
        "Not asked, because not in verify_on: dc9.contoso.com (read-only).",
        "Do not create an endpoint",
    ):
        assert text in str(error)
    assert "Could not be asked" not in str(error)


def test_one_that_goes_away_meanwhile_does_not_agree_and_is_named_with_the_reason(monkeypatch):
    forest = Forest({(DC2, DIRECTORY): [entry(), gone(DC2)], (DC3, CATALOG): [gone(DC3), None]}, monkeypatch)
    error = pending(forest)
    assert (error.facts["agreed"], error.facts["waiting_for"], error.facts["unreachable"]) == ([DC1, DC3], [], [DC2])
    assert "Could not be asked: dc2.contoso.com (Could not sign in on dc2.contoso.com" in str(error)


def test_one_that_comes_back_meanwhile_is_asked_again(monkeypatch):
    forest = Forest({(DC2, CATALOG): [gone(DC2), gone(DC2), None]}, monkeypatch)
    report, _holders = wait(forest)
    assert all(one["agrees"] for one in report["required"])


def test_the_catalog_port_and_the_directory_of_one_server_must_both_agree(monkeypatch):
    error = pending(Forest({(DC2, CATALOG): [entry()]}, monkeypatch))
    assert error.facts["waiting_for"] == [DC2] and "dc2.contoso.com (global catalog)" in str(error)


def test_the_account_must_be_back_everywhere_and_no_other_will_do(monkeypatch):
    everywhere = {(DC1, DIRECTORY): [entry()], (DC2, CATALOG): [entry()], (DC2, DIRECTORY): [entry()]}
    _report, holders = wait(Forest(everywhere | {(DC3, CATALOG): [None, entry()]}, monkeypatch), holds=True)
    assert [(holder.seen_in, holder.usn_changed) for holder in holders] == [
        (("domain_controller", "global_catalog", DC2, DC3), 7)
    ]
    error = pending(Forest(everywhere | {(DC3, CATALOG): [entry(OTHER)]}, monkeypatch), holds=True)
    assert error.facts["waiting_for"] == [DC3] and "Do not create" not in str(error)


def test_the_pinned_one_must_show_the_account_as_it_should_be(monkeypatch):
    error = pending(Forest({}, monkeypatch), done=lambda: False)
    assert error.facts["waiting_for"] == [DC1]

    def broken():
        raise gone(DC1)

    assert pending(Forest({}, monkeypatch), done=broken).facts["unreachable"] == [DC1]


def test_a_timeout_of_nothing_is_one_look(monkeypatch):
    forest = Forest({(DC2, DIRECTORY): [entry()]}, monkeypatch)
    pending(forest, timeout=0)
    assert len(forest.asked) == 4


def test_nothing_begins_while_one_that_must_agree_cannot_be_asked(monkeypatch):
    forest = Forest({(DC2, CATALOG): [gone(DC2)], (DC3, CATALOG): [gone(DC3)]}, monkeypatch)
    with pytest.raises(DirectoryError) as caught:
        find_holders(forest.connection(), SIP)
    assert caught.value.code == "domain_controller_unreachable" and caught.value.facts["unreachable"] == [DC2, DC3]
    for text in (
        "nothing was changed",
        "dc2.contoso.com (global catalog) (it is the global catalog): Could not sign in on dc2.contoso.com",
        "name another one in global_catalog",
        "dc3.contoso.com (verify_on names it): Could not sign in",
        "Bring it up, or take it out of verify_on.",
    ):
        assert text in str(caught.value)


def test_the_pinned_ones_own_error_is_told_as_it_is_and_nobody_else_is_asked(monkeypatch):
    forest = Forest({(DC1, DIRECTORY): [DirectoryError("The search took too long.", "time_limit")]}, monkeypatch)
    with pytest.raises(DirectoryError) as caught:
        find_holders(forest.connection(), SIP)
    assert caught.value.code == "time_limit" and forest.asked == [(DC1, DIRECTORY)]
