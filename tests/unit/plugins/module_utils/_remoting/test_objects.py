# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as Windows PowerShell 5.1 serialises them, and the values that the bridge would give for them."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.objects import Message

POOL = """<Obj RefId="0"><TN RefId="0"><T>Deserialized.Microsoft.Rtc.Management.Xds.Pool</T><T>Deserialized.System.Object</T></TN>
<ToString>pcpool.contoso.com</ToString>
<Props><S N="Identity">pcpool.contoso.com</S>
<Obj N="Services" RefId="1"><TN RefId="1"><T>Deserialized.Microsoft.Rtc.Management.XdsMultiValued</T></TN>
<LST><S>PersistentChatServer:pcpool</S><S>Registrar:pcpool</S></LST></Obj>
<Obj N="Computers" RefId="2"><TN RefId="2"><T>System.Collections.Generic.List`1[[System.String]]</T></TN><LST /></Obj>
<Obj N="Status" RefId="3"><TN RefId="3"><T>System.ServiceProcess.ServiceControllerStatus</T><T>System.Enum</T>
<T>System.ValueType</T><T>System.Object</T></TN><ToString>Running</ToString><I32>4</I32></Obj>
<Obj N="Site" RefId="4"><TNRef RefId="0" /><ToString>Site:Berlin</ToString><Props><S N="Name">Berlin</S></Props></Obj>
<Ref N="Again" RefId="3" /><Nil N="Nothing" /><B N="Enabled">true</B></Props>
<MS><I32 N="Added">7</I32><S N="identity">shadowed</S></MS></Obj>"""


def value(xml: str) -> object:
    return Message(xml).root.value()


def test_properties_are_found_in_any_letter_case_whoever_added_them():
    names = ["IDENTITY", "services", "Computers", "Status", "Site", "Again", "Nothing", "enabled", "added", "Missing"]
    assert Message(POOL).root.row(names) == {
        "IDENTITY": "shadowed",
        "services": ["PersistentChatServer:pcpool", "Registrar:pcpool"],
        "Computers": [],
        "Status": "Running",
        "Site": "Site:Berlin",
        "Again": "Running",
        "Nothing": None,
        "enabled": True,
        "added": 7,
        "Missing": None,
    }


def test_an_object_with_properties_has_no_value_of_its_own():
    assert Message(POOL).root.row(["Value"]) == {"Value": None}


@pytest.mark.parametrize(
    "xml, expected",
    [
        ("<S>text</S>", "text"),
        ("<S></S>", ""),
        (
            "<S>Gr\u00fc\u00dfe _xD83D__xDE00_ a_x000D__x000A_b _x005F_x0041_</S>",
            "Gr\u00fc\u00dfe \U0001f600 a\r\nb _x0041_",
        ),
        ("<C>65</C>", "A"),
        ("<B>false</B>", False),
        ("<I32>-5</I32>", -5),
        ("<U64>18446744073709551615</U64>", 18446744073709551615),
        ("<D>1.50</D>", 1.5),
        ("<D>2</D>", 2),
        ("<Db>1</Db>", 1),
        ("<Db>0.33333333333333331</Db>", 0.333333333333333),
        ("<Db>1E+15</Db>", 1e15),
        ("<Sg>0.1</Sg>", 0.1),
        ("<DT>2026-01-02T03:04:05.6789+01:00</DT>", "2026-01-02T02:04:05.6789000Z"),
        ("<DT>2026-01-02T03:04:05.1234567Z</DT>", "2026-01-02T03:04:05.1234567Z"),
        ("<DT>2026-01-02T03:04:05</DT>", "2026-01-02T03:04:05.0000000Z"),
        ("<DT>0001-01-01T00:00:00+01:00</DT>", "0001-01-01T00:00:00.0000000Z"),
        ("<TS>PT1H</TS>", "01:00:00"),
        ("<TS>-P1DT2H3M4.5S</TS>", "-1.02:03:04.5000000"),
        ("<TS>PT0S</TS>", "00:00:00"),
        ("<G>792E5B37-4505-47ef-b7d2-8711bb7affa8</G>", "792e5b37-4505-47ef-b7d2-8711bb7affa8"),
        ("<Version>6.0.9319.0</Version>", "6.0.9319.0"),
        ("<URI>https://a/b</URI>", "https://a/b"),
        ("<BA>AQI=</BA>", [1, 2]),
        ("<SS>0102</SS>", "System.Security.SecureString"),
        ("<Nil />", None),
    ],
)
def test_plain_values_are_of_the_types_that_the_bridge_gives(xml, expected):
    seen = value(xml)
    assert seen == expected and type(seen) is type(expected)


def test_a_moment_is_no_number_and_a_whole_number_no_truth_value():
    assert repr([value("<I32>1</I32>"), value("<B>true</B>")]) == "[1, True]"


@pytest.mark.parametrize(
    "xml, expected",
    [
        ("<S>a line</S>", "a line"),
        ("<I64>5</I64>", 5),
        ("<DT>2026-01-02T03:04:05Z</DT>", "2026-01-02T03:04:05.0000000Z"),
        # Get-Content adds where a text came from
        ('<Obj RefId="0"><S>text</S><MS><S N="PSPath">C:\\a</S><I64 N="ReadCount">1</I64></MS></Obj>', "text"),
        ('<Obj RefId="0"><TN RefId="0"><T>System.String</T><T>System.Object</T></TN><S>text</S></Obj>', "text"),
        (
            '<Obj RefId="0"><TN RefId="0"><T>A.B</T><T>System.Enum</T></TN><ToString>Up</ToString><I32>2</I32></Obj>',
            "Up",
        ),
        ("<Version>1.0</Version>", None),
        ("<Nil />", None),
    ],
)
def test_value_is_the_whole_of_a_text_or_a_number(xml, expected):
    assert Message(xml).root.row(["Value"]) == {"Value": expected}


@pytest.mark.parametrize("kind", ["LST", "IE", "QUE", "STK"])
def test_collections_of_any_type_are_lists(kind):
    xml = '<Obj RefId="0"><TN RefId="0"><T>Unheard.Of</T></TN><%s><I32>1</I32><Nil /><S>b</S></%s></Obj>' % (kind, kind)
    assert value(xml) == [1, None, "b"]


def test_a_hashtable_is_a_dict_with_its_entries_as_properties():
    xml = (
        '<Obj RefId="0"><DCT><En><S N="Key">Name</S><Obj N="Value" RefId="1"><DCT><En><I32 N="Key">1</I32>'
        '<S N="Value">x</S></En></DCT></Obj></En></DCT></Obj>'
    )
    assert value(xml) == {"Name": {"1": "x"}}
    assert Message(xml).root.row(["name"]) == {"name": {"1": "x"}}


def test_an_object_without_a_text_is_called_by_its_type():
    xml = '<Obj RefId="0"><TN RefId="0"><T>Deserialized.A.B</T></TN><Props><S N="P">v</S></Props></Obj>'
    assert value(xml) == "A.B"


def test_a_list_that_holds_itself_ends():
    xml = '<Obj RefId="0"><LST><Ref RefId="0" /></LST></Obj>'
    assert str(value(xml)).count("[") < 30
