# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain Windows programs by name, and what cmd.exe does with a command line.

A program is a function ``fn(context, arguments) -> ProgramEnd``: ``context`` is the one that cmdlets get, ``arguments`` a list
of str as the program's C runtime would split the command line. The behaviours are in tests/lab/programs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Iterator


@dataclass(frozen=True)
class ProgramEnd:
    """How a program ended: its exit code (an unsigned 32-bit number) and everything that it printed."""

    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""


Program = Callable[[Any, "list[str]"], ProgramEnd]
_PROGRAMS: dict[str, Program] = {}


def program(name: str) -> Callable[[Program], Program]:
    """Register the decorated function as the program of that file name, such as C(sc.exe)."""

    def register(function: Program) -> Program:
        _PROGRAMS[name.lower()] = function
        return function

    return register


def find_program(name: str) -> Program | None:
    """The program that a name or a path stands for, with or without .exe; None where there is none."""
    base = re.split(r"[\\/]", name.strip('"'))[-1].lower()
    return _PROGRAMS.get(base) or _PROGRAMS.get(base + ".exe")


def split_command_line(line: str) -> list[str]:
    """Split as the Microsoft C runtime does: blanks separate, quotes group, backslashes escape only before a quote.

    Source: "Parsing C command-line arguments", Microsoft C/C++ documentation.
    """
    return list(_arguments(line))


def _arguments(line: str) -> Iterator[str]:
    word, quoted = None, False
    for slashes, quote, char in re.findall(r'(\\*)("?)([^\\"]?)', line):
        if slashes:
            word = (word or "") + (slashes[: len(slashes) // 2] if quote else slashes)
        if quote:
            if slashes and len(slashes) % 2:
                word += '"'
            else:
                word, quoted = word or "", not quoted
        if char in (" ", "\t") and not quoted:
            if word is not None:
                yield word
            word = None
        else:
            word = word if not char else (word or "") + char
    if word is not None:
        yield word


def run_program(context: Any, line: str) -> ProgramEnd:
    """Run a command line as cmd.exe would; an unknown program gives cmd.exe's own text and exit code 1."""
    words = split_command_line(line)
    if not words:
        return ProgramEnd(1, "", "The syntax of the command is incorrect.\r\n")
    known = find_program(words[0])
    if known is None:
        text = "'%s' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
        return ProgramEnd(1, "", text % words[0])
    return known(context, words[1:])


@program("hostname.exe")
def hostname(context: Any, arguments: list[str]) -> ProgramEnd:
    """The host's short name."""
    return ProgramEnd(0, "%s\r\n" % context.host.split(".")[0].upper())


@program("whoami.exe")
def whoami(context: Any, arguments: list[str]) -> ProgramEnd:
    """The account that the session runs as, in lower case as Windows prints it."""
    return ProgramEnd(0, "%s\r\n" % context.user.lower())


@program("cmd.exe")
def command_processor(context: Any, arguments: list[str]) -> ProgramEnd:
    """C(cmd /c COMMAND): C(echo), C(exit) and programs."""
    if not arguments or arguments[0].lower() != "/c":
        return ProgramEnd(1, "", "The lab's cmd.exe only knows /c COMMAND.\r\n")
    return run_program(context, " ".join('"%s"' % word if re.search(r"\s", word) else word for word in arguments[1:]))


@program("echo")
def echo(context: Any, arguments: list[str]) -> ProgramEnd:
    """What cmd.exe itself prints for C(echo)."""
    return ProgramEnd(0, " ".join(arguments) + "\r\n")


@program("exit")
def leave(context: Any, arguments: list[str]) -> ProgramEnd:
    """End with an exit code."""
    codes = [int(word) for word in arguments if re.fullmatch(r"-?\d+", word)]
    return ProgramEnd(codes[0] % 2**32 if codes else 0)
