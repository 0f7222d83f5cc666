# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pipeline answers, message by message, and what its outcome then is."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.pipelines import Answer, parameters

OUTPUT, ERROR, STATE, WARNING, HOST_CALL = 0x41004, 0x41005, 0x41006, 0x41009, 0x41100
GET = Command("Get-CsPool", {}, ("Identity",), reads=True)
POOL = '<Obj RefId="0"><Props><S N="Identity">%s</S></Props></Obj>'
COMPLETED = '<Obj RefId="0"><MS><I32 N="PipelineState">4</I32></MS></Obj>'
RECORD = (
    '<ToString>%s</ToString><MS><S N="FullyQualifiedErrorId">%s</S><I32 N="ErrorCategory_Category">%d</I32>'
    '<B N="SerializeExtendedInfo">false</B></MS>'
)
IMPORT = ",Microsoft.PowerShell.Commands.ImportModuleCommand"


def message(kind: int, xml: str) -> bytes:
    return struct.pack("<II", 1, kind) + bytes(32) + b"\xef\xbb\xbf" + xml.encode()


def fragments(content: bytes, size: int = 10**6, number: int = 1) -> list[bytes]:
    parts = [content[place : place + size] for place in range(0, len(content), size)]
    flags = [(place == 0) + 2 * (place == len(parts) - 1) for place in range(len(parts))]
    return [
        struct.pack(">QQBI", number, place, flag, len(part)) + part
        for place, (part, flag) in enumerate(zip(parts, flags))
    ]


def answer(*messages: tuple[int, str]) -> Answer:
    got = Answer()
    got.feed(b"".join(b"".join(fragments(message(*one), number=number)) for number, one in enumerate(messages)))
    return got


def record(text: str, error_id: str, category: int = 6) -> str:
    return '<Obj RefId="0">%s</Obj>' % (RECORD % (text, error_id, category))


def failed(text: str, error_id: str, category: int = 6) -> str:
    inner = '<Obj N="ExceptionAsErrorRecord" RefId="1">%s</Obj>' % (RECORD % (text, error_id, category))
    return '<Obj RefId="0"><MS><I32 N="PipelineState">5</I32>%s</MS></Obj>' % inner


def call(method: str, *arguments: str) -> str:
    listed = "".join("<S>%s</S>" % text for text in arguments)
    return (
        '<Obj RefId="0"><MS><I64 N="ci">1</I64><Obj N="mi" RefId="1"><TN RefId="0"><T>System.Enum</T></TN><ToString>%s</ToString>'
        '<I32>1</I32></Obj><Obj N="mp" RefId="2"><LST>%s</LST></Obj></MS></Obj>' % (method, listed)
    )


def warning(text: str) -> str:
    return '<Obj RefId="0"><MS><S N="InformationalRecord_Message">%s</S></MS></Obj>' % text


def test_output_and_warnings_of_a_pipeline_that_completed():
    got = answer((OUTPUT, POOL % "a"), (WARNING, warning("care")), (OUTPUT, POOL % "b"), (STATE, COMPLETED))
    outcome = got.outcome(GET)
    assert got.ended and outcome.error is None
    assert outcome.output == [{"Identity": "a"}, {"Identity": "b"}] and outcome.warnings == ["care"]


def test_output_that_nobody_selected_is_left_out():
    assert answer((OUTPUT, POOL % "a"), (STATE, COMPLETED)).outcome(Command("Get-CsPool")).output == []


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
def test_messages_come_in_fragments_of_any_size(size):
    got = Answer()
    text = "\u4e16" * 100
    # two messages whose fragments are mixed
    first = fragments(message(OUTPUT, POOL % text), size, 1)
    second = fragments(message(WARNING, warning("care")), size, 2)
    for place in range(max(len(first), len(second))):
        got.feed(b"".join(first[place : place + 1] + second[place : place + 1]))
    assert got.outcome(GET).output == [{"Identity": text}] and got.outcome(GET).warnings == ["care"]


@pytest.mark.parametrize("cut", [1, 20, 21, 30])
def test_a_cut_fragment_is_no_answer(cut):
    with pytest.raises(ValueError, match="cut"):
        Answer().feed(fragments(message(STATE, COMPLETED))[0][:cut])


def test_the_error_that_ended_the_pipeline():
    error = (
        answer((ERROR, record("other", "x")), (STATE, failed("not found", "Identity,Some.Class"))).outcome(GET).error
    )
    assert (error.message, error.error_id, error.category) == ("not found", "Identity,Some.Class", "InvalidData")


def test_an_error_that_did_not_end_the_pipeline_is_an_error_all_the_same():
    outcome = answer((OUTPUT, POOL % "a"), (ERROR, record("no rights", "Denied", 18)), (STATE, COMPLETED)).outcome(GET)
    assert outcome.error.category == "PermissionDenied" and outcome.output == [{"Identity": "a"}]


def test_a_failure_without_a_reason_is_still_an_error():
    state = '<Obj RefId="0"><MS><I32 N="PipelineState">5</I32></MS></Obj>'
    assert answer((STATE, state)).outcome(GET).error is not None


def test_an_unknown_cmdlet_has_the_same_id_as_over_the_bridge():
    error = answer((STATE, failed("not recognized", "CommandNotFoundException,Some.Class", 13))).outcome(GET).error
    assert (error.error_id, error.category) == ("CommandNotFoundException", "ObjectNotFound")


def test_the_import_before_a_command_cannot_fail_it():
    missing = (ERROR, record("no module Lync", "Modules_ModuleNotFound" + IMPORT, 22))
    broken = (ERROR, record("it is broken", "Modules_FormatXmlErrors" + IMPORT))
    named = record("blocked", "UnauthorizedAccess").replace(
        "<MS>", '<MS><S N="InvocationInfo_InvocationName">Import-Module</S>'
    )
    outcome = answer(missing, broken, (ERROR, named), (OUTPUT, POOL % "a"), (STATE, COMPLETED)).outcome(GET)
    assert outcome.error is None and outcome.warnings == ["it is broken", "blocked"]
    assert answer(broken, (STATE, COMPLETED)).outcome(Command("Import-Module")).error.message == "it is broken"


def test_a_question_is_an_error_that_says_what_was_asked():
    got = answer((HOST_CALL, call("PromptForChoice", "Confirm", "Are you\nsure?")))
    assert got.question == "PromptForChoice: Confirm Are you sure?" and not got.ended
    error = got.outcome(Command("Remove-CsThing")).error
    assert "Are you sure?" in error.message and "nobody" in error.message and error.error_id


@pytest.mark.parametrize("method", ["WriteLine2", "SetShouldExit", "WriteProgress", "NotifyEndApplication"])
def test_what_is_only_shown_is_no_question(method):
    got = answer((HOST_CALL, call(method, "text")), (STATE, COMPLETED))
    assert got.question == "" and got.outcome(GET).error is None


def test_a_pipeline_that_was_stopped_has_ended():
    got = answer((STATE, '<Obj RefId="0"><MS><I32 N="PipelineState">3</I32></MS></Obj>'))
    assert got.ended and got.stopped


def tagged(kind: str, value: Any) -> tuple[str, Any]:
    return kind, value


def test_parameters_are_typed_as_the_bridge_types_them():
    given = {
        "A": "text",
        "B": True,
        "C": 5,
        "D": 2**31,
        "E": 0.1,
        "F": None,
        "G": ["x", 2**40],
        "H": {"Add": ("a", -(2**31))},
    }
    assert parameters(Command("Set-Thing", given), tagged) == {
        "A": "text",
        "B": True,
        "C": 5,
        "D": ("I64", 2**31),
        "E": ("Db", "0.1"),
        "F": None,
        "G": ["x", ("I64", 2**40)],
        "H": {"Add": ["a", -(2**31)]},
        "ErrorAction": "Stop",
    }


def test_an_error_action_of_its_own_is_kept():
    assert parameters(Command("Get-Thing", {"erroraction": "Ignore"}), tagged) == {"erroraction": "Ignore"}
