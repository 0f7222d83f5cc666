# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tiers of tests there are, and which commands belong to each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One command. It passes with exit status 0.

    :param command: the program and its arguments; C({reports}) stands for a folder of its own for JUnit files. A command that
        leaves such files counts as many tests as they list; any other counts as one.
    :param environment: variables for this command.
    """

    name: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def writes_reports(self) -> bool:
        return any("{reports}" in argument for argument in self.command)


@dataclass(frozen=True)
class Tier:
    """Checks that belong together and run one after the other."""

    name: str
    checks: tuple[Check, ...]


def _check(name: str, *command: str, **environment: str) -> Check:
    return Check(name, command, tuple(environment.items()))


_IN_A_LAB = ("tests/tiers/integration", "{reports}")
_ELSEWHERE = ("directory", "lab", "modules")  # the folders of tests/integration that are tiers of their own
_REST = ("tests/integration", *("--ignore=tests/integration/" + folder for folder in _ELSEWHERE))

# The longest come first: tiers run side by side, and the last one to start should be a short one.
TIERS = (
    Tier("modules", (_check("pytest, on the modules", *_IN_A_LAB, "modules", "tests/integration/modules"),)),
    Tier("integration", (_check("pytest, on connections and migrations", *_IN_A_LAB, "integration", *_REST),)),
    Tier("directory", (_check("pytest, on the directory", *_IN_A_LAB, "directory", "tests/integration/directory"),)),
    Tier("scenario", (_check("molecule", "tests/tiers/scenario", "{reports}"),)),
    Tier("lab", (_check("pytest, on the lab itself", *_IN_A_LAB, "lab", "tests/integration/lab"),)),
    Tier(
        "soak",
        (
            _check("100 random faults", "tests/setup/in-a-lab", "soak-short", "tests.soak", "-n", "100", "--seed", "1"),
            _check("the benchmark runs", "tests/setup/in-a-lab", "bench-short", "tests.bench", "--repeats", "1"),
        ),
    ),
    Tier("sanity", (_check("ansible-test sanity", "tests/tiers/sanity", "{reports}"),)),
    Tier("units-matrix", (_check("units on other versions of ansible-core", "tests/tiers/units-matrix", "{reports}"),)),
    Tier("unit", (_check("pytest tests/unit", "pytest", "-q", "tests/unit", "--junitxml={reports}/unit.xml"),)),
    Tier(
        "package",
        (
            _check("pytest tests/package", "pytest", "-q", "tests/package", "--junitxml={reports}/package.xml"),
            _check("galaxy-importer", "tests/tiers/galaxy-importer"),
        ),
    ),
    Tier(
        "lint",
        (
            _check("ruff check", "ruff", "check", "."),
            _check("ruff format", "ruff", "format", "--check", "."),
            _check("yamllint", "yamllint", "--strict", "."),
            _check("ansible-lint (production)", "ansible-lint", "--profile", "production", "--offline"),
            _check("antsibull-changelog lint", "antsibull-changelog", "lint"),
            _check(
                "antsibull-docs lint",
                "antsibull-docs",
                "lint-collection-docs",
                "--plugin-docs",
                "--validate-collection-refs=all",
                "--check-extra-docs-refs",
                ".",
            ),
        ),
    ),
)
