# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes that the lab's directory can have: how many controllers, and whether the Recycle Bin seems to be there."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab import settings
from tests.lab.settings import Host

RECYCLE_BIN = ("off", "emulated")


class ShapeError(Exception):
    """There is no such shape; the text says which there are."""


@dataclass(frozen=True)
class Shape:
    """What the directory is made of.

    :param controllers: 1 or 2.
    :param recycle_bin: one of RECYCLE_BIN; what C(emulated) means is in directory.md, section 4.3.
    """

    controllers: int = 1
    recycle_bin: str = "off"

    def __post_init__(self) -> None:
        most = len(settings.DOMAIN_CONTROLLERS)
        if isinstance(self.controllers, bool) or self.controllers not in range(1, most + 1):
            raise ShapeError("controllers is a number from 1 to %d, not %r" % (most, self.controllers))
        if self.recycle_bin not in RECYCLE_BIN:
            raise ShapeError("recycle_bin is one of %s, not %r" % (", ".join(RECYCLE_BIN), self.recycle_bin))

    @property
    def name(self) -> str:
        """Names the shape's folder."""
        return "%d-%s" % (self.controllers, self.recycle_bin)

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The controllers that run in it."""
        return settings.DOMAIN_CONTROLLERS[: self.controllers]

    @property
    def source(self) -> Shape | None:
        """The shape that this one is made from, so that all have the same objects and keys; None for the first."""
        if self.recycle_bin != "off":
            return Shape(self.controllers, "off")
        return Shape(self.controllers - 1, "off") if self.controllers > 1 else None

    @property
    def builder(self) -> str:
        """The module that makes it of the source, run inside namespaces of its own."""
        module = "recycle_bin" if self.recycle_bin != "off" else "pair" if self.controllers > 1 else "provision"
        return "tests.lab.directory." + module
