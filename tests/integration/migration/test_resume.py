# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration that stopped while a job ran on the server: the next run follows that job."""

from __future__ import annotations

import pytest

DATABASE = "sql01.contoso.com\\PCHAT/mgc"


def applied(lab, cmdlet):
    calls = lab.call("cmdlets.list")["cmdlets"]
    return sum(call["applied"] for call in calls if call["name"] == cmdlet and not call["parameters"].get("WhatIf"))


@pytest.mark.parametrize(("cmdlet", "skip"), [("Export-CsPersistentChatData", 0), ("Import-CsPersistentChatData", 1)])
def test_a_job_that_runs_is_followed_by_the_next_run(cmdlet, skip, play, plan, fresh_lab, variables):
    rule = {"at": "cmdlet-before", "do": "delay", "seconds": 40, "match": cmdlet, "skip": skip}
    fresh_lab.call("faults.set", rules=[rule])
    variables["pc_migration"]["job_timeout"] = 2
    stopped = play("migrate")
    assert stopped.status == 2
    assert "larger job_timeout" in stopped.output
    assert applied(fresh_lab, cmdlet) == 0
    if skip:
        assert plan(step="import")["observed"]["import_state"] == "started"
    del variables["pc_migration"]["job_timeout"]
    done = play("migrate")
    assert done.status == 0, done.output
    assert applied(fresh_lab, cmdlet) == 1  # the one that the first run began
    databases = fresh_lab.status()["databases"]
    assert databases[DATABASE] == databases["sql01.contoso.com\\GC/mgc"]


def test_a_server_that_restarts_during_the_import_stops_the_migration(play, fresh_lab):
    """Nothing had arrived; the run after that imports."""
    rule = {"at": "cmdlet-before", "do": "exit", "match": "Import-CsPersistentChatData", "skip": 1}
    fresh_lab.call("faults.set", rules=[rule])
    stopped = play("migrate")
    assert stopped.status == 2
    assert "is still empty" in stopped.output
    done = play("migrate")
    assert done.status == 0, done.output
    assert applied(fresh_lab, "Import-CsPersistentChatData") == 1
