# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as a playbook runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.directory.conftest import DC, SIP, USER, add_endpoint
from tests.integration.secrets import shown
from tests.lab import settings

PLAY = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/lync.persistent_chat.directory:
      server: "%(server)s"
      ca_cert: "%(ca)s"
  tasks:
    - lync.persistent_chat.%(module)s: %(arguments)s
      register: result
      ignore_errors: true
    - ansible.builtin.copy:
        content: "{{ result | to_json }}"
        dest: "%(result)s"
        mode: "0600"
      check_mode: false
      diff: false
"""


@pytest.fixture
def play(clean_lab, tmp_path):
    """Run one task and return its result and everything that was printed."""

    def run(module: str, *options: str, environment: dict[str, str] | None = None, **arguments):
        playbook, result = tmp_path / "play.yml", tmp_path / "result.json"
        values = dict(server=DC, ca=clean_lab.paths.ca, module=module, arguments=json.dumps(arguments), result=result)
        playbook.write_text(PLAY % values)
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "localhost,",
            "-c",
            "local",
            *options,
            str(playbook),
        ]
        variables = {
            **os.environ,
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "1",
            **(environment or {}),
        }
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(result.read_text()), done.stdout + done.stderr

    return run


def test_check_diff_run_and_run_again(play, clean_lab, folder):
    wanted = dict(
        sip_address=SIP, sam_account_name=USER.name, state="absent", accept_undo="partial", backup_dir=str(folder)
    )
    before = clean_lab.writes()
    result, printed = play("pc_wellknown_user", "--check", "--diff", **wanted)
    assert result["changed"] and not folder.exists() and clean_lab.writes() == before
    assert (
        "--- before: account %s" % USER.dn in printed and '-    "enabled": true' in printed and "member_of" in printed
    )
    result, _printed = play("pc_wellknown_user", **wanted)
    assert result["changed"] and result["holders_after"] == [] and Path(result["backup"]["path"]).exists()
    result, _printed = play("pc_wellknown_user", **wanted)
    assert not result["changed"] and not result["failed"]


def test_failures_are_sentences(play, admin, clean_lab, folder):
    dn = add_endpoint(admin)
    before = clean_lab.writes()
    result, printed = play(
        "pc_wellknown_user", sip_address=SIP, sam_account_name=USER.name, state="absent", backup_dir=str(folder)
    )
    assert result["failed"] and result["error"]["code"] == "guard_one_holder"
    assert dn in result["msg"] and "Traceback" not in printed and "MODULE FAILURE" not in printed
    assert clean_lab.writes() == before and not folder.exists()


def test_a_password_from_the_environment_signs_in_and_is_printed_nowhere(play):
    account = {
        "PERSISTENT_CHAT_LDAP_USERNAME": "svc-directory@" + settings.DOMAIN,
        "PERSISTENT_CHAT_LDAP_AUTH_PROTOCOL": "simple",
    }
    for password, fails in ((settings.PASSWORD, False), ("Wrong-canary-77", True)):
        environment = {**account, "PERSISTENT_CHAT_LDAP_PASSWORD": password}
        result, printed = play("pc_wellknown_user_info", "-vvv", environment=environment, sip_address=SIP)
        assert result["failed"] == fails and not shown(printed + json.dumps(result), [password])


@pytest.mark.parametrize(
    "arguments, says",
    [
        ({"sip_address": SIP}, "state"),
        ({"sip_address": SIP, "state": "absent", "sam_account_name": "x"}, "backup_dir"),
        ({"sip_address": SIP, "state": "absent", "backup_dir": "/tmp", "override": ["everything"]}, "override"),
        ({"sip_address": SIP, "state": "absent", "backup_dir": "/tmp", "force": True}, "force"),
    ],
)
def test_wrong_options_are_refused_by_name(play, arguments, says):
    result, _printed = play("pc_wellknown_user", **arguments)
    assert result["failed"] and says in result["msg"]
