# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export, import, counting and files: what the data move of the migration meets."""

from __future__ import annotations

import hashlib

import pytest

from tests.lab.chat_archive import pack
from tests.lab.cmdlets import CmdletFault
from tests.lab.estate import Estate

SOURCE = {"DBInstance": "sql01.contoso.com\\GC", "DBName": "mgc"}
TARGET = "sql01.contoso.com\\PCHAT"
ZIP = "C:\\Migration\\chat.zip"
REPORT = "C:\\Migration\\report.html"
POOL = "pcpool.contoso.com"


def counts(estate: Estate, instance: str = TARGET) -> dict[str, int]:
    return estate.status()["databases"][instance + "/mgc"]


def report(run) -> str:
    return run("Get-Content", LiteralPath=REPORT, Raw=True)[0]["Value"]


def test_what_was_exported_can_be_imported(run, estate: Estate) -> None:
    assert run("Export-CsPersistentChatData", **SOURCE, FileName=ZIP, Report=REPORT) == []
    assert run("Get-Item", LiteralPath=ZIP)[0]["Length"] > 0
    assert "<td>Information</td><td>12 rooms exported.</td>" in report(run)
    assert run("Import-CsPersistentChatData", DBInstance=TARGET, FileName=ZIP, Report=REPORT, Confirm=False) == []
    legacy, new = (estate.database(one, "mgc") for one in (SOURCE["DBInstance"], TARGET))
    assert new == legacy
    rooms = run("Get-CsPersistentChatRoom", PersistentChatPoolFqdn=POOL)
    assert len(rooms) == 12
    assert rooms[0]["Identity"] == "pcpool.contoso.com\\Build status" and rooms[0]["Category"] == "Engineering"
    assert len(run("Get-CsPersistentChatRoom", PersistentChatPoolFqdn=POOL, Disabled=True)) == 2
    assert len(run("Get-CsPersistentChatCategory", PersistentChatPoolFqdn=POOL)) == 3
    assert [item["Name"] for item in run("Get-CsPersistentChatAddin", PersistentChatPoolFqdn=POOL)] == [
        "Build board",
        "Duty roster",
    ]


def test_equal_content_gives_an_equal_archive(run) -> None:
    run("Export-CsPersistentChatData", **SOURCE, FileName=ZIP)
    run("Export-CsPersistentChatData", **SOURCE, FileName="C:\\Temp\\again.zip")
    first, second = (run("Get-FileHash", Path=path)[0]["Hash"] for path in (ZIP, "c:\\temp\\AGAIN.zip"))
    assert first == second


def test_what_if_writes_the_report_only(run, estate: Estate) -> None:
    run("Export-CsPersistentChatData", **SOURCE, FileName=ZIP)
    before = estate.control("counters")["writes"]
    run("Import-CsPersistentChatData", DBInstance=TARGET, FileName=ZIP, Report=REPORT, WhatIf=True)
    assert "12 rooms imported" in report(run) and "WhatIf" in report(run)
    assert counts(estate)["rooms"] == 0 and estate.control("counters")["writes"] == before


@pytest.mark.parametrize(("setting", "messages"), [("duplicates", 100), ("overwrites", 50)])
def test_a_second_import(run, estate: Estate, setting: str, messages: int) -> None:
    estate.control("switch.set", name="import_repeat", value=setting)
    run("Export-CsPersistentChatData", **SOURCE, FileName=ZIP)
    for _time in range(2):
        run("Import-CsPersistentChatData", DBInstance=TARGET, FileName=ZIP, Confirm=False)
    assert counts(estate) == {"categories": 3, "rooms": 12, "disabled_rooms": 2, "addins": 2, "messages": messages}


def test_import_overwrites_what_has_the_same_name_and_keeps_the_rest(run, estate: Estate) -> None:
    own = {
        "name": "ENGINEERING",
        "description": "",
        "disabled": True,
        "creators": [],
        "rooms": [
            {"name": "Own", "description": "", "disabled": False, "type": "Normal", "privacy": "Open"}
            | {"members": [], "messages": []}
        ],
    }
    target = {"databases": {TARGET: {"mgc": {"categories": [own]}}}}
    estate.control("estate.patch", patch=target)
    run("Export-CsPersistentChatData", **SOURCE, FileName=ZIP)
    run("Import-CsPersistentChatData", DBInstance=TARGET, FileName=ZIP, Confirm=False)
    found = run("Get-CsPersistentChatCategory", Identity=POOL + "\\engineering")
    assert found[0]["Name"] == "Engineering" and found[0]["Disabled"] is False
    assert counts(estate)["rooms"] == 13


def test_disable_exported_nodes_changes_the_source(run, estate: Estate) -> None:
    run("Export-CsPersistentChatData", **SOURCE, FileName=ZIP, Scope=["Operations"], DisableExportedNodes=True)
    assert counts(estate, SOURCE["DBInstance"])["disabled_rooms"] == 6
    run("Import-CsPersistentChatData", DBInstance=TARGET, FileName=ZIP, Confirm=False)
    assert counts(estate) == {"categories": 1, "rooms": 4, "disabled_rooms": 0, "addins": 0, "messages": 16}


def test_levels_and_bytes(run, estate: Estate) -> None:
    with pytest.raises(CmdletFault, match="StartDate"):
        run("Export-CsPersistentChatData", **SOURCE, FileName=ZIP, StartDate="2011-03-03T00:00:00Z")
    dated = {"Level": "RoomDirectory", "StartDate": "2011-03-03T00:00:00Z"}
    packed = run("Export-CsPersistentChatData", **SOURCE, AsBytes=True, **dated)[0]["Value"]
    run("Import-CsPersistentChatData", DBInstance=TARGET, ByteInput=packed, Confirm=False)
    assert counts(estate)["rooms"] == 12 and counts(estate)["messages"] == 50 - 2 * 12


def test_a_name_that_is_too_long_is_an_error_row_and_stays_out(run, estate: Estate) -> None:
    content = {"categories": [], "addins": []}
    for name in ("x" * 256, "y" * 257):
        category = {"name": name, "description": "", "disabled": False, "creators": [], "rooms": []}
        content["categories"].append(category)
    call = {"DBInstance": TARGET, "ByteInput": pack(content, "All"), "Report": REPORT}
    run("Import-CsPersistentChatData", **call, WhatIf=True)
    assert report(run).count("<td>Error</td>") == 1
    run("Import-CsPersistentChatData", **call, Confirm=False)
    assert [item["Name"] for item in run("Get-CsPersistentChatCategory", PersistentChatPoolFqdn=POOL)] == ["x" * 256]


@pytest.mark.parametrize(
    ("style", "problems", "row"),
    [
        ("table", "warnings", "<td>Warning</td>"),
        ("list", "warnings", '<li class="warning">'),
        ("german", "errors", "<td>Fehler</td>"),
        ("list", "errors", '<li class="error">'),
    ],
)
def test_report_styles_and_problems(run, estate: Estate, style: str, problems: str, row: str) -> None:
    run("Export-CsPersistentChatData", **SOURCE, FileName=ZIP, Report=REPORT)
    assert "arning" not in report(run) and "rror" not in report(run)
    estate.control("switch.set", name="report_style", value=style)
    estate.control("switch.set", name="report_problems", value=problems)
    run("Export-CsPersistentChatData", **SOURCE, FileName=ZIP, Report=REPORT)
    assert report(run).count(row) == 1


@pytest.mark.parametrize(
    ("name", "change", "text"),
    [
        ("Export-CsPersistentChatData", {"DBInstance": "sql01\\NONE"}, "sql01.NONE"),
        ("Export-CsPersistentChatData", {"DBName": "other"}, "other"),
        ("Export-CsPersistentChatData", {"FileName": "C:\\Nowhere\\x.zip"}, "Could not find a part of the path"),
        ("Export-CsPersistentChatData", {"FileName": "x.zip"}, "not an absolute path"),
        ("Export-CsPersistentChatData", {"FileName": "Q:\\x.zip"}, "drive"),
        ("Export-CsPersistentChatData", {"FileName": "C:\\Temp\\..\\..\\x.zip"}, "Illegal"),
        ("Export-CsPersistentChatData", {"Scope": ["Nothing"]}, "nothing"),
        ("Import-CsPersistentChatData", {"FileName": "C:\\Temp\\no.zip"}, "Could not find file"),
        ("Import-CsPersistentChatData", {"FileName": REPORT}, "cannot be read"),
    ],
)
def test_bad_input_writes_nothing(run, estate: Estate, name: str, change: dict, text: str) -> None:
    run("Export-CsPersistentChatData", **SOURCE, FileName=ZIP, Report=REPORT)
    before = estate.control("estate.get")
    given = {**SOURCE, "FileName": ZIP} if name.startswith("Export") else {"DBInstance": TARGET, "Confirm": False}
    with pytest.raises(CmdletFault, match=text):
        run(name, **{**given, **change})
    assert estate.control("estate.get") == before


def test_import_while_the_services_run(run, estate: Estate) -> None:
    run("Export-CsPersistentChatData", **SOURCE, FileName=ZIP)
    estate.control("switch.set", name="import_while_running", value="refused")
    for server in ("pc01", "pc02"):
        for service in ("RTCCHAT", "RTCCOMPLIANCE"):
            with pytest.raises(CmdletFault, match="in use"):
                run("Import-CsPersistentChatData", DBInstance=TARGET, FileName=ZIP, Confirm=False)
            run("Stop-CsWindowsService", Name=service, ComputerName=server, Confirm=False)
    run("Import-CsPersistentChatData", DBInstance=TARGET, FileName=ZIP, Confirm=False)
    assert counts(estate)["rooms"] == 12


def test_counting_while_the_services_are_stopped(run, estate: Estate) -> None:
    run("Stop-Service", host="pc03", Name=["RTCCHAT", "RTCCOMPLIANCE"])
    call = {"PersistentChatPoolFqdn": "pcpool2.contoso.com"}
    assert run("Get-CsPersistentChatRoom", **call) == []
    estate.control("switch.set", name="counts_while_stopped", value="error")
    with pytest.raises(CmdletFault, match="does not answer"):
        run("Get-CsPersistentChatRoom", **call)
    assert run("Get-CsPersistentChatRoom", PersistentChatPoolFqdn=POOL) == []


def test_the_pool_must_be_named_where_there_are_two(run) -> None:
    with pytest.raises(CmdletFault, match="PersistentChatPoolFqdn is needed"):
        run("Get-CsPersistentChatRoom")
    with pytest.raises(CmdletFault, match="not a Persistent Chat pool"):
        run("Get-CsPersistentChatRoom", PersistentChatPoolFqdn="gcpool.contoso.com")


def test_files_of_a_server(run, estate: Estate) -> None:
    run("Export-CsPersistentChatData", **SOURCE, FileName=ZIP)
    remote = "\\\\lync01.contoso.com\\c$\\migration\\CHAT.ZIP"
    item = run("Get-Item", host="pc01", LiteralPath=remote)[0]
    assert item["FullName"] == "\\\\lync01\\C$\\Migration\\chat.zip" and item["LastWriteTimeUtc"].tzinfo is not None
    content = estate.files.locate("lync01", ZIP).read_bytes()
    assert (
        run("Get-FileHash", LiteralPath=ZIP, Algorithm="SHA256")[0]["Hash"]
        == hashlib.sha256(content).hexdigest().upper()
    )
    assert run("Test-Path", host="pc01", LiteralPath=ZIP) == [{"Value": False}]
    assert run("Test-Path", LiteralPath="C:\\Migration", PathType="Leaf") == [{"Value": False}]
    with pytest.raises(CmdletFault, match="would prompt"):
        run("Remove-Item", LiteralPath="C:\\Migration")
    run("Remove-Item", LiteralPath=ZIP, WhatIf=True)
    assert run("Test-Path", LiteralPath=ZIP) == [{"Value": True}]
    run("Remove-Item", LiteralPath=ZIP)
    assert estate.control("counters")["writes"] == 2
    with pytest.raises(CmdletFault) as caught:
        run("Get-Item", LiteralPath=ZIP)
    assert caught.value.error_id == "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand"
    assert run("Get-Item", LiteralPath=ZIP, ErrorAction="SilentlyContinue") == []
