# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools, services of the topology, state and active servers; the estate's control operations."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.lab.cmdlets import CmdletFault
from tests.lab.estate import Estate, EstateError
from tests.lab.status import render

POOL = "pcpool.contoso.com"


def active(run) -> list[str]:
    return run("Get-CsService", PersistentChatServer=True, PoolFqdn=POOL)[0]["ActiveServers"]


def test_pools_and_their_services(run) -> None:
    pool = run("Get-CsPool", Identity=POOL)[0]
    assert pool["Computers"] == ["pc01.contoso.com", "pc02.contoso.com"]
    assert pool["Services"] == ["PersistentChatServer:pcpool.contoso.com"]
    services = run("Get-CsService", PersistentChatServer=True)
    assert [item["PoolFqdn"] for item in services] == [POOL, "pcpool2.contoso.com"]
    assert services[0]["Identity"] == "PersistentChatServer:" + POOL
    assert run("Get-CsService", PersistentChatServer=True, PoolFqdn="gcpool.contoso.com") == []
    assert [item["Identity"] for item in run("Get-CsService", ExternalServer=True)] == [
        "ExternalServer:gcpool.contoso.com"
    ]
    assert run("Get-CsService", PersistentChatDatabase=True)[0]["DependentServiceList"] == [
        "PersistentChatServer:" + POOL
    ]
    assert run("Get-CsService", Filter='Role -eq "FileStore"')[0]["PoolFqdn"] == "lync01.contoso.com"


def test_sip_domains(run) -> None:
    assert [item["Identity"] for item in run("Get-CsSipDomain", Filter="fab*")] == ["fabrikam.example"]
    assert run("Get-CsSipDomain", Identity="CONTOSO.com")[0]["IsDefault"] is True
    with pytest.raises(CmdletFault, match="other.example"):
        run("Get-CsSipDomain", Identity="other.example")


def test_pool_state(run) -> None:
    identity = "PersistentChatServer:" + POOL
    run("Set-CsPersistentChatState", Identity=identity, PoolState="failedover", Confirm=False)
    states = {item["Identity"]: item["PoolState"] for item in run("Get-CsPersistentChatState")}
    assert states == {identity: "FailedOver", "PersistentChatServer:pcpool2.contoso.com": "Normal"}
    run("Set-CsPersistentChatState", Identity=POOL, Confirm=False)
    assert run("Get-CsPersistentChatState", Identity=identity)[0]["PoolState"] == "Normal"


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"ActiveServers": {"Remove": ["PC01.contoso.com"]}}, ["pc02.contoso.com"]),
        ({"ActiveServers": {"Add": "pc01.contoso.com"}}, ["pc01.contoso.com", "pc02.contoso.com"]),
        ({"ActiveServers": {"Replace": ["pc02.contoso.com"]}}, ["pc02.contoso.com"]),
        ({"ActiveServers": None}, []),
        ({"Swap": True}, []),
    ],
)
def test_active_servers(run, change: dict, left: list[str]) -> None:
    run("Set-CsPersistentChatActiveServer", Identity=POOL, WhatIf=True, **change)
    assert active(run) == ["pc01.contoso.com", "pc02.contoso.com"]
    run("Set-CsPersistentChatActiveServer", Identity=POOL, Confirm=False, **change)
    assert active(run) == left


def test_only_computers_of_the_pool_can_be_active(run) -> None:
    with pytest.raises(CmdletFault, match="pc03"):
        call = {"Identity": POOL, "ActiveServers": {"Add": ["pc03.contoso.com"]}, "Confirm": False}
        run("Set-CsPersistentChatActiveServer", **call)


def test_get_command_tells_what_there_is(run) -> None:
    names = ["New-CsPersistentChatEndpoint", "Get-CsNothing"]
    assert [item["Name"] for item in run("Get-Command", Name=names, ErrorAction="SilentlyContinue")] == names[:1]
    with pytest.raises(CmdletFault, match="Get-CsNothing"):
        run("Get-Command", Name=names)
    assert run("Get-Command", host="gc01", Name="*-Cs*") == []


def test_the_estate_outlives_its_process(estate: Estate, run) -> None:
    run("Stop-CsWindowsService", Name="RTCCHAT", ComputerName="pc01", Confirm=False)
    estate.control("switch.set", name="import_repeat", value="overwrites")
    again = Estate(SimpleNamespace(state=estate.folder), None)
    assert again.data == estate.data and again.switch("import_repeat") == "overwrites"
    again.reset()
    assert again.switch("import_repeat") == "duplicates" and again.control("counters")["writes"] == 0
    assert again.status()["services"]["pc01.contoso.com"]["RTCCHAT"]["status"] == "Running"


def test_a_patch_changes_what_a_test_wants_changed(estate: Estate) -> None:
    for server in ("gc01", "gc02"):
        services = {"GroupChatLookup": {"status": "Stopped"}}
        estate.control("estate.patch", patch={"servers": {server + ".contoso.com": {"services": services}}})
    assert estate.status()["legacy_lookup_registered"] == []
    assert "Legacy Lookup service registered: no" in render(estate.status())


@pytest.mark.parametrize(
    ("op", "arguments", "text"),
    [
        ("estate.patch", {"patch": {"server": {}}}, "no part server"),
        ("estate.patch", {"patch": {"servers": {"gc01.contoso.com": {"services": {"Nope": {}}}}}}, "Nope"),
        (
            "estate.patch",
            {"patch": {"servers": {"gc01.contoso.com": {"services": {"GroupChatLookup": {"status": "Up"}}}}}},
            "one of Running",
        ),
        ("switch.set", {"name": "nope", "value": 1}, "There is no switch 'nope'"),
        ("switch.set", {"name": "import_repeat", "value": "sometimes"}, "duplicates, overwrites"),
        ("switch.set", {"name": "stop_pending_polls", "value": -1}, "whole number"),
        ("switch.set", {"name": "stop_pending_polls"}, "value"),
        ("switch.get", {"name": "nope"}, "There is no switch 'nope'"),
        ("dance", {}, "no control operation 'dance'"),
    ],
)
def test_a_senseless_control_request_changes_nothing(estate: Estate, op: str, arguments: dict, text: str) -> None:
    before = estate.control("estate.get")
    with pytest.raises(EstateError, match=text):
        estate.control(op, **arguments)
    assert estate.control("estate.get") == before


def test_every_switch_has_two_settings_and_a_source(estate: Estate) -> None:
    for name, item in estate.control("switch.get")["switches"].items():
        assert len(item["settings"]) > 1 and item["source"].startswith("domain.md, section "), name
        assert item["value"] == item["default"]
