# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cmdlet names and parameter values may be sent to a server. Private to this collection.

Both transports ask here, so that both refuse the same values before they connect.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command

_CMDLET = re.compile(r"[A-Za-z]+-[A-Za-z]+\Z")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*\Z")
_ARGUMENT = re.compile(r"[A-Za-z0-9_.=$\\ -]+\Z")
_PROGRAM = re.compile(r"[A-Za-z0-9_-]+\.exe\Z")
_INTEGER = range(-(2**63), 2**63)
_DEPTH = 10


def check_commands(commands: Sequence[Command]) -> None:
    """Refuse what a server could misread.

    :raises InvalidInput: a cmdlet, parameter or property name is not a plain word, two names differ in letter case only, or a
        value is of a type, a size or has a character that cannot be sent; the message names the parameter.
    """
    for command in commands:
        if not _CMDLET.match(command.name):
            raise _refused("%r is not the name of a cmdlet" % command.name, command.name)
        for name in list(command.parameters) + list(command.select):
            if not _WORD.match(name):
                raise _refused("%s: %r is not the name of a parameter or property" % (command.name, name), name)
        _check(dict(command.parameters), command.name, 0)


def command_line(program: str, arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Return program and arguments as they may stand on a command line that cmd.exe reads.

    Everything that cmd.exe or a C runtime would interpret is refused, rather than escaped: only letters, digits and
    C(_ . = $ \\ -) and blanks remain. An argument with a blank is put in double quotes.

    :raises InvalidInput: the program is not a plain file name, or an argument has another character.
    """
    if not _PROGRAM.match(program):
        raise _refused("%r is not the plain file name of a program, such as sc.exe" % program, program)
    for argument in arguments:
        quoted = " " in argument
        if not _ARGUMENT.match(argument) or argument.strip() != argument or (quoted and argument.endswith("\\")):
            raise _refused(
                "%r cannot be an argument of %s: only letters, digits, blanks inside and the characters _ . = $ \\ - are passed on"
                % (argument, program),
                program,
            )
    return program, ['"%s"' % argument if " " in argument else argument for argument in arguments]


def _check(value: Any, where: str, depth: int) -> None:
    if isinstance(value, str):
        for index, char in enumerate(value):
            if _unsendable(char):
                raise _refused(
                    "%s has the character U+%04X at position %d, which cannot be sent" % (where, ord(char), index + 1),
                    where,
                )
    elif isinstance(value, dict):
        keys = [key.lower() if isinstance(key, str) else key for key in value]
        if "" in keys or len(set(keys)) != len(keys) or not all(isinstance(key, str) for key in keys):
            raise _refused(
                "%s: its names must be texts that differ in more than letter case, and none may be empty" % where, where
            )
        for key, item in value.items():
            _check(key, where, depth + 1)
            _check_deeper(item, "%s -%s" % (where, key), depth)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_deeper(item, where, depth)
    elif isinstance(value, bool) or value is None:
        return
    elif not (isinstance(value, int) and value in _INTEGER) and not (isinstance(value, float) and math.isfinite(value)):
        raise _refused(
            "%s has a value of type %s or of a size that cannot be sent" % (where, type(value).__name__), where
        )


def _check_deeper(value: Any, where: str, depth: int) -> None:
    if depth >= _DEPTH:
        raise _refused("%s is nested deeper than %d levels" % (where, _DEPTH), where)
    _check(value, where, depth + 1)


def _unsendable(char: str) -> bool:
    """Whether XML 1.0 has no way to carry the character: controls, lone surrogates, non-characters."""
    code = ord(char)
    if unicodedata.category(char) in ("Cc", "Cs"):
        return char not in "\t\r\n"
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _refused(why: str, name: str) -> InvalidInput:
    return InvalidInput("The request was not sent: %s." % why, code="invalid_value", name=name)
