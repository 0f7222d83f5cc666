# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An estate of its own for each test: real, but without a directory."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.lab.cmdlets import Context, run_cmdlet
from tests.lab.estate import Estate

Run = Callable[..., "list[dict[str, Any]]"]


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    """A fresh estate."""
    return Estate(SimpleNamespace(state=tmp_path / "state"), None)


@pytest.fixture
def run(estate: Estate) -> Run:
    """Call a cmdlet: ``run("Get-CsPool", Identity="pcpool.contoso.com")``, on lync01 unless ``host`` is given."""

    def call(name: str, host: str = "lync01", **parameters: Any) -> list[dict[str, Any]]:
        return run_cmdlet(Context(estate, host), name, parameters)

    return call
