# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PowerShell bridge: one static script, what it is sent and what it answers. Private to this collection.

docs/dev/bridge.md says what each part of the script relies on.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletError,
    Command,
    Outcome,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.hints import NOT_FOUND
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.values import check_commands

PROTOCOL = 1
#: tried in this order; the first is the module of Skype for Business Server, the second that of Lync Server 2013
MODULES = ("SkypeForBusiness", "Lync")
#: what begins the one line of the script's output that is the answer
MARKER = b"#PC1#"
#: the command line limit of cmd.exe, in characters
COMMAND_LINE_LIMIT = 8191
#: below the default MaxJsonLength (2097152 characters) of the parser behind ConvertFrom-Json in PowerShell 3.0
REQUEST_LIMIT = 2000000

BRIDGE_SCRIPT = r"""# lync.persistent_chat bridge, protocol 1
# JSON on stdin, one marked line of JSON on stdout. Data never becomes code.
$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'; $ConfirmPreference = 'None'

# objects become hashtables, arrays stay arrays
function ToHash($v) {
  if ($v -is [Management.Automation.PSCustomObject]) {
    $h = @{}
    foreach ($p in $v.PSObject.Properties) { $h[$p.Name] = ToHash $p.Value }
    return $h
  }
  if ($v -is [array]) { return , @(foreach ($i in $v) { ToHash $i }) }
  $v
}

# ASCII only; ConvertTo-Json unrolls, truncates and decorates
function Quote($v) {
  '"' + [regex]::Replace([string]$v, '[^ !#-\[\]-~]', { param($m) '\u{0:x4}' -f [int][char]$m.Value }) + '"'
}
function ToJson($v) {
  if ($null -eq $v) { return 'null' }
  if ($v -is [bool]) { return ([string]$v).ToLower() }
  if ($v -is [datetime]) { return Quote ($v.ToUniversalTime().ToString('o')) }
  if ($v -is [decimal] -or ($v.GetType().IsPrimitive -and $v -isnot [char])) { return [string]$v }
  if ($v -is [Collections.IDictionary]) {
    return '{' + (@(foreach ($e in $v.GetEnumerator()) { (Quote $e.Key) + ':' + (ToJson $e.Value) }) -join ',') + '}'
  }
  if ($v -is [Collections.IEnumerable] -and $v -isnot [string]) {
    return '[' + (@(foreach ($i in $v) { ToJson $i }) -join ',') + ']'
  }
  Quote $v
}

$r = [Console]::In.ReadToEnd() | ConvertFrom-Json
$module = $null; $notes = @(); $stop = $false
foreach ($n in $r.modules) {
  try { Import-Module $n -DisableNameChecking; $module = $n; break }
  catch { if ($_.FullyQualifiedErrorId -notlike 'Modules_ModuleNotFound*') { $notes += [string]$_ } }
}
$results = @(foreach ($q in $r.commands) {
  $out = New-Object Collections.ArrayList; $warn = $notes; $notes = @(); $err = $null; $skip = $stop
  if (-not $skip) {
    try {
      # only a cmdlet or function: no alias, no program
      $c = @(Get-Command $q.name -CommandType 'Cmdlet', 'Function')[0]
      $a = ToHash $q.parameters
      if (-not $a.ContainsKey('ErrorAction')) { $a['ErrorAction'] = 'Stop' }
      & $c @a 3>&1 | ForEach-Object {
        if ($_ -is [Management.Automation.WarningRecord]) { $warn += $_.Message; return }
        $o = @{}
        foreach ($s in $q.select) {
          if ($s -eq 'Value' -and ($_ -is [string] -or $_ -is [ValueType])) { $o[$s] = $_ } else { $o[$s] = $_.$s }
        }
        [void]$out.Add((ToJson $o))
      }
    } catch {
      $err = @{ message = [string]$_; id = $_.FullyQualifiedErrorId; category = [string]$_.CategoryInfo.Category }
      $stop = $r.stop_on_error
    }
  }
  '{"output":[' + ($out -join ',') + '],"warnings":' + (ToJson $warn) +
  ',"error":' + (ToJson $err) + ',"skipped":' + (ToJson $skip) + '}'
})
$answer = '{"protocol":1,"powershell":' + (Quote $PSVersionTable.PSVersion) + ',"module":' + (ToJson $module) +
  ',"results":[' + ($results -join ',') + ']}'
[Console]::Out.WriteLine([string][char]10 + '#PC1#' + $answer.Length + '#' + $answer)
exit 0
"""


def command_line() -> tuple[str, list[str]]:
    """The program and the arguments that start the bridge; together below the limit of cmd.exe."""
    encoded = base64.b64encode(BRIDGE_SCRIPT.encode("utf-16-le")).decode("ascii")
    return "powershell.exe", ["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-EncodedCommand", encoded]


def encode_request(commands: Sequence[Command], stop_on_error: bool = True) -> bytes:
    """The request as it goes to the script's standard input: one line of ASCII JSON.

    :raises InvalidInput: a command has a name or a value that must not be sent, or the request is too large.
    """
    check_commands(commands)
    request = {
        "protocol": PROTOCOL,
        "modules": list(MODULES) if any(map(names_lync, commands)) else [],
        "stop_on_error": stop_on_error,
        "commands": [
            {"name": command.name, "parameters": dict(command.parameters), "select": list(command.select)}
            for command in commands
        ],
    }
    encoded = json.dumps(request, ensure_ascii=True, allow_nan=False).encode("ascii")
    if len(encoded) > REQUEST_LIMIT:
        raise InvalidInput(
            "The request has %d characters, and the server reads at most %d in one. Nothing was sent; do the work in several "
            "smaller steps." % (len(encoded), REQUEST_LIMIT),
            code="request_too_large",
        )
    return encoded


def names_lync(command: Command) -> bool:
    """Whether a command is a cmdlet of Lync or speaks of one, so that it needs the module.

    Loading it takes a server seconds, and whoever follows a job asks often.
    """
    return any("-cs" in str(text).lower() for text in (command.name, *command.parameters.values()))


def decode_response(stdout: bytes, commands: Sequence[Command]) -> list[Outcome]:
    """The answer in what the script printed; whatever else stands on standard output is ignored.

    :raises ValueError: there is no answer, or it does not fit the commands.
    """
    answer = _answer(stdout)
    results = answer["results"]
    if len(results) != len(commands):
        raise ValueError("the answer has %d results for %d commands" % (len(results), len(commands)))
    try:
        return [_outcome(command, result) for command, result in zip(commands, results)]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("a result of the answer has not the agreed form: %r" % error) from error


def server_of(stdout: bytes) -> dict[str, Any]:
    """What an answer says about its server: the version of C(powershell), and the C(module) of Lync or None.

    :raises ValueError: there is no answer.
    """
    answer = _answer(stdout)
    return {"powershell": answer.get("powershell"), "module": answer.get("module")}


def _answer(stdout: bytes) -> dict[str, Any]:
    lines = [line for line in stdout.splitlines() if line.startswith(MARKER)]
    if not lines:
        raise ValueError("the output has no line that begins with %s" % MARKER.decode())
    length, _mark, text = lines[-1][len(MARKER) :].partition(b"#")
    if length != b"%d" % len(text):
        raise ValueError(
            "the answer has %d characters and says that it has %r" % (len(text), length[:20].decode("ascii", "replace"))
        )
    answer = json.loads(text)
    if (
        not isinstance(answer, dict)
        or answer.get("protocol") != PROTOCOL
        or not isinstance(answer.get("results"), list)
    ):
        raise ValueError("the answer is not one of bridge protocol %d" % PROTOCOL)
    return answer


def _outcome(command: Command, result: dict[str, Any]) -> Outcome:
    error = result["error"]
    return Outcome(
        command=command,
        output=[{name: item.get(name) for name in command.select} for item in result["output"] if command.select],
        warnings=[str(warning) for warning in result["warnings"]],
        error=None if error is None else CmdletError(error["message"], _error_id(error), error["category"] or ""),
        skipped=bool(result["skipped"]),
    )


def _error_id(error: dict[str, Any]) -> str:
    """The FullyQualifiedErrorId. That of an unknown name ends with who looked for it, here Get-Command: that is of no interest."""
    error_id: str = error["id"] or ""
    return NOT_FOUND if error_id.partition(",")[0] == NOT_FOUND else error_id
