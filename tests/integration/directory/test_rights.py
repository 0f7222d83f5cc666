# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account with the documented grants can do everything, and without one of them the module says which one, in the guide's words."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from tests.integration.directory.conftest import DC, USER
from tests.integration.directory.trips import DELEGATED
from tests.lab import settings
from tests.lab.directory import delegation

GUIDE = Path(__file__).parents[3] / "docs/docsite/rst/guide_directory.rst"
TICKET = {
    "auth_protocol": "kerberos",
    "username": "%s@%s" % (settings.DIRECTORY_SERVICE, settings.REALM),
    "password": settings.PASSWORD,
    "realm": settings.REALM,
    "kdc": [DC],
}
KEPT = ["objectGUID", "objectSid", "msRTCSIP-PrimaryUserAddress", "memberOf", "displayName", "userPrincipalName"]


@pytest.fixture
def service(converge):
    """Run the module as svc-directory, which has the documented grants only."""

    def run(state, check_mode=False, **changes):
        return converge(state, check_mode, **{**DELEGATED, **changes})

    return run


@pytest.fixture
def without(admin):
    """Take a grant away for as long as the block lasts."""

    @contextmanager
    def block(name):
        delegation.take(admin, name)
        yield
        delegation.give(admin, name)

    return block


def refused(work, code, *words):
    """The error with this code; its text names the missing right in words that the guide explains."""
    with pytest.raises(PersistentChatError) as caught:
        work()
    assert caught.value.code == code, caught.value
    guide = GUIDE.read_text(encoding="utf-8").replace("*", "")
    for word in words:
        assert word in str(caught.value) and word in guide
    return caught.value


def kept(entry):
    return {name: sorted(entry.values(name)) for name in KEPT}


@pytest.mark.parametrize("sign_in", [DELEGATED, TICKET], ids=["simple", "kerberos"])
def test_with_the_documented_grants_everything_works(service, account, sign_in):
    was = kept(account())
    for state in ("absent", "disabled"):
        assert service(state, **sign_in)["holders_after"] == []
        back = service("present", **sign_in)
        assert back["restored_from"] == {"absent": "tombstone", "disabled": "attributes"}[state]
        assert back["not_restored"] == [] and kept(account()) == was
    assert not service("present", **sign_in)["changed"]


def test_without_delete_child_nothing_is_deleted_and_the_rest_works(service, without, account):
    was = account()
    with without("delete users"):
        error = refused(lambda: service("absent"), "insufficient_rights", "Delete Child")
        assert USER.dn in str(error) and DC in str(error) and error.facts["backup"]
        assert account().attributes == was.attributes
        assert service("disabled")["changed"] and service("present")["not_restored"] == []


def test_without_create_child_the_account_stays_deleted_until_the_right_is_there(service, without, account):
    service("absent")
    with without("create users"):
        refused(lambda: service("present"), "restore_failed", "Create Child")
        assert account() is None and not service("absent")["changed"]
    assert service("present")["not_restored"] == []


def test_without_reanimate_the_account_stays_deleted_until_the_right_is_there(service, without, account):
    service("absent")
    with without("reanimate"):
        refused(lambda: service("present"), "restore_failed", "Reanimate Tombstones")
        assert account() is None
    assert service("present")["not_restored"] == []


def test_without_a_look_at_deleted_objects_undo_is_worth_nothing(service, without, account):
    with without("list deleted"):
        error = refused(lambda: service("absent"), "undo_not_accepted", "CN=Deleted Objects")
        assert "none" in str(error) and account() is not None
        assert service("absent", accept_undo="none")["undo"] == "none"
        refused(lambda: service("present", allow_recreate=True), "insufficient_rights", "List", "CN=Deleted Objects")
        assert account() is None  # not even where it may be created anew
    assert service("present", allow_recreate=True)["restored_from"] == "tombstone"


def test_without_write_property_nothing_is_disabled_and_a_deleted_account_cannot_be_restored(
    service, without, account, converge
):
    with without("write users"):
        was = account()
        error = refused(lambda: service("disabled"), "insufficient_rights", "Write Property")
        assert error.facts["backup"] and account().attributes == was.attributes
        service("absent")
        refused(lambda: service("present"), "restore_failed", "Write Property")
    refused(lambda: service("present"), "restore_failed", "Write Property", "before the deletion")
    assert account() is None
    assert converge("present")["not_restored"] == []  # who has more rights than these can still do it


def test_write_property_that_is_lost_after_the_deletion_leaves_an_incomplete_account_that_the_next_run_completes(
    service, without, account
):
    was = kept(account())
    service("absent")
    with without("write users"):
        error = refused(lambda: service("present"), "insufficient_rights", "Write Property")
        assert "is there, but not yet with the address" in str(error) and error.facts["not_restored"]
        assert account().enabled
    assert service("present")["restored_from"] == "attributes" and kept(account()) == was


def test_without_write_property_of_member_each_group_is_named_and_the_next_run_adds_the_account(
    service, without, account
):
    was = kept(account())
    service("absent")
    with without("write members"):
        back = service("present")
        assert len(back["not_restored"]) == len(USER.groups)
        for group in USER.groups:
            assert any("CN=%s," % group in text for text in back["not_restored"])
        assert all("Write Property on member" in text for text in back["not_restored"])
    assert "Write Property on member" in GUIDE.read_text(encoding="utf-8")
    assert service("present")["not_restored"] == [] and kept(account()) == was
