# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoint cmdlets on the real directory: what they create, find and refuse."""

from __future__ import annotations

import re

import pytest

from tests.lab.cmdlets import CmdletFault
from tests.lab.estate import Estate
from tests.lab.lab_directory import LabDirectory
from tests.lab.settings import CONTACTS_DN

POOL = "pcpool.contoso.com"
ADDRESS = "sip:endpoint.test@contoso.com"
NEW = {"SipAddress": ADDRESS, "PersistentChatPoolFqdn": POOL, "Confirm": False}


def switch(estate: Estate, name: str, value: object) -> None:
    estate.control("switch.set", name=name, value=value)


def endpoints(run, pool: str = POOL) -> list[str]:
    return [item["SipAddress"] for item in run("Get-CsPersistentChatEndpoint", PersistentChatPoolFqdn=pool)]


def test_an_endpoint_is_a_contact_of_its_pool(run, directory: LabDirectory) -> None:
    assert run("New-CsPersistentChatEndpoint", **NEW, DisplayName="Group Chat") == []
    (holder,) = directory.find_holders(ADDRESS.upper())
    assert holder["object_class"] == "contact" and holder["pool_fqdn"] == POOL
    assert re.fullmatch(r"CN=\{[0-9A-F-]{36}\}," + re.escape(CONTACTS_DN), holder["dn"])
    assert ADDRESS in endpoints(run) and ADDRESS not in endpoints(run, "pcpool2.contoso.com")
    for identity in (ADDRESS, ADDRESS.upper(), "Group Chat", holder["dn"]):
        (found,) = run("Get-CsPersistentChatEndpoint", Identity=identity)
        assert (found["Identity"], found["SipAddress"], found["DisplayName"]) == (holder["dn"], ADDRESS, "Group Chat")
    assert run("Get-CsPersistentChatEndpoint", Filter='SipAddress -eq "%s"' % ADDRESS) == [found]
    assert run("Remove-CsPersistentChatEndpoint", Identity=ADDRESS, Confirm=False) == []
    assert directory.find_holders(ADDRESS) == []


def test_pass_thru_gives_the_new_object(run) -> None:
    (made,) = run("New-CsPersistentChatEndpoint", **NEW, PassThru=True)
    assert made["SipAddress"] == ADDRESS and made["ObjectClass"] == "contact"


def test_what_if_and_an_unattended_prompt_write_nothing(run, directory: LabDirectory) -> None:
    usn = directory.usn()
    run("New-CsPersistentChatEndpoint", SipAddress=ADDRESS, PersistentChatPoolFqdn=POOL, WhatIf=True)
    with pytest.raises(CmdletFault, match="would prompt"):
        run("New-CsPersistentChatEndpoint", SipAddress=ADDRESS, PersistentChatPoolFqdn=POOL)
    with pytest.raises(CmdletFault, match="would prompt"):
        run("Remove-CsPersistentChatEndpoint", Identity="sip:pcpool@contoso.com", Force=True)
    run("Remove-CsPersistentChatEndpoint", Identity="sip:pcpool@contoso.com", WhatIf=True)
    assert directory.usn() == usn


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"SipAddress": "sip:ocschat@contoso.com"}, r"already being used by \"CN=ocschat,"),
        ({"SipAddress": "SIP:PCPool@contoso.com"}, r"already being used by \"CN=\{"),
        ({"SipAddress": "endpoint.test@contoso.com"}, "must begin with"),
        ({"SipAddress": "sip:endpoint.test"}, "not valid"),
        ({"SipAddress": "sip:endpoint.test@other.example"}, "not in a SIP domain"),
        ({"PersistentChatPoolFqdn": "nopool.contoso.com"}, "Cannot find Persistent Chat pool"),
        ({"PersistentChatPoolFqdn": "gcpool.contoso.com"}, "not a Persistent Chat pool"),
        ({"PersistentChatPoolFqdn": "lync01.contoso.com"}, "not a Persistent Chat pool"),
    ],
)
def test_what_new_refuses(run, directory: LabDirectory, change: dict, text: str) -> None:
    usn = directory.usn()
    with pytest.raises(CmdletFault, match=text):
        run("New-CsPersistentChatEndpoint", **{**NEW, **change})
    assert directory.usn() == usn


def test_a_proxy_address_holds_too(run, directory: LabDirectory) -> None:
    directory.create_contact("sip:someone.else@contoso.com", "Else", POOL, {"proxyAddresses": "SIP:" + ADDRESS[4:]})
    with pytest.raises(CmdletFault, match="already being used"):
        run("New-CsPersistentChatEndpoint", **NEW)


def test_a_freed_address_stays_in_use_for_a_while(run, own_estate: Estate) -> None:
    switch(own_estate, "address_in_use_lag", 2)
    run("New-CsPersistentChatEndpoint", **NEW)  # nobody ever held this one
    run("Remove-CsPersistentChatEndpoint", Identity=ADDRESS, Confirm=False)
    for _attempt in range(2):
        with pytest.raises(CmdletFault, match="already being used"):
            run("New-CsPersistentChatEndpoint", **NEW)
    run("New-CsPersistentChatEndpoint", **NEW)
    assert ADDRESS in endpoints(run)


def test_switches_of_new(run, own_estate: Estate) -> None:
    switch(own_estate, "endpoints_per_pool", "one")
    with pytest.raises(CmdletFault, match="has an endpoint already"):
        run("New-CsPersistentChatEndpoint", **NEW)
    switch(own_estate, "endpoints_per_pool", "many")
    switch(own_estate, "sip_prefix", "optional")
    run("New-CsPersistentChatEndpoint", **{**NEW, "SipAddress": ADDRESS[4:]})
    assert ADDRESS in endpoints(run)


def test_an_unknown_identity_is_an_error_and_an_empty_pool_is_not(run) -> None:
    with pytest.raises(
        CmdletFault, match='Management object not found for identity "sip:nobody@contoso.com"'
    ) as caught:
        run("Get-CsPersistentChatEndpoint", Identity="sip:nobody@contoso.com")
    assert caught.value.error_id == "Identity,Microsoft.Rtc.Management.AD.Cmdlets.GetOcsPersistentChatContactCmdlet"
    with pytest.raises(CmdletFault, match="Management object not found"):
        run("Remove-CsPersistentChatEndpoint", Identity="sip:ocschat@contoso.com", Confirm=False)
    run("Remove-CsPersistentChatEndpoint", Identity="sip:pcpool2@contoso.com", WhatIf=True)


def test_setup_gives_each_pool_an_endpoint_as_its_switch_says(run, own_estate: Estate, directory: LabDirectory) -> None:
    """The lab made its own with the default setting; other settings add and remove only what they made."""
    assert endpoints(run) == ["sip:pcpool@contoso.com"]
    switch(own_estate, "setup_contact_sip", "pool_fqdn")
    assert sorted(endpoints(run)) == ["sip:pcpool.contoso.com@contoso.com", "sip:pcpool@contoso.com"]
    switch(own_estate, "setup_contact_sip", "none")
    assert endpoints(run) == ["sip:pcpool@contoso.com"]


def test_users_with_a_sip_address_but_no_contacts(run) -> None:
    found = {item["SipAddress"]: item["SamAccountName"] for item in run("Get-CsUser")}
    assert found["sip:ocschat@contoso.com"] == "ocschat" and "sip:pcpool@contoso.com" not in found
    for identity in ("sip:OCSCHAT@contoso.com", "CONTOSO\\ocschat", "ocschat@contoso.com"):
        assert run("Get-CsUser", Identity=identity)[0]["SamAccountName"] == "ocschat"
    with pytest.raises(CmdletFault, match="Management object not found"):
        run("Get-CsUser", Identity="sip:pcpool@contoso.com")


def test_without_rights_the_directory_refuses(run) -> None:
    for name, parameters in (("Get-CsUser", {}), ("New-CsPersistentChatEndpoint", NEW)):
        with pytest.raises(CmdletFault, match="Insufficient access rights"):
            run(name, user="CONTOSO\\plainuser", **parameters)
    assert run("Get-Service", user="CONTOSO\\plainuser", Name="REPLICA")


def test_the_status_tells_holders_and_endpoints(run, own_estate: Estate) -> None:
    run("New-CsPersistentChatEndpoint", **NEW)
    status = own_estate.status()
    assert [item["object_class"] for item in status["sip_holders"][ADDRESS]] == ["contact"]
    assert sorted(status["endpoints"][POOL]) == [ADDRESS, "sip:pcpool@contoso.com"]
    assert status["counters"]["writes"] == 1 and status["counters"]["directory_usn"] > 0
