# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Away and back: every attribute is compared with what it was."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import load
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import observe_identity
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress
from tests.integration.directory.conftest import SIP, USER, add_endpoint
from tests.lab import settings

MODULE = Path(__file__).resolve().parents[3] / "plugins/modules/pc_wellknown_user.py"
#: what a restore cannot give back without the Recycle Bin; the module's notes name each
LOST = {"accountExpires", "adminCount", "lastKnownParent", "operatorCount", "pwdLastSet", "uSNChanged", "whenChanged"}
LIVELY = {"uSNChanged", "whenChanged"}


def enrich(admin):
    """Give the account values of every awkward kind."""
    changes = {
        "description": ["größe, (star*) \\ end"],
        "proxyAddresses": [SIP.upper(), "smtp:ocschat@contoso.com", "sip:alias@contoso.com"],
        "thumbnailPhoto": [bytes(range(256))],
        "msRTCSIP-UserPolicies": ["0=1", "1=2"],
        "servicePrincipalName": ["groupchat/gc01.contoso.com"],
        "info": [" leading and trailing "],
    }
    admin.modify(USER.dn, {name: [("MODIFY_REPLACE", values)] for name, values in changes.items()})


def different(was, now):
    names = {name for name in list(was) + list(now) if name not in ("tokenGroups", "canonicalName")}
    return {name for name in names if sorted(was.values(name)) != sorted(now.values(name))}


def test_absent_and_present(converge, admin, account, connection):
    enrich(admin)
    was = account()
    gone = converge("absent")
    assert (
        gone["changed"]
        and gone["holders_after"] == []
        and gone["undo"] == "partial"
        and "password" in gone["undo_loses"]
    )
    assert account() is None
    back = converge("present")
    now = account()
    assert back["changed"] and back["not_restored"] == []
    assert [holder["dn"] for holder in back["holders_after"]] == [USER.dn]
    assert (now.guid, now.sid, now.dn) == (was.guid, was.sid, was.dn)
    assert different(was, now) <= LOST
    assert set(back["differs"]) == different(was, now)
    for name in (
        "nTSecurityDescriptor",
        "memberOf",
        "msRTCSIP-PrimaryUserAddress",
        "thumbnailPhoto",
        "userPrincipalName",
    ):
        assert sorted(now.values(name)) == sorted(was.values(name)) and now.values(name)
    assert sorted(now.values("tokenGroups")) == sorted(was.values("tokenGroups"))


@pytest.mark.parametrize("name", sorted(LOST))
def test_the_documentation_names_what_a_restore_loses(name):
    assert "C(%s)" % name in MODULE.read_text(encoding="utf-8").split("extends_documentation_fragment")[0]


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


def test_disabled_and_present(converge, admin, account):
    enrich(admin)
    was = account()
    freed = converge("disabled")
    now = account()
    assert freed["changed"] and freed["undo"] == "full" and freed["holders_after"] == []
    assert not [name for name in now if name.lower().startswith("msrtcsip-")]
    assert sorted(now.texts("proxyAddresses")) == ["sip:alias@contoso.com", "smtp:ocschat@contoso.com"]
    assert now.enabled is False
    assert different(was, now) - LIVELY == {name for name in was if name.lower().startswith("msrtcsip-")} | {
        "proxyAddresses",
        "userAccountControl",
    }
    assert converge("present")["not_restored"] == []
    assert different(was, account()) <= LIVELY


def test_an_account_that_was_disabled_before_stays_disabled(converge, admin, account):
    admin.modify(USER.dn, {"userAccountControl": [("MODIFY_REPLACE", ["514"])]})
    converge("disabled")
    converge("present")
    assert account().enabled is False and account().text("msRTCSIP-PrimaryUserAddress") == SIP


@pytest.mark.parametrize("state", ["absent", "disabled"])
def test_every_second_run_changes_nothing(converge, clean_lab, state):
    assert converge(state)["changed"]
    before = clean_lab.writes()
    again = converge(state)
    assert not again["changed"] and again["already_done"] and again["backup"]
    assert clean_lab.writes() == before
    assert converge("present")["changed"]
    before = clean_lab.writes()
    again = converge("present")
    assert not again["changed"] and clean_lab.writes() == before


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


@pytest.mark.parametrize("state", ["absent", "disabled"])
def test_check_mode_of_present_writes_nothing(converge, clean_lab, account, state):
    converge(state)
    before = clean_lab.writes()
    foretold = converge("present", check_mode=True)
    assert foretold["changed"] and clean_lab.writes() == before
    assert foretold["actions"] == converge("present")["actions"]


def test_the_backup_is_private_and_has_everything(converge, admin, account, folder):
    enrich(admin)
    was = account()
    backup = converge("absent")["backup"]
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
    assert account().dn == was.dn and different(was, account()) <= LOST
