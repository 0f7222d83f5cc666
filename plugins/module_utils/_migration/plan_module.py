# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pc_migration_plan does. Private to this collection."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.estate import Estate
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.observe import observe_estate
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.planner import (
    MigrationPlan,
    PlannedStep,
    gate,
    plan_migration,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.render import render
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.settings import Migration

Observe = Callable[[Migration], Estate]


def run(params: Mapping[str, Any], check_mode: bool, observe: Observe = observe_estate) -> dict[str, Any]:
    """Observe the estate once and return the plan, or one step of it.

    Without C(step): the whole plan. With it: the answer to "may this step run now?". In check mode the steps before it
    have not happened, so the answer comes from the projected plan instead, and the step's actions are reported as the
    changes that a real run would make.

    :raises InvalidInput: the migration is described wrongly; nothing was read.
    :raises PersistentChatError: the estate could not be observed, the plan has another digest than the approved one, or
        an interlock forbids the step.
    """
    migration = Migration.from_params(params)
    plan = plan_migration(migration, observe(migration), params["stop_before"])
    if params.get("plan_digest"):
        _refuse_other_digest(plan, params["plan_digest"])
    if not params.get("step"):
        return {"changed": False, "plan": plan.shown(), "text": render(plan), "digest": plan.digest}
    planned = plan.named(params["step"]) if check_mode else gate(migration, plan.observed, params["step"])
    return _step_result(planned, plan, check_mode)


def _step_result(planned: PlannedStep, plan: MigrationPlan, check_mode: bool) -> dict[str, Any]:
    decided = planned.plan()
    decided.refuse_conflicts()
    result = decided.result()
    if not check_mode:
        result.update(changed=False, diff=[])
    result.update(step=planned.shown(), observed=plan.observed.shown(), todo=bool(planned.actions))
    return result


def _refuse_other_digest(plan: MigrationPlan, approved: str) -> None:
    if approved == plan.digest:
        return
    raise PersistentChatError(
        "The plan that was approved is %s, but what is there now gives the plan %s. Nothing was changed. Look at the new "
        "plan and approve its digest:\n%s" % (approved, plan.digest, "\n".join(render(plan))),
        "plan_changed",
        plan=plan.shown(),
    )
