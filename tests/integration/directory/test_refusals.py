# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not happen does not happen: each refusal names the thing, and neither directory nor disk was written to.

Every test has accounts of its own, so the lab is restored once for all of them.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ldap3.protocol.microsoft import security_descriptor_control

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import GUARDS
from tests.integration.directory.conftest import USER, add_endpoint, endpoint_dn
from tests.integration.directory.subjects import SIP_ATTRIBUTE, STATES, Subject, refused
from tests.lab import settings
from tests.lab.client import LabClient
from tests.lab.directory import places

EVERYONE = bytes.fromhex("010100000000000100000000")


@pytest.fixture
def clean_lab(lab: LabClient) -> LabClient:
    """The lab, restored before the first test of this file only."""
    return lab


def test_an_account_without_rights_is_told_which(converge, account):
    before = account()
    someone = {"auth_protocol": "simple", "username": "user01@contoso.com", "password": settings.PASSWORD}
    error = refused(converge, override=["protected"], accept_undo="none", **someone)
    assert error.code == "insufficient_rights" and "Delete Child" in str(error) and USER.dn in str(error)
    assert error.facts["backup"]
    assert account().attributes == before.attributes


# who holds the address


def test_no_holder_and_no_backup(converge, nothing_written):
    error = refused(converge, sip_address="sip:nobody@contoso.com")
    assert error.code == "no_holder" and "sip:nobody@contoso.com" in str(error)
    nothing_written()


def test_held_by_a_contact(converge, admin, clean_lab):
    dn = add_endpoint(admin, "sip:endpoint@contoso.com")
    before = clean_lab.writes()
    for state in STATES:
        error = refused(converge, state, sip_address="sip:endpoint@contoso.com")
        assert error.code == "held_by_contact" and dn in str(error)
    assert clean_lab.writes() == before
    admin.delete(dn)


def test_two_holders(converge, admin, clean_lab, subject):
    user = subject("shared")
    dn = add_endpoint(admin, user.sip)
    was, before = user.read(), clean_lab.writes()
    for state in STATES:
        error = refused(converge, state, **user.named)
        assert error.code == "guard_one_holder" and dn in str(error) and user.dn in str(error)
    assert clean_lab.writes() == before and user.read().attributes == was.attributes
    admin.delete(dn)


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
    error = refused(converge, "disabled", **{"sam_account_name": USER.name, **identifiers})
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
        ({"backup_dir": "/dev/null"}, "backup_dir"),
        ({"backup_dir": "/tmp"}, "Everybody may write"),
    ],
)
def test_bad_input(converge, nothing_written, changes, says):
    assert says in str(refused(converge, **changes))
    nothing_written()


# the guards, each on a real account


def deny_delete(admin, user):
    """What "Protect object from accidental deletion" does."""
    control = security_descriptor_control(sdflags=4)
    admin.search(user.dn, "(objectClass=*)", "BASE", attributes=["nTSecurityDescriptor"], controls=control)
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
    admin.modify(user.dn, {"nTSecurityDescriptor": [("MODIFY_REPLACE", [bytes(raw)])]}, controls=control)


def add_child(admin, user):
    admin.add("CN=child,%s" % user.dn, "nTFRSSubscriptions")


def only_in_proxy_addresses(admin, user):
    changes = {
        SIP_ATTRIBUTE: [("MODIFY_DELETE", [])],
        "proxyAddresses": [("MODIFY_REPLACE", [user.sip.replace("sip:", "SIP:")])],
    }
    admin.modify(user.dn, changes)


def sign_in(admin, user):
    """A real sign-in, while the domain counts them: the lab's does not else."""
    admin.extend.microsoft.modify_password(user.dn, settings.PASSWORD)
    admin.modify(settings.BASE_DN, {"msDS-LogonTimeSyncInterval": [("MODIFY_REPLACE", ["1"])]})
    command = ["kinit", "-c", "MEMORY:", user.name]
    subprocess.run(command, input=settings.PASSWORD, text=True, check=True, capture_output=True)
    admin.modify(settings.BASE_DN, {"msDS-LogonTimeSyncInterval": [("MODIFY_REPLACE", ["0"])]})


def as_the_system(**attributes):
    """What only the directory itself may set."""

    def arrange(_admin, user):
        lines = ["dn: " + user.dn, "changetype: modify"]
        for name, value in attributes.items():
            lines += ["replace: " + name, "%s: %s" % (name, value), "-"]
        database = places.home(settings.DOMAIN_CONTROLLERS[0]) + "/private/sam.ldb"
        command = ["ldbmodify", "--relax", "-H", database]
        subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True, capture_output=True)

    return arrange


def nothing_more(_admin, _user):
    pass


SERVICE_ACCOUNT = {"userAccountControl": "4096", "msDS_ManagedPasswordInterval": "30"}
#: name: guard, what the account is created with, and what is done to it then
GUARDED: dict[str, tuple[str, dict[str, Any], Callable[[Any, Subject], None]]] = {
    "computer$": ("plain_user", {"classes": ["computer"], "userAccountControl": "4096"}, nothing_more),
    "gmsa$": (
        "plain_user",
        {"classes": ["computer", "msDS-GroupManagedServiceAccount"], **SERVICE_ACCOUNT},
        nothing_more,
    ),
    "smsa$": (
        "plain_user",
        {"classes": ["computer", "msDS-ManagedServiceAccount"], "userAccountControl": "4096"},
        nothing_more,
    ),
    "inet": ("plain_user", {"classes": ["inetOrgPerson"]}, nothing_more),
    "trust$": ("plain_user", {}, as_the_system(userAccountControl="2080")),
    "proxied": ("primary_address", {}, only_in_proxy_addresses),
    "admin": ("admin_count", {"adminCount": "1"}, nothing_more),
    "critical": ("critical", {}, as_the_system(isCriticalSystemObject="TRUE")),
    "flagged": ("critical", {}, as_the_system(systemFlags="-2147483648")),
    "guarded": ("protected", {}, deny_delete),
    "moving": ("moving", {"msRTCSIP_TargetHomeServer": settings.POOLS_DN}, nothing_more),
    "parent": ("children", {}, add_child),
    "mailed": ("mailbox", {"mail": "mailed@contoso.com"}, nothing_more),
    "phone": ("enterprise_voice", {"msRTCSIP_Line": "tel:+4930123"}, nothing_more),
    "voice": ("enterprise_voice", {"msRTCSIP_OptionFlags": "385"}, nothing_more),
    "busy": ("recent_logon", {}, sign_in),
}
NEVER = {"one_holder", "plain_user", "identity", "own_account"}
#: true of an account also after it was disabled and stripped
STAYS = {"admin_count", "critical", "protected", "children", "mailbox", "recent_logon"}


def test_every_guard_is_tried_on_a_real_account():
    elsewhere = {"one_holder", "identity", "own_account"}
    assert {guard.name for guard in GUARDS} == {guard for guard, _created, _then in GUARDED.values()} | elsewhere


@pytest.mark.parametrize("name", GUARDED)
def test_a_guard_stops_and_only_an_override_by_its_name_lets_it_pass(converge, admin, clean_lab, subject, folder, name):
    guard, created, then = GUARDED[name]
    user = subject(name, **created)
    then(admin, user)
    was, before = user.read(), clean_lab.writes()
    others = [other.name for other in GUARDS if other.name not in NEVER | {guard}]
    for state in STATES:
        error = refused(converge, state, override=others, **user.named)
        assert error.code == "guard_" + guard and user.dn in str(error)
        assert [failure["name"] for failure in error.facts["guards"]] == [guard]
        assert ("add %s to override" % guard in str(error)) == (
            guard not in NEVER and (guard, state) != ("children", "absent")
        )
        if guard in NEVER:
            assert refused(converge, state, override=[guard], **user.named).code == "guard_" + guard
    assert clean_lab.writes() == before and not folder.exists()
    assert user.read().attributes == was.attributes
    if guard not in NEVER:
        overridden(converge, clean_lab, user, guard)


def overridden(converge, clean_lab, user, guard):
    """It is disabled and then deleted, and the guard is asked each time, as long as it can be true."""
    assert converge("disabled", override=[guard], **user.named)["changed"]
    was, before = user.read(), clean_lab.writes()
    assert was.enabled is False
    if guard in STAYS:
        assert refused(converge, "absent", **user.named).code == "guard_" + guard
        assert clean_lab.writes() == before
    if guard == "children":  # the server refuses such a deletion anyway, and should
        assert refused(converge, "absent", override=[guard], **user.named).code == "guard_children"
        assert user.read().attributes == was.attributes and clean_lab.writes() == before
    elif guard != "critical":  # Samba never deletes such an account
        assert converge("absent", override=[guard], **user.named)["changed"]
        assert user.read() is None


def test_the_account_with_which_the_module_signs_in_is_never_touched(converge, admin, clean_lab, subject):
    user = subject("operator")
    admin.extend.microsoft.modify_password(user.dn, settings.PASSWORD)
    was, before = user.read(), clean_lab.writes()
    signed_in = {"auth_protocol": "simple", "username": user.name + "@contoso.com", "password": settings.PASSWORD}
    for state in STATES:
        error = refused(converge, state, accept_undo="none", **user.named, **signed_in)
        assert error.code == "guard_own_account" and user.dn in str(error)
    assert clean_lab.writes() == before and user.read().attributes == was.attributes


# bringing back


def test_present_without_anything_to_go_by(converge, nothing_written):
    assert refused(converge, "present", sip_address="sip:nobody@contoso.com").code == "no_backup"
    nothing_written()


def test_present_while_an_endpoint_holds_the_address(converge, admin, clean_lab, subject):
    user = subject("returning")
    converge("absent", **user.named)
    dn = add_endpoint(admin, user.sip)
    before = clean_lab.writes()
    error = refused(converge, "present", **user.named)
    assert error.code == "address_held" and dn in str(error)
    assert clean_lab.writes() == before
    admin.delete(endpoint_dn())
    assert converge("present", **user.named)["changed"]


def test_present_when_the_name_was_given_away(converge, admin, clean_lab, subject):
    user = subject("renamed")
    converge("absent", **user.named)
    other = "CN=newcomer," + settings.SERVICE_ACCOUNTS_DN
    admin.add(other, "user", {"sAMAccountName": user.name})
    before = clean_lab.writes()
    error = refused(converge, "present", sip_address=user.sip, sam_account_name=None)
    assert error.code == "name_taken" and other in str(error)
    assert clean_lab.writes() == before


def test_present_when_the_ou_is_gone(converge, admin, clean_lab, subject):
    unit = "OU=Closed," + settings.SERVICE_ACCOUNTS_DN
    admin.add(unit, "organizationalUnit")
    user = subject("homeless", parent=unit)
    converge("absent", **user.named)
    admin.delete(unit)
    before = clean_lab.writes()
    error = refused(converge, "present", **user.named)
    assert error.code == "parent_missing" and unit in str(error)
    assert clean_lab.writes() == before


def test_present_with_the_backup_of_another_address(converge, clean_lab, subject):
    user = subject("mixed-up")
    backup = converge("absent", **user.named)["backup"]
    before = clean_lab.writes()
    somebody = {"sip_address": "sip:user01@contoso.com", "sam_account_name": "user01"}
    assert somebody["sip_address"] in str(refused(converge, "present", backup=backup["path"], **somebody))
    assert clean_lab.writes() == before


def test_a_damaged_backup_stops(converge, clean_lab, subject):
    user = subject("damaged")
    path = Path(converge("absent", **user.named)["backup"]["path"])
    path.write_bytes(path.read_bytes().replace(b"damaged", b"DAMAGED", 1))
    before = clean_lab.writes()
    for state in ("absent", "present"):
        assert refused(converge, state, **user.named).code == "backup_failed"
    assert clean_lab.writes() == before
