# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge: its text, read with a PowerShell grammar, and what goes in and comes out."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import bridge
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command

SOURCE = bridge.BRIDGE_SCRIPT.encode()
#: all commands that the script may name; each is in Windows PowerShell 3.0
CMDLETS = {"ConvertFrom-Json", "ForEach-Object", "Get-Command", "Import-Module", "New-Object"}
FUNCTIONS = {"ToHash", "Quote", "ToJson"}
#: the types that it may name; none compiles or runs text
TYPES = {
    "array", "bool", "char", "datetime", "decimal", "int", "regex", "string", "void", "Collections.IDictionary",
    "Collections.IEnumerable", "Console", "Management.Automation.PSCustomObject", "Management.Automation.WarningRecord", "ValueType",
}  # fmt: skip
GET = Command("Get-CsPool", {"Identity": "pcpool.contoso.com"}, ("Identity",), reads=True)


def nodes():
    """Every node of the script's syntax tree."""
    import tree_sitter
    import tree_sitter_powershell as grammar

    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    waiting = [parser.parse(SOURCE).root_node]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.children)
        yield node


def texts(*kinds):
    return [node.text.decode() for node in nodes() if node.type in kinds]


def answer(*results, **changed):
    document = {"protocol": 1, "powershell": "5.1", "module": None, "results": list(results), **changed}
    text = json.dumps(document).encode()
    return b"noise\r\n#PC1#%d#%b\r\n" % (len(text), text)


def result(**changed):
    return {"output": [], "warnings": [], "error": None, "skipped": False, **changed}


def test_the_script_parses():
    assert not [(node.type, node.start_point) for node in nodes() if node.is_error or node.is_missing]


def test_the_script_names_only_known_commands():
    assert set(texts("command_name")) == CMDLETS | FUNCTIONS
    assert set(texts("function_name")) == FUNCTIONS


def test_what_is_called_by_variable_is_only_the_cmdlet_that_was_looked_up():
    assert texts("command_name_expr") == ["$c"]
    assert re.findall(r"\$c = .*", bridge.BRIDGE_SCRIPT) == [
        "$c = @(Get-Command $q.name -CommandType 'Cmdlet', 'Function')[0]"
    ]


def test_the_script_names_only_known_types():
    assert {name.strip("[]") for name in texts("type_literal")} == TYPES


def test_nothing_is_interpolated_or_evaluated():
    assert texts("expandable_string_literal", "expandable_here_string_literal", "sub_expression") == []
    assert not re.search(
        r"Invoke-Expression|\biex\b|ScriptBlock\b|Add-Type|NewScriptBlock|ExpandString", bridge.BRIDGE_SCRIPT, re.I
    )


def test_the_script_leaves_standard_input_to_itself():
    # powershell.exe reads standard input away as soon as a script mentions $input
    assert "$input" not in [name.lower() for name in texts("variable")]


def test_the_script_uses_no_operator_that_came_after_powershell_3():
    assert not re.search(
        r"\?\?|\?\.|&&|\|\||\[ordered\]|::new\(|-Depth|-AsHashtable|\bclass\b|\benum\b|\.(where|foreach)\(",
        bridge.BRIDGE_SCRIPT,
        re.I,
    )


def test_the_script_is_ascii_and_begins_with_its_protocol():
    assert SOURCE.isascii()
    assert bridge.BRIDGE_SCRIPT.splitlines()[0] == "# lync.persistent_chat bridge, protocol %d" % bridge.PROTOCOL
    assert bridge.MARKER.decode() in bridge.BRIDGE_SCRIPT


def test_the_command_line_fits_cmd_exe():
    program, arguments = bridge.command_line()
    # what WinRS puts around it, %COMSPEC% /C "...", is below 100 characters
    assert len(" ".join([program, *arguments])) + 100 < bridge.COMMAND_LINE_LIMIT


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"])))
def test_text_survives_the_request(text):
    sent = bridge.encode_request([Command("New-CsPersistentChatEndpoint", {"DisplayName": text})])
    assert sent.isascii() and b"\n" not in sent
    assert json.loads(sent)["commands"][0]["parameters"] == {"DisplayName": text}


def test_the_request_is_the_agreed_one():
    assert json.loads(bridge.encode_request([GET], stop_on_error=False)) == {
        "protocol": 1,
        "modules": ["SkypeForBusiness", "Lync"],
        "stop_on_error": False,
        "commands": [{"name": "Get-CsPool", "parameters": {"Identity": "pcpool.contoso.com"}, "select": ["Identity"]}],
    }


@pytest.mark.parametrize(
    "command, loads",
    [
        (GET, True),
        (Command("Get-Command", {"Name": ["get-cspool"]}), True),
        (Command("Get-Item", {"LiteralPath": "C:\\Migration"}), False),
    ],
)
def test_the_module_is_loaded_for_those_who_need_it(command, loads):
    sent = json.loads(bridge.encode_request([Command("Get-Date"), command]))
    assert bool(sent["modules"]) == loads


def test_a_request_beyond_the_parsers_limit_is_refused():
    with pytest.raises(InvalidInput, match="smaller steps"):
        bridge.encode_request([Command("Get-CsPool", {"Identity": "x" * bridge.REQUEST_LIMIT})])


def test_the_answer_is_found_between_other_output():
    stdout = b"What if: \r\n" + answer(result(output=[{"Identity": "a\u00fc\u4e16"}], warnings=["w"])) + b"more"
    (outcome,) = bridge.decode_response(stdout, [GET])
    assert outcome.objects() == [{"Identity": "a\u00fc\u4e16"}]
    assert list(outcome.warnings) == ["w"]


def test_an_error_and_a_skipped_command_are_told_apart():
    error = {"message": "m", "id": "i", "category": "InvalidData"}
    failed, skipped = bridge.decode_response(answer(result(error=error), result(skipped=True)), [GET, GET])
    assert (failed.error.message, failed.error.error_id, failed.error.category, failed.skipped) == (
        "m",
        "i",
        "InvalidData",
        False,
    )
    assert skipped.error is None and skipped.skipped


@pytest.mark.parametrize(
    "stdout",
    [
        b"",
        b"#PC1#",
        b"#PC1#1#{",
        b"#PC1#2#[]",
        b"x " + answer(result()).strip(b"noise\r\n"),
        answer(result()).replace(b"#PC1#", b"#PC1#1"),
        answer(result(output=[{"Identity": "a longer text"}])).replace(b"longer ", b""),
        answer(),
        answer(result(), result()),
        answer(result(), protocol=2),
        answer({"output": []}),
        answer(result(error="text")),
        answer(result(output=["text"])),
        answer("text"),
    ],
)
def test_what_is_no_answer_is_refused(stdout):
    with pytest.raises(ValueError):
        bridge.decode_response(stdout, [GET])


@pytest.mark.parametrize(
    "given, kept",
    [
        ("CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand", "CommandNotFoundException"),
        ("CommandNotFoundException", "CommandNotFoundException"),
        ("CommandNotFoundExceptionally,X", "CommandNotFoundExceptionally,X"),
        ("Identity,Microsoft.Rtc.Management.AD.Cmdlets.X", "Identity,Microsoft.Rtc.Management.AD.Cmdlets.X"),
        (None, ""),
    ],
)
def test_the_id_of_an_unknown_cmdlet_says_nothing_about_how_it_was_looked_up(given, kept):
    error = {"message": "m", "id": given, "category": "ObjectNotFound"}
    (outcome,) = bridge.decode_response(answer(result(error=error)), [GET])
    assert outcome.error.error_id == kept
