# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account that the directory has given up for good: created anew only on demand, only once, and never beside another holder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import repair
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.recreated import note_path
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from tests.integration.directory.conftest import SIP, USER, add_endpoint
from tests.integration.directory.trips import DELEGATED, expunge
from tests.lab import settings
from tests.lab.directory import delegation


@pytest.fixture
def given_up(converge, clean_lab, account):
    """The account as it was; now the directory does not even have its deleted object."""
    was = account()
    converge("absent")
    expunge(clean_lab)
    return was


@pytest.fixture
def interrupted(converge, monkeypatch):
    """Begin to create the account anew and break off: before or after the first call of a method that writes."""

    def begin(name, done):
        original = getattr(DirectoryConnection, name)

        def breaks_off(self, *arguments, **named):
            if done:
                original(self, *arguments, **named)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(DirectoryConnection, name, breaks_off)
            converge("present", allow_recreate=True)

    return begin


def refused(converge, **changes) -> PersistentChatError:
    with pytest.raises(PersistentChatError) as caught:
        converge("present", **changes)
    return caught.value


def test_nothing_is_created_anew_unless_the_operator_says_so(converge, clean_lab, given_up):
    before = clean_lab.writes()
    error = refused(converge)
    assert error.code == "not_restorable" and "allow_recreate" in str(error) and "another SID" in str(error)
    assert given_up.guid in str(error) and clean_lab.writes() == before


def test_what_may_still_be_restorable_is_not_created_anew(converge, admin, clean_lab, account):
    """Without the right to see deleted objects an account looks as if it were gone for good."""
    was = account()
    converge("absent")
    delegation.take(admin, "list deleted")
    before = clean_lab.writes()
    error = refused(converge, allow_recreate=True, **DELEGATED)
    assert error.code == "insufficient_rights" and "List on CN=Deleted Objects" in str(error)
    assert clean_lab.writes() == before
    delegation.give(admin, "list deleted")
    back = converge("present", allow_recreate=True, **DELEGATED)
    assert (back["restored_from"], back["object_guid"]) == ("tombstone", was.guid)


def test_the_new_account_goes_and_comes_back_like_any_other(converge, given_up, account):
    new = converge("present", allow_recreate=True)["object_guid"]
    assert new not in (None, given_up.guid) and account().enabled is False
    gone = converge("absent")
    assert gone["backup"]["object_guid"] == new and not converge("absent")["changed"]
    back = converge("present")
    assert (back["restored_from"], back["object_guid"]) == ("tombstone", new)
    assert converge("disabled")["changed"] and converge("present")["object_guid"] == new


def test_the_new_account_may_be_lost_as_well(converge, admin, clean_lab, given_up, account):
    """Somebody else deletes it, so the newest backup is still that of the first account."""
    new = converge("present", allow_recreate=True)["object_guid"]
    admin.delete(USER.dn)
    back = converge("present", allow_recreate=True)
    assert (back["restored_from"], back["object_guid"]) == ("tombstone", new)
    admin.delete(USER.dn)
    expunge(clean_lab)
    assert refused(converge).code == "not_restorable"
    third = converge("present", allow_recreate=True)
    assert third["restored_from"] == "backup" and third["object_guid"] not in (new, given_up.guid)
    assert not converge("present")["changed"]


def test_both_the_lost_account_and_the_new_one_may_be_named(converge, given_up):
    options = {"allow_recreate": True, "sam_account_name": None}
    first = {"object_guid": given_up.guid, "object_sid": given_up.sid, "distinguished_name": USER.dn}
    new = converge("present", **first, **options)
    named = {"object_guid": new["object_guid"], "object_sid": new["object_sid"], "distinguished_name": USER.dn}
    assert not converge("present", **first, **options)["changed"]
    assert not converge("present", **named, **options)["changed"]
    for mixed in (
        dict(named, object_guid=given_up.guid),
        dict(first, distinguished_name="CN=user01," + settings.PEOPLE_DN),
    ):
        assert refused(converge, **mixed, **options).code == "identity_mismatch"


def test_what_a_person_did_to_the_new_account_stays(converge, admin, given_up, account):
    converge("present", allow_recreate=True)
    changes = {"userAccountControl": "512", "unicodePwd": '"Lab-Passw0rd-2!"'.encode("utf-16-le")}
    for name in ("unicodePwd", "userAccountControl"):
        admin.modify(USER.dn, {name: [("MODIFY_REPLACE", [changes[name]])]})
    assert not converge("present")["changed"] and account().enabled


@pytest.mark.parametrize("name, done", [("add", True), ("modify", False)])
def test_what_was_begun_is_completed_and_nothing_tells_of_it(converge, interrupted, given_up, account, name, done):
    """Broken off before it was noted who the new account is, and after."""
    interrupted(name, done)
    half = account()
    assert half.text(repair.MARKED) and half.text("msRTCSIP-PrimaryUserAddress") is None and not half.enabled
    assert converge("present", allow_recreate=True)["object_guid"] == half.guid
    assert account().text(repair.MARKED) == given_up.text(repair.MARKED)
    assert account().text("msRTCSIP-PrimaryUserAddress") == SIP


def test_what_was_begun_is_not_taken_for_a_stranger_and_a_stranger_not_for_ours(converge, interrupted, admin, given_up):
    interrupted("add", True)
    admin.modify(USER.dn, {repair.MARKED: [("MODIFY_REPLACE", ["somebody else's"])]})
    error = refused(converge, allow_recreate=True)
    assert error.code == "name_taken" and USER.dn in str(error)


def test_another_domain_controller_does_not_begin_anew(converge, interrupted, clean_lab, folder, given_up):
    """The note says that it was begun elsewhere, and nothing of it can be seen here."""
    interrupted("add", False)
    note = Path(note_path(str(folder), given_up.guid))
    note.write_text(json.dumps(dict(json.loads(note.read_text()), domain_controller="dc2.contoso.com")))
    before = clean_lab.writes()
    error = refused(converge, allow_recreate=True)
    assert error.code == "recreation_elsewhere" and "dc2.contoso.com" in str(error) and str(note) in str(error)
    assert clean_lab.writes() == before
    note.write_text("{}")
    assert refused(converge, allow_recreate=True).code == "backup_failed"
    note.unlink()
    assert converge("present", allow_recreate=True)["restored_from"] == "backup"


@pytest.mark.parametrize("way", ["disabled", "tombstone", "backup"])
def test_the_address_is_not_given_while_somebody_else_has_it(converge, admin, clean_lab, monkeypatch, account, way):
    """An endpoint is created at the last moment, after everything was looked at."""
    converge("disabled" if way == "disabled" else "absent")
    if way == "backup":
        expunge(clean_lab)
    moment = "modify" if way != "tombstone" else "restore"
    original = getattr(DirectoryConnection, moment)
    created = []

    def late(self, *arguments, **named):
        result = original(self, *arguments, **named)
        if not created:
            created.append(add_endpoint(admin))
        return result

    monkeypatch.setattr(DirectoryConnection, moment, late)
    error = refused(converge, allow_recreate=True)
    assert error.code == "address_held" and created[0] in str(error)
    assert account().text("msRTCSIP-PrimaryUserAddress") is None
    assert SIP not in account().texts("proxyAddresses")
    assert refused(converge, allow_recreate=True).code == "address_held"
    admin.delete(created[0])
    assert converge("present")["restored_from"] == "attributes"
    assert account().text("msRTCSIP-PrimaryUserAddress") == SIP
