# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking the address away: what is sent, what must be accepted and on disk before, and an account that was disabled weeks ago.

Every test has accounts of its own, so the lab is restored once for all of them.
"""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup as backups
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import identity
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from tests.integration.directory.conftest import add_endpoint
from tests.integration.directory.subjects import SIP_ATTRIBUTE, STATES, Subject, refused
from tests.integration.directory.trips import DELEGATED
from tests.lab import settings
from tests.lab.client import LabClient
from tests.lab.directory import delegation

DIRECTORY_SERVICE_DN = "CN=Directory Service,CN=Windows NT,CN=Services," + settings.CONFIGURATION_DN
TREE_DELETE = "1.2.840.113556.1.4.805"
#: what a deletion and a return without the Recycle Bin change; the module's notes name each
LOST = {
    "accountExpires",
    "adminCount",
    "lastKnownParent",
    "operatorCount",
    "pwdLastSet",
    "uSNChanged",
    "whenChanged",
}


@pytest.fixture
def clean_lab(lab: LabClient) -> LabClient:
    """The lab, restored before the first test of this file only."""
    return lab


def rich(subject: Callable[..., Subject], name: str) -> Subject:
    """An account with several SIP attributes, and the address in proxyAddresses too."""
    return subject(
        name,
        displayName="Group Chat",
        msRTCSIP_UserEnabled="TRUE",
        msRTCSIP_OptionFlags="256",
        msRTCSIP_UserPolicies=["0=1", "1=2"],
        proxyAddresses=["SIP:%s@%s" % (name.upper(), settings.DOMAIN), "smtp:%s@%s" % (name, settings.DOMAIN)],
    )


# what is sent


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, Any, list[Any]]]:
    """Every request but searches and sign-ins that our client library puts on the wire: kind, request and controls."""
    from ldap3.strategy.sync import SyncStrategy

    requests, send = [], SyncStrategy.send

    def record(self, message_type, request, controls=None):
        if message_type not in ("searchRequest", "bindRequest", "unbindRequest"):
            requests.append((message_type, request, [control[0] for control in controls or []]))
        return send(self, message_type, request, controls)

    monkeypatch.setattr(SyncStrategy, "send", record)
    return requests


def test_one_request_deletes_by_the_guid_and_nothing_below(converge, subject, sent):
    user = subject("plainly")
    guid = user.read().guid
    sent.clear()  # the account's creation
    result = converge("absent", check_mode=True, **user.named)
    assert sent == [] and [action["op"] for action in result["actions"]] == ["back_up", "delete"]
    converge("absent", **user.named)
    ((kind, request, controls),) = sent
    assert (kind, str(request)) == ("delRequest", "<GUID=%s>" % guid)
    assert TREE_DELETE not in controls and controls == []


def test_one_request_disables_and_takes_exactly_the_values_that_were_read(converge, subject, sent):
    user = rich(subject, "partly")
    was = user.read()
    sent.clear()
    foretold = converge("disabled", check_mode=True, **user.named)
    assert sent == []
    done = converge("disabled", **user.named)
    assert (foretold["actions"], foretold["diff"]) == (done["actions"], done["diff"])
    ((kind, request, controls),) = sent
    assert (kind, str(request["object"]), controls) == ("modifyRequest", "<GUID=%s>" % was.guid, [])
    taken = {}
    for change in request["changes"]:
        values = sorted(bytes(value) for value in change["modification"]["vals"])
        taken[str(change["modification"]["type"])] = (int(change["operation"]), values)
    assert taken.pop("userAccountControl") == (2, [b"546"])  # replace
    assert taken.pop("proxyAddresses") == (1, [b"SIP:PARTLY@contoso.com"])  # delete
    assert taken == {name: (1, sorted(was.values(name))) for name in was if name.startswith("msRTCSIP-")}
    assert len(taken) == 4


def test_a_value_that_changes_at_the_last_moment_keeps_all_of_the_account(converge, admin, subject, monkeypatch):
    user = rich(subject, "lately")
    modify = DirectoryConnection.modify

    def change_and_modify(self, *arguments):
        admin.modify(user.dn, {"msRTCSIP-OptionFlags": [("MODIFY_REPLACE", ["257"])]})
        modify(self, *arguments)

    monkeypatch.setattr(DirectoryConnection, "modify", change_and_modify)
    error = refused(converge, "disabled", **user.named)
    assert error.code == "no_such_attribute" and error.facts["backup"]
    now = user.read()
    assert now.enabled and now.text(SIP_ATTRIBUTE) == user.sip and now.text("msRTCSIP-OptionFlags") == "257"


@pytest.mark.parametrize("state", [*STATES, "absent after disabled"])
@pytest.mark.parametrize("meddle", ["account", "holder"])
def test_a_change_between_backup_and_write_stops(converge, admin, subject, monkeypatch, state, meddle):
    user = subject("%s-%s" % (meddle, state.replace(" ", "-")[:9]) + state[-1])
    state, _after, earlier = state.partition(" after ")
    if earlier:
        converge(earlier, **user.named)
    save, endpoints = backups.save, []

    def saved_and_changed(*arguments):
        saved = save(*arguments)
        if meddle == "account":
            admin.modify(user.dn, {"description": [("MODIFY_REPLACE", ["somebody was here"])]})
        else:
            endpoints.append(add_endpoint(admin, user.sip))
        return saved

    was = user.read()
    monkeypatch.setattr(backups, "save", saved_and_changed)
    error = refused(converge, state, **user.named)
    assert error.code == "changed_meanwhile" and error.facts["backup"]
    now = user.read()
    assert now.values(SIP_ATTRIBUTE) == was.values(SIP_ATTRIBUTE) and now.enabled == was.enabled
    for dn in endpoints:
        admin.delete(dn)


# what undo is worth


def test_what_undo_is_worth_is_said_first_and_must_be_accepted(converge, subject, clean_lab, folder):
    user = subject("precious")
    before = clean_lab.writes()
    foretold = converge("absent", check_mode=True, **user.named)
    assert (foretold["undo"], foretold["undo_days"]) == ("partial", 180) and "password" in foretold["undo_loses"]
    error = refused(converge, "absent", accept_undo="full", **user.named)
    assert error.code == "undo_not_accepted" and "password" in str(error)
    assert {name: error.facts[name] for name in ("undo", "undo_loses", "undo_days")} == {
        name: foretold[name] for name in ("undo", "undo_loses", "undo_days")
    }
    disabled = converge("disabled", check_mode=True, accept_undo="full", **user.named)
    assert (disabled["undo"], disabled["undo_loses"], disabled["undo_days"]) == ("full", [], None)
    assert clean_lab.writes() == before and not folder.exists()


def test_who_cannot_see_deleted_objects_could_only_create_another_account(converge, admin, subject, clean_lab, folder):
    user = subject("unseen", parent=settings.LEGACY_OU_DN)
    seeing = converge("absent", check_mode=True, **user.named, **DELEGATED)
    assert seeing["undo"] == "partial"
    delegation.take(admin, "list deleted")
    try:
        before = clean_lab.writes()
        blind = converge("absent", check_mode=True, accept_undo="none", **user.named, **DELEGATED)
        assert (blind["undo"], blind["undo_days"]) == ("none", None)
        assert set(seeing["undo_loses"]) < set(blind["undo_loses"])
        error = refused(converge, "absent", **user.named, **DELEGATED)
        assert error.code == "undo_not_accepted" and "CN=Deleted Objects" in str(error)
        assert clean_lab.writes() == before and not folder.exists()
        assert converge("absent", accept_undo="none", **user.named, **DELEGATED)["undo"] == "none"
    finally:
        delegation.give(admin, "list deleted")
    assert user.read() is None


@pytest.mark.parametrize(
    "tombstone, deleted_object, without_bin, with_bin",
    [("180", None, 180, 180), (None, None, 60, 60), ("90", "30", 90, 30), ("1", "1", 2, 2), (None, "365", 60, 365)],
)
def test_for_how_long_a_deletion_can_be_undone(
    connection, admin, clean_lab, tombstone, deleted_object, without_bin, with_bin
):
    changes = {"tombstoneLifetime": tombstone, "msDS-DeletedObjectLifetime": deleted_object}
    admin.modify(DIRECTORY_SERVICE_DN, {n: [("MODIFY_REPLACE", [v] if v else [])] for n, v in changes.items()})
    try:
        assert identity._undo_days(connection, recycle_bin=False) == without_bin
        assert identity._undo_days(connection, recycle_bin=True) == with_bin
    finally:
        usual = {"tombstoneLifetime": ["180"], "msDS-DeletedObjectLifetime": []}
        admin.modify(DIRECTORY_SERVICE_DN, {n: [("MODIFY_REPLACE", v)] for n, v in usual.items()})


# the backup comes first


def full_disk(monkeypatch, folder):
    """From the moment that the backup is written, no file may grow beyond a few bytes."""
    create_file, (soft, hard) = backups.create_file, resource.getrlimit(resource.RLIMIT_FSIZE)

    def limited(path, content):
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            create_file(path, content)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    monkeypatch.setattr(backups, "create_file", limited)
    return str(folder)


def vanishing_folder(monkeypatch, folder):
    """It is removed after the first file."""
    create_file = backups.create_file

    def created_and_removed(path, content):
        create_file(path, content)
        shutil.rmtree(Path(path).parent)

    monkeypatch.setattr(backups, "create_file", created_and_removed)
    return str(folder)


def vanishing_afterwards(monkeypatch, folder):
    """It is removed when the backup is complete, before it is read back."""
    create_file = backups.create_file

    def created_and_removed(path, content):
        create_file(path, content)
        if path.endswith(".json"):
            shutil.rmtree(Path(path).parent)

    monkeypatch.setattr(backups, "create_file", created_and_removed)
    return str(folder)


def read_only_folder(_monkeypatch, _folder):
    return "/sys/persistent-chat"


def changed_on_disk(monkeypatch, folder):
    """What is read back is not what was written."""
    create_file = backups.create_file
    monkeypatch.setattr(
        backups, "create_file", lambda path, content: create_file(path, content.replace(b"dn:", b"dm:", 1))
    )
    return str(folder)


@pytest.mark.parametrize(
    "trouble", [full_disk, vanishing_folder, vanishing_afterwards, read_only_folder, changed_on_disk]
)
def test_without_a_backup_that_was_read_back_nothing_is_written(
    converge, subject, clean_lab, folder, monkeypatch, trouble
):
    user = subject("kept-" + trouble.__name__.replace("_", "")[:14])
    was, before = user.read(), clean_lab.writes()
    where = trouble(monkeypatch, folder)
    for state in STATES:
        error = refused(converge, state, backup_dir=where, **user.named)
        assert error.code == "backup_failed" and where in str(error)
    assert clean_lab.writes() == before and user.read().attributes == was.attributes


# deleted weeks after it was disabled


def different(was, now):
    names = {name for name in [*was, *now] if name not in ("tokenGroups", "canonicalName")}
    return {name for name in names if sorted(was.values(name)) != sorted(now.values(name))}


def test_an_account_that_was_disabled_is_deleted_later_and_comes_back_as_it_was(
    converge, admin, subject, clean_lab, connection
):
    user = rich(subject, "decommissioned")
    admin.modify("CN=Group Chat Services," + settings.GROUPS_DN, {"member": [("MODIFY_ADD", [user.dn])]})
    was = user.read()
    first = converge("disabled", **user.named)["backup"]
    admin.modify(user.dn, {"description": [("MODIFY_REPLACE", ["to be deleted"])]})
    endpoint = add_endpoint(admin, user.sip)
    endpoint_was, before = connection.read(endpoint, ["*"]), clean_lab.writes()

    foretold = converge("absent", check_mode=True, **user.named)
    assert [action["op"] for action in foretold["actions"]] == ["back_up", "delete"] and foretold["undo"] == "partial"
    error = refused(converge, "absent", accept_undo="full", **user.named)
    assert error.code == "undo_not_accepted"
    error = refused(converge, "absent", **dict(user.named, sam_account_name="user01"))
    assert error.code == "guard_identity" and user.dn in str(error)
    assert clean_lab.writes() == before

    done = converge("absent", **user.named)
    assert done["actions"] == foretold["actions"] and user.read() is None
    assert done["backup"]["continues"] == first["path"] and done["backup"]["state"] == "absent"
    assert [holder["dn"] for holder in done["holders_after"]] == [endpoint]
    assert connection.read(endpoint, ["*"]).attributes == endpoint_was.attributes
    before = clean_lab.writes()
    assert converge("absent", **user.named)["already_done"]
    assert refused(converge, "disabled", **user.named).code == "not_disabled"
    assert clean_lab.writes() == before

    admin.delete(endpoint)
    assert converge("present", **user.named)["not_restored"] == []
    assert different(was, user.read()) <= LOST | {"description"}
    assert user.read().enabled and was.values("memberOf")


def enabled_again(admin, user):
    admin.modify(user.dn, {"userAccountControl": [("MODIFY_REPLACE", ["544"])]})


def sip_enabled_again(admin, user):
    admin.modify(user.dn, {SIP_ATTRIBUTE: [("MODIFY_REPLACE", ["sip:somebody.else@contoso.com"])]})


@pytest.mark.parametrize("revive, says", [(enabled_again, "it is enabled"), (sip_enabled_again, SIP_ATTRIBUTE)])
def test_an_account_that_lives_again_is_not_deleted(converge, admin, subject, clean_lab, revive, says):
    user = subject(revive.__name__.replace("_", "-"))
    converge("disabled", **user.named)
    revive(admin, user)
    was, before = user.read(), clean_lab.writes()
    error = refused(converge, "absent", **user.named)
    assert error.code == "account_still_exists" and says in str(error) and user.dn in str(error)
    assert clean_lab.writes() == before and user.read().attributes == was.attributes


def test_an_account_that_took_the_name_of_a_deleted_one_is_not_touched(converge, subject, clean_lab):
    user = subject("successor")
    converge("absent", **user.named)
    other = subject(user.name, userAccountControl="546", msRTCSIP_PrimaryUserAddress="sip:other.name@contoso.com")
    before = clean_lab.writes()
    assert converge("absent", **user.named)["already_done"]
    assert other.read() is not None and clean_lab.writes() == before


def test_a_deletion_of_a_disabled_account_that_was_killed_goes_on(converge, subject, folder, monkeypatch):
    """After its own backup and before the deletion; the backup of the account as it was stays what comes back."""
    user = rich(subject, "interrupted")
    was = user.read()
    first = converge("disabled", **user.named)["backup"]

    def killed(self, *arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(DirectoryConnection, "delete", killed)
        converge("absent", **user.named)
    done = converge("absent", **user.named)
    assert done["changed"] and done["backup"]["continues"] == first["path"] and user.read() is None
    assert len(list(folder.iterdir())) == 4  # the backup of the killed run was still true, and was used
    Path(first["path"]).rename(first["path"] + ".lost")
    assert refused(converge, "present", **user.named).code == "backup_failed"
    Path(first["path"] + ".lost").rename(first["path"])
    converge("present", **user.named)
    assert different(was, user.read()) <= LOST
