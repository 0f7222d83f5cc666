# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the info module says: every holder with its guards and what undo is worth, deleted objects, who was asked."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import wellknown_user_info
from tests.integration.directory.conftest import DC, SIP, USER, add_endpoint
from tests.lab import settings

OTHER_DC = settings.DOMAIN_CONTROLLERS[1].fqdn


@pytest.fixture
def info(connection_params, folder, nothing_written):
    """Run the module without a second identifier; whatever it is asked, it writes nothing."""

    def run(**changes):
        params = dict(connection_params, sip_address=SIP, backup_dir=str(folder), include_deleted=False)
        return wellknown_user_info.run({**params, **changes})

    yield run
    nothing_written()


def names(holder):
    return [failure["name"] for failure in holder["guards_failed"]]


def test_one_user(info):
    result = info(sam_account_name=USER.name)
    (holder,) = result["holders"]
    assert not result["changed"] and (holder["dn"], holder["enabled"]) == (USER.dn, True)
    assert (holder["guards_failed"], holder["pending"], holder["deleted"]) == ([], False, False)
    assert holder["undo"] == "partial" and "password" in holder["undo_loses"] and holder["undo_days"] > 1
    assert (result["recycle_bin"], result["sees_deleted"]) == (False, True)
    assert (result["server"], result["servers_skipped"], result["deleted"]) == (DC, [], [])
    assert result["replication"]["required"] == [
        {"server": DC, "roles": ["pinned", "global_catalog"], "read_only": False, "agrees": True}
    ]


def test_without_a_second_identifier_the_guard_says_that_none_was_given(info):
    (holder,) = info()["holders"]
    assert names(holder) == ["identity"] and "no second identifier" in holder["guards_failed"][0]["message"]


def test_who_cannot_see_deleted_objects_could_bring_nothing_back(info):
    person = {"auth_protocol": "simple", "username": "user01@" + settings.DOMAIN, "password": settings.PASSWORD}
    result = info(sam_account_name=USER.name, include_deleted=True, **person)
    (holder,) = result["holders"]
    assert (result["sees_deleted"], result["deleted"], holder["undo"], holder["undo_days"]) == (False, [], "none", None)


@pytest.fixture
def two_holders(admin):
    """The user looks like a person's, and an endpoint has the same address."""
    admin.modify(USER.dn, {"mail": [("MODIFY_REPLACE", ["o@contoso.com"])]})
    return add_endpoint(admin)


def test_each_of_two_holders_is_judged_by_itself(two_holders, info):
    holders = {holder["dn"]: holder for holder in info(sam_account_name=USER.name)["holders"]}
    assert set(holders) == {USER.dn, two_holders}
    user, contact = holders[USER.dn], holders[two_holders]
    assert names(user) == ["one_holder", "mailbox"] and user["undo"] == "partial"
    assert names(contact)[:3] == ["one_holder", "plain_user", "identity"] and contact["undo"] is None
    mailbox = user["guards_failed"][1]
    assert "mail" in mailbox["message"] and mailbox["overridable"] == ["absent", "disabled"]


def test_a_deleted_account_is_found_by_its_backup(converge, connection_params, folder):
    converge("absent")
    params = dict(connection_params, sip_address=SIP, backup_dir=str(folder))
    assert wellknown_user_info.run(dict(params, include_deleted=False))["deleted"] == []
    result = wellknown_user_info.run(dict(params, include_deleted=True))
    (found,) = result["deleted"]
    assert result["holders"] == [] and result["backup"]["state"] == "absent"
    assert found["guid"] == result["backup"]["object_guid"] and found["deleted"] and r"\0ADEL:" in found["dn"]


@pytest.fixture
def pair(running_lab):
    """Two domain controllers and a Recycle Bin."""
    running_lab.call("directory.use", controllers=2, recycle_bin="emulated")
    yield running_lab
    running_lab.call("directory.use", controllers=1, recycle_bin="off")


def test_what_only_another_domain_controller_shows_and_what_lies_in_the_recycle_bin(pair, connection_params, admin):
    pair.call("replication.pause", controller="dc2")
    endpoint = add_endpoint(admin)
    admin.delete(USER.dn)
    params = dict(connection_params, sip_address=SIP, include_deleted=True)
    asked = wellknown_user_info.run(dict(params, verify_on=["all"]))
    holders = {holder["dn"]: holder for holder in asked["holders"]}
    user, contact = holders.pop(USER.dn), holders.pop(endpoint)
    assert not holders and (user["seen_in"], user["pending"], user["guards_failed"]) == ([OTHER_DC], True, None)
    assert contact["seen_in"] == ["domain_controller", "global_catalog"] and names(contact)[0] == "plain_user"
    assert {who["server"]: who["agrees"] for who in asked["replication"]["required"]} == {DC: False, OTHER_DC: False}
    admin.delete(endpoint)
    before = pair.writes()
    result = wellknown_user_info.run(params)
    assert [who["server"] for who in result["replication"]["exempted"]] == [OTHER_DC] and result["holders"] == []
    assert {found["object_class"] for found in result["deleted"]} == {"user", "contact"}
    assert any("CN=Deleted Objects,CN=Configuration," in found["dn"] for found in result["deleted"])
    (other,) = wellknown_user_info.run(dict(params, sip_address=settings.LOOKUP_SIP))["holders"]
    assert result["recycle_bin"] and (other["undo"], other["undo_loses"]) == ("full", []) and pair.writes() == before
