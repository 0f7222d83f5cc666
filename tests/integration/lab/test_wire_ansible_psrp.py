# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's own psrp connection against the lab: it is a server, not a mirror of our client."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.lab.test_wire_ansible import raw
from tests.integration.lab.wire_clients import authority
from tests.lab import settings
from tests.lab.client import LabClient

PSRP = {
    "ansible_connection": "ansible.builtin.psrp",
    "ansible_psrp_auth": "basic",
    "ansible_psrp_ca_cert": "",
    "ansible_user": "csadmin@contoso.com",
    "ansible_password": settings.PASSWORD,
    "ansible_port": settings.HTTPS_PORT,
}
KERBEROS = {
    "ansible_psrp_auth": "kerberos",
    "ansible_psrp_negotiate_service": "HTTP",
    "ansible_psrp_protocol": "http",
    "ansible_port": settings.HTTP_PORT,
}
OCS_POWERSHELL = {
    "ansible_port": settings.IIS_PORT,
    "ansible_psrp_protocol": "https",
    "ansible_psrp_path": "OcsPowershell",
}


def run(folder: Path, command: str, **variables: object) -> tuple[int, str]:
    chosen = {**PSRP, "ansible_psrp_ca_cert": authority(), **variables}
    if chosen["ansible_psrp_auth"] == "kerberos":
        chosen = {name: value for name, value in chosen.items() if name not in ("ansible_user", "ansible_password")}
    return raw(folder, chosen, command)


@pytest.mark.parametrize("way", [{}, KERBEROS], ids=["basic-https", "kerberos-http"])
def test_raw_runs_a_literal_command(lab: LabClient, tmp_path: Path, way: dict[str, object]) -> None:
    code, printed = run(tmp_path, "Get-CsPool -Identity pcpool.contoso.com", **way)
    assert code == 0, printed
    assert "pcpool.contoso.com" in printed


@pytest.mark.parametrize(
    ("command", "code", "shown"), [("whoami", 0, "contoso\\csadmin"), ("cmd /c exit 3", 2, "rc=3")]
)
def test_raw_runs_a_program(lab: LabClient, tmp_path: Path, command: str, code: int, shown: str) -> None:
    ended, printed = run(tmp_path, command)
    assert (ended, shown in printed) == (code, True), printed


def test_raw_refuses_what_is_not_simulated(lab: LabClient, tmp_path: Path) -> None:
    code, printed = run(tmp_path, "if (1) {2}")
    assert code != 0
    assert "not simulated" in printed


def test_raw_runs_nothing_on_the_restricted_endpoint(lab: LabClient, tmp_path: Path) -> None:
    """It sends every command as a script."""
    code, printed = run(tmp_path, "Get-CsPool -Identity pcpool.contoso.com", **OCS_POWERSHELL)
    assert code != 0
    assert "ScriptsNotAllowed" in printed
