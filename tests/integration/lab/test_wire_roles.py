# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lync's restricted endpoint: who may enter, what each role sees there, and that the server itself goes to AD and SQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.shell import Process, WinRS

from tests.integration.lab.psrp_clients import COMPLETED, FAILED, POOL, RESTRICTED, errors, invoke, pool, restricted
from tests.integration.lab.wire_clients import whoami, wsman
from tests.lab.client import LabClient
from tests.lab.cmdlets import CMDLETS
from tests.lab.wire.roles import STANDARD, visible_to

CHAT = "chatadmin"
UNKNOWN = ["CommandNotFoundException"]


@pytest.fixture
def chat(lab: LabClient) -> Iterator[RunspacePool]:
    """The session of a member of CSPersistentChatAdministrator, and of nothing else."""
    lab.call("log.clear")
    with restricted(CHAT) as opened:
        yield opened


def test_a_role_sees_its_cmdlets_only(chat: RunspacePool) -> None:
    assert [str(item) for item in invoke(chat, "Get-CsPool", Identity=POOL).output] == [POOL]
    for name in (
        "Get-CsUser",
        "Stop-CsWindowsService",
        "Get-Service",
        "Import-Module",
        "Get-Item",
        "Invoke-Expression",
    ):
        pipeline = invoke(chat, name)
        assert (pipeline.state, errors(pipeline)) == (FAILED, UNKNOWN)
        assert "The term '%s' is not recognized" % name in str(pipeline.streams.error[0])


def test_get_command_tells_what_is_there(chat: RunspacePool) -> None:
    wanted = ["New-CsPersistentChatEndpoint", "Get-CsUser", "Select-Object"]
    pipeline = invoke(chat, "Get-Command", Name=wanted, ErrorAction="SilentlyContinue")
    assert [str(item) for item in pipeline.output] == ["New-CsPersistentChatEndpoint", "Select-Object"]
    everything = {str(item).lower() for item in invoke(chat, "Get-Command").output}
    assert everything == visible_to({"CSPersistentChatAdministrator"})
    assert {entry.name for entry in chat.get_command_metadata("*-CsUser")} == set()


@pytest.mark.parametrize("script", ["Get-CsPool", "1 + 1", "whoami", "$x = 1"])
def test_no_script_runs(chat: RunspacePool, lab: LabClient, script: str) -> None:
    pipeline = PowerShell(chat).add_script(script)
    pipeline.invoke()
    assert (pipeline.state, errors(pipeline), pipeline.output) == (FAILED, ["ScriptsNotAllowed"], [])
    assert lab.call("cmdlets.list")["cmdlets"] == []


def test_no_program_runs(chat: RunspacePool) -> None:
    assert errors(invoke(chat, "whoami")) == UNKNOWN


def test_objects_can_be_selected_and_counted(chat: RunspacePool) -> None:
    pipeline = PowerShell(chat).add_cmdlet("Get-CsPool").add_parameter("Identity", POOL)
    pipeline.add_cmdlet("Select-Object").add_parameter("Property", ["Fqdn"]).add_cmdlet("Out-Default").invoke()
    assert [item.adapted_properties for item in pipeline.output] == [{"Fqdn": POOL}]


def test_the_server_itself_goes_to_ad_and_sql(fresh_lab: LabClient) -> None:
    """Without rights of its own and without credentials for a second server, the account works there, and only there."""
    fresh_lab.call("switch.set", name="second_hop", value="needs_delegation")
    new = {"SipAddress": "sip:roles@contoso.com", "PersistentChatPoolFqdn": POOL, "Confirm": False}
    with restricted(CHAT) as opened:
        assert invoke(opened, "New-CsPersistentChatEndpoint", **new).state == COMPLETED
        found = invoke(opened, "Get-CsPersistentChatEndpoint", Identity=new["SipAddress"])
        assert [item.adapted_properties["SipAddress"] for item in found.output] == [new["SipAddress"]]
    with pool() as full:
        assert errors(invoke(full, "Get-CsPool"))[0].startswith("SqlConnectionFailed,")


@pytest.mark.parametrize(
    ("user", "options"), [("plainuser", RESTRICTED), ("plainuser", {}), (CHAT, {}), ("svc-directory", RESTRICTED)]
)
def test_who_may_not_enter(lab: LabClient, user: str, options: dict[str, object]) -> None:
    opened = pool("https-basic", user, **options)
    with pytest.raises(WSManFaultError) as refused:
        opened.open()
    assert refused.value.code == 5


def test_an_administrator_of_all_roles_sees_all_of_lync(lab: LabClient) -> None:
    with restricted() as opened:
        names = {str(item).lower() for item in invoke(opened, "Get-Command").output}
    lync = {name for name, item in CMDLETS.items() if item.source == "lync"}
    assert names == lync | {name.lower() for name in STANDARD}


@pytest.mark.parametrize(
    ("groups", "seen", "unseen"),
    [
        ({"CSAdministrator"}, {"Stop-CsWindowsService", "Get-CsUser"}, {"Get-Service", "Set-Content"}),
        ({"csserveradministrator"}, {"Stop-CsWindowsService"}, {"New-CsPersistentChatEndpoint", "Get-CsUser"}),
        ({"CSUserAdministrator"}, {"Get-CsUser"}, {"Stop-CsWindowsService"}),
        ({"CSViewOnlyAdministrator"}, {"Get-CsPersistentChatEndpoint"}, {"New-CsPersistentChatEndpoint"}),
        (
            {"CSUserAdministrator", "CSServerAdministrator"},
            {"Get-CsUser", "Start-CsWindowsService"},
            {"Import-CsPersistentChatData"},
        ),
    ],
)
def test_what_each_role_sees(groups: set[str], seen: set[str], unseen: set[str]) -> None:
    visible = visible_to(groups)
    assert visible is not None
    assert {name.lower() for name in seen} <= visible
    assert not {name.lower() for name in unseen} & visible
    assert {name.lower() for name in STANDARD} <= visible


@pytest.mark.parametrize("groups", [set(), {"Domain Admins", "RTCUniversalServerAdmins"}])
def test_without_a_role_nothing_is_seen(groups: set[str]) -> None:
    assert visible_to(groups) is None


def test_there_are_no_command_shells(lab: LabClient) -> None:
    with pytest.raises(WSManFaultError) as refused, wsman(way="https-basic", **RESTRICTED) as client:
        with WinRS(client) as shell:
            Process(shell, "whoami").invoke()
    assert refused.value.code == 2150858752
    assert whoami("pypsrp", "https-basic") == "contoso\\csadmin"


@pytest.mark.parametrize("narrow", [True, False])
def test_a_shell_is_found_where_it_was_made_only(lab: LabClient, narrow: bool) -> None:
    """Nobody gets from the restricted endpoint's shells to the full one's language, nor the other way."""
    with restricted() if narrow else pool("https-basic") as opened:
        opened.shell.wsman, mine = wsman(way="https-basic", **({} if narrow else RESTRICTED)), opened.shell.wsman
        with pytest.raises(WSManFaultError) as refused:
            opened.shell.receive("stdout", timeout=1)
        opened.shell.wsman = mine
        assert refused.value.code == 2150858843
        assert invoke(opened, "Get-CsPool", Identity=POOL).state == COMPLETED
