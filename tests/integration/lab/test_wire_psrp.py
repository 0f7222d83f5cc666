# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell remoting as an unmodified pypsrp sees it: what cmdlets give, their errors, and several statements."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pypsrp.complex_objects import ObjectMeta
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool

from tests.integration.lab.psrp_clients import COMPLETED, FAILED, POOL, cmdlet, errors, invoke, pool
from tests.lab import settings
from tests.lab.client import LabClient

FOLDER = "C:\\"


@pytest.fixture
def opened(lab: LabClient) -> Iterator[RunspacePool]:
    lab.call("log.clear")
    with pool() as runspaces:
        yield runspaces


def properties(item: Any) -> dict[str, Any]:
    return {**item.adapted_properties, **item.extended_properties}


@pytest.mark.parametrize("way", ["http-kerberos", "https-kerberos", "http-ntlm", "https-basic"])
def test_a_cmdlet_gives_its_objects(lab: LabClient, way: str) -> None:
    with pool(way) as opened:
        pipeline = invoke(opened, "Get-CsPool", Identity=POOL)
    (found,) = pipeline.output
    assert pipeline.state == COMPLETED and not pipeline.had_errors
    assert found.types == ["Microsoft.Rtc.Management.Xds.DisplayCluster", "System.Object"]
    assert properties(found)["Computers"] == ["pc01.contoso.com", "pc02.contoso.com"]
    assert str(found) == POOL


def test_properties_have_types(opened: RunspacePool) -> None:
    service = properties(invoke(opened, "Get-Service", Name="WinRM").output[0])
    assert (str(service["Status"]), service["Status"].types[0]) == (
        "Running",
        "System.ServiceProcess.ServiceControllerStatus",
    )
    domain = properties(invoke(opened, "Get-CsSipDomain", Identity="contoso.com").output[0])
    assert domain["IsDefault"] is True
    endpoint = properties(invoke(opened, "Get-CsPersistentChatEndpoint").output[0])
    assert isinstance(endpoint["Guid"], uuid.UUID)
    rooms = invoke(opened, "Get-CsPersistentChatRoom", PersistentChatPoolFqdn=POOL).output
    assert {type(properties(room)["Members"]) for room in rooms} <= {list}
    path = FOLDER + "typed.txt"
    invoke(opened, "Set-Content", LiteralPath=path, Value="four")
    item = properties(invoke(opened, "Get-Item", LiteralPath=path).output[0])
    assert item["Length"] == 6 and item["PSIsContainer"] is False
    assert item["LastWriteTimeUtc"].startswith("20") and item["LastWriteTimeUtc"].endswith("Z")
    folder = properties(invoke(opened, "Get-Item", LiteralPath=FOLDER).output[0])
    assert folder["Length"] is None


@pytest.mark.parametrize("text", ["grüße", "\u4e2d\u6587 \U0001f600", "_x0041_ \x07 a\r\nb", " leading", "a'b\"c`$(d)"])
def test_plain_values_come_as_they_are(opened: RunspacePool, text: str) -> None:
    path = FOLDER + "plain.txt"
    assert invoke(opened, "Set-Content", LiteralPath=path, Value=text).output == []
    assert invoke(opened, "Test-Path", LiteralPath=path).output == [True]
    assert invoke(opened, "Test-Path", LiteralPath=path, PathType="Container").output == [False]
    assert invoke(opened, "Get-Content", LiteralPath=path, Raw=True).output == [text + "\r\n"]


def test_a_terminating_error_fails_the_pipeline(opened: RunspacePool) -> None:
    pipeline = invoke(opened, "Get-CsUser", Identity="nobody")
    assert (pipeline.state, pipeline.had_errors, pipeline.output) == (FAILED, True, [])
    (record,) = pipeline.streams.error
    assert str(record) == 'Management object not found for identity "nobody".'
    assert record.fq_error == "Identity,Microsoft.Rtc.Management.AD.Cmdlets.GetOcsUserCmdlet"
    assert (record.category, record.target_name, record.target_object) == (6, "nobody", "nobody")
    assert record.message.startswith("InvalidData: (nobody:String) [Get-CsUser]") or "InvalidData" in record.message


def test_an_unknown_cmdlet(opened: RunspacePool) -> None:
    pipeline = invoke(opened, "Get-Unknown")
    assert (pipeline.state, errors(pipeline)) == (FAILED, ["CommandNotFoundException"])
    assert "'Get-Unknown' is not recognized" in str(pipeline.streams.error[0])


def test_another_error_leaves_output_and_goes_on(opened: RunspacePool) -> None:
    pipeline = invoke(opened, "Get-Command", Name=["Get-CsPool", "Get-Unknown"])
    assert (pipeline.state, pipeline.had_errors) == (COMPLETED, False)
    assert [properties(item)["Name"] for item in pipeline.output] == ["Get-CsPool"]
    assert errors(pipeline)[0].startswith("CommandNotFoundException,")
    quiet = invoke(opened, "Get-Command", Name=["Get-CsPool", "Get-Unknown"], ErrorAction="SilentlyContinue")
    assert (len(quiet.output), quiet.streams.error) == (1, [])
    ended = invoke(opened, "Get-Command", Name=["Get-CsPool", "Get-Unknown"], ErrorAction="Stop")
    assert (ended.state, len(ended.output), len(errors(ended))) == (FAILED, 1, 1)


def test_a_warning(opened: RunspacePool) -> None:
    pipeline = invoke(opened, "Import-Module", Name="SkypeForBusiness")
    assert ["unapproved verbs" in warning.message for warning in pipeline.streams.warning] == [True]
    for hide in ({"DisableNameChecking": True}, {"WarningAction": "SilentlyContinue"}):
        assert invoke(opened, "Import-Module", Name="SkypeForBusiness", **hide).streams.warning == []


def test_modules(opened: RunspacePool) -> None:
    assert errors(invoke(opened, "Import-Module", Name="Lync")) == [
        "Modules_ModuleNotFound,Microsoft.PowerShell.Commands.ImportModuleCommand"
    ]
    names = {"Name": ["SkypeForBusiness", "Lync"], "ErrorAction": "SilentlyContinue"}
    assert errors(invoke(opened, "Import-Module", **names)) == []
    assert [properties(item)["Name"] for item in invoke(opened, "Get-Module").output] == ["SkypeForBusiness"]


def test_a_batch_goes_on_after_a_failed_statement(opened: RunspacePool) -> None:
    batch = cmdlet(opened, "Get-CsSipDomain", Identity="contoso.com").add_statement()
    batch.add_cmdlet("Get-CsUser").add_parameter("Identity", "nobody").add_statement()
    batch.add_cmdlet("Get-CsPool").add_parameter("Identity", POOL)
    batch.invoke()
    assert batch.state == COMPLETED
    assert [str(item) for item in batch.output] == ["contoso.com", POOL]
    assert [record.target_name for record in batch.streams.error] == ["nobody"]


def test_error_action_stop_ends_a_batch(opened: RunspacePool) -> None:
    batch = cmdlet(opened, "Get-Item", LiteralPath="C:\\nothing", ErrorAction="Stop").add_statement()
    batch.add_cmdlet("Get-CsPool").invoke()
    assert (batch.state, batch.output) == (FAILED, [])
    assert [record.fq_error.partition(",")[0] for record in batch.streams.error] == ["PathNotFound"]


def test_objects_go_down_a_pipeline(opened: RunspacePool, lab: LabClient) -> None:
    pipeline = cmdlet(opened, "Get-CsPool", Identity=POOL).add_cmdlet("Select-Object")
    pipeline.add_parameter("Property", ["Fqdn", "Nothing"]).invoke()
    assert [properties(item) for item in pipeline.output] == [{"Fqdn": POOL, "Nothing": None}]
    count = cmdlet(opened, "Get-CsPool").add_cmdlet("Measure-Object")
    assert properties(count.invoke()[0])["Count"] == 4
    rest = cmdlet(opened, "Get-CsPersistentChatEndpoint", PersistentChatPoolFqdn="pcpool2.contoso.com")
    rest.add_cmdlet("Remove-CsPersistentChatEndpoint").add_parameter("Confirm", False).invoke()
    assert rest.state == COMPLETED, errors(rest)
    assert invoke(opened, "Get-CsPersistentChatEndpoint", PersistentChatPoolFqdn="pcpool2.contoso.com").output == []


def test_input_of_the_client_goes_down_a_pipeline(opened: RunspacePool) -> None:
    pipeline = cmdlet(opened, "Get-CsPool")
    pipeline.invoke(input=[POOL])
    assert [str(item) for item in pipeline.output] == [POOL]


def test_what_if_changes_nothing(opened: RunspacePool, lab: LabClient) -> None:
    before = lab.writes()
    new = {"SipAddress": "sip:whatif@contoso.com", "PersistentChatPoolFqdn": POOL, "PassThru": True}
    assert invoke(opened, "New-CsPersistentChatEndpoint", WhatIf=True, **new).output == []
    assert lab.writes() == before
    (call,) = lab.call("cmdlets.list")["cmdlets"]
    assert (call["applied"], call["ended"]) == (False, "ok")


@pytest.mark.parametrize(
    ("script", "state", "shown"),
    [
        ("Get-CsPool -Identity pcpool.contoso.com", COMPLETED, [POOL]),
        ("whoami", COMPLETED, ["contoso\\csadmin"]),
        ("Get-CsUser nobody", COMPLETED, []),
        ("if (1) {2}", FAILED, []),
    ],
)
def test_a_script_is_one_literal_command(opened: RunspacePool, script: str, state: int, shown: list[str]) -> None:
    pipeline = PowerShell(opened).add_script(script)
    pipeline.invoke()
    assert (pipeline.state, [str(item) for item in pipeline.output]) == (state, shown)
    assert bool(pipeline.streams.error) == (not shown)


def test_a_password_arrives_and_is_in_no_log(opened: RunspacePool, lab: LabClient) -> None:
    opened.exchange_keys()
    secret = opened.serialize(settings.PASSWORD, ObjectMeta("SS"))
    pipeline = invoke(opened, "Set-Content", LiteralPath=FOLDER + "secret.txt", Value=secret)
    assert pipeline.state == COMPLETED, errors(pipeline)
    assert invoke(opened, "Get-Content", LiteralPath=FOLDER + "secret.txt").output == [settings.PASSWORD]
    assert settings.PASSWORD not in str(lab.call("cmdlets.list")) + str(lab.call("requests.list"))


def test_what_the_commands_take_is_told(opened: RunspacePool) -> None:
    (found,) = opened.get_command_metadata("New-CsPersistentChat*")
    assert found.name == "New-CsPersistentChatEndpoint"
    assert found.parameters["PassThru"].switch_parameter is True


@pytest.mark.parametrize("name", ["Microsoft.PowerShell32x", "Lync"])
def test_another_configuration_is_not_there(lab: LabClient, name: str) -> None:
    runspaces = pool()
    runspaces.shell.resource_uri = "http://schemas.microsoft.com/powershell/" + name
    with pytest.raises(WSManFaultError) as refused:
        runspaces.open()
    assert refused.value.code == 2150858752


def test_requests_and_calls_are_told(opened: RunspacePool, lab: LabClient) -> None:
    invoke(opened, "Get-CsPool", Identity=POOL)
    opened.close()
    requests = lab.call("requests.list")["requests"]
    assert [entry["verb"] for entry in requests] == ["Create", "Receive", "Command", "Receive", "Delete"]
    assert [entry["cmdlets"] for entry in requests] == [[], [], ["Get-CsPool"], [], []]
    assert {entry["user"] for entry in requests} == {"CONTOSO\\csadmin"}
    assert lab.call("requests.list", limit=1)["requests"] == requests[-1:]
    assert lab.call("cmdlets.list")["cmdlets"] == [
        {
            "host": "lync01.contoso.com",
            "user": "CONTOSO\\csadmin",
            "name": "Get-CsPool",
            "parameters": {"Identity": POOL},
            "applied": True,
            "ended": "ok",
        }
    ]
    lab.call("log.clear")
    assert lab.call("requests.list")["requests"] == lab.call("cmdlets.list")["cmdlets"] == []
