# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of a directory are whole or an error, come in time or are an error, and its refusals say what to do.

Most of what answers here is the adapter: Samba has no limits, ranges or referrals (directory.md, section 2.4).
"""

from __future__ import annotations

import pytest
from ldap3.protocol import rfc4511

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import client
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import (
    Change,
    DirectoryConnection,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from tests.integration.directory.adapter import Adapter, end, freeze, lose_answer, pass_on, ranges, refuse, trickle
from tests.integration.directory.conftest import USER
from tests.lab import settings

OPERATOR = next(account for account in settings.ACCOUNTS if account.name == settings.OPERATOR)
WINDOWS = "LdapErr: DSID-0C090A22, comment: %s, data 0, v4563"


@pytest.fixture
def adapter(clean_lab):
    with Adapter(clean_lab.paths) as started:
        yield started


@pytest.fixture
def through(adapter, connection_params):
    """Our own port to the directory by way of the adapter, connected already."""
    opened = DirectoryConnection(dict(connection_params, port=adapter.port))
    assert opened.server
    yield opened
    opened.close()


def fails(code, call, *arguments, **named):
    with pytest.raises(DirectoryError) as caught:
        call(*arguments, **named)
    assert caught.value.code == code, caught.value
    return caught.value


def searches(adapter):
    return [request for request in adapter.seen if request.operation == "search" and request.base]


# every object and every value


def test_more_objects_than_fit_into_a_page(through, adapter, monkeypatch):
    everything = through.search(through.domain, "(objectClass=*)", ["objectGUID"])
    monkeypatch.setattr(client, "_PAGE", 7)
    before = len(searches(adapter))
    by_pages = through.search(through.domain, "(objectClass=*)", ["objectGUID"])
    assert sorted(entry.guid for entry in by_pages) == sorted(entry.guid for entry in everything)
    assert len(everything) > 100 and len(searches(adapter)) - before == -(-len(everything) // 7)
    adapter.on("search", pass_on)
    adapter.on("search", refuse(3))
    fails("time_limit", through.search, through.domain, "(objectClass=*)", ["objectGUID"])


@pytest.mark.parametrize("scope", ["base", "subtree"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_values_that_come_in_ranges_are_all_there_under_the_plain_name(through, adapter, scope, size):
    def read():
        (entry,) = through.search(OPERATOR.dn, "(sAMAccountName=%s)" % OPERATOR.name, ["*", "memberOf"], scope)
        return entry

    whole = read()
    assert len(whole.values("memberOf")) == len(OPERATOR.groups) > 3
    adapter.changes.append(ranges("memberOf", size))
    adapter.changes.append(lambda _request, attributes: attributes.setdefault("member", []))  # empty, as it may come
    in_ranges = read()
    assert in_ranges.attributes == whole.attributes
    assert not [name for name in in_ranges if ";" in name]
    asked = [request.attributes for request in searches(adapter) if ";range=" in str(request.attributes)]
    assert asked and len(asked) == (len(OPERATOR.groups) - 1) // size


def test_values_of_a_deleted_object_that_come_in_ranges(through, adapter, admin, clean_lab):
    (user,) = through.search(through.domain, "(sAMAccountName=%s)" % USER.name, ["objectGUID"])
    through.delete(user.guid, USER.dn)
    whole = through.read("<GUID=%s>" % user.guid, ["objectClass"], deleted=True)
    adapter.changes.append(ranges("objectClass", 3))
    assert through.read("<GUID=%s>" % user.guid, ["objectClass"], deleted=True).attributes == whole.attributes


def forgets(_request, attributes):
    """The rest of the values is not there when it is asked for."""
    for name in [name for name in attributes if name.startswith("memberOf;range=") and "=0-" not in name]:
        del attributes[name]


def begins_again(request, attributes):
    """Whatever is asked for, the first values come, as if they were all."""
    if ";range=" in str(request.attributes):
        attributes["memberOf;range=0-*"] = attributes.pop(next(name for name in attributes if ";range=" in name))


def counts_wrongly(_request, attributes):
    for name in [name for name in attributes if name.startswith("memberOf;range=0-")]:
        attributes["memberOf;range=0-5"] = attributes.pop(name)


def without_end(_request, attributes):
    for name in [name for name in attributes if name.startswith("memberOf;range=")]:
        attributes["memberOf;range=oops"] = attributes.pop(name)


@pytest.mark.parametrize("fault", [forgets, begins_again, counts_wrongly, without_end])
def test_values_that_do_not_all_come_are_an_error_and_never_a_short_list(through, adapter, fault):
    adapter.changes += [ranges("memberOf", 2), fault]
    error = fails("incomplete_answer", through.read, OPERATOR.dn, ["memberOf"])
    assert "memberOf" in str(error) and OPERATOR.dn in str(error)


@pytest.mark.parametrize("number, code", [(51, "busy"), (0, "incomplete_answer")])
def test_a_refused_rest_or_none_at_all_is_an_error(through, adapter, number, code):
    adapter.changes.append(ranges("memberOf", 2))
    adapter.on("search", pass_on)
    adapter.on("search", refuse(number))
    fails(code, through.read, OPERATOR.dn, ["memberOf"])


@pytest.mark.parametrize("number, code", [(3, "time_limit"), (4, "size_limit"), (11, "admin_limit")])
def test_what_a_limit_cut_short_is_not_used(through, adapter, number, code):
    adapter.on("search", end(number))
    error = fails(code, through.search, through.domain, "(objectClass=user)", ["objectGUID"])
    assert "not used" in str(error) and through.domain in str(error)


# other servers


def test_references_are_left_out_and_never_followed(through, adapter):
    def refer(exchange):
        answers = exchange.ask()
        reference = rfc4511.LDAPMessage()
        reference["messageID"] = exchange.request.message["messageID"]
        urls = rfc4511.SearchResultReference()
        urls[0] = "ldaps://%s:%d/DC=child" % (through.server, adapter.port)
        reference["protocolOp"] = rfc4511.ProtocolOp().setComponentByName("searchResRef", urls)
        exchange.send([reference, *answers])

    wanted = through.search(OPERATOR.dn, "(objectClass=*)", ["objectGUID"])
    adapter.on("search", refer)
    assert [entry.guid for entry in through.search(OPERATOR.dn, "(objectClass=*)", ["objectGUID"])] == [wanted[0].guid]
    referral = "ldaps://%s:%d/DC=child" % (through.server, adapter.port)
    adapter.on("search", refuse(10, "0000202B: RefErr", referral))
    error = fails("referral", through.search, "DC=child", "(objectClass=*)", ["objectGUID"])
    assert "another domain" in str(error)
    adapter.on("delete", refuse(10, "0000202B: RefErr", referral))
    fails("referral", through.delete, wanted[0].guid, OPERATOR.dn)
    assert {request.connection for request in adapter.seen} == {1}


# time


@pytest.mark.parametrize("operation", ["bind", "search"])
@pytest.mark.parametrize("slow", [freeze, trickle(pass_on)])
def test_a_server_that_does_not_answer_or_byte_by_byte_is_given_up(connection_params, adapter, operation, slow):
    adapter.on(operation, slow)
    opened = DirectoryConnection(dict(connection_params, port=adapter.port, connection_timeout=1))
    error = fails("unreachable", lambda: opened.server)
    assert "within 1 seconds" in str(error)
    assert opened.server and len(opened.search(OPERATOR.dn, "(objectClass=*)", ["objectGUID"])) == 1
    opened.close()


@pytest.mark.parametrize("fault", [lose_answer, freeze])
def test_a_write_without_an_answer_is_open_and_a_look_at_the_same_server_settles_it(
    connection_params, adapter, clean_lab, fault
):
    opened = DirectoryConnection(dict(connection_params, port=adapter.port, connection_timeout=2))
    (user,) = opened.search(USER.dn, "(objectClass=*)", ["objectGUID"])
    adapter.on("modify", fault)
    change = Change("replace", "description", ["changed"])
    error = fails("connection_lost", opened.modify, user.guid, [change], USER.dn)
    assert error.ambiguous
    seen = opened.read(USER.dn, ["description"]).text("description")
    assert (seen == "changed") == (fault is lose_answer)
    assert len([request for request in adapter.seen if request.operation == "modify"]) == 1
    opened.close()


# refusals


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize(
    "number, message, code, says",
    [
        (8, "00002028: " + WINDOWS % "The server requires binds to turn on integrity checking", "stronger_auth_required", "simple"),
        (49, "80090346: " + WINDOWS % "AcceptSecurityContext error, data 80090346", "channel_binding_required", "load balancer"),
        (49, "80090308: " + WINDOWS % "AcceptSecurityContext error, data 775", "invalid_credentials", "locked out"),
        (52, "shutting down", "unavailable", "another one"),
    ],
)  # fmt: skip
def test_a_refused_kerberos_sign_in_has_the_words_of_the_server(
    connection_params, adapter, step, number, message, code, says
):
    for _passed in range(1, step):
        adapter.on("bind", pass_on)
    adapter.on("bind", refuse(number, message))
    opened = DirectoryConnection(dict(connection_params, port=adapter.port))
    assert says in str(fails(code, lambda: opened.server))
    assert len([request for request in adapter.seen if request.operation == "bind"]) == step
    opened.close()


def test_a_refused_sign_in_is_told_as_it_is_while_another_error_is_dealt_with(through, adapter):
    try:
        raise DirectoryError("an answer was lost", "connection_lost", ambiguous=True)
    except DirectoryError:
        through.close()
        adapter.on("bind", refuse(49, "80090308: " + WINDOWS % "AcceptSecurityContext error, data 533"))
        assert "disabled" in str(fails("invalid_credentials", through.read_root))


@pytest.mark.parametrize(
    "number, message, code, says",
    [
        (1, "000004DC: " + WINDOWS % "In order to perform this operation a successful bind must be completed", "not_signed_in", "anonymous"),
        (8, "", "stronger_auth_required", "LDAPS"),
        (50, "00000005: SecErr: DSID-03152870, problem 4003 (INSUFF_ACCESS_RIGHTS)", "insufficient_rights", "Delete Child for class user"),
        (51, "", "busy", "later"),
        (52, "", "unavailable", "another one"),
        (53, "modify forbidden on global catalog port", "unwilling", "Leave port out"),
    ],
)  # fmt: skip
def test_a_refused_write_says_what_to_do_and_changes_nothing(
    through, adapter, nothing_written, number, message, code, says
):
    (user,) = through.search(USER.dn, "(objectClass=*)", ["objectGUID"])
    adapter.on("delete", refuse(number, message))
    error = fails(code, through.delete, user.guid, USER.dn)
    assert says in str(error) and USER.dn in str(error) and not error.ambiguous and error.result_code == number
    nothing_written()


def test_a_write_at_the_port_of_the_catalog_is_refused_by_the_server_itself(clean_lab, connection_params):
    with Adapter(clean_lab.paths, listen=((0, settings.GLOBAL_CATALOG_PORT),)) as catalog:
        opened = DirectoryConnection(dict(connection_params, port=catalog.port))
        (user,) = opened.search(USER.dn, "(objectClass=*)", ["objectGUID"])
        change = Change("replace", "description", ["changed"])
        assert "Leave port out" in str(fails("unwilling", opened.modify, user.guid, [change], USER.dn))
        opened.close()
