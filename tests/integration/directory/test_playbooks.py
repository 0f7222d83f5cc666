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

OTHER_DC = settings.DOMAIN_CONTROLLERS[1].fqdn
GROUP = "group/lync.persistent_chat.directory"


def task(module, environment=None, **arguments):
    """A task of a playbook."""
    return {"lync.persistent_chat." + module: arguments, "environment": environment or {}}


@pytest.fixture
def play(clean_lab, tmp_path):
    """Run tasks in one playbook, and return their results and everything that was printed: C(play([task...], "--check")).

    C(server) is for module_defaults; None sets none there.
    """
    playbook, written = tmp_path / "play.yml", tmp_path / "results.json"
    save = {"content": "{{ [%s] | to_json }}", "dest": str(written), "mode": "0600"}

    def run(tasks, *options, server=DC):
        names = ["result%d" % number for number in range(len(tasks))]
        noted = [{**each, "register": name, "ignore_errors": True} for each, name in zip(tasks, names)]
        last = {"ansible.builtin.copy": dict(save, content=save["content"] % ", ".join(names))}
        last.update(check_mode=False, diff=False)
        defaults = {"ca_cert": str(clean_lab.paths.ca), **({"server": server} if server else {})}
        content = {"hosts": "localhost", "gather_facts": False, "module_defaults": {GROUP: defaults}}
        playbook.write_text(json.dumps([dict(content, tasks=[*noted, last])]))
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, "-i", "localhost,", "-c", "local", *options, str(playbook)]
        variables = {**os.environ, "ANSIBLE_PYTHON_INTERPRETER": sys.executable, "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(written.read_text()), done.stdout + done.stderr

    return run


def removal(folder, **options):
    """A task that deletes the well-known user."""
    named = dict(sip_address=SIP, sam_account_name=USER.name, state="absent", backup_dir=str(folder))
    return task("pc_wellknown_user", **{**named, **options})


def test_check_diff_run_and_run_again(play, clean_lab, folder):
    wanted = removal(folder, accept_undo="partial")
    before = clean_lab.writes()
    (result,), printed = play([wanted], "--check", "--diff")
    assert result["changed"] and not folder.exists() and clean_lab.writes() == before
    assert (
        "--- before: account %s" % USER.dn in printed and '-    "enabled": true' in printed and "member_of" in printed
    )
    (result, again), _printed = play([wanted, wanted])
    assert result["changed"] and result["holders_after"] == [] and Path(result["backup"]["path"]).exists()
    assert not again["changed"] and not again["failed"]


def test_what_undo_would_lose_is_said_before_anything_is_lost(play, clean_lab, folder):
    before = clean_lab.writes()
    (result, checked), printed = play([removal(folder), {**removal(folder), "check_mode": True}])
    assert result["failed"] and result["error"]["code"] == "undo_not_accepted"
    assert (checked["msg"], checked["error"]) == (result["msg"], result["error"])
    assert all(word in result["msg"] for word in ("password", "accept_undo", "state=disabled"))
    assert result["error"]["undo"] == "partial" and "accept_undo is full: these would not come back" in printed
    assert clean_lab.writes() == before and not folder.exists()


def test_failures_are_sentences(play, admin, clean_lab, folder):
    dn = add_endpoint(admin)
    before = clean_lab.writes()
    (result,), printed = play([removal(folder)])
    assert result["failed"] and result["error"]["code"] == "guard_one_holder"
    assert dn in result["msg"] and "Traceback" not in printed and "MODULE FAILURE" not in printed
    assert clean_lab.writes() == before and not folder.exists()


def test_a_list_of_domain_controllers_start_tls_the_environment_and_discovery(play, clean_lab):
    """Nobody listens at the first domain controller of the list."""
    before = clean_lab.writes()
    start_tls = task("pc_wellknown_user_info", sip_address=SIP, tls_mode="start_tls")
    listed = {"PERSISTENT_CHAT_LDAP_SERVER": "%s,%s" % (OTHER_DC, DC), "PERSISTENT_CHAT_LDAP_TLS_MODE": "start_tls"}
    from_environment = task("pc_wellknown_user_info", listed, sip_address=SIP)
    discovered = task("pc_wellknown_user_info", {"PERSISTENT_CHAT_LDAP_DOMAIN": settings.DOMAIN}, sip_address=SIP)
    results = play([task("pc_wellknown_user_info", sip_address=SIP), start_tls], server=[OTHER_DC, DC])[0]
    results += play([from_environment, discovered], server=None)[0]
    for result in results:
        assert not result["failed"] and not result["changed"] and result["server"] == DC
        (holder,) = result["holders"]
        assert (holder["dn"], holder["undo"]) == (USER.dn, "partial")
        assert [failure["name"] for failure in holder["guards_failed"]] == ["identity"]
    skipped = [[each["reason"] for each in result["servers_skipped"]] for result in results]
    assert [len(reasons) for reasons in skipped] == [1, 1, 1, 0]
    ports = ["port 636", "port 389", "port 389"]
    assert all(port in reason and OTHER_DC in reason for port, (reason,) in zip(ports, skipped[:3]))
    assert clean_lab.writes() == before


def test_a_password_from_the_environment_signs_in_and_is_printed_nowhere(play):
    account = {
        "PERSISTENT_CHAT_LDAP_USERNAME": "svc-directory@" + settings.DOMAIN,
        "PERSISTENT_CHAT_LDAP_AUTH_PROTOCOL": "simple",
    }
    for password, fails in ((settings.PASSWORD, False), ("Wrong-canary-77", True)):
        environment = {**account, "PERSISTENT_CHAT_LDAP_PASSWORD": password}
        with pytest.MonkeyPatch.context() as patched:  # not as a keyword of the task: Ansible prints those
            for name, value in environment.items():
                patched.setenv(name, value)
            (result,), printed = play([task("pc_wellknown_user_info", sip_address=SIP)], "-vvv")
        assert result["failed"] == fails and not shown(printed + json.dumps(result), [password])


WRONG = [
    ({"sip_address": SIP}, "state"),
    ({"sip_address": SIP, "state": "absent", "sam_account_name": "x"}, "backup_dir"),
    ({"sip_address": SIP, "state": "absent", "backup_dir": "/tmp", "override": ["everything"]}, "override"),
    ({"sip_address": SIP, "state": "absent", "backup_dir": "/tmp", "force": True}, "force"),
]


def test_wrong_options_are_refused_by_name(play):
    results, _printed = play([task("pc_wellknown_user", **arguments) for arguments, _says in WRONG])
    for (_arguments, says), result in zip(WRONG, results):
        assert result["failed"] and says in result["msg"]
