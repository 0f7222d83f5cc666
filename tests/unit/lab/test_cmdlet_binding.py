# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters are bound, refused, confirmed and counted as PowerShell does it."""

from __future__ import annotations

import pytest

from tests.lab.cmdlets import CmdletFault, Context, run_cmdlet
from tests.lab.estate import Estate


@pytest.mark.parametrize(
    ("name", "parameters", "error_id"),
    [
        ("Get-CsPool", {"Nonsense": 1}, "NamedParameterNotFound"),
        ("Get-CsPool", {"Identity": "a", "Filter": "b"}, "AmbiguousParameterSet"),
        ("Export-CsPersistentChatData", {"DBName": "mgc"}, "MissingMandatoryParameter"),
        ("Export-CsPersistentChatData", {"D": "mgc"}, "AmbiguousParameter"),
        ("Get-CsPool", {"Identity": None}, "ParameterArgumentValidationErrorNullNotAllowed"),
        (
            "Export-CsPersistentChatData",
            {"DBInstance": "", "DBName": "m"},
            "ParameterArgumentValidationErrorEmptyString",
        ),
        ("Get-CsPool", {"Identity": ["a", "b"]}, "CannotConvertArgument"),
        ("Get-CsService", {"PersistentChatServer": "true"}, "CannotConvertArgument"),
        ("Get-CsService", {"PersistentChatServer": True, "FileStore": True}, "AmbiguousParameterSet"),
        ("Set-CsPersistentChatState", {"PoolState": "Broken", "Confirm": False}, "CannotConvertArgument"),
        ("Get-CsPersistentChatRoom", {"ResultSize": "many"}, "CannotConvertArgument"),
        ("Get-CsPersistentChatState", {"WhatIf": True}, "NamedParameterNotFound"),
        ("Export-CsPersistentChatData", {"WhatIf": True}, "NamedParameterNotFound"),
        ("New-CsPersistentChatEndpoint", {"DomainController": "dc1"}, "NamedParameterNotFound"),
        ("Remove-CsPersistentChatEndpoint", {"PassThru": True}, "NamedParameterNotFound"),
        ("Import-CsPersistentChatData", {"DBInstance": "x", "DBName": "mgc"}, "NamedParameterNotFound"),
        ("Start-Service", {"Name": "RTCCHAT", "ComputerName": "pc01"}, "NamedParameterNotFound"),
        ("Set-CsPersistentChatActiveServer", {"ActiveServers": {"Plus": "x"}}, "CannotConvertArgument"),
    ],
)
def test_a_wrong_call_is_refused(run, estate: Estate, name: str, parameters: dict, error_id: str) -> None:
    before = estate.control("estate.get")
    with pytest.raises(CmdletFault) as caught:
        run(name, **parameters)
    assert caught.value.error_id.startswith(error_id)
    assert estate.control("estate.get") == before


def test_names_need_no_case_and_may_be_shortened(run) -> None:
    assert run("get-cspool", IDENT="PCPOOL.contoso.com") == run("Get-CsPool", Identity="pcpool.contoso.com")


def test_an_unattended_prompt_is_an_error_unless_confirm_is_false(run, estate: Estate) -> None:
    call = {"Name": "RTCCHAT", "ComputerName": "pc01.contoso.com"}
    with pytest.raises(CmdletFault, match="would prompt"):
        run("Stop-CsWindowsService", **call)
    with pytest.raises(CmdletFault, match="would prompt"):
        run("Stop-CsWindowsService", **call, Force=True)
    assert estate.data["servers"]["pc01.contoso.com"]["services"]["RTCCHAT"]["status"] == "Running"
    run("Stop-CsWindowsService", **call, Confirm=False)
    assert estate.data["servers"]["pc01.contoso.com"]["services"]["RTCCHAT"]["status"] == "Stopped"


def test_the_switch_lets_a_prompt_pass_but_not_an_explicit_confirm(run, estate: Estate) -> None:
    estate.control("switch.set", name="unattended_prompt", value="proceeds")
    run("Stop-CsWindowsService", Name="RTCCHAT", ComputerName="pc01")
    with pytest.raises(CmdletFault, match="would prompt"):
        run("Stop-CsWindowsService", Name="RTCCHAT", ComputerName="pc02", Confirm=True)


def test_reads_writes_and_what_if_are_counted(run, estate: Estate) -> None:
    run("Get-CsPool")
    run("Stop-CsWindowsService", Name="RTCCHAT", ComputerName="pc01", WhatIf=True)
    assert estate.control("counters") == {"reads": 2, "writes": 0, "directory_usn": None}
    assert estate.data["servers"]["pc01.contoso.com"]["services"]["RTCCHAT"]["status"] == "Running"
    run("Stop-CsWindowsService", Name="RTCCHAT", ComputerName="pc01", Confirm=False)
    assert estate.control("counters")["writes"] == 1


def test_lync_cmdlets_exist_only_where_the_tools_are(run) -> None:
    with pytest.raises(CmdletFault, match="is not recognized as the name of a cmdlet") as caught:
        run("Get-CsPool", host="gc01")
    assert caught.value.error_id == "CommandNotFoundException"
    assert run("Get-Service", host="gc01", Name="GroupChatLookup")[0]["Status"] == "Running"
    with pytest.raises(CmdletFault, match="Get-Nothing"):
        run("Get-Nothing")


def test_a_session_without_delegation_may_not_reach_the_next_server(estate: Estate) -> None:
    estate.control("switch.set", name="second_hop", value="needs_delegation")
    with pytest.raises(CmdletFault, match="login failed"):
        run_cmdlet(Context(estate, "lync01"), "Get-CsPool", {})
    assert run_cmdlet(Context(estate, "lync01", delegated=True), "Get-CsPool", {})
    assert run_cmdlet(Context(estate, "lync01"), "Get-CsWindowsService", {})
    for name, parameters in (
        ("Get-CsWindowsService", {"ComputerName": "pc01"}),
        ("Get-Service", {"ComputerName": "pc01"}),
        ("Test-Path", {"LiteralPath": "\\\\pc01\\C$\\Temp"}),
    ):
        with pytest.raises(CmdletFault):
            run_cmdlet(Context(estate, "lync01"), name, parameters)
        assert run_cmdlet(Context(estate, "lync01", delegated=True), name, parameters)


def test_guessed_errors_and_properties_can_be_hidden(run, estate: Estate) -> None:
    with pytest.raises(CmdletFault, match="nopool"):
        run("Get-CsPool", Identity="nopool.contoso.com")
    assert run("Get-CsSipDomain")[0]["Name"] == "contoso.com"
    estate.control("switch.set", name="assumed_errors", value="opaque")
    estate.control("switch.set", name="assumed_properties", value="absent")
    with pytest.raises(CmdletFault) as caught:
        run("Get-CsPool", Identity="nopool.contoso.com")
    assert "nopool" not in caught.value.message and caught.value.error_id == "Failed"
    assert run("Get-CsSipDomain") == [
        {"Identity": "contoso.com", "IsDefault": True},
        {"Identity": "fabrikam.example", "IsDefault": False},
    ]


def test_the_module_that_is_there_is_imported(estate: Estate) -> None:
    wanted = ["SkypeForBusiness", "Lync"]
    assert Context(estate, "pc01").import_module(wanted) == "SkypeForBusiness"
    assert Context(estate, "gc01").import_module(wanted) is None
    estate.control("switch.set", name="module_name", value="Lync")
    assert Context(estate, "pc01").import_module(wanted) == "Lync"


def test_the_hook_is_called_before_and_after(estate: Estate) -> None:
    seen: list[tuple[str, str]] = []
    run_cmdlet(Context(estate, "lync01", hook=lambda point, name: seen.append((point, name))), "get-cspool", {})
    assert seen == [("cmdlet-before", "Get-CsPool"), ("cmdlet-after", "Get-CsPool")]
