# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Away and back: every attribute is compared with what it was."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator

import pytest
import yaml

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import ATTRIBUTES, load
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import observe_identity
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress
from ansible_collections.lync.persistent_chat.plugins.modules import pc_wellknown_user
from tests.integration.directory.conftest import SIP, USER, add_endpoint
from tests.integration.directory.trips import DELEGATED, DIFFERS, account_named, different, enrich, expunge, signs_in
from tests.lab import settings
from tests.lab.client import LabClient

LIVELY = DIFFERS["attributes"]
AWAY = {"attributes": "disabled"}


@pytest.fixture
def way(request: pytest.FixtureRequest, running_lab: LabClient) -> Iterator[str]:
    """How the account is to come back, with the lab in the shape for it."""
    emulated = request.param == "recycle_bin"
    if emulated:
        running_lab.call("directory.use", controllers=1, recycle_bin="emulated")
    yield request.param
    if emulated:
        running_lab.call("directory.use", controllers=1, recycle_bin="off")


@pytest.mark.parametrize("name", [settings.WELL_KNOWN_USER, settings.LOOKUP_USER])
@pytest.mark.parametrize("way", sorted(DIFFERS), indirect=True)
def test_every_attribute_is_as_it_was_but_those_that_are_documented(
    way, name, converge, admin, connection, clean_lab, running_lab
):
    user = account_named(name)
    enrich(admin, user)
    was = connection.read(user.dn, ATTRIBUTES)
    options = {"sip_address": user.sip, "sam_account_name": name, "override": ["recent_logon", "enterprise_voice"]}
    options.update(DELEGATED)
    gone = converge(AWAY.get(way, "absent"), **options)
    assert gone["holders_after"] == []
    assert gone["undo"] == ("partial" if way in ("tombstone", "backup") else "full")
    if way == "backup":
        expunge(clean_lab)
    before = running_lab.writes()
    again = converge(AWAY.get(way, "absent"), **options)
    assert not again["changed"] and again["already_done"] and again["backup"] == gone["backup"]
    foretold = converge("present", check_mode=True, allow_recreate=True, **options)
    assert running_lab.writes() == before
    back = converge("present", allow_recreate=True, **options)
    assert (back["restored_from"], back["not_restored"], back["changed"]) == (way, [], True)
    assert (foretold["restored_from"], foretold["actions"]) == (way, back["actions"])
    now = connection.read(user.dn, ATTRIBUTES)
    assert different(was, now) | {"whenChanged"} == DIFFERS[way]  # two changes may fall into one second
    assert set(back["differs"]) == different(was, now)
    assert (back["object_guid"], back["object_sid"]) == (now.guid, now.sid)
    assert [holder["guid"] for holder in back["holders_after"]] == [now.guid]
    assert sorted(now.values("tokenGroups")) == sorted(was.values("tokenGroups"))
    assert now.enabled == (way != "backup")
    before = running_lab.writes()
    again = converge("present", **options)
    assert (again["changed"], again["restored_from"], again["object_guid"]) == (False, None, now.guid)
    assert running_lab.writes() == before
    assert signs_in(user) == (way in ("attributes", "recycle_bin"))  # otherwise the password is lost


@pytest.mark.parametrize("way", sorted(DIFFERS))
def test_the_documentation_names_what_differs_after_each_way(way):
    notes = yaml.safe_load(pc_wellknown_user.DOCUMENTATION)["notes"]
    (note,) = [note for note in notes if "RV(restored_from=%s)" % way in note]
    assert set(re.findall(r"C\((\w+)\)", note)) == DIFFERS[way]


def test_an_account_that_expires_does_so_afterwards(converge, admin, account):
    admin.modify(USER.dn, {"accountExpires": [("MODIFY_REPLACE", ["150000000000000000"])]})
    converge("absent")
    assert converge("present")["not_restored"] == []
    assert account().text("accountExpires") == "150000000000000000"


def test_an_account_follows_its_ou_that_was_renamed_meanwhile(converge, admin, account):
    was = account()
    converge("absent")
    admin.modify_dn(settings.LEGACY_OU_DN, "OU=Renamed")
    assert converge("present")["restored_from"] == "tombstone"
    now = account()
    assert (now.guid, now.dn) == (was.guid, was.dn.replace("OU=Group Chat,", "OU=Renamed,"))


def test_an_account_that_lives_elsewhere_by_now_is_not_moved_and_what_it_has_is_left(converge, admin, account):
    enrich(admin, USER)
    was = account()
    converge("disabled", override=["recent_logon", "enterprise_voice"])
    admin.modify(
        USER.dn,
        {
            "displayName": [("MODIFY_REPLACE", ["New name"])],
            "msRTCSIP-Line": [("MODIFY_REPLACE", ["tel:+4940999"])],
            "proxyAddresses": [("MODIFY_ADD", ["smtp:new@contoso.com"])],
        },
    )
    admin.modify("CN=user01," + settings.PEOPLE_DN, {"proxyAddresses": [("MODIFY_ADD", ["sip:alias@contoso.com"])]})
    admin.modify(USER.dn, {"proxyAddresses": [("MODIFY_DELETE", ["sip:alias@contoso.com"])]})
    admin.modify_dn(USER.dn, "CN=elsewhere", new_superior=settings.PEOPLE_DN)
    back = converge("present")
    now = account()
    assert (back["restored_from"], now.guid, now.dn) == ("attributes", was.guid, "CN=elsewhere," + settings.PEOPLE_DN)
    assert (now.text("displayName"), now.text("msRTCSIP-Line")) == ("New name", "tel:+4940999")
    kept = {*was.texts("proxyAddresses"), "smtp:new@contoso.com"} - {"sip:alias@contoso.com"}
    assert set(now.texts("proxyAddresses")) == kept and now.text("msRTCSIP-PrimaryUserAddress") == SIP
    told = "\n".join(back["not_restored"])
    assert "New name" in told and "tel:+4940999" in told and "CN=user01" in told and len(back["not_restored"]) == 3
    assert converge("present")["not_restored"] == back["not_restored"]


def test_a_primary_group_comes_back(converge, admin, account):
    group = "CN=Group Chat Services," + settings.GROUPS_DN
    admin.search(settings.BASE_DN, "(cn=Group Chat Services)", attributes=["primaryGroupToken"])
    group, token = admin.entries[0].entry_dn, str(admin.entries[0]["primaryGroupToken"])
    admin.modify(USER.dn, {"primaryGroupID": [("MODIFY_REPLACE", [token])]})
    was = account()
    assert group not in was.texts("memberOf")
    converge("absent")
    assert converge("present")["not_restored"] == []
    assert account().text("primaryGroupID") == token


def test_disabled_takes_the_sip_attributes_and_the_address_and_nothing_else(converge, admin, account):
    enrich(admin, USER)
    was = account()
    freed = converge("disabled", override=["recent_logon", "enterprise_voice"])
    now = account()
    assert freed["changed"] and freed["undo"] == "full" and freed["holders_after"] == []
    assert not [name for name in now if name.lower().startswith("msrtcsip-")]
    assert sorted(now.texts("proxyAddresses")) == ["sip:alias@contoso.com", "smtp:ocschat@contoso.com"]
    assert now.enabled is False
    assert different(was, now) - LIVELY == {name for name in was if name.lower().startswith("msrtcsip-")} | {
        "proxyAddresses",
        "userAccountControl",
    }


def test_an_account_that_was_disabled_before_stays_disabled(converge, admin, account):
    admin.modify(USER.dn, {"userAccountControl": [("MODIFY_REPLACE", ["514"])]})
    converge("disabled")
    converge("present")
    assert account().enabled is False and account().text("msRTCSIP-PrimaryUserAddress") == SIP


@pytest.mark.parametrize("state", ["absent", "disabled"])
def test_a_finished_migration_runs_again_without_change(converge, admin, clean_lab, state):
    converge(state)
    dn = add_endpoint(admin)
    before = clean_lab.writes()
    again = converge(state)
    assert not again["changed"] and clean_lab.writes() == before
    assert [holder["dn"] for holder in again["holders_after"]] == [dn]


@pytest.mark.parametrize("state", ["absent", "disabled"])
def test_check_mode_writes_nothing_and_foretells_the_actions(converge, nothing_written, state):
    foretold = converge(state, check_mode=True)
    nothing_written()
    assert foretold["changed"] and foretold["holders_after"] == foretold["holders_before"] != []
    done = converge(state)
    assert (
        foretold["actions"] == done["actions"] and foretold["diff"] == done["diff"] and foretold["undo"] == done["undo"]
    )


def test_the_backup_is_private_and_has_everything(converge, admin, account, folder):
    enrich(admin, USER)
    was = account()
    backup = converge("absent", override=["recent_logon", "enterprise_voice"])["backup"]
    loaded = load(backup["path"])
    assert loaded.entry.attributes == was.attributes and loaded.entry.dn == was.dn
    for name in ("memberOf", "nTSecurityDescriptor", "proxyAddresses", "msRTCSIP-PrimaryUserAddress", "objectSid"):
        assert name in loaded.entry
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert loaded.manifest["domain_controller"] == "dc1.contoso.com"


def test_present_uses_the_backup_that_is_named(converge, folder, tmp_path, account):
    backup = converge("absent")["backup"]
    elsewhere = tmp_path / "elsewhere"
    os.rename(folder, elsewhere)
    with pytest.raises(PersistentChatError, match="no backup"):
        converge("present")
    assert converge("present", backup=str(elsewhere / os.path.basename(backup["path"])), backup_dir=None)["changed"]
    assert account() is not None


def test_the_planner_sees_what_the_module_sees(params, converge, connection: DirectoryConnection, folder):
    sip = SipAddress.parse(SIP)
    before = observe_identity(connection, sip, {"sam_account_name": USER.name}, str(folder))
    assert [holder.dn for holder in before.holders] == [USER.dn]
    assert (before.guards_failed, before.backup, before.recycle_bin, before.account_state) == ((), None, False, "live")
    converge("absent")
    after = observe_identity(connection, sip, {"sam_account_name": USER.name}, str(folder))
    assert after.holders == () and after.backup is not None and after.account_state == "deleted" and after.named == ()


def test_a_name_with_every_special_character_goes_and_comes_back(converge, admin, account):
    unit = 'OU=Größe\\, \\"quoted\\" \\+ more\\;,' + settings.SERVICE_ACCOUNTS_DN
    admin.add(unit, "organizationalUnit")
    admin.modify_dn(USER.dn, 'CN=\\#ocs\\, chat \\+ \\"x\\" ü', new_superior=unit)
    was = account()
    assert converge("absent", distinguished_name=was.dn)["changed"]
    assert converge("present", distinguished_name=was.dn)["not_restored"] == []
    assert account().dn == was.dn and different(was, account()) <= DIFFERS["tombstone"]
