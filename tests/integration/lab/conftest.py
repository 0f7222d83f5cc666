# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An estate of its own for each test, over the lab's real directory. Run inside ``python -m tests.lab exec``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.lab.cmdlets import Context, run_cmdlet
from tests.lab.estate import Estate
from tests.lab.lab_directory import LabDirectory
from tests.lab.settings import Paths

Run = Callable[..., "list[dict[str, Any]]"]


@pytest.fixture(scope="module")
def directory() -> LabDirectory:
    """The lab's directory."""
    return LabDirectory(Paths.of())


@pytest.fixture
def own_estate(tmp_path: Path, directory: LabDirectory) -> Iterator[Estate]:
    """A fresh estate; the contacts that the test added are gone afterwards."""
    before = {record["dn"] for record in directory.list_contacts()}
    yield Estate(SimpleNamespace(state=tmp_path / "state"), directory)
    for record in directory.list_contacts():
        if record["dn"] not in before:
            directory.delete_contact(record["dn"])


@pytest.fixture
def run(own_estate: Estate) -> Run:
    """Call a cmdlet of the test's own estate on lync01."""

    def call(name: str, user: str = "CONTOSO\\csadmin", **parameters: Any) -> list[dict[str, Any]]:
        return run_cmdlet(Context(own_estate, "lync01", user), name, parameters)

    return call
