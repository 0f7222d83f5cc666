# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner: one estate in, every step out. Pure; it reads and writes nothing. Private to this collection."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.estate import Estate
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.settings import Migration, phases_before
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.steps import (
    MANUAL_STEPS,
    STEPS,
    Step,
    undo_of_identity,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action, Conflict, Plan

FORMAT_VERSION = "1.1"

DONE = "done"
PLANNED = "planned"
BLOCKED = "blocked"
WAITING = "waiting"


@dataclass(frozen=True)
class PlannedStep:
    """A step as it was decided for one estate.

    :param status: done, planned, blocked (by C(reasons)) or waiting (for a blocked step before it).
    """

    step: Step
    status: str
    actions: Sequence[Action]
    reasons: Sequence[str]
    undo: str

    def plan(self) -> Plan:
        """The step as a module's plan: its actions, or the conflicts that forbid them."""
        conflicts = [
            Conflict(
                "interlock",
                "Step %s (%s) must not run: %s." % (self.step.number, self.step.title, reason),
                {"step": self.step.name},
            )
            for reason in self.reasons
        ]
        return Plan(tuple(self.actions), tuple(conflicts))

    def shown(self) -> dict[str, Any]:
        """The step as plain data."""
        return {
            "number": self.step.number,
            "name": self.step.name,
            "phase": self.step.phase,
            "title": self.step.title,
            "status": self.status,
            "actions": [action.shown() for action in self.actions],
            "certainty": self.step.certainty,
            "why": self.step.why,
            "gates": self.step.gates,
            "reasons": list(self.reasons),
            "undo": self.undo,
        }


@dataclass(frozen=True)
class MigrationPlan:
    """Every step for one observation, each decided on the estate that the steps before it leave behind."""

    migration: Migration
    observed: Estate
    steps: Sequence[PlannedStep]
    stop_before: str

    @property
    def digest(self) -> str:
        """A fingerprint of what is wanted, what was observed and what follows from both. It holds no time.

        Reasons are left out: they follow from the rest, and name domain controllers that are merely slow.
        """
        material = [
            FORMAT_VERSION,
            self.migration.shown(),
            self.observed.facts(),
            self.stop_before,
            [dict(planned.shown(), reasons=None) for planned in self.steps],
        ]
        return hashlib.sha256(json.dumps(material, sort_keys=True, default=str).encode("utf-8")).hexdigest()[:16]

    def named(self, name: str) -> PlannedStep:
        """The planned step with this name."""
        return next(planned for planned in self.steps if planned.step.name == name)

    def shown(self) -> dict[str, Any]:
        """The plan as plain data; C(format_version) grows in its second number when something is added."""
        return {
            "format_version": FORMAT_VERSION,
            "digest": self.digest,
            "migration": self.migration.shown(),
            "observed": self.observed.shown(),
            "stop_before": self.stop_before,
            "phases": phases_before(self.stop_before),
            "steps": [planned.shown() for planned in self.steps],
            "manual": [
                {"number": number, "after": name, "title": title} for name, (number, title) in MANUAL_STEPS.items()
            ],
        }


def decide(step: Step, migration: Migration, estate: Estate) -> PlannedStep:
    """Decide one step on one estate: what is left to do, and whether the interlocks allow it."""
    actions = tuple(step.decide(migration, estate))
    asked = tuple(step.interlocks) + tuple(step.findings) if actions else tuple(step.findings)
    reasons = tuple(reason for reason in (interlock(migration, estate) for interlock in asked) if reason)
    undo = step.undo or undo_of_identity(step, migration, estate)
    status = BLOCKED if reasons else PLANNED if actions or step.only_looks else DONE
    return PlannedStep(step, status, actions, reasons, undo)


def plan_migration(migration: Migration, observed: Estate, stop_before: str) -> MigrationPlan:
    """Plan the whole migration from one observation.

    Each step that can run changes the estate that the next step is decided on, so the plan of the untouched estate
    already shows the last step. After a blocked step the others wait: what they would find is not known.
    """
    estate = observed
    planned: list[PlannedStep] = []
    waits_for = ""
    for step in STEPS:
        decided = decide(step, migration, estate)
        if waits_for and decided.status != DONE:
            decided = PlannedStep(step, WAITING, decided.actions, ("it waits for step %s" % waits_for,), decided.undo)
        elif decided.status == BLOCKED:
            waits_for = step.number
        elif decided.actions:
            estate = step.project(migration, estate)
        planned.append(decided)
    return MigrationPlan(migration, observed, tuple(planned), stop_before)


def gate(migration: Migration, observed: Estate, name: str) -> PlannedStep:
    """Decide one step on what is there now, without any projection: the question that a role asks before it acts."""
    return decide(next(step for step in STEPS if step.name == name), migration, observed)
