# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way an account comes back, from what was observed, and what a directory that behaves unlike the lab's may answer."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup as backups
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import repair as repairs
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import Backup
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import GuardFailure
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import Holder
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import (
    DELETED,
    GONE,
    LIVE,
    IdentityState,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.recreated import (
    Recreation,
    alone,
    read_note,
    write_note,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.repair import bring_back, missing
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.restore import act_present, plan_present
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry, guid_dn
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

SIP = SipAddress.parse("sip:ocschat@contoso.com")
GUID, OTHER = str(uuid.UUID(int=7)), str(uuid.UUID(int=8))
UNIT = "OU=Group Chat,DC=contoso,DC=com"
DN = "CN=ocschat," + UNIT
BOTH = ("domain_controller", "global_catalog")
WAS = {
    "objectGUID": [uuid.UUID(int=7).bytes_le],
    "sAMAccountName": [b"ocschat"],
    "userPrincipalName": [b"ocschat@contoso.com"],
    "displayName": [b"Group Chat"],
    "userAccountControl": [b"512"],
    "memberOf": [b"CN=Services,DC=contoso,DC=com"],
    "msRTCSIP-PrimaryUserAddress": [b"sip:ocschat@contoso.com"],
    "msRTCSIP-OptionFlags": [b"256"],
    "proxyAddresses": [b"SIP:OCSchat@contoso.com", b"smtp:o@contoso.com"],
}
MULTI_VALUED = ("proxyAddresses",)
BACKUP = Backup("/b/x.ldif", {"object_guid": GUID, "distinguished_name": DN, "sip_address": str(SIP)}, Entry(DN, WAS))
DELETED_DN = "CN=ocschat\\0ADEL:%s,CN=Deleted Objects,DC=contoso,DC=com" % GUID
TOMBSTONE = Entry(
    DELETED_DN,
    {
        "objectGUID": WAS["objectGUID"],
        "sAMAccountName": [b"ocschat"],
        "userAccountControl": [b"512"],
        "isDeleted": [b"TRUE"],
        "lastKnownParent": [UNIT.encode()],
    },
)


class Directory:
    """What the plan asks of a directory: objects by name, everything else by the search's filter."""

    server = "dc1.contoso.com"
    catalog_server = "gc.contoso.com"
    domain = "DC=contoso,DC=com"
    schema = "CN=Schema"
    name = "dc1.contoso.com"

    def __init__(self, *objects, refuse=None):
        self.objects = {entry.dn: entry for entry in (*objects, Entry(UNIT, {"objectClass": [b"organizationalUnit"]}))}
        self.answers = {}
        self.refuse = refuse or {}
        self.written = []

    def read(self, dn, attributes, deleted=False):
        found = self.objects.get(dn)
        return None if found is not None and found.boolean("isDeleted") and not deleted else found

    def search(self, base, ldap_filter, attributes, scope="subtree", deleted=False, catalog=False):
        if base == self.schema:
            names = re.findall(r"lDAPDisplayName=([^)]+)\)", ldap_filter)
            single = {name: b"FALSE" if name in MULTI_VALUED else b"TRUE" for name in names}
            return [Entry("", {"lDAPDisplayName": [name.encode()], "isSingleValued": [single[name]]}) for name in names]
        return [entry for text, entry in self.answers.items() if text in ldap_filter]

    def modify(self, guid, changes, name, right=""):
        changes = list(changes)
        for change in changes:
            if change.attribute in self.refuse:
                raise self.refuse[change.attribute]
        self.written.append((guid, [change.attribute for change in changes]))

    def restore(self, deleted_dn, new_dn):
        raise self.refuse["restore"]


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch):
    monkeypatch.setattr(repairs, "find_holders", lambda connection, sip: [])


def state(account=None, account_state=GONE, backup=BACKUP, **more):
    observed = {"holders": (), "pending": (), "guards_failed": (), "named": (), "recycle_bin": False}
    return IdentityState(SIP, account=account, account_state=account_state, backup=backup, **{**observed, **more})


def holder(guid, object_class="user"):
    return Holder(guid, None, "CN=holder", object_class, None, str(SIP), True, BOTH, 1)


def entry(**changes):
    """The account as it was, with some attributes changed; None takes one away."""
    attributes = {name: values for name, values in WAS.items() if name not in changes}
    return Entry(DN, {**attributes, **{name: values for name, values in changes.items() if values}})


STRIPPED = Entry(DN, {name: WAS[name] for name in ("objectGUID", "sAMAccountName", "memberOf", "userPrincipalName")})


def ops(way):
    return [action.op for action in way.plan.actions]


def codes(way):
    return [conflict.code for conflict in way.plan.conflicts]


@pytest.mark.parametrize(
    "observed, allow, expected, source",
    [
        (state(entry(), LIVE), False, [], None),
        (state(STRIPPED, LIVE), False, ["repair"], "attributes"),
        (state(TOMBSTONE, DELETED), False, ["restore", "repair"], "tombstone"),
        (state(TOMBSTONE, DELETED), True, ["restore", "repair"], "tombstone"),
        (state(TOMBSTONE, DELETED, recycle_bin=True), False, ["restore", "repair"], "recycle_bin"),
        (state(), True, ["recreate", "repair"], "backup"),
        (state(backup=None, holders=(holder(GUID),), account=entry(), account_state=LIVE), True, [], None),
    ],
)
def test_the_first_way_that_is_possible_is_taken(observed, allow, expected, source):
    way = plan_present(Directory(), observed, allow)
    assert (codes(way), ops(way), way.restored_from) == ([], expected, source)


UNNAMED = GuardFailure("identity", "no", ())


@pytest.mark.parametrize(
    "observed, allow, code",
    [
        (state(backup=None), True, "no_backup"),
        (state(backup=None, holders=(holder(GUID, "contact"),)), True, "no_backup"),
        (state(backup=None, holders=(holder(GUID), holder(OTHER))), True, "no_backup"),
        (state(backup=None, holders=(holder(GUID),), guards_failed=(UNNAMED,)), True, "no_backup"),
        (state(named=("object_sid is not its SID",)), True, "identity_mismatch"),
        (state(holders=(holder(OTHER),)), True, "address_held"),
        (state(entry(), LIVE, holders=(holder(GUID), holder(OTHER))), True, "address_held"),
        (state(TOMBSTONE, DELETED, holders=(holder(OTHER, "contact"),)), True, "address_held"),
        (state(entry(**{"msRTCSIP-PrimaryUserAddress": [b"sip:x@y"]}), LIVE), True, "address_changed"),
        (state(), False, "not_restorable"),
        (state(sees_deleted=False), True, "insufficient_rights"),
    ],
)
def test_what_forbids_it_is_said_and_nothing_is_done(observed, allow, code):
    way = plan_present(Directory(), observed, allow)
    assert codes(way) == [code] and not way.plan.actions


def test_a_holder_that_only_waits_for_replication_forbids_nothing():
    late = holder(OTHER, "contact")
    assert not codes(plan_present(Directory(), state(TOMBSTONE, DELETED, holders=(late,), pending=(late,)), False))


@pytest.mark.parametrize(
    "term, observed",
    [
        ("sAMAccountName=ocschat", state(TOMBSTONE, DELETED)),
        ("userPrincipalName=ocschat@contoso.com", state(TOMBSTONE, DELETED)),
        ("sAMAccountName=ocschat", state()),
    ],
)
def test_a_name_that_another_object_took(term, observed):
    directory = Directory()
    directory.answers[term] = Entry("CN=newcomer", {"objectGUID": [uuid.UUID(int=8).bytes_le]})
    way = plan_present(directory, observed, True)
    assert codes(way) == ["name_taken"] and "CN=newcomer" in way.plan.conflicts[0].message


def test_a_stranger_at_the_same_place():
    assert codes(plan_present(Directory(entry(objectGUID=[uuid.UUID(int=8).bytes_le])), state(), True)) == [
        "name_taken"
    ]


def test_what_the_global_catalog_still_has_is_not_created_anew():
    directory = Directory()
    directory.answers["objectGUID="] = Entry("CN=ocschat,DC=other", {"objectGUID": WAS["objectGUID"]})
    way = plan_present(directory, state(), True)
    assert codes(way) == ["not_restorable"]
    assert "gc.contoso.com" in way.plan.conflicts[0].message and "CN=ocschat,DC=other" in way.plan.conflicts[0].message


@pytest.mark.parametrize("known, code", [("OU=Renamed,DC=contoso,DC=com", None), ("OU=Nowhere", "parent_missing")])
def test_the_place_is_where_the_ou_is_now(known, code):
    directory = Directory(Entry("OU=Renamed,DC=contoso,DC=com", {"objectClass": [b"organizationalUnit"]}))
    del directory.objects[UNIT]
    deleted = Entry(DELETED_DN, {**TOMBSTONE.attributes, "lastKnownParent": [known.encode()]})
    way = plan_present(directory, state(deleted, DELETED), False)
    assert codes(way) == ([code] if code else [])
    if not code:
        assert way.plan.actions[0].after["distinguished_name"] == "CN=ocschat," + known


def test_an_ou_that_was_deleted_itself_is_named():
    unit = "OU=Group Chat\\0ADEL:x,CN=Deleted Objects,DC=contoso,DC=com"
    directory = Directory(Entry(unit, {"isDeleted": [b"TRUE"]}))
    del directory.objects[UNIT]
    deleted = Entry(DELETED_DN, {**TOMBSTONE.attributes, "lastKnownParent": [unit.encode()]})
    way = plan_present(directory, state(deleted, DELETED), False)
    assert codes(way) == ["parent_missing"] and unit in way.plan.conflicts[0].message


def test_nothing_that_is_there_is_overwritten_and_what_differs_is_told():
    now = entry(displayName=[b"New name"], proxyAddresses=[b"smtp:new@contoso.com"])
    repair = missing(Directory(), SIP, Entry(DN, WAS), now)
    assert [(change.operation, change.attribute, change.values) for change in repair.changes + repair.address] == [
        ("add", "proxyAddresses", [b"smtp:o@contoso.com"]),
        ("add", "proxyAddresses", [b"SIP:OCSchat@contoso.com"]),
    ]
    assert len(repair.left) == 1 and "New name" in repair.left[0] and "Group Chat" in repair.left[0]


def test_an_address_that_another_object_has_by_now_is_left_to_it():
    directory = Directory()
    directory.answers["proxyAddresses=smtp"] = Entry("CN=newcomer", {"objectGUID": [uuid.UUID(int=8).bytes_le]})
    repair = missing(directory, SIP, Entry(DN, WAS), entry(proxyAddresses=None))
    assert not repair.changes and "CN=newcomer" in repair.left[0]
    assert [change.values for change in repair.address] == [[b"SIP:OCSchat@contoso.com"]]


def test_the_address_comes_last_and_alone():
    directory = Directory(Entry("CN=Services,DC=contoso,DC=com", {"objectGUID": [uuid.UUID(int=9).bytes_le]}))
    account = Entry(DN, {"objectGUID": WAS["objectGUID"], "userAccountControl": [b"514"]})
    repair = missing(directory, SIP, Entry(DN, WAS), account)
    assert bring_back(directory, state(account, LIVE), account, repair) == []
    assert [names for _guid, names in directory.written][1:] == [
        ["member"],
        ["userAccountControl"],
        ["msRTCSIP-PrimaryUserAddress", "proxyAddresses"],
    ]
    assert "msRTCSIP-PrimaryUserAddress" not in directory.written[0][1]


def test_without_the_address_the_account_is_not_back_and_what_else_is_missing_is_told():
    refusals = {
        name: DirectoryError("no %s" % name, "x", result_code=50)
        for name in ("msRTCSIP-PrimaryUserAddress", "displayName")
    }
    directory = Directory(refuse=refusals)
    account = entry(displayName=None, **{"msRTCSIP-PrimaryUserAddress": None})
    with pytest.raises(DirectoryError) as caught:
        bring_back(directory, state(account, LIVE), account, missing(directory, SIP, Entry(DN, WAS), account))
    assert "not yet with the address" in str(caught.value) and "no msRTCSIP-PrimaryUserAddress" in str(caught.value)
    assert "displayName" in caught.value.facts["not_restored"][0]


def test_a_directory_that_does_not_enable_an_account_without_a_password():
    """Active Directory refuses that with 53, and Samba does not."""
    refusal = DirectoryError("Could not change it: 53", "unwilling", result_code=53)
    directory = Directory(refuse={"userAccountControl": refusal})
    account = entry(userAccountControl=[b"514"], displayName=None, **{"msRTCSIP-PrimaryUserAddress": None})
    repair = missing(directory, SIP, Entry(DN, WAS), account)
    (told,) = bring_back(directory, state(account, LIVE), account, repair)
    assert "stays disabled" in told and "set a new password" in told and "53" in told
    assert [names for _guid, names in directory.written] == [["displayName"], ["msRTCSIP-PrimaryUserAddress"]]


def test_an_account_that_was_created_anew_is_not_enabled_and_loses_its_mark():
    account = entry(userAccountControl=[b"514"], adminDescription=[b"mark"])
    was = Entry(DN, {**WAS, "adminDescription": [b"before"]})
    repair = missing(Directory(), SIP, was, account, "mark")
    assert not repair.enable and not repair.left
    assert [(change.operation, tuple(change.values)) for change in repair.changes] == [
        ("delete", (b"mark",)),
        ("add", (b"before",)),
    ]
    assert missing(Directory(), SIP, was, account).enable


RECYCLED = Entry(DELETED_DN, {"isDeleted": [b"TRUE"], "isRecycled": [b"TRUE"]})


@pytest.mark.parametrize(
    "code, there, recycle_bin, says",
    [
        ("operations_error", TOMBSTONE, False, "Reanimate Tombstones"),
        ("operations_error", RECYCLED, False, "Reanimate Tombstones"),
        ("unwilling", RECYCLED, True, "isRecycled"),
        ("insufficient_rights", TOMBSTONE, False, "still a deleted object"),
        ("no_such_object", None, True, "does not show it any more"),
    ],
)
def test_a_restore_that_is_refused_is_judged_by_looking_again(code, there, recycle_bin, says):
    refusal = DirectoryError("Could not restore it.", code, result_code=1)
    directory = Directory(refuse={"restore": refusal})
    observed = state(TOMBSTONE, DELETED, recycle_bin=recycle_bin)
    way = plan_present(directory, observed, True)
    if there is not None:
        directory.objects[guid_dn(GUID)] = there
    with pytest.raises(DirectoryError) as caught:
        act_present(directory, observed, BACKUP, way)
    assert (
        caught.value.code == "restore_failed"
        and says in str(caught.value)
        and "Could not restore it." in str(caught.value)
    )
    assert ("isRecycled" in str(caught.value)) == (says == "isRecycled")


def test_a_restore_whose_answer_was_lost_goes_on_when_the_account_is_there():
    directory = Directory(refuse={"restore": DirectoryError("lost", "connection_lost", ambiguous=True)})
    observed = state(TOMBSTONE, DELETED)
    way = plan_present(directory, observed, False)
    directory.objects[guid_dn(GUID)] = entry()
    assert act_present(directory, observed, BACKUP, way) == (BACKUP, [])


def test_a_restore_that_would_bring_the_address_back_to_a_second_holder_is_not_begun(monkeypatch):
    """Out of the Recycle Bin the address comes along at once, so an endpoint of the last moment stops the restore itself."""
    directory = Directory(refuse={"restore": AssertionError("restored")})
    observed = state(TOMBSTONE, DELETED, recycle_bin=True)
    way = plan_present(directory, observed, False)
    monkeypatch.setattr(repairs, "find_holders", lambda connection, sip: [holder(OTHER, "contact")])
    with pytest.raises(PersistentChatError) as caught:
        act_present(directory, observed, BACKUP, way)
    assert caught.value.code == "address_held" and not directory.written


@pytest.mark.parametrize("planned", [None, Recreation("dc1.contoso.com", DN, OTHER, "S-1-5-21-1")])
def test_two_runs_do_not_create_the_account_both(tmp_path, planned):
    """The other one was faster between this one's look and its act: its note is not replaced."""
    faster = Recreation("dc1.contoso.com", DN, str(uuid.UUID(int=10)), "S-1-5-21-2")
    write_note(str(tmp_path), GUID, faster)
    backup = replace(BACKUP, path=str(tmp_path / "x.ldif"), recreation=planned)
    observed = state(backup=backup)
    directory = Directory()
    way = plan_present(directory, observed, True)
    assert ops(way) == ["recreate", "repair"]
    with pytest.raises(PersistentChatError) as caught:
        act_present(directory, observed, backup, way)
    assert caught.value.code == "changed_meanwhile" and read_note(str(tmp_path), GUID) == faster


class Creating(Directory):
    """A directory that creates what it is told to, and sees whether another run on this machine could do the same then."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.refused, self.noted = folder, None, None

    def add(self, dn, object_classes, attributes):
        self.noted = read_note(self.folder, GUID)
        with pytest.raises(PersistentChatError) as refused, alone(self.folder):
            pass
        self.refused = refused.value.code
        there = {
            "objectGUID": [uuid.UUID(int=8).bytes_le],
            **{name: _bytes(values) for name, values in attributes.items()},
        }
        self.objects[dn] = self.objects[guid_dn(OTHER)] = Entry(dn, there)


def _bytes(values):
    return [value if isinstance(value, bytes) else value.encode() for value in values]


def test_a_creation_is_noted_before_and_after_and_nobody_else_begins_one_meanwhile(tmp_path):
    saved = backups.save(str(tmp_path), SIP, "absent", Entry(DN, WAS), {})
    directory = Creating(str(tmp_path))
    observed = state(backup=saved)
    back, _told = act_present(directory, observed, saved, plan_present(directory, observed, True))
    assert directory.refused == "changed_meanwhile" and directory.noted == Recreation("dc1.contoso.com", DN)
    assert read_note(str(tmp_path), GUID) == Recreation("dc1.contoso.com", DN, OTHER) == back.recreation
    assert (back.guid, back.first_guid) == (OTHER, GUID)
    assert backups.newest(str(tmp_path), SIP).guid == OTHER
