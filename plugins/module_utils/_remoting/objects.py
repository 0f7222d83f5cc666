# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell's objects on the wire (MS-PSRP section 2.2.5) as the values that the bridge gives. Private to this collection.

Read from the XML itself: pypsrp tells neither a date, a time span nor a decimal number from a text, and loses collections
of unknown types. What only the server could tell remains different from the bridge:

* a date without a time zone is taken for UTC, where the bridge takes the server's zone;
* an object inside of an object inside of the output arrives as its text, also when it is a collection;
* properties that PowerShell itself adds to texts and collections (C(Length), C(Count)) are not there.
"""

from __future__ import annotations

import base64
import datetime
import re
import xml.etree.ElementTree as ET
from typing import Any, Callable, Iterator, Mapping, Sequence

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7})\d*)?(Z|[+-]\d\d:\d\d)?\Z")
_SPAN = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,7}))?S)?)?\Z")
_COLLECTIONS = ("LST", "IE", "QUE", "STK")
_ABOUT = ("TN", "TNRef", "ToString", "MS", "Props")
_DEPTH = 20


class Message:
    """The XML of one message, with what its objects refer to."""

    def __init__(self, xml: str) -> None:
        tree = ET.fromstring(xml)
        self.objects = {element.get("RefId"): element for element in tree.iter("Obj")}
        self.types = {names.get("RefId"): [name.text or "" for name in names.iter("T")] for names in tree.iter("TN")}
        self.root = RemoteObject(tree, self)


class RemoteObject:
    """One object of a message: a plain value, a collection, or something with properties."""

    def __init__(self, element: ET.Element, message: Message) -> None:
        if element.tag == "Ref":
            element = message.objects[element.get("RefId")]
        self._element = element
        self._message = message

    @property
    def text(self) -> str:
        """What PowerShell writes for it where a text is wanted."""
        if self._element.tag != "Obj":
            return str(_plain(self._element))
        if self.shown:
            return self.shown
        inner = self._inner()
        if inner is not None and inner.tag not in _COLLECTIONS and inner.tag != "DCT":
            return str(_plain(inner))
        return (self._types() or [""])[0].replace("Deserialized.", "", 1)

    @property
    def shown(self) -> str:
        """The text that the object itself brought along, if any."""
        return _text(self._element.findtext("ToString"))

    def value(self, depth: int = _DEPTH) -> Any:
        """The value as the bridge's JSON has it: None, bool, int, float, str, list or dict."""
        element = self._element
        if element.tag == "Obj":
            inner = self._inner()
            if inner is None or not depth or self._is("System.Enum"):
                return self.text
            element = inner
        if element.tag in _COLLECTIONS:
            return [RemoteObject(item, self._message).value(depth - 1) for item in element]
        if element.tag == "DCT":
            return {key.text: item.value(depth - 1) for key, item in self._entries(element)}
        return _plain(element)

    def row(self, select: Sequence[str]) -> dict[str, Any]:
        """The wanted properties. C(Value) is the whole where it is a text, a number or suchlike; a missing one is None."""
        row: dict[str, Any] = {}
        for name in select:
            item = self if name.lower() == "value" and self._is_plain else self.get(name)
            row[name] = None if item is None else item.value()
        return row

    def get(self, name: str) -> RemoteObject | None:
        """The property of that name, in any letter case, or a dictionary's entry."""
        inner = self._inner()
        if inner is not None and inner.tag == "DCT":
            for key, item in self._entries(inner):
                if key.text.lower() == name.lower():
                    return item
        for kind in ("MS", "Props"):  # an added property hides the object's own
            for item in self._element.findall(kind + "/*"):
                if _text(item.get("N")).lower() == name.lower():
                    return RemoteObject(item, self._message)
        return None

    def items(self) -> list[RemoteObject]:
        """The members of a collection."""
        inner = self._inner()
        return [] if inner is None else [RemoteObject(item, self._message) for item in inner]

    def _inner(self) -> ET.Element | None:
        """What an object holds besides properties: a plain value or a collection."""
        if self._element.tag != "Obj":
            return None
        return next((child for child in self._element if child.tag not in _ABOUT), None)

    def _entries(self, dictionary: ET.Element) -> Iterator[tuple[RemoteObject, RemoteObject]]:
        for entry in dictionary.findall("En"):
            parts = {part.get("N"): RemoteObject(part, self._message) for part in entry}
            yield parts["Key"], parts["Value"]

    def _types(self) -> list[str]:
        reference = self._element.find("TNRef")
        if reference is not None:
            return self._message.types.get(reference.get("RefId"), [])
        return [name.text or "" for name in self._element.findall("TN/T")]

    def _is(self, kind: str) -> bool:
        return kind in (name.replace("Deserialized.", "", 1) for name in self._types())

    @property
    def _is_plain(self) -> bool:
        """Whether PowerShell would call it a string or a ValueType."""
        inner = self._inner()
        element = self._element if inner is None else inner
        return element.tag in _VALUE_TYPES or self._is("System.ValueType")


def _text(raw: str | None) -> str:
    """A text with its escaped characters; astral ones were written as two."""
    if not raw or "_x" not in raw.lower():
        return raw or ""
    units = _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), raw)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _date(raw: str) -> str:
    """A moment as .NET's format C(o) in UTC."""
    found = _DATE.match(raw)
    if found is None:
        return raw
    moment, fraction, zone = found.groups()
    when = datetime.datetime.fromisoformat(moment + ("+00:00" if zone in (None, "Z") else zone))
    try:
        when = when.astimezone(datetime.timezone.utc)
    except OverflowError:  # .NET keeps the first and the last moment that there are
        pass
    return "%s.%sZ" % (when.replace(tzinfo=None).isoformat(), (fraction or "").ljust(7, "0"))


def _span(raw: str) -> str:
    """A time span as .NET writes it: C([-][d.]hh:mm:ss[.fffffff])."""
    found = _SPAN.match(raw)
    if found is None:
        return raw
    sign, days, hours, minutes, seconds, fraction = found.groups()
    whole = ((int(days or 0) * 24 + int(hours or 0)) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = "%02d:%02d:%02d" % (hours, minutes, seconds)
    fraction = fraction.ljust(7, "0") if fraction and fraction.strip("0") else ""
    return "%s%s%s%s" % (sign or "", "%d." % days if days else "", parts, "." + fraction if fraction else "")


def _binary(digits: int) -> Callable[[str], int | float]:
    """Numbers of the .NET Framework's C(ToString): shortened, and a whole one has no decimal point."""

    def read(raw: str) -> int | float:
        shown = "%.*g" % (digits, float(raw))
        return int(shown) if shown.lstrip("-").isdigit() else float(shown)

    return read


def _decimal(raw: str) -> int | float:
    return int(raw) if raw.lstrip("-").isdigit() else float(raw)


#: how plain values are written; all of .NET's ValueType, and the text
_VALUE_TYPES: Mapping[str, Callable[[str], Any]] = {
    "S": _text,
    "C": lambda raw: chr(int(raw)),
    "B": lambda raw: raw.lower() == "true",
    "DT": _date,
    "TS": _span,
    "G": str.lower,
    "Sg": _binary(7),
    "Db": _binary(15),
    "D": _decimal,
    **{kind: int for kind in ("By", "SB", "U16", "I16", "U32", "I32", "U64", "I64")},
}
_CLASSES: Mapping[str, Callable[[str], Any]] = {
    "Nil": lambda raw: None,
    "BA": lambda raw: list(base64.b64decode(raw)),
    "SS": lambda raw: "System.Security.SecureString",
}


def _plain(element: ET.Element) -> Any:
    """The value of an element that holds no others."""
    read = _VALUE_TYPES.get(element.tag) or _CLASSES.get(element.tag, _text)
    return read(element.text or "")
