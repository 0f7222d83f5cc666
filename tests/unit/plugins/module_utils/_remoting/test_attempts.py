# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often something is tried, and that it ends."""

from __future__ import annotations

import pytest
import requests

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import attempts
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import RemotingError
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

LOST = requests.exceptions.ConnectionError("reset by peer")


class Clock:
    """A clock that only the code under test moves."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(attempts, "time", clock)
    return clock


def fault(code):
    error = type("WSManFaultError", (Exception,), {"wsman_fault_code": code})
    return error("fault")


def failing(error, stage, of, clock=None, lasts=0.0):
    calls = []

    def attempt(deadline=None):
        calls.append(1)
        of.stage = stage
        if clock:
            clock.now += lasts
        raise error

    return attempt, calls


@pytest.mark.parametrize(
    "stage, reads, tries",
    [
        ("connect", False, 3),
        ("open", False, 3),
        ("send", False, 1),
        ("receive", False, 1),
        ("send", True, 3),
        ("receive", True, 3),
    ],
)
def test_what_may_have_been_done_is_not_tried_again(clock, stage, reads, tries):
    tried = attempts.Attempts(RemotingOptions("host"))
    attempt, calls = failing(LOST, stage, tried)
    dropped = []
    with pytest.raises(RemotingError) as caught:
        tried.repeat(attempt, lambda: dropped.append(1), reads, "Set-X")
    assert (len(calls), len(dropped)) == (tries, tries) and caught.value.stage == stage
    assert caught.value.__cause__ is LOST


@pytest.mark.parametrize("stage", ["connect", "open"])
def test_the_time_of_all_attempts_is_bounded(clock, stage):
    options = RemotingOptions("host", connection_timeout=30, operation_timeout=60, retry_pauses=(1.0,) * 1000)
    tried = attempts.Attempts(options)
    attempt, _calls = failing(LOST, stage, tried, clock, 7)
    with pytest.raises(RemotingError):
        tried.repeat(attempt, lambda: None, True, "")
    assert clock.now <= (30 if stage == "connect" else 60) + 7


def test_our_own_errors_are_not_tried_again(clock):
    tried = attempts.Attempts(RemotingOptions("host"))
    attempt, calls = failing(InvalidInput("no"), "connect", tried)
    with pytest.raises(InvalidInput):
        tried.repeat(attempt, lambda: None, True, "")
    assert len(calls) == 1


def insisting(errors, seconds=600.0):
    answers = list(errors)
    renewed = []

    def receive():
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    deadline = attempts.Deadline(seconds)
    return lambda: attempts.Attempts(RemotingOptions("host")).insist(
        receive, lambda: renewed.append(1), deadline
    ), renewed


def test_a_lost_receive_is_sent_again_over_new_connections(clock):
    run, renewed = insisting([LOST, LOST, "answer"])
    assert run() == "answer"
    assert len(renewed) == 2 and clock.now == 4


def test_an_answer_that_the_server_still_holds_is_asked_for_over_the_same_connection(clock):
    run, renewed = insisting([LOST] + [fault(1359)] * 20 + ["answer"])
    assert run() == "answer" and len(renewed) == 1


def test_a_session_that_is_gone_is_not_asked_again(clock):
    for code in (995, 1223, 2150858843):
        run, renewed = insisting([fault(code)])
        with pytest.raises(Exception, match="fault"):
            run()
        assert not renewed and clock.now == 0


@pytest.mark.parametrize("error, longest", [(LOST, 1 + 3 * 5), (fault(1359), 46)], ids=["lost", "held"])
def test_insisting_ends(clock, error, longest):
    run, _renewed = insisting([error])
    with pytest.raises(type(error)):
        run()
    assert 0 < clock.now <= longest


@pytest.mark.parametrize("error", [LOST, fault(1359)], ids=["lost", "held"])
def test_insisting_ends_with_the_deadline(clock, error):
    run, _renewed = insisting([error], seconds=5)
    with pytest.raises(type(error)):
        run()
    assert clock.now <= 5
