# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip archive that Export-CsPersistentChatData writes and Import-CsPersistentChatData reads.

That it is a zip with XML was observed (domain.md, section 2.2); the names and elements inside are the lab's own, because
nobody has described them: the collection must treat the archive as opaque.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any
from xml.etree import ElementTree

_ENTRY = "PersistentChatData.xml"
_FIXED_TIME = (2013, 1, 1, 0, 0, 0)  # equal content gives an equal archive, so that tests can compare hashes


class ArchiveError(Exception):
    """The bytes are not an archive of this kind."""


def pack(content: dict[str, Any], level: str) -> bytes:
    """The archive of a database's content.

    :param level: what the export covered: All, User, Category, RoomDirectory or Content.
    """
    root = ElementTree.Element("PersistentChatData", Level=level)
    for category in content["categories"]:
        node = ElementTree.SubElement(root, "Category", Name=category["name"], Description=category["description"])
        node.set("Disabled", _text(category["disabled"]))
        _list(node, "Creator", category["creators"])
        for room in category["rooms"]:
            _room(node, room)
    for addin in content["addins"]:
        ElementTree.SubElement(root, "Addin", Name=addin["name"], Url=addin["url"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            zipfile.ZipInfo(_ENTRY, _FIXED_TIME), ElementTree.tostring(root, "utf-8"), zipfile.ZIP_DEFLATED
        )
    return buffer.getvalue()


def unpack(archive: bytes) -> dict[str, Any]:
    """The content that was packed.

    :raises ArchiveError: the bytes are no such archive; the text says what is wrong.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            root = ElementTree.fromstring(opened.read(_ENTRY))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ElementTree.ParseError) as error:
        raise ArchiveError("%s" % error) from None
    return {
        "categories": [
            {
                "name": node.get("Name", ""),
                "description": node.get("Description", ""),
                "disabled": node.get("Disabled") == "true",
                "creators": [item.text or "" for item in node.findall("Creator")],
                "rooms": [_unpacked_room(item) for item in node.findall("Room")],
            }
            for node in root.findall("Category")
        ],
        "addins": [{"name": node.get("Name", ""), "url": node.get("Url", "")} for node in root.findall("Addin")],
    }


def _room(parent: ElementTree.Element, room: dict[str, Any]) -> None:
    node = ElementTree.SubElement(parent, "Room", Name=room["name"], Description=room["description"])
    node.set("Type", room["type"])
    node.set("Privacy", room["privacy"])
    node.set("Disabled", _text(room["disabled"]))
    _list(node, "Member", room["members"])
    for message in room["messages"]:
        entry = ElementTree.SubElement(node, "Message", Id=message["id"], At=message["at"], Author=message["author"])
        entry.text = message["text"]


def _unpacked_room(node: ElementTree.Element) -> dict[str, Any]:
    return {
        "name": node.get("Name", ""),
        "description": node.get("Description", ""),
        "type": node.get("Type", "Normal"),
        "privacy": node.get("Privacy", "Closed"),
        "disabled": node.get("Disabled") == "true",
        "members": [item.text or "" for item in node.findall("Member")],
        "messages": [
            {
                "id": item.get("Id", ""),
                "at": item.get("At", ""),
                "author": item.get("Author", ""),
                "text": item.text or "",
            }
            for item in node.findall("Message")
        ],
    }


def _list(parent: ElementTree.Element, tag: str, values: list[str]) -> None:
    for value in values:
        ElementTree.SubElement(parent, tag).text = value


def _text(value: bool) -> str:
    return "true" if value else "false"
