# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module is going to do, as data. Private to this collection.

Every module builds one L(Plan) from what it observed. Check mode and diff mode print that plan; otherwise the same
plan is carried out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError


@dataclass(frozen=True)
class Action:
    """One write.

    :param op: what is done: create, remove, start, stop, set, ...
    :param target: what it is done to, as a person names it, such as C(endpoint sip:ocschat@contoso.com).
    :param before: the properties that this action changes, as they are; None when the object does not exist.
    :param after: the same properties, as they will be; None when the object will not exist.
    :param arguments: what the code that carries it out needs; never shown.
    """

    op: str
    target: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """The action as a module returns it."""
        return {
            "op": self.op,
            "target": self.target,
            "before": None if self.before is None else dict(self.before),
            "after": None if self.after is None else dict(self.after),
        }


@dataclass(frozen=True)
class Conflict:
    """A reason why the desired state must not be reached from the actual one."""

    code: str
    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The actions that lead from the actual to the desired state, or the conflicts that forbid it."""

    actions: Sequence[Action] = ()
    conflicts: Sequence[Conflict] = ()

    @property
    def changed(self) -> bool:
        """Whether carrying the plan out writes anything."""
        return bool(self.actions)

    def refuse_conflicts(self) -> None:
        """Raise when the plan must not be carried out.

        :raises PersistentChatError: with the text of every conflict and the code and facts of the first.
        """
        if self.conflicts:
            first = self.conflicts[0]
            raise PersistentChatError(" ".join(c.message for c in self.conflicts), first.code, **dict(first.facts))

    def shown(self) -> list[dict[str, Any]]:
        """The actions as a module returns them in C(actions)."""
        return [action.shown() for action in self.actions]

    def diff(self) -> list[dict[str, Any]]:
        """The plan in the form that C(--diff) prints: one entry for each object that changes."""
        return [
            {
                "before_header": action.target,
                "after_header": action.target,
                "before": {} if action.before is None else dict(action.before),
                "after": {} if action.after is None else dict(action.after),
            }
            for action in self.actions
        ]

    def result(self) -> dict[str, Any]:
        """The part of a module's result that every module has: changed, actions and diff."""
        return {"changed": self.changed, "actions": self.shown(), "diff": self.diff()}
