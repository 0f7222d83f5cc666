# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows services: by the Lync cmdlets, by PowerShell's own and by sc.exe, all on one state."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.lab.cmdlets import CmdletFault, Context
from tests.lab.estate import Estate
from tests.lab.wire.programs import ProgramEnd, run_program

importlib.import_module("tests.lab.programs")  # registers sc.exe


def sc(estate: Estate, line: str, host: str = "gc01") -> ProgramEnd:
    return run_program(Context(estate, host), "sc.exe " + line)


def state(end: ProgramEnd) -> int:
    """The numeric state, found without any word: the first number that ``name of the state`` follows on line 4."""
    return int(re.findall(r"^\s+\S+\s*: (\d)  \S+ \r$", end.stdout, re.MULTILINE)[-1])


def test_sc_prints_what_windows_prints(estate: Estate) -> None:
    assert sc(estate, "query GroupChatLookup").stdout == (
        "\r\nSERVICE_NAME: GroupChatLookup\r\n"
        "        TYPE               : 10  WIN32_OWN_PROCESS  \r\n"
        "        STATE              : 4  RUNNING \r\n"
        "                                (STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)\r\n"
        "        WIN32_EXIT_CODE    : 0  (0x0)\r\n"
        "        SERVICE_EXIT_CODE  : 0  (0x0)\r\n"
        "        CHECKPOINT         : 0x0\r\n"
        "        WAIT_HINT          : 0x0\r\n"
    )
    assert "        START_TYPE         : 2   AUTO_START\r\n" in sc(estate, "qc groupchatlookup").stdout
    assert "        PID                : " in sc(estate, "queryex GroupChatLookup").stdout


@pytest.mark.parametrize("language", ["en", "de"])
def test_sc_exit_codes_and_numbers_do_not_depend_on_the_language(estate: Estate, language: str) -> None:
    estate.control("switch.set", name="sc_language", value=language)
    assert sc(estate, "query NoSuch").exit_code == 1060
    assert sc(estate, "start GroupChatLookup").exit_code == 1056
    assert state(sc(estate, "stop GroupChatLookup")) == 3
    assert state(sc(estate, "query GroupChatLookup")) == 1
    assert sc(estate, "stop GroupChatLookup").exit_code == 1062
    assert sc(estate, "config GroupChatLookup start= disabled").exit_code == 0
    assert re.search(r": 4   \S+\r", sc(estate, "qc GroupChatLookup").stdout)
    assert sc(estate, "start GroupChatLookup").exit_code == 1058
    assert ("RUNNING" in sc(estate, "query GroupChatChannel").stdout) == (language == "en")
    assert estate.control("counters")["writes"] == 2


def test_sc_reaches_other_servers_by_name(estate: Estate) -> None:
    assert sc(estate, "\\\\gc02.contoso.com stop GroupChatCompliance", host="lync01").exit_code == 0
    assert state(sc(estate, "\\\\GC02 query GroupChatCompliance", host="lync01")) == 1
    assert sc(estate, "\\\\nowhere query GroupChatLookup").exit_code == 1722
    assert sc(estate, "query GroupChatCompliance", host="gc01").exit_code == 1060
    estate.control("switch.set", name="second_hop", value="needs_delegation")
    assert sc(estate, "\\\\gc02 query GroupChatCompliance", host="lync01").exit_code == 5
    assert sc(estate, "query GroupChatCompliance", host="gc02").exit_code == 0


def test_sc_needs_the_blank_after_the_equals_sign(estate: Estate) -> None:
    assert sc(estate, "config GroupChatLookup start=disabled").exit_code == 1639
    assert sc(estate, "config GroupChatLookup start= never").exit_code == 1639
    assert sc(estate, "dance GroupChatLookup").exit_code == 1639


def test_sc_lists_running_or_all_services(estate: Estate) -> None:
    sc(estate, "stop GroupChatChannel")
    names = re.compile(r"^SERVICE_NAME: (\S+)\r", re.MULTILINE)
    assert "GroupChatChannel" not in names.findall(sc(estate, "query").stdout)
    assert names.findall(sc(estate, "queryex state= all").stdout) == [
        "GroupChatLookup",
        "GroupChatChannel",
        "WinRM",
        "W32Time",
    ]


def test_a_stopping_service_stays_pending_for_so_many_queries(estate: Estate, run) -> None:
    estate.control("switch.set", name="stop_pending_polls", value=2)
    sc(estate, "stop GroupChatLookup")
    assert sc(estate, "stop GroupChatLookup").exit_code == 1061
    assert estate.status()["services"]["gc01.contoso.com"]["GroupChatLookup"]["status"] == "StopPending"
    assert [state(sc(estate, "query GroupChatLookup")) for _time in range(3)] == [3, 3, 1]
    run("Stop-CsWindowsService", Name="RTCCHAT", ComputerName="pc01", Graceful=True, Confirm=False)
    query = {"Name": "RTCCHAT", "ComputerName": "pc01"}
    assert [run("Get-CsWindowsService", **query)[0]["Status"] for _time in range(3)] == ["Paused", "Paused", "Stopped"]
    estate.control("switch.set", name="start_pending_polls", value=1)
    run("Start-Service", host="pc01", Name="RTCCHAT")
    assert [run("Get-CsWindowsService", **query)[0]["Status"] for _time in range(2)] == ["StartPending", "Running"]


def test_the_lync_cmdlets_know_lync_services_only(run) -> None:
    with pytest.raises(CmdletFault, match="W32Time"):
        run("Stop-CsWindowsService", Name="W32Time", Confirm=False)
    with pytest.raises(CmdletFault, match="GroupChatLookup"):
        run("Get-CsWindowsService", Name="GroupChatLookup", ComputerName="gc01")
    with pytest.raises(CmdletFault, match="nowhere"):
        run("Get-CsWindowsService", ComputerName="nowhere")
    assert run("Get-CsWindowsService", ComputerName="pc01")[0]["RoleName"] == ["PersistentChatService"]


def test_without_a_name_every_lync_service_stops(run, estate: Estate) -> None:
    run("Stop-CsWindowsService", host="pc01", LeaveClsAgentRunning=True, Confirm=False)
    services = estate.status()["services"]["pc01.contoso.com"]
    assert {name for name, item in services.items() if item["status"] == "Running"} == {"RTCCLSAGT", "WinRM", "W32Time"}


def test_a_disabled_service_does_not_start(run) -> None:
    run("Set-Service", host="pc01", Name="RTCCHAT", StartupType="disabled", Status="Stopped")
    assert run("Get-Service", Name="RTCCHAT", ComputerName="pc01")[0]["StartType"] == "Disabled"
    with pytest.raises(CmdletFault):
        run("Start-CsWindowsService", Name="RTCCHAT", ComputerName="pc01", Confirm=False)
    with pytest.raises(CmdletFault, match="cannot be started"):
        run("Start-Service", host="pc01", Name="RTCCHAT")
    with pytest.raises(CmdletFault, match="cannot be started"):
        run("Set-Service", ComputerName="pc01", Name="RTCCHAT", Status="Running")
    run("Set-Service", ComputerName="pc01", Name="RTCCHAT", Status="Running", StartupType="Manual")
    assert run("Get-Service", host="pc01", Name="RTCCHAT")[0]["Status"] == "Running"


def test_services_by_pattern_and_display_name(run) -> None:
    names = [item["Name"] for item in run("Get-Service", host="pc01", DisplayName="*Persistent Chat*")]
    assert names == ["RTCCHAT", "RTCCOMPLIANCE"]
    assert run("Get-Service", Name="Nothing*") == []
    assert run("Get-Service", Name="Nothing", ErrorAction="SilentlyContinue") == []
    with pytest.raises(CmdletFault) as caught:
        run("Get-Service", Name="Nothing")
    assert caught.value.error_id == "NoServiceFoundForGivenName,Microsoft.PowerShell.Commands.GetServiceCommand"


def test_services_can_have_other_names(run, estate: Estate) -> None:
    estate.control("switch.set", name="service_names", value="other")
    assert sc(estate, "query GroupChatLookup").exit_code == 1060
    assert sc(estate, "stop OcsGroupChatLookup").exit_code == 0
    assert estate.status()["legacy_lookup_registered"] == ["gc02.contoso.com"]
    assert run("Get-CsWindowsService", Name="RTCCHANNEL", ComputerName="pc01")[0]["Status"] == "Running"
