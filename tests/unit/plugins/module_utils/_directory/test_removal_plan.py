# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is decided for absent and disabled, from what was observed."""

from __future__ import annotations

import uuid

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import Backup
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import GuardFailure
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import Holder
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import (
    DELETED,
    GONE,
    LIVE,
    IdentityState,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.removal import (
    WORTH,
    plan_removal,
    undo_said,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

SIP = SipAddress.parse("sip:ocschat@contoso.com")
GUID = str(uuid.UUID(int=7))
BOTH = ("domain_controller", "global_catalog")
USER = Holder(GUID, "S-1", "CN=ocschat,DC=contoso,DC=com", "user", "ocschat", str(SIP), True, BOTH, 1)
ENDPOINT = Holder(
    "2",
    None,
    "CN={X},CN=Application Contacts,CN=RTC Service,CN=Configuration,DC=c",
    "contact",
    None,
    str(SIP),
    None,
    BOTH,
    1,
)
PERSON = Holder("3", None, "CN=Someone,OU=Partners,DC=contoso,DC=com", "contact", None, None, None, BOTH, 1)
ACCOUNT = {
    "objectGUID": [uuid.UUID(int=7).bytes_le],
    "userAccountControl": [b"512"],
    "msRTCSIP-PrimaryUserAddress": [b"sip:ocschat@contoso.com"],
    "msRTCSIP-OptionFlags": [b"256"],
    "proxyAddresses": [b"SIP:OCSchat@contoso.com", b"smtp:o@contoso.com"],
}
BACKUP = Backup("/b/x.ldif", {"object_guid": GUID, "state": "absent"}, Entry(USER.dn, ACCOUNT))


EARLIER = Backup("/b/earlier.ldif", {"object_guid": GUID, "state": "disabled"}, Entry(USER.dn, ACCOUNT))


def state(holders=(), account=None, account_state=GONE, failed=(), backup=None, named=(), pending=(), **more):
    more = {"recycle_bin": False, "undo_days": 180, **more}
    return IdentityState(
        SIP, tuple(holders), tuple(pending), account, account_state, tuple(failed), backup, tuple(named), **more
    )


def plan(observed, wanted="absent", override=(), accept_undo="partial"):
    return plan_removal(observed, wanted, list(override), "/b", accept_undo)


def codes(result):
    return [conflict.code for conflict in result.conflicts]


LIVING = {"holders": [USER], "account": Entry(USER.dn, ACCOUNT), "account_state": LIVE}
STRIPPED = Entry(USER.dn, {"objectGUID": ACCOUNT["objectGUID"], "userAccountControl": [b"514"]})


ENABLED = {"objectGUID": ACCOUNT["objectGUID"], "userAccountControl": [b"512"]}
SIP_AGAIN = {"objectGUID": ACCOUNT["objectGUID"], "userAccountControl": [b"514"], "msRTCSIP-OptionFlags": [b"256"]}
OTHER = Entry(USER.dn, {"objectGUID": [uuid.UUID(int=8).bytes_le], "userAccountControl": [b"514"]})
RETIRED = {"account": STRIPPED, "account_state": LIVE, "backup": EARLIER}


@pytest.mark.parametrize("wanted, op", [("absent", "delete"), ("disabled", "disable")])
def test_the_account_is_backed_up_and_then_freed(wanted, op):
    result = plan(state(**LIVING), wanted)
    assert not result.conflicts and [action.op for action in result.actions] == ["back_up", op]


def test_disabling_shows_what_it_takes_away_and_keeps_the_rest():
    action = plan(state(**LIVING), "disabled").actions[1]
    assert action.before["msRTCSIP-OptionFlags"] == ["256"] and action.after["msRTCSIP-OptionFlags"] == []
    assert action.after["proxyAddresses"] == ["smtp:o@contoso.com"]
    assert (action.before["enabled"], action.after["enabled"]) == (True, False)


def test_a_failed_guard_stops_unless_it_is_overridden_by_its_name():
    failure = GuardFailure("mailbox", "it has mail", ("absent", "disabled"))
    observed = state(**LIVING, failed=[failure])
    refused = plan(observed)
    assert codes(refused) == ["guard_mailbox"] and not refused.actions
    assert "add mailbox to override" in refused.conflicts[0].message
    assert plan(observed, override=["mailbox"]).actions
    assert codes(plan(observed, override=["protected"])) == ["guard_mailbox"]


@pytest.mark.parametrize(
    "wanted, observed, code",
    [
        ("absent", state(), "no_holder"),
        ("disabled", state(), "no_holder"),
        ("absent", state([ENDPOINT]), "held_by_contact"),
        ("absent", state([PERSON], backup=BACKUP), "held_by_contact"),
        ("absent", state([ENDPOINT, PERSON], backup=BACKUP), "held_by_contact"),
        ("absent", state(backup=BACKUP, named=["object_sid ..."]), "identity_mismatch"),
        ("absent", state(backup=BACKUP, account=STRIPPED, account_state=LIVE), "account_still_exists"),
        ("absent", state(backup=EARLIER, account=Entry(USER.dn, ENABLED), account_state=LIVE), "account_still_exists"),
        (
            "absent",
            state(backup=EARLIER, account=Entry(USER.dn, SIP_AGAIN), account_state=LIVE),
            "account_still_exists",
        ),
        ("absent", state([PERSON], backup=EARLIER, account=STRIPPED, account_state=LIVE), "held_by_contact"),
        ("absent", state(backup=EARLIER, account=OTHER, account_state=LIVE), "account_still_exists"),
        ("disabled", state(backup=BACKUP, account=Entry(USER.dn, ACCOUNT), account_state=LIVE), "not_disabled"),
        ("disabled", state(backup=BACKUP, account=STRIPPED, account_state=DELETED), "not_disabled"),
    ],
)
def test_refusals(wanted, observed, code):
    result = plan(observed, wanted)
    assert codes(result) == [code] and not result.actions


@pytest.mark.parametrize(
    "wanted, observed",
    [
        ("absent", state(backup=BACKUP)),
        ("absent", state(backup=BACKUP, account=STRIPPED, account_state=DELETED)),
        ("absent", state([ENDPOINT], backup=BACKUP)),  # the migration is done: a second run changes nothing
        ("absent", state([USER], pending=[USER], backup=BACKUP)),  # deleted, and the global catalog lags
        ("disabled", state(backup=BACKUP, account=STRIPPED, account_state=LIVE)),
        ("disabled", state([ENDPOINT], backup=BACKUP, account=STRIPPED, account_state=LIVE)),
    ],
)
def test_done_already(wanted, observed):
    result = plan(observed, wanted)
    assert not result.actions and not result.conflicts


@pytest.mark.parametrize("holders", [(), (ENDPOINT,)])
@pytest.mark.parametrize("killed", [False, True])
def test_an_account_that_was_disabled_weeks_ago_is_deleted(holders, killed):
    """Also when a run was killed between its own backup and the deletion."""
    started = Backup("/b/new.ldif", {"object_guid": GUID, "state": "absent"}, STRIPPED, EARLIER)
    observed = state(holders, **{**RETIRED, "backup": started if killed else EARLIER})
    result = plan(observed)
    assert not result.conflicts and [action.op for action in result.actions] == ["back_up", "delete"]
    assert result.actions[1].before["sip_address"] is None
    assert not plan(observed, "disabled").actions


def test_the_guards_stop_it_too_and_undo_must_be_worth_it():
    failure = GuardFailure("mailbox", "it has mail", ("absent", "disabled"))
    assert codes(plan(state(**RETIRED, failed=[failure]))) == ["guard_mailbox"]
    assert plan(state(**RETIRED, failed=[failure]), override=["mailbox"]).actions
    assert codes(plan(state(**RETIRED), accept_undo="full")) == ["undo_not_accepted"]


UNDO = [
    ("absent", {}, "partial", 180),
    ("absent", {"recycle_bin": True}, "full", 180),
    ("absent", {"undo_days": None}, "partial", None),
    ("absent", {"sees_deleted": False}, "none", None),
    ("absent", {"sees_deleted": False, "recycle_bin": True}, "none", None),
    ("disabled", {"sees_deleted": False}, "full", None),
]


@pytest.mark.parametrize("wanted, seen, worth, days", UNDO)
def test_what_undo_is_worth_is_said_and_must_be_accepted(wanted, seen, worth, days):
    observed = state(**LIVING, **seen)
    said = undo_said(observed, wanted)
    assert (said["undo"], said["undo_days"]) == (worth, days)
    assert bool(said["undo_loses"]) == (worth != "full")
    assert ("password" in said["undo_loses"]) == (worth != "full")
    assert any("SID" in lost for lost in said["undo_loses"]) == (worth == "none")
    for accepted in WORTH:
        result = plan(observed, wanted, accept_undo=accepted)
        if WORTH.index(worth) <= WORTH.index(accepted):
            assert result.actions and not result.conflicts
        else:
            (conflict,) = result.conflicts
            assert conflict.code == "undo_not_accepted" and not result.actions
            assert {name: conflict.facts[name] for name in said} == said
            assert all(lost in conflict.message for lost in said["undo_loses"])
            assert ("cannot see CN=Deleted Objects" in conflict.message) == (not observed.sees_deleted)


def test_an_account_that_is_gone_for_good_cannot_come_back():
    assert undo_said(state(backup=BACKUP), "absent")["undo"] == "none"
    deleted = state(backup=BACKUP, account=STRIPPED, account_state=DELETED)
    assert undo_said(deleted, "absent")["undo"] == "partial"


def test_every_stop_says_what_undo_would_be_worth():
    failure = GuardFailure("mailbox", "it has mail", ("absent", "disabled"))
    facts = plan(state(**LIVING, failed=[failure])).conflicts[0].facts
    assert (facts["undo"], facts["undo_days"]) == ("partial", 180) and facts["guards"][0]["name"] == "mailbox"
