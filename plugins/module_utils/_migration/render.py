# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as text, for a person who has to decide on a Saturday night. Private to this collection."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.planner import (
    BLOCKED,
    DONE,
    PLANNED,
    WAITING,
    MigrationPlan,
    PlannedStep,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.settings import PHASES, TO_THE_END
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.steps import CERTAIN, MANUAL_STEPS
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action

_SIGNS = {"delete": "-", "disable": "-", "create": "+", "export": "+", "import": "+", "preview": "?"}
_DESTRUCTIVE = ("delete", "disable")


def render(plan: MigrationPlan) -> list[str]:
    """The plan as lines of text: what destroys first, then every step in its order, then one line of counts."""
    migration = plan.migration
    lines = ["Migration of %s to %s   plan %s" % (migration.sip_address, migration.pool_fqdn, plan.digest)]
    lines += ["Observed: " + text for text in _observed(plan)]
    destructive = [
        (planned, action) for planned in plan.steps for action in planned.actions if action.op in _DESTRUCTIVE
    ]
    if destructive:
        lines += ["", "DESTRUCTIVE"]
        for planned, action in destructive:
            lines += ["  %-3s %s" % (planned.step.number, _action(action)), "      undo: %s" % planned.undo]
    lines += ["", "STEPS"]
    stopped = False
    for planned in plan.steps:
        if planned.step.phase == plan.stop_before and not stopped:
            stopped = True
            lines.append("  --- this run stops here (stop_before: %s) ---" % plan.stop_before)
        lines += _step(planned)
        if planned.step.name in MANUAL_STEPS and planned.status != DONE:
            lines.append("  %-3s by hand  %s" % MANUAL_STEPS[planned.step.name])
    return lines + ["", _summary(plan)]


def _observed(plan: MigrationPlan) -> list[str]:
    estate = plan.observed
    holders = "; ".join(map(str, estate.holders)) or "nobody"
    not_asked = ", ".join(one["server"] + " (read-only)" * one["read_only"] for one in estate.not_asked)
    running = sum(1 for s in estate.legacy_services if s.status == "running")
    up = sum(1 for s in estate.pool_services if s.status == "running")
    counts = "counts unknown (%s)" % estate.counts_problem
    if estate.counts is not None:
        counts = ", ".join("%d %s" % (number, kind) for kind, number in sorted(estate.counts.items()))
    return [
        "%s is held by %s" % (plan.migration.sip_address, holders),
        "%d of %d Group Chat services run, %d of %d Persistent Chat services run"
        % (
            running,
            len(estate.legacy_services),
            up,
            len([s for s in estate.pool_services if s.status != "missing"]),
        ),
        "%s: %s; import: %s" % (plan.migration.pool_fqdn, counts, estate.import_state),
        *(["domain controllers that were not asked: %s" % not_asked] if not_asked else []),
    ]


def _step(planned: PlannedStep) -> list[str]:
    note = "" if planned.step.certainty == CERTAIN else "  [%s: %s]" % (planned.step.certainty, planned.step.why)
    shown = note if planned.status in (PLANNED, WAITING) else ""
    lines = ["  %-3s %-8s %s%s" % (planned.step.number, planned.status, planned.step.title, shown)]
    if planned.status in (BLOCKED, WAITING):
        lines += ["      why: %s" % reason for reason in planned.reasons]
    if planned.status != DONE:
        lines += ["      %s" % _action(action) for action in planned.actions]
        lines.append("      gate: %s" % ", ".join(name.replace("_", " ") for name in planned.step.gates))
        lines.append("      undo: %s" % planned.undo)
    return lines


def _action(action: Action) -> str:
    sign = _SIGNS.get(action.op, "~")
    if action.before and action.after:
        changes = ", ".join(
            "%s %s -> %s" % (key, action.before.get(key), value)
            for key, value in action.after.items()
            if action.before.get(key) != value
        )
    else:
        changes = _values(action.after or {})
    return "%s %s %s%s" % (sign, action.op, action.target, ": " + changes if changes else "")


def _values(values: Mapping[str, Any]) -> str:
    return ", ".join("%s %s" % (key, value) for key, value in values.items())


def _summary(plan: MigrationPlan) -> str:
    actions = [action for planned in plan.steps for action in planned.actions]
    destroy = sum(1 for action in actions if action.op in _DESTRUCTIVE)
    blocked = sum(1 for planned in plan.steps if planned.status == BLOCKED)
    text = "%d to do, %d of them destructive; %d steps blocked." % (len(actions), destroy, blocked)
    if blocked:
        return text + " Nothing of a blocked step will be done."
    if not actions:
        return text + " The migration is complete."
    reach = (
        "to the end"
        if plan.stop_before == TO_THE_END
        else "up to %s" % PHASES[max(0, PHASES.index(plan.stop_before) - 1)]
    )
    return "%s To run exactly this plan %s: -e plan_digest=%s -e stop_before=%s" % (
        text,
        reach,
        plan.digest,
        plan.stop_before,
    )
