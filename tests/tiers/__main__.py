# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the tiers that are named, or all of them: python -m tests.tiers [TIER...]

Four tiers run side by side: those with a lab wait more than they work. What a tier prints goes into .cache/tests/TIER.log, and is shown
when the tier failed. The table at the end counts the tests that ran; a tier in which nothing ran has failed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.tiers.catalogue import TIERS, Check, Tier

CHECKOUT = Path(__file__).parents[2]
RESULTS = CHECKOUT / ".cache" / "tests"
_SIDE_BY_SIDE = 4
LONGEST_EXCERPT = 200  # lines
NOTE = "note: "  # a line that begins with this is shown also when the tier passed


@dataclass
class Count:
    """How a tier went. The lists hold names of tests."""

    tier: str
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def log(self) -> Path:
        return RESULTS / (self.tier + ".log")


def environment(check: Check) -> dict[str, str]:
    """The variables that all checks see: the tools of .venv, the collection, and nothing of a user's Ansible settings."""
    result = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MAKE", "MFLAGS"))}
    result.update(
        PATH=os.pathsep.join([str(CHECKOUT / ".venv" / "bin"), os.environ["PATH"]]),
        PYTHONPATH=os.pathsep.join([str(CHECKOUT / ".cache" / "collections"), str(CHECKOUT)]),
        ANSIBLE_COLLECTIONS_PATH=str(CHECKOUT / ".cache" / "collections"),
        ANSIBLE_HOME=str(CHECKOUT / ".cache" / "ansible"),
        ANSIBLE_NOCOLOR="1",
        NO_COLOR="1",
        LC_ALL="C.UTF-8",
    )
    result.update(check.environment)
    return result


def count_reports(reports: Path, count: Count) -> int:
    """Add what the JUnit files in C(reports) list to C(count). Returns how many tests they list."""
    total = 0
    for path in sorted(reports.rglob("*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            total += 1
            name = "%s: %s" % (case.get("classname", path.stem), case.get("name", ""))
            if case.find("failure") is not None or case.find("error") is not None:
                count.failed.append(name)
            elif (skipped := case.find("skipped")) is not None:
                count.skipped.append("%s (%s)" % (name, skipped.get("message", "no reason given")))
            else:
                count.passed += 1
    return total


def run_check(check: Check, number: int, count: Count) -> None:
    """Run one command and count its tests."""
    reports = RESULTS / count.tier / str(number)
    reports.mkdir(parents=True)
    command = [argument.replace("{reports}", str(reports)) for argument in check.command]
    with count.log.open("a") as log:
        print("$ %s" % " ".join(command), file=log, flush=True)
        status = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=environment(check),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    failed_before = len(count.failed)
    listed = count_reports(reports, count)
    if status and len(count.failed) == failed_before:
        count.failed.append("%s: exit status %d" % (check.name, status))
    elif check.writes_reports and not listed:
        count.failed.append("%s: no test ran" % check.name)
    elif not check.writes_reports and not status:
        count.passed += 1


def run_tier(tier: Tier) -> Count:
    count = Count(tier.name)
    started = time.monotonic()
    for number, check in enumerate(tier.checks):
        run_check(check, number, count)
    count.seconds = time.monotonic() - started
    return count


def show(count: Count) -> None:
    """Say how a tier went, as soon as it has ended."""
    print("%s %s, %.0f s" % ("FAILED" if count.failed else "passed", count.tier, count.seconds), flush=True)
    lines = count.log.read_text(errors="replace").splitlines()
    print("".join("  %s\n" % line.removeprefix(NOTE) for line in lines if line.startswith(NOTE)), end="", flush=True)
    if count.failed:
        if len(lines) > LONGEST_EXCERPT:
            print("  (the last %d of %d lines of %s)" % (LONGEST_EXCERPT, len(lines), count.log.relative_to(CHECKOUT)))
        print("\n".join("  " + line for line in lines[-LONGEST_EXCERPT:]), flush=True)


def show_table(counts: list[Count]) -> None:
    for word, names in (("skipped", "skipped"), ("failed", "failed")):
        listed = [(count.tier, name) for count in counts for name in getattr(count, names)]
        if listed:
            print("\n%s:" % word.capitalize())
            print("\n".join("  %s: %s" % pair for pair in listed))
    print("\n%-14s %6s %8s %7s %7s %8s" % ("tier", "tests", "seconds", "passed", "failed", "skipped"))
    for count in counts:
        failed, skipped = len(count.failed), len(count.skipped)
        total = count.passed + failed + skipped
        print("%-14s %6d %8.0f %7d %7d %8d" % (count.tier, total, count.seconds, count.passed, failed, skipped))


def main(names: list[str]) -> int:
    known = {tier.name: tier for tier in TIERS}
    if unknown := [name for name in names if name not in known]:
        print("There is no tier %s. There are: %s." % (", ".join(unknown), ", ".join(known)), file=sys.stderr)
        return 2
    wanted = [tier for tier in TIERS if not names or tier.name in names]
    RESULTS.mkdir(parents=True, exist_ok=True)
    for tier in wanted:
        shutil.rmtree(RESULTS / tier.name, ignore_errors=True)
        (RESULTS / (tier.name + ".log")).unlink(missing_ok=True)
    started = time.monotonic()
    counts = []
    with ThreadPoolExecutor(max_workers=_SIDE_BY_SIDE) as executor:
        for future in as_completed([executor.submit(run_tier, tier) for tier in wanted]):
            counts.append(future.result())
            show(counts[-1])
    order = list(known)
    show_table(sorted(counts, key=lambda count: order.index(count.tier)))
    passed, failed = sum(count.passed for count in counts), sum(len(count.failed) for count in counts)
    print("\nIn %.0f s:\n%d passed, %d failed" % (time.monotonic() - started, passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
