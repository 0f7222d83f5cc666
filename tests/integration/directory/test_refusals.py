# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not happen does not happen: each refusal names the thing, and neither directory nor disk was written to."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from ldap3.protocol.microsoft import security_descriptor_control

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup as backups
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from tests.integration.directory.conftest import SIP, USER, add_endpoint, endpoint_dn
from tests.lab import settings

EVERYONE = bytes.fromhex("010100000000000100000000")


def refused(converge, state="absent", **changes) -> PersistentChatError:
    with pytest.raises(PersistentChatError) as caught:
        converge(state, **changes)
    assert "Traceback" not in str(caught.value) and settings.PASSWORD not in str(caught.value)
    return caught.value


def test_an_account_without_rights_is_told_which(converge, admin, clean_lab, account):
    before = account()
    error = refused(
        converge,
        auth_protocol="simple",
        username="user01@contoso.com",
        password=settings.PASSWORD,
        override=["protected"],
    )
    assert error.code == "insufficient_rights" and "Delete Child" in str(error) and USER.dn in str(error)
    assert account().attributes == before.attributes


# who holds the address


def test_no_holder_and_no_backup(converge, nothing_written):
    error = refused(converge, sip_address="sip:nobody@contoso.com")
    assert error.code == "no_holder" and "sip:nobody@contoso.com" in str(error)
    nothing_written()


def test_held_by_a_contact(converge, admin, clean_lab):
    dn = add_endpoint(admin, "sip:endpoint@contoso.com")
    before = clean_lab.writes()
    error = refused(converge, sip_address="sip:endpoint@contoso.com")
    assert error.code == "held_by_contact" and dn in str(error)
    assert clean_lab.writes() == before


def test_two_holders(converge, admin, clean_lab):
    dn = add_endpoint(admin)
    before = clean_lab.writes()
    for state in ("absent", "disabled"):
        error = refused(converge, state)
        assert error.code == "guard_one_holder" and dn in str(error) and USER.dn in str(error)
    assert clean_lab.writes() == before


@pytest.mark.parametrize(
    "identifiers",
    [
        {"sam_account_name": "user01"},
        {"distinguished_name": "CN=user01," + settings.PEOPLE_DN},
        {"distinguished_name": "CN=nobody," + settings.PEOPLE_DN},
        {"object_guid": "3f1c0c5e-6f0e-4b1e-9d55-0f4cf1b3ad11"},
        {"object_sid": "S-1-5-21-1-2-3-1104"},
    ],
)
def test_an_identifier_of_another_account(converge, nothing_written, identifiers):
    error = refused(converge, **{"sam_account_name": None, **identifiers})
    assert error.code == "guard_identity" and USER.dn in str(error)
    error = refused(converge, **{"sam_account_name": USER.name, **identifiers})
    assert error.code == "guard_identity"
    nothing_written()


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"sip_address": "not an address"}, "SIP address"),
        ({"sam_account_name": None}, "second identifier"),
        ({"object_guid": "x"}, "object_guid"),
        ({"object_sid": "x"}, "object_sid"),
        ({"distinguished_name": "<GUID=3f1c0c5e-6f0e-4b1e-9d55-0f4cf1b3ad11>"}, "distinguished_name"),
        ({"distinguished_name": "CN=,,,=x"}, "distinguished_name"),
        ({"backup_dir": "/proc/nowhere/backups"}, "backup_dir"),
    ],
)
def test_bad_input(converge, nothing_written, changes, says):
    assert says in str(refused(converge, **changes))
    nothing_written()


# the guards, each on the real object


def deny_delete(admin):
    """What "Protect object from accidental deletion" does."""
    control = security_descriptor_control(sdflags=4)
    admin.search(USER.dn, "(objectClass=*)", "BASE", attributes=["nTSecurityDescriptor"], controls=control)
    raw = bytearray(admin.response[0]["raw_attributes"]["nTSecurityDescriptor"][0])
    start = struct.unpack_from("<I", raw, 16)[0]
    size, count = struct.unpack_from("<HH", raw, start + 2)
    entry = struct.pack("<BBHI", 1, 0, 8 + len(EVERYONE), 0x10040) + EVERYONE
    struct.pack_into("<HH", raw, start + 2, size + len(entry), count + 1)
    raw[start + 8 : start + 8] = entry
    for offset in (4, 8, 12):  # what lies behind the access control list moves
        there = struct.unpack_from("<I", raw, offset)[0]
        if there > start:
            struct.pack_into("<I", raw, offset, there + len(entry))
    admin.modify(USER.dn, {"nTSecurityDescriptor": [("MODIFY_REPLACE", [bytes(raw)])]}, controls=control)


def add_child(admin):
    admin.add("CN=child,%s" % USER.dn, "nTFRSSubscriptions")


def put(**attributes):
    def arrange(admin):
        admin.modify(
            USER.dn, {name.replace("_", "-"): [("MODIFY_REPLACE", [value])] for name, value in attributes.items()}
        )

    return arrange


def only_in_proxy_addresses(admin):
    admin.modify(
        USER.dn, {"msRTCSIP-PrimaryUserAddress": [("MODIFY_DELETE", [])], "proxyAddresses": [("MODIFY_REPLACE", [SIP])]}
    )


def sign_in(admin):
    """A real sign-in, in a domain that counts them: the lab's does not."""
    admin.modify(settings.BASE_DN, {"msDS-LogonTimeSyncInterval": [("MODIFY_REPLACE", ["1"])]})
    subprocess.run(
        ["kinit", "-c", "MEMORY:", USER.name], input=settings.PASSWORD, text=True, check=True, capture_output=True
    )


GUARDED = {
    "primary_address": only_in_proxy_addresses,
    "admin_count": put(adminCount="1"),
    "protected": deny_delete,
    "moving": put(msRTCSIP_TargetHomeServer=settings.POOLS_DN),
    "children": add_child,
    "mailbox": put(mail="ocschat@contoso.com"),
    "enterprise_voice": put(msRTCSIP_Line="tel:+4930123"),
    "recent_logon": sign_in,
}


@pytest.mark.parametrize("guard", GUARDED)
def test_a_guard_stops_the_account_stays_as_it_was_and_an_override_by_name_lets_it_pass(
    converge, admin, account, clean_lab, guard
):
    GUARDED[guard](admin)
    was, before = account(), clean_lab.writes()
    for state in ("absent", "disabled"):
        error = refused(converge, state)
        assert error.code == "guard_" + guard and USER.dn in str(error)
    assert account().attributes == was.attributes and clean_lab.writes() == before
    assert converge("disabled", override=[guard])["changed"]
    assert account().enabled is False


def test_children_are_never_deleted_along(converge, admin, account, clean_lab):
    add_child(admin)
    before = clean_lab.writes()
    error = refused(converge, override=["children"])
    assert error.code == "guard_children" and "child" in str(error)
    assert clean_lab.writes() == before and account() is not None


@pytest.mark.parametrize("classes", [["user", "computer"], ["inetOrgPerson"]])
def test_what_is_no_plain_user_is_never_touched(converge, admin, clean_lab, classes):
    dn = "CN=impostor," + settings.SERVICE_ACCOUNTS_DN
    admin.add(dn, classes, {"sAMAccountName": "impostor$", "msRTCSIP-PrimaryUserAddress": "sip:impostor@contoso.com"})
    before = clean_lab.writes()
    error = refused(converge, sip_address="sip:impostor@contoso.com", sam_account_name="impostor$")
    assert error.code == "guard_plain_user" and dn in str(error)
    assert clean_lab.writes() == before


def test_a_critical_account_is_never_touched(converge, admin, clean_lab):
    admin.modify(
        "CN=Guest," + settings.USERS_DN,
        {"msRTCSIP-PrimaryUserAddress": [("MODIFY_REPLACE", ["sip:guest@contoso.com"])]},
    )
    before = clean_lab.writes()
    error = refused(converge, sip_address="sip:guest@contoso.com", sam_account_name="Guest")
    assert error.code == "guard_critical"
    assert clean_lab.writes() == before


# bringing back


def test_present_without_anything_to_go_by(converge, nothing_written):
    assert refused(converge, "present", sip_address="sip:nobody@contoso.com").code == "no_backup"
    nothing_written()


def test_present_while_an_endpoint_holds_the_address(converge, admin, clean_lab):
    converge("absent")
    dn = add_endpoint(admin)
    before = clean_lab.writes()
    error = refused(converge, "present")
    assert error.code == "address_held" and dn in str(error)
    assert clean_lab.writes() == before
    admin.delete(endpoint_dn())
    assert converge("present")["changed"]


def test_present_when_the_name_was_given_away(converge, admin, clean_lab):
    converge("absent")
    other = "CN=newcomer," + settings.SERVICE_ACCOUNTS_DN
    admin.add(other, "user", {"sAMAccountName": USER.name})
    before = clean_lab.writes()
    error = refused(converge, "present", sam_account_name=None)
    assert error.code == "name_taken" and other in str(error)
    assert clean_lab.writes() == before


def test_present_when_the_ou_is_gone(converge, admin, clean_lab):
    converge("absent")
    admin.modify_dn(settings.LEGACY_OU_DN, "OU=Renamed")
    before = clean_lab.writes()
    error = refused(converge, "present")
    assert error.code == "parent_missing" and settings.LEGACY_OU_DN in str(error)
    assert clean_lab.writes() == before


def test_present_with_the_backup_of_another_address(converge, clean_lab):
    backup = converge("absent")["backup"]
    before = clean_lab.writes()
    error = refused(
        converge, "present", sip_address="sip:user01@contoso.com", sam_account_name="user01", backup=backup["path"]
    )
    assert "sip:user01@contoso.com" in str(error)
    assert clean_lab.writes() == before


@pytest.mark.parametrize("state", ["absent", "present"])
def test_a_damaged_backup_stops(converge, clean_lab, state):
    path = Path(converge("absent")["backup"]["path"])
    path.write_bytes(path.read_bytes().replace(b"ocschat", b"OCSCHAT", 1))
    before = clean_lab.writes()
    assert refused(converge, state).code == "backup_failed"
    assert clean_lab.writes() == before


def test_absent_after_disabled_is_not_silently_taken_for_done(converge, account, clean_lab):
    converge("disabled")
    before = clean_lab.writes()
    assert refused(converge).code == "account_still_exists"
    assert account() is not None and clean_lab.writes() == before


@pytest.mark.parametrize("state", ["absent", "disabled"])
@pytest.mark.parametrize("meddle", ["account", "holder"])
def test_a_change_between_backup_and_write_stops(converge, admin, account, clean_lab, monkeypatch, state, meddle):
    save = backups.save

    def saved_and_changed(*arguments):
        saved = save(*arguments)
        if meddle == "account":
            admin.modify(USER.dn, {"description": [("MODIFY_REPLACE", ["somebody was here"])]})
        else:
            add_endpoint(admin)
        return saved

    monkeypatch.setattr(backups, "save", saved_and_changed)
    error = refused(converge, state)
    assert error.code == "changed_meanwhile" and error.facts["backup"]
    assert account().text("msRTCSIP-PrimaryUserAddress") == SIP and account().enabled
