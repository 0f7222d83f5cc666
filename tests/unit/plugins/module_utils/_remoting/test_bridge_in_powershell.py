# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge script itself, run by PowerShell against stub cmdlets where there is a PowerShell."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import bridge
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command

PWSH = shutil.which("pwsh")
pytestmark = pytest.mark.skipif(PWSH is None, reason="no pwsh on PATH: the bridge was only parsed, not run")

STUBS = r"""
function Get-Stub {
  [CmdletBinding()] param($Text, $List, $Table, [switch]$Flag)
  Write-Warning "first"
  Write-Host "What if: noise"
  New-Object PSObject -Property @{
    Text = $Text; List = $List; Table = $Table['Add']; Flag = $Flag.IsPresent; Type = $Text.GetType().Name
    ListType = $List.GetType().IsArray; Number = 7; Ratio = 1.5; Nothing = $null; Kind = [DayOfWeek]::Friday
    Id = [guid]'5d5a0d4e-0a41-4f5c-8a6a-7d7b1b8f8f10'; Empty = @(); One = @('x')
    When = New-Object DateTime 2026, 1, 2, 3, 4, 5, ([DateTimeKind]::Utc)
  }
}
function Test-Stub { [CmdletBinding()] param() $true }
function Write-Stub { [CmdletBinding()] param() 'before'; Write-Error 'it broke' -ErrorId Broke -Category InvalidData; 'after' }
function Get-Nothing { [CmdletBinding()] param() }
Set-Alias Use-Alias Get-Nothing
Export-ModuleMember -Function * -Alias *
"""


@pytest.fixture
def run(tmp_path):
    """Run commands through the script, as a server would."""
    module = tmp_path / "Lync"
    module.mkdir()
    (module / "Lync.psm1").write_text(STUBS, encoding="utf-8")

    def run_commands(*commands, **options):
        _program, arguments = bridge.command_line()
        environment = dict(os.environ, PSModulePath=str(tmp_path) + os.pathsep + os.environ.get("PSModulePath", ""))
        ended = subprocess.run(
            [PWSH, *arguments],
            input=bridge.encode_request(commands, **options),
            capture_output=True,
            timeout=120,
            env=environment,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return bridge.decode_response(ended.stdout, commands)

    return run_commands


def test_values_keep_their_types(run):
    text = "Gr\u00fc\u00dfe \u4e16\u754c \U0001f600 \"quoted\" \\ 'x' $(1+1) line\n"
    names = [
        "Text",
        "List",
        "Table",
        "Flag",
        "Type",
        "ListType",
        "Number",
        "Ratio",
        "Nothing",
        "Kind",
        "Id",
        "Empty",
        "One",
        "When",
    ]
    (outcome,) = run(
        Command(
            "Get-Stub",
            {"Text": text, "List": ["only"], "Table": {"Add": ["a", "b"]}, "Flag": True},
            (*names, "Missing"),
        )
    )
    (found,) = outcome.objects()
    assert found.pop("When").startswith("2026-01-02T03:04:05") and list(outcome.warnings) == ["first"]
    assert found == {
        "Text": text, "List": ["only"], "Table": ["a", "b"], "Flag": True, "Type": "String", "ListType": True, "Number": 7,
        "Ratio": 1.5, "Nothing": None, "Kind": "Friday", "Id": "5d5a0d4e-0a41-4f5c-8a6a-7d7b1b8f8f10", "Empty": [], "One": ["x"],
        "Missing": None,
    }  # fmt: skip


def test_a_scalar_is_given_as_value(run):
    (outcome,) = run(Command("Test-Stub", select=["Value"]))
    assert outcome.objects() == [{"Value": True}]


def test_a_non_terminating_error_ends_the_command_and_the_batch(run):
    failed, skipped = run(Command("Write-Stub", select=["Value"]), Command("Test-Stub", select=["Value"]))
    assert failed.error.message == "it broke"
    assert (failed.error.error_id.partition(",")[0], failed.error.category) == ("Broke", "InvalidData")
    assert list(failed.output) == [{"Value": "before"}] and skipped.skipped


def test_all_commands_run_where_errors_do_not_stop(run):
    failed, done = run(Command("Write-Stub"), Command("Test-Stub", select=["Value"]), stop_on_error=False)
    assert failed.error and done.objects() == [{"Value": True}]


def test_silenced_errors_stay_silent(run):
    (outcome,) = run(Command("Write-Stub", {"ErrorAction": "SilentlyContinue"}, ["Value"]))
    assert outcome.objects() == [{"Value": "before"}, {"Value": "after"}]


@pytest.mark.parametrize("name", ["Get-Unknown", "Use-Alias"])
def test_what_is_no_cmdlet_or_function_is_not_run(run, name):
    (outcome,) = run(Command(name))
    assert outcome.error.error_id.startswith("CommandNotFoundException")
