# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Soak: random faults, and each verdict compared with what the lab did: python -m tests.soak [-n N] [--seed SEED]

It runs inside a lab (`make soak` starts one). A verdict is wrong when a change that is claimed to be done was not made exactly once,
when one that is claimed not to be done was made, or when anything was made more than once.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from typing import Iterable

from tests.lab.client import LabClient
from tests.soak.trials import DONE, FOLDER, NOT_DONE, SERVER, Verdict, carry_out, make, prepare

#: so often the lab's record of calls is read and emptied; it holds more than these trials can make
_CHAPTER = 500
#: the cmdlet that changes something, by the state that a trial is to reach; and the parameter that has its mark
_CMDLETS = {None: "Set-Content", "present": "New-CsPersistentChatEndpoint", "absent": "Remove-CsPersistentChatEndpoint"}
_MARK = {
    "Set-Content": "LiteralPath",
    "New-CsPersistentChatEndpoint": "SipAddress",
    "Remove-CsPersistentChatEndpoint": "Identity",
}
#: seconds in which the longest ordered delay, and the cmdlet behind it, have passed
_QUIET = 6.0


class Soak:
    """Counts of one run, and the verdicts that were wrong."""

    def __init__(self, lab: LabClient, seed: int) -> None:
        self.lab = lab
        self.seed = seed
        self.kinds: dict[str, Counter[str]] = {}
        self.wrong: list[str] = []
        self.unknown_and_made = 0
        self.faults_met = 0

    def chapter(self, numbers: Iterable[int]) -> None:
        """Carry out some trials, then compare all their claims with what was made."""
        self.lab.call("reset")
        self.lab.call("policy.set", name="max_shells_per_user", value=100000)  # sessions that are lost stay for hours
        self.lab.paths.drive(SERVER.partition(".")[0]).joinpath(FOLDER.rpartition("\\")[2]).mkdir(exist_ok=True)
        verdicts = []
        for number in numbers:
            trial = make(self.seed, number)
            prepare(trial, self.lab.paths)
            self.lab.call("faults.set", rules=trial.faults)
            verdicts.append(carry_out(self.lab.paths, trial))
            self.faults_met += sum(rule["fired"] for rule in self.lab.call("faults.list")["rules"])
            self.lab.call("faults.clear")
        time.sleep(_QUIET)
        made = Counter(
            (call["name"], str(call["parameters"].get(_MARK[call["name"]])))
            for call in self.lab.call("cmdlets.list")["cmdlets"]
            if call["applied"] and call["name"] in _MARK
        )
        for verdict in verdicts:
            self._judge(verdict, made)

    def _judge(self, verdict: Verdict, made: Counter[tuple[str, str]]) -> None:
        transport = verdict.trial.connection["transport"]
        self.kinds.setdefault(transport, Counter())[verdict.kind] += 1
        for mark, claim in verdict.claims.items():
            times = made[_CMDLETS[verdict.trial.state], mark]
            if claim == DONE and times == 1 or claim == NOT_DONE and times == 0:
                continue
            if claim not in (DONE, NOT_DONE) and times <= 1:
                self.unknown_and_made += times
                continue
            self.wrong.append(
                "trial %d of seed %d: %s claimed %s, made %d times\n    over %s\n    faults %s\n    %s"
                % (verdict.trial.number, self.seed, mark, claim, times, verdict.trial.connection,
                   verdict.trial.faults, verdict.said)
            )  # fmt: skip

    def report(self, seconds: float) -> str:
        """The counts as a table, and what was wrong."""
        lines = []
        for transport, kinds in sorted(self.kinds.items()):
            lines.append("%s: %d trials" % (transport, sum(kinds.values())))
            lines += ["  %6d  %s" % (count, kind) for kind, count in kinds.most_common()]
        lines.append(
            "%d faults met in %.0f s; of the changes with an unknown outcome, %d had been made."
            % (self.faults_met, seconds, self.unknown_and_made)
        )
        lines += ["WRONG: " + text for text in self.wrong[:20]]
        lines.append("%d wrong verdicts" % len(self.wrong))
        return "\n".join(lines)


def main() -> int:
    """Run the soak; the exit status is 1 when a verdict was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("-n", type=int, default=2000, help="how many trials")
    parser.add_argument("--seed", type=int, default=None, help="a number; by default another one each time")
    parser.add_argument("--first", type=int, default=0, help="the number of the first trial, to repeat a part of a run")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print("soak: %d trials, seed %d" % (given.n, seed), flush=True)
    soak = Soak(LabClient(), seed)
    began = time.monotonic()
    numbers = range(given.first, given.first + given.n)
    for start in range(0, len(numbers), _CHAPTER):
        soak.chapter(numbers[start : start + _CHAPTER])
        done = min(start + _CHAPTER, len(numbers))
        print(
            "soak: %d of %d, %.0f s, %d wrong" % (done, given.n, time.monotonic() - began, len(soak.wrong)), flush=True
        )
    print(soak.report(time.monotonic() - began))
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
