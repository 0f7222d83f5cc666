# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names, values and arguments may be sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.values import check_commands, command_line

SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.=$\\ -"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        "Gr\u00fc\u00dfe \u4e16\u754c \U0001f600",
        "line\r\n\tnext",
        "'; Remove-Item x; '",
        1,
        -5,
        1.5,
        True,
        None,
        [],
        ["a", None],
    ],
)
def test_ordinary_values_pass(value):
    check_commands([Command("Get-CsPool", {"Identity": value, "Nested": {"Add": [value]}})])


@pytest.mark.parametrize(
    "char", ["\0", "\x08", "\x1b", "\x7f", "\x85", "\ud800", "\udfff", "\ufffe", "\uffff", "\ufdd0", "\U0001ffff"]
)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"Add": v}, lambda v: {v: 1}])
def test_characters_that_xml_cannot_carry_are_refused_by_name(char, wrap):
    with pytest.raises(InvalidInput, match=r"New-CsPersistentChatEndpoint -DisplayName.*U\+") as caught:
        check_commands([Command("New-CsPersistentChatEndpoint", {"DisplayName": wrap("a" + char)})])
    assert char not in str(caught.value)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), b"bytes", object(), {1: 2}, {"": 1}, {"a": 1, "A": 2}, 2**63]
)
def test_values_without_a_meaning_on_the_server_are_refused(value):
    with pytest.raises(InvalidInput, match="-Identity"):
        check_commands([Command("Get-CsPool", {"Identity": value})])


def test_deep_nesting_is_refused():
    value = []
    for _level in range(20):
        value = [value]
    with pytest.raises(InvalidInput, match="nested"):
        check_commands([Command("Get-CsPool", {"Identity": value})])


@pytest.mark.parametrize(
    "name", ["", "Get", "notepad.exe", "Get-*", "Get-CsPool;x", "C:\\Get-X", "Get-Cs\u00dcser", "Get-CsPool\n"]
)
def test_only_plain_cmdlet_names_pass(name):
    with pytest.raises(InvalidInput, match="cmdlet"):
        check_commands([Command(name)])


@pytest.mark.parametrize("bad", ["", "a b", "$x", "Path.Length", "-Force"])
def test_only_plain_parameter_and_property_names_pass(bad):
    with pytest.raises(InvalidInput, match="parameter or property"):
        check_commands([Command("Get-CsPool", {bad: 1})])
    with pytest.raises(InvalidInput, match="parameter or property"):
        check_commands([Command("Get-CsPool", select=[bad])])


def test_parameters_that_differ_in_letter_case_only_are_refused():
    with pytest.raises(InvalidInput, match="letter case"):
        check_commands([Command("Get-CsPool", {"identity": 1, "Identity": 2})])


def test_a_command_line_is_quoted_where_a_blank_is():
    assert command_line("sc.exe", ["\\\\gc02", "config", "Group Chat", "start=", "disabled"]) == (
        "sc.exe",
        ["\\\\gc02", "config", '"Group Chat"', "start=", "disabled"],
    )


@given(st.text(min_size=1, max_size=20).filter(lambda text: set(text) - set(SAFE)))
def test_any_other_character_in_an_argument_is_refused(argument):
    with pytest.raises(InvalidInput):
        command_line("sc.exe", ["query", argument])


@pytest.mark.parametrize("argument", ["", " ", "a ", " a", "a b\\", 'a"b', "%PATH%", "a&b", "a|b", "a^b", "!x!", "a\n"])
def test_arguments_that_cmd_exe_reads_otherwise_are_refused(argument):
    with pytest.raises(InvalidInput):
        command_line("sc.exe", [argument])


@pytest.mark.parametrize(
    "program", ["", "sc", "C:\\sc.exe", "..\\sc.exe", "sc.exe&x.exe", "sc.bat", "sc .exe", "sc.exe\n"]
)
def test_only_plain_program_names_pass(program):
    with pytest.raises(InvalidInput):
        command_line(program, [])
