# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who must agree, with two real domain controllers that replicate, lag, stop and freeze; a read-only one is played."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator

import ldap3
import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import find_holders
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress
from tests.integration.directory.adapter import Adapter, root_dse
from tests.integration.directory.conftest import SIP, USER, add_endpoint, endpoint_dn
from tests.lab import settings
from tests.lab.client import LabClient
from tests.lab.directory.places import home

DC1, DC2 = (host.fqdn for host in settings.DOMAIN_CONTROLLERS)
SERVERS = "CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration," + settings.BASE_DN
PATIENCE = 60  # seconds for replication that is not paused


@pytest.fixture(scope="module")
def pair(running_lab: LabClient) -> Iterator[LabClient]:
    """The lab with two domain controllers; other files have it with one again."""
    running_lab.call("directory.use", controllers=2, recycle_bin="off")
    yield running_lab
    running_lab.call("directory.use", controllers=1, recycle_bin="off")


@pytest.fixture
def clean_lab(pair: LabClient) -> LabClient:
    """The pair as it is: a test here says itself when it needs the first state."""
    return pair


@pytest.fixture
def lagging(pair: LabClient) -> LabClient:
    """Both in their first state, and dc2 gets no news from dc1."""
    pair.reset()
    pair.call("replication.pause", controller="dc2")
    return pair


@pytest.fixture
def holds_on(pair: LabClient, connection_params: dict) -> Iterator[Callable[[str], list[str]]]:
    """The distinguished names that hold the address, by one domain controller's own word."""
    opened = {host: DirectoryConnection(dict(connection_params, server=[host])) for host in (DC1, DC2)}

    def names(host: str) -> list[str]:
        return [holder.dn for holder in find_holders(opened[host], SipAddress.parse(SIP))]

    yield names
    for connection in opened.values():
        connection.close()


def pending(converge, state: str, **options) -> DirectoryError:
    with pytest.raises(DirectoryError) as caught:
        converge(state, replication_timeout=1, **options)
    assert caught.value.code == "replication_pending", caught.value
    assert (caught.value.facts["agreed"], caught.value.facts["waiting_for"]) == ([DC1], [DC2])
    assert "Agreed: %s." % DC1 in str(caught.value) and "Waiting for: %s" % DC2 in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("state", "asked"),
    [("absent", {"lync_domain_controllers": [DC2]}), ("disabled", {"global_catalog": DC2})],
)
def test_no_success_while_one_that_must_agree_lags_and_none_is_needed_when_it_agreed(
    lagging, converge, holds_on, state, asked
):
    def settle(wanted):
        error = pending(converge, wanted, **asked)
        assert error.facts["changed"] and error.facts["backup"]
        assert not pending(converge, wanted, **asked).facts["changed"]  # running again goes on waiting
        return error

    settle(state)
    assert (holds_on(DC1), holds_on(DC2)) == ([], [USER.dn])
    lagging.call("replication.resume", controller="dc2")
    done = converge(state, replication_timeout=PATIENCE, **asked)
    assert not done["changed"] and done["holders_after"] == [] == holds_on(DC2)
    assert [(one["server"], one["agrees"]) for one in done["replication"]["required"]] == [(DC1, True), (DC2, True)]

    lagging.call("replication.pause", controller="dc2")
    assert "holds the address" in str(settle("present"))
    assert (holds_on(DC1), holds_on(DC2)) == ([USER.dn], [])
    lagging.call("replication.resume", controller="dc2")
    back = converge("present", replication_timeout=PATIENCE, **asked)
    assert not back["changed"] and holds_on(DC2) == [USER.dn]
    (holder,) = back["holders_after"]
    assert holder["seen_in"] == ["domain_controller", "global_catalog"] + asked.get("lync_domain_controllers", [])


def test_an_address_is_not_free_while_another_holder_is_known_elsewhere_only(pair, converge, holds_on, folder):
    """A contact that dc2 has and dc1 does not know yet."""
    pair.reset()
    pair.call("replication.pause", controller="dc1")
    tls = ldap3.Tls(ca_certs_file=str(pair.paths.ca))
    server = ldap3.Server(DC2, settings.LDAPS_PORT, use_ssl=True, tls=tls)
    user = "%s@%s" % (settings.ADMINISTRATOR, settings.DOMAIN)
    with ldap3.Connection(server, user, settings.PASSWORD, raise_exceptions=True) as elsewhere:
        add_endpoint(elsewhere)
    assert (holds_on(DC1), holds_on(DC2)) == ([USER.dn], sorted([USER.dn, endpoint_dn()]))
    before = pair.writes()
    for asked in ({"lync_domain_controllers": [DC2]}, {"verify_on": ["all"]}):
        with pytest.raises(PersistentChatError) as caught:
            converge("absent", **asked)
        assert caught.value.code == "guard_one_holder" and "is held by 2 objects" in str(caught.value)
        assert "contact %s (seen only by %s)" % (endpoint_dn(), DC2) in str(caught.value)
    assert pair.writes() == before and not folder.exists()
    pair.reset()


def test_who_must_agree_is_chosen_by_name_and_the_others_are_named(pair, converge, nothing_written):
    def members(**options):
        replication = converge("absent", check_mode=True, **options)["replication"]
        assert all(one["agrees"] is None for one in replication["required"])
        return {one["server"]: one["roles"] for one in replication["required"]}, replication["exempted"]

    pinned = ["pinned", "global_catalog"]
    assert members() == ({DC1: pinned}, [{"server": DC2, "read_only": False, "reason": "not in verify_on"}])
    assert members(verify_on=["all"]) == ({DC1: pinned + ["all"], DC2: ["all"]}, [])
    assert members(verify_on=[DC2.upper()]) == ({DC1: pinned, DC2: ["listed"]}, [])
    assert members(global_catalog=DC2) == ({DC1: ["pinned"], DC2: ["global_catalog"]}, [])
    with pytest.raises(InvalidInput, match="There are: %s, %s." % (DC1, DC2)):
        converge("absent", verify_on=["dc7.contoso.com"])
    nothing_written()


def test_one_that_must_agree_and_is_down_stops_before_anything_is_written(pair, converge, folder, nothing_written):
    pair.call("controller.stop", controller="dc2")
    assert converge("absent", check_mode=True)["replication"]["exempted"][0]["server"] == DC2
    for asked, advice in (
        ({"lync_domain_controllers": [DC2]}, "take it out of lync_domain_controllers"),
        ({"verify_on": ["all"]}, "name in verify_on those that shall agree"),
        ({"global_catalog": DC2}, "name another one in global_catalog"),
    ):
        with pytest.raises(DirectoryError) as caught:
            converge("absent", **asked)
        assert caught.value.code == "domain_controller_unreachable" and caught.value.facts["unreachable"] == [DC2]
        assert advice in str(caught.value) and "refused" in str(caught.value)
    pair.call("controller.start", controller="dc2")
    pair.call("controller.freeze", controller="dc2")
    with pytest.raises(DirectoryError, match="timed out") as caught:
        converge("absent", verify_on=[DC2], connection_timeout=2)
    assert caught.value.code == "domain_controller_unreachable"
    pair.call("controller.thaw", controller="dc2")
    assert not folder.exists()
    nothing_written()


def test_one_that_goes_down_after_the_deletion_does_not_agree_until_it_is_back(pair, converge, monkeypatch, holds_on):
    pair.reset()
    delete = DirectoryConnection.delete

    def stopping(connection, guid, name):
        delete(connection, guid, name)
        pair.call("controller.stop", controller="dc2")

    monkeypatch.setattr(DirectoryConnection, "delete", stopping)
    with pytest.raises(DirectoryError) as caught:
        converge("absent", lync_domain_controllers=[DC2], replication_timeout=1)
    assert caught.value.code == "replication_pending" and caught.value.facts["changed"]
    assert (caught.value.facts["agreed"], caught.value.facts["unreachable"]) == ([DC1], [DC2])
    assert "Could not be asked: %s (Could not " % DC2 in str(caught.value)
    pair.call("controller.start", controller="dc2")
    done = converge("absent", lync_domain_controllers=[DC2], replication_timeout=PATIENCE)
    assert not done["changed"] and holds_on(DC2) == []


def test_the_next_of_the_list_is_pinned_and_the_first_one_is_then_exempted(pair, converge):
    pair.reset()
    pair.call("controller.stop", controller="dc1")
    user = {"auth_protocol": "simple", "username": "csadmin@" + settings.DOMAIN, "password": settings.PASSWORD}
    try:
        seen = converge("absent", check_mode=True, server=[DC1, DC2], **user)
        assert seen["server"] == DC2 and [one["server"] for one in seen["servers_skipped"]] == [DC1]
        assert [one["server"] for one in seen["replication"]["required"]] == [DC2]
        assert [one["server"] for one in seen["replication"]["exempted"]] == [DC1]
    finally:
        pair.call("controller.start", controller="dc1")


def test_a_pinned_one_without_catalog_asks_one_that_the_forest_names(pair, converge, admin, holds_on):
    admin.modify("CN=NTDS Settings,CN=DC1," + SERVERS, {"options": [("MODIFY_REPLACE", [0])]})
    seen = converge("absent", check_mode=True)
    assert [one["roles"] for one in seen["replication"]["required"]] == [["pinned"], ["global_catalog"]]
    assert seen["replication"]["required"][1]["server"] == DC2
    admin.modify("CN=NTDS Settings,CN=DC1," + SERVERS, {"options": [("MODIFY_REPLACE", [1])]})


def test_a_read_only_one_is_exempted_by_name_or_asked_like_any_other(pair, converge, connection_params):
    """Samba cannot be one here: its objects in the configuration are real, and its words are dc1's, said as an RODC says them."""
    pair.call("directory.use", controllers=1, recycle_bin="off")
    full = [settings.BASE_DN, "CN=Configuration," + settings.BASE_DN, "CN=Schema,CN=Configuration," + settings.BASE_DN]
    ldif = [
        ["dn: CN=RODC," + SERVERS, "objectClass: server", "dNSHostName: " + DC2],
        ["dn: CN=NTDS Settings,CN=RODC," + SERVERS, "objectClass: nTDSDSARO", "options: 1"]
        + ["msDS-hasFullReplicaNCs: " + name for name in full]
        + ["invocationId: %s" % uuid.UUID(int=1), "dMDLocation: " + full[2]],
    ]
    subprocess.run(
        ["ldbadd", "--relax", "-H", "%s/private/sam.ldb" % home(settings.DOMAIN_CONTROLLERS[0])],
        input="\n\n".join("\n".join(lines) for lines in ldif),
        text=True,
        check=True,
        capture_output=True,
    )
    user = {"auth_protocol": "simple", "username": "csadmin@" + settings.DOMAIN, "password": settings.PASSWORD}
    with Adapter(pair.paths, host="dc2", listen=((settings.LDAPS_PORT, settings.LDAPS_PORT),)) as rodc:
        rodc.changes.append(root_dse(supportedCapabilities=["1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1920"]))
        seen = converge("absent", check_mode=True, **user)
        assert seen["replication"]["exempted"] == [{"server": DC2, "read_only": True, "reason": "not in verify_on"}]
        with pytest.raises(DirectoryError) as caught:
            converge("absent", server=[DC2], **user)
        assert caught.value.code == "read_only_domain_controller"
        done = converge("absent", verify_on=["all"], **user)
        assert done["changed"] and done["replication"]["required"][1] == {
            "server": DC2,
            "roles": ["all"],
            "read_only": True,
            "agrees": True,
        }
        assert [request.operation for request in rodc.seen].count("delete") == 0
