# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""powershell.exe: the bridge, and single literal commands as C(ansible -m raw) sends them. Nothing else is simulated."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Mapping

from tests.lab.cmdlets import CmdletFault

from .bridge import is_bridge, plain, run_bridge
from .processes import Process
from .programs import ProgramEnd, find_program
from .session import Session

NOT_SIMULATED = (
    "The lab has no PowerShell. It runs the collection's bridge, and scripts that are one program or cmdlet with literal "
    "arguments; this script is not simulated.\r\n"
)
#: what PowerShell 2.0 says to the bridge: ConvertFrom-Json came with 3.0
TOO_OLD = (
    "The term 'ConvertFrom-Json' is not recognized as the name of a cmdlet, function, script file, or operable program. "
    "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.\r\n"
)
_TOKEN = re.compile(r"""\s*(?:'((?:[^']|'')*)'|"([^"$`]*)"|([^\s'"`$|;&(){}<>,@#][^\s'"`$|;&(){}<>,]*))(?=\s|$)""")
_CONSTANTS = {"true": True, "false": False, "null": None}


class NotLiteral(ValueError):
    """A script is more than one command with literal arguments."""


def is_powershell(name: str) -> bool:
    """Whether a command line's first word starts Windows PowerShell."""
    return re.search(r"(^|[\\/])powershell(\.exe)?$", name, re.IGNORECASE) is not None


def run_powershell(process: Process, session: Session, arguments: list[str]) -> int:
    """Run powershell.exe with these arguments; returns its exit code."""
    try:
        script = script_of(arguments)
        if is_bridge(script):
            if not session.legacy:
                return run_bridge(process, session)
            process.write("stderr", TOO_OLD)
            return 1
        name, positional, named = parse_command(script)
    except NotLiteral:
        process.write("stderr", NOT_SIMULATED)
        return 1
    known = find_program(name)
    end = (
        known(session.context(process), positional) if known else _run_cmdlet(process, session, name, positional, named)
    )
    process.write("stdout", end.stdout)
    process.write("stderr", end.stderr)
    return end.exit_code


def script_of(arguments: list[str]) -> str:
    """The script of C(-EncodedCommand) or C(-Command), each also shortened.

    :raises NotLiteral: there is neither, or it cannot be decoded.
    """
    for place, word in enumerate(arguments[:-1]):
        option = word.lower().lstrip("-/")
        if option and ("encodedcommand".startswith(option) or option in ("ec", "enc")):
            try:
                return base64.b64decode(arguments[place + 1], validate=True).decode("utf-16-le")
            except (binascii.Error, UnicodeDecodeError):
                raise NotLiteral from None
        if option and "command".startswith(option):
            return " ".join(arguments[place + 1 :])
    raise NotLiteral


def parse_command(script: str) -> tuple[str, list[str], dict[str, Any]]:
    """Take one command apart: its name, its positional and its named arguments.

    :raises NotLiteral: it is anything but one command with literal arguments.
    """
    tokens = _tokens(script.strip())
    name, rest = tokens[0][0], tokens[1:]
    positional: list[str] = []
    named: dict[str, Any] = {}
    while rest:
        word, bare = rest.pop(0)
        if find_program(name) or not (bare and re.match(r"-[A-Za-z]", word)):
            positional.append(word)
        elif ":" in word:
            option, value = word[1:].split(":", 1)
            named[option] = _CONSTANTS.get(value.lower(), value)
        elif rest and not (rest[0][1] and re.match(r"-[A-Za-z]", rest[0][0])):
            named[word[1:]] = rest.pop(0)[0]
        else:
            named[word[1:]] = True
    if not find_program(name) and len(positional) > 1:
        raise NotLiteral
    return name, positional, named


def _tokens(script: str) -> list[tuple[str, bool]]:
    """The words of a command, each with whether it stood there without quotes."""
    script = re.sub(r"(:)\$(true|false|null)\b", r"\1\2", script, flags=re.IGNORECASE)
    words, place = [], 0
    while place < len(script):
        found = _TOKEN.match(script, place)
        if not found:
            raise NotLiteral
        single, double, bare = found.groups()
        quoted = single.replace("''", "'") if single is not None else double
        words.append((quoted, False) if bare is None else (bare, True))
        place = found.end()
    if not words or not words[0][1]:
        raise NotLiteral
    return words


def _run_cmdlet(
    process: Process, session: Session, name: str, positional: list[str], named: Mapping[str, Any]
) -> ProgramEnd:
    parameters = {**({"Identity": positional[0]} if positional else {}), **named}
    result = session.call(process, name, parameters)
    warnings = "".join("WARNING: %s\r\n" % text for text in result.warnings)
    if result.error is not None:
        return ProgramEnd(1, warnings, error_text(name, result.error))
    return ProgramEnd(0, warnings + "".join(_list_format(item) for item in result.output))


def error_text(name: str, fault: CmdletFault) -> str:
    """An error as PowerShell writes it to standard error."""
    return "%s : %s\r\n    + CategoryInfo          : %s\r\n    + FullyQualifiedErrorId : %s\r\n" % (
        name,
        fault.message,
        fault.category,
        fault.error_id,
    )


def _list_format(item: Mapping[str, Any]) -> str:
    width = max((len(name) for name in item), default=0)
    lines = []
    for name, value in item.items():
        shown = plain(value)
        text = "{%s}" % ", ".join(map(str, shown)) if isinstance(shown, list) else "" if shown is None else str(shown)
        lines.append("%s : %s\r\n" % (name.ljust(width), text))
    return "\r\n" + "".join(lines)
