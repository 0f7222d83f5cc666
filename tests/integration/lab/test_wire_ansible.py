# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's own winrm connection against the lab: it is a server, not a mirror of our client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.lab.wire_clients import client_certificate
from tests.lab import settings
from tests.lab.client import LabClient

BASIC = {
    "ansible_winrm_transport": "basic",
    "ansible_user": "csadmin@contoso.com",
    "ansible_password": settings.PASSWORD,
    "ansible_port": settings.HTTPS_PORT,
}
KERBEROS = {"ansible_winrm_transport": "kerberos", "ansible_winrm_kinit_mode": "manual"}
NTLM = {**BASIC, "ansible_winrm_transport": "ntlm", "ansible_user": "CONTOSO\\csadmin"}
WAYS = {
    "basic": BASIC,
    "ntlm-https": NTLM,
    "ntlm-http": {**NTLM, "ansible_port": settings.HTTP_PORT},
    "credssp-https": {**NTLM, "ansible_winrm_transport": "credssp"},
    "credssp-http": {**NTLM, "ansible_winrm_transport": "credssp", "ansible_port": settings.HTTP_PORT},
    "certificate": {
        "ansible_winrm_transport": "certificate",
        "ansible_winrm_cert_pem": client_certificate()[0],
        "ansible_winrm_cert_key_pem": client_certificate()[1],
        "ansible_port": settings.HTTPS_PORT,
    },
    "kerberos-https": {**KERBEROS, "ansible_port": settings.HTTPS_PORT},
    "kerberos-http": {**KERBEROS, "ansible_port": settings.HTTP_PORT},
}


def raw(folder: Path, variables: dict[str, object], command: str) -> tuple[int, str]:
    """Run C(ansible -m raw); returns the return code and everything that it printed."""
    host = {
        "ansible_connection": "ansible.builtin.winrm",
        "ansible_host": settings.fqdn("lync01"),
        "ansible_winrm_ca_trust_path": os.environ[settings.DIR_VARIABLE] + "/files/ca.pem",
        **variables,
    }
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"target": host}}}), encoding="utf-8")
    ansible = Path(sys.executable).with_name("ansible")
    done = subprocess.run(
        [str(ansible), "target", "-i", str(inventory), "-m", "ansible.builtin.raw", "-a", command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_raw_runs_a_program(lab: LabClient, tmp_path: Path, way: str) -> None:
    code, printed = raw(tmp_path, WAYS[way], "whoami")
    assert code == 0, printed
    assert "rc=0 >>\ncontoso\\csadmin" in printed


def test_raw_runs_a_cmdlet(lab: LabClient, tmp_path: Path) -> None:
    code, printed = raw(tmp_path, WAYS["kerberos-http"], "Get-CsPool -Identity pcpool.contoso.com")
    assert code == 0, printed
    assert "Computers : {pc01.contoso.com, pc02.contoso.com}" in printed


def test_raw_runs_sc_on_a_legacy_host(lab: LabClient, tmp_path: Path) -> None:
    host = {**WAYS["kerberos-http"], "ansible_host": settings.fqdn("gc01")}
    code, printed = raw(tmp_path, host, "sc.exe query GroupChatLookup")
    assert code == 0, printed
    assert "SERVICE_NAME: GroupChatLookup" in printed


@pytest.mark.parametrize(
    "script", ["1 + 1", "Get-CsPool | Remove-Item", "$x = 1", "Get-CsPool -Identity $env:POOL", "if (1) {2}"]
)
def test_raw_refuses_what_is_not_simulated(lab: LabClient, tmp_path: Path, script: str) -> None:
    code, printed = raw(tmp_path, WAYS["basic"], script)
    assert code != 0
    assert "not simulated" in printed


@pytest.mark.parametrize("way", ["basic", "ntlm-http", "ntlm-https"])
def test_raw_is_unreachable_with_a_wrong_password(lab: LabClient, tmp_path: Path, way: str) -> None:
    code, printed = raw(tmp_path, {**WAYS[way], "ansible_password": "wrong"}, "whoami")
    assert code != 0
    assert "UNREACHABLE" in printed and "credentials were rejected" in printed
