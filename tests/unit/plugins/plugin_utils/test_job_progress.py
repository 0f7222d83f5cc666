# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Following a job: the calls, the lines, and the one result."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lync.persistent_chat.plugins.plugin_utils._job_progress import describe, duration, follow

JOB = {"id": "1", "what": "export", "state": "running", "elapsed": 80, "cpu": 3, "written": None, "outage_timeout": 60}


def running(**facts: Any) -> dict[str, Any]:
    return {**JOB, "again": {}, **facts}


def broken(kind: str = "retryable") -> dict[str, Any]:
    return {"failed": True, "msg": "The connection broke.", "error": {"kind": kind, "code": "connection_lost"}}


class Module:
    """Gives one result after the other; waiting takes no time but the clock's."""

    def __init__(self, *results: dict[str, Any]) -> None:
        self.results = list(results)
        self.asked: list[dict[str, Any]] = []
        self.said: list[str] = []
        self.now = 0.0

    def __call__(self, again: Any) -> dict[str, Any]:
        self.asked.append(dict(again))
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def end(self) -> dict[str, Any]:
        return follow(self, self.said.append, lambda: self.now, self.sleep)


def test_the_result_is_that_of_a_module_that_waited() -> None:
    module = Module(
        {"changed": True, "actions": ["export"], "counts_before": 0, "job": running(again={"existing": "keep"})},
        {"changed": False, "dry_run": {"rows": 1}, "job": running(again={"verify_timeout": 3})},
        {"changed": False, "actions": ["verify"], "counts_before": 9, "sha256": "a", "warnings": ["w"]},
    )
    assert module.end() == {
        "changed": True,
        "actions": ["export"],
        "counts_before": 0,
        "dry_run": {"rows": 1},
        "sha256": "a",
        "warnings": ["w"],
    }
    assert module.asked == [{}, {"existing": "keep"}, {"existing": "keep", "verify_timeout": 3}]
    assert module.said == ["export running for 00:01:20, processor time 00:00:03"] * 2


def test_a_quick_job_says_nothing() -> None:
    module = Module({"changed": True})
    assert (module.end(), module.said) == ({"changed": True}, [])


@pytest.mark.parametrize("kind", ["retryable", "ambiguous"])
def test_a_broken_connection_is_waited_out_while_the_job_runs(kind: str) -> None:
    module = Module({"changed": True, "job": running()}, *[broken(kind)] * 5, {"changed": False})
    assert module.end() == {"changed": True}
    assert module.said[1:] == ["out of reach for 00:00:%02d; the job goes on there" % at for at in (0, 5, 10, 15, 20)]


def test_but_not_for_ever() -> None:
    module = Module({"changed": True, "job": running()}, broken())
    assert module.end()["msg"] == "The connection broke."
    assert module.now == 60


@pytest.mark.parametrize("failure", [broken("fatal"), {"failed": True, "msg": "A wrong option."}])
def test_what_waiting_cannot_mend_fails_at_once(failure: dict) -> None:
    module = Module({"changed": True, "job": running()}, failure)
    assert (module.end(), module.now) == (failure, 0)


def test_a_connection_that_was_never_there_is_not_waited_for() -> None:
    module = Module(broken())
    assert (module.end()["failed"], len(module.asked)) == (True, 1)


def test_lines() -> None:
    assert (
        describe(running(written=120_400_000)) == "export running for 00:01:20, archive 120 MB, processor time 00:00:03"
    )
    assert "not known" in describe(running(state="unknown"))
    assert describe(running(state="verifying", what="import")) == "import has ended, waiting for its contents"
    assert duration(100 * 3600 + 61) == "100:01:01"
