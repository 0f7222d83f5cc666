# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many categories, rooms and add-ins a pool has. Private to this collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import Reading, get, read
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Outcome, Transport

_CMDLETS = {
    "categories": "Get-CsPersistentChatCategory",
    "rooms": "Get-CsPersistentChatRoom",
    "addins": "Get-CsPersistentChatAddin",
}


@dataclass(frozen=True)
class Counts:
    """The contents of a pool, counted.

    :param unavailable: why they could not be counted; whether the cmdlets answer while the pool's services are stopped is
        not known (domain.md, section 2.5). None when the numbers are true.
    """

    categories: int = 0
    rooms: int = 0
    addins: int = 0
    unavailable: str | None = None

    @property
    def empty(self) -> bool:
        """Whether the pool was counted and has nothing."""
        return self.unavailable is None and not (self.categories or self.rooms or self.addins)

    def reaches(self, expected: Mapping[str, int]) -> bool:
        """Whether the pool was counted and has at least what is expected (domain.md, section 5, gate G1)."""
        return self.unavailable is None and all(getattr(self, name) >= least for name, least in expected.items())

    def shown(self) -> dict[str, Any]:
        """The counts as a module returns them."""
        numbers = {name: None if self.unavailable else getattr(self, name) for name in _CMDLETS}
        return dict(numbers, unavailable=self.unavailable)


def counts_reading(pool_fqdn: str) -> Reading[Counts]:
    """Reads the counts; every failure makes them unavailable."""
    commands = [get(cmdlet, ("Identity",), PersistentChatPoolFqdn=pool_fqdn) for cmdlet in _CMDLETS.values()]

    def understand(outcomes: Sequence[Outcome]) -> Counts:
        failed = [outcome.error.message for outcome in outcomes if outcome.error is not None]
        if failed:
            return Counts(unavailable=failed[0])
        return Counts(**{name: len(outcome.output) for name, outcome in zip(_CMDLETS, outcomes)})

    return Reading(commands, understand)


def observe_counts(transport: Transport, pool_fqdn: str) -> Counts:
    """The contents of one pool, counted in one remote call."""
    return read(transport, counts_reading(pool_fqdn))[0]


def expected_counts(given: Mapping[str, int | None] | None) -> dict[str, int]:
    """The counts that an operator gave, without those left out.

    :raises InvalidInput: one is negative.
    """
    expected = {name: int(value) for name, value in (given or {}).items() if value is not None}
    for name, value in expected.items():
        if value < 0:
            raise InvalidInput("expected.%s is %d; a count cannot be negative." % (name, value))
    return expected
