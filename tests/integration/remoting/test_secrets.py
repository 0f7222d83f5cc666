# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No password is in what Ansible prints with -vvvv, in arguments or environment of a process, in a file, or at the servers."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.secrets import Watch, files_with, forms, shown
from tests.lab import settings

ROOT = Path(__file__).resolve().parents[3]
WRONG = "Wr0ng-Canary-77?"
SECRETS = (settings.PASSWORD, WRONG)
OLD_NAME = "%s\\%s" % (settings.NETBIOS, settings.OPERATOR)
KERBEROS = {"remote_user": settings.OPERATOR, "realm": settings.REALM, "kdc": [settings.DOMAIN_CONTROLLERS[0].fqdn]}
WAYS = {
    "basic": {"auth": "basic", "remote_user": OLD_NAME},
    "ntlm": {"auth": "ntlm", "remote_user": OLD_NAME},
    "ntlm-http": {"auth": "ntlm", "remote_user": OLD_NAME, "scheme": "http"},
    "credssp": {"auth": "credssp", "remote_user": OLD_NAME},
    "kerberos": {"auth": "kerberos", **KERBEROS},
    "kerberos-delegated": {"auth": "kerberos", **KERBEROS, "scheme": "http", "kerberos_delegation": True},
    "negotiate": {"auth": "negotiate", **KERBEROS},
}
CASES = [
    (transport, way) for transport in ("winrm", "psrp") for way in WAYS if (transport, way) != ("winrm", "negotiate")
]


@pytest.fixture
def play(lab, tmp_path):
    """Run tasks with -vvvv under observation; return what was printed. Nothing may be left in the temporary folder."""
    homes = {name: tmp_path / name for name in ("home", "temporary")}
    for folder in homes.values():
        folder.mkdir()
    environment = {
        **os.environ,
        "HOME": str(homes["home"]),
        "TMPDIR": str(homes["temporary"]),
        "ANSIBLE_REMOTE_TMP": str(homes["home"] / "remote"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
    }

    def call(tasks):
        playbook = tmp_path / "play.json"
        on_controller = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        playbook.write_text(
            json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": on_controller, "tasks": tasks}])
        )
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-vvvv", "--diff", str(playbook)],
            env=environment, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        watch = Watch(process.pid, SECRETS, homes["temporary"])
        watch.start()
        printed = process.communicate(timeout=180)[0]
        watch.stop()
        assert any("AnsiballZ" in line for line in watch.seen), "the module's own process was never seen"
        assert not watch.leaks
        assert not list(homes["temporary"].iterdir())
        kept = (homes["home"], lab.paths.state, lab.paths.logs)
        assert files_with(kept, SECRETS) == []
        return printed

    return call


def task(lab, module, **options):
    base = {"remote_addr": "lync01.contoso.com", "ca_cert": str(lab.paths.ca), "connection_timeout": 10}
    return {"lync.persistent_chat." + module: {**base, **options}, "ignore_errors": True}


@pytest.mark.parametrize("transport, way", CASES)
def test_no_password_shows_anywhere(play, lab, transport, way):
    options = {**WAYS[way], "transport": transport}
    printed = play([
        task(lab, "pc_pool_info", **options, remote_password=settings.PASSWORD),
        task(lab, "pc_pool_info", **options, remote_password=WRONG),
    ])  # fmt: skip
    assert re.search(r"ok=2 .* ignored=1", printed), printed
    assert re.search(r'"code": "(wrong_password|authentication_failed)"', printed), printed
    assert not shown(printed, SECRETS)


def test_no_password_shows_when_the_options_or_the_account_are_wrong(play, lab):
    kerberos = {"auth": "kerberos", "remote_password": WRONG, "realm": settings.REALM, "kdc": KERBEROS["kdc"]}
    printed = play([
        task(lab, "pc_pool_info", **{**kerberos, "remote_user": "nobody"}),
        task(lab, "pc_pool_info", **{**kerberos, "remote_user": OLD_NAME}),
        task(lab, "pc_pool_info", **{**kerberos, "remote_user": "nobody", "port": 9}),
        task(lab, "pc_pool_info", auth="basic", scheme="http", remote_user="nobody", remote_password=WRONG),
        task(lab, "pc_pool_info", auth="ntlm", remote_user="no such", remote_password=WRONG, no_such_option=1),
    ])  # fmt: skip
    assert re.search(r"ok=5 .* ignored=5", printed), printed
    assert not shown(printed, SECRETS) and "Traceback" not in printed


def test_a_job_leaves_no_password_at_the_server(play, lab):
    export = {"db_instance": "sql01.contoso.com\\GC", "file_name": "C:\\Migration\\secret.zip"}
    options = {**WAYS["kerberos-delegated"], "remote_password": settings.PASSWORD}
    printed = play([task(lab, "pc_data_export", **options, **export)])
    assert "ignored=0" in printed, printed
    assert not shown(printed, SECRETS)


def test_the_search_finds_what_is_there(tmp_path):
    for text in (WRONG, json.dumps({"a": WRONG}), "Authorization: Basic " + _base64("csadmin:" + WRONG)):
        assert shown(text, SECRETS)
        (tmp_path / "file").write_text(text)
        assert files_with([tmp_path], SECRETS) == [str(tmp_path / "file")]
    assert shown(WRONG.encode("utf-16-le"), SECRETS) and not shown("Wr0ng-Canary", SECRETS)
    assert all(len(form) > 8 for secret in SECRETS for form in forms(secret))


@pytest.mark.parametrize("where", ["cmdline", "environ"])
def test_the_watch_finds_what_is_there(tmp_path, where):
    script = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(1)', *sys.argv[1:]])"
    )
    arguments = [WRONG] if where == "cmdline" else []
    environment = {**os.environ, **({"CANARY": WRONG} if where == "environ" else {})}
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], env=environment)
    watch = Watch(process.pid, SECRETS, tmp_path)
    watch.start()
    process.wait(30)
    time.sleep(0.1)
    watch.stop()
    assert watch.leaks == {"%s of a process" % where}


def _base64(text):
    return base64.b64encode(text.encode()).decode()
