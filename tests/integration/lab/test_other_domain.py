# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab of another domain, of three labels: nothing in the collection's directory code knows contoso.com."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.integration.lab.test_lifecycle import OwnLab
from tests.lab import settings

DOMAIN = "chat.fabrikam.example"
BASE_DN = "DC=chat,DC=fabrikam,DC=example"


def test_the_well_known_user_of_another_domain_goes_and_comes_back(tmp_path: Path) -> None:
    lab = OwnLab(tmp_path / "lab", **{settings.DOMAIN_VARIABLE: DOMAIN})
    lab.run("up")
    try:
        assert json.loads(lab.run("env").stdout)["base_dn"] == BASE_DN
        program = [sys.executable, "-W", "ignore", "-m", "tests.integration.lab.round_trip", str(tmp_path / "backups")]
        found, gone, none, back, again = json.loads(lab.run("exec", "--", *program).stdout)
    finally:
        lab.run("down")
    (holder,) = found["holders"]
    assert holder["sip_address"] == "sip:ocschat@" + DOMAIN and holder["dn"].endswith("," + BASE_DN)
    assert gone["changed"] and none["holders"] == [] and len(none["deleted"]) == 1
    assert back["changed"] and back["not_restored"] == [] and again["holders"][0]["guid"] == holder["guid"]
