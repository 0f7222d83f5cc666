# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports and imports as jobs: real processes that outlive their controller, their connection and sometimes nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.export_changes import run as export_once
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.import_changes import run as import_once
from ansible_collections.lync.persistent_chat.plugins.plugin_utils._job_progress import follow

ROOT = Path(__file__).resolve().parents[3]
HOST = "lync01.contoso.com"
ARCHIVE = "C:\\Migration\\groupchat.zip"
ALL = {"categories": 3, "rooms": 12, "addins": 2}
SOURCE = {"db_instance": "sql01.contoso.com\\GC", "db_name": "mgc", "file_name": ARCHIVE}
TARGET = {
    "db_instance": "sql01.contoso.com\\PCHAT",
    "pool_fqdn": "pcpool.contoso.com",
    "file_name": ARCHIVE,
    "expected": ALL,
    "verify_timeout": 10,
}
EXPORT, IMPORT = "Export-CsPersistentChatData", "Import-CsPersistentChatData"
EXPORTED = {"groupchat.zip", "groupchat.exported.json", "groupchat.export-report.html"}
IMPORTED = EXPORTED | {"groupchat.import-started.json", "groupchat.imported.json", "groupchat.import-report.html"}
IMPORTED |= {"groupchat.import-report.dry-run.html"}
LINE = re.compile(r"pc_data_\w+ on lync01\.contoso\.com: (?:export|import|dry run) running for 00:00:\d\d")


@pytest.fixture(scope="module", params=["winrm"])
def transport(request):
    """One transport: a job is the same over both, and test_pc_data.py has them."""
    return request.param


@pytest.fixture
def slow(fresh_lab):
    """Let a cmdlet take time before it does anything, or after: ``slow(EXPORT, 5)``."""

    def order(cmdlet, seconds, at="cmdlet-before", skip=0):
        rule = {"at": at, "do": "delay", "seconds": seconds, "match": cmdlet, "skip": skip}
        fresh_lab.call("faults.set", rules=[rule])

    yield order
    fresh_lab.call("faults.clear")


@pytest.fixture
def export_data(remoting):
    """Export to the end of the job, as the action plugin does."""
    return lambda **changes: follow(
        lambda again: export_once({**remoting, **SOURCE, **changes, **again}, False), lambda text: None
    )


@pytest.fixture
def import_data(remoting):
    """Import to the end of the jobs."""
    return lambda **changes: follow(
        lambda again: import_once({**remoting, **TARGET, **changes, **again}, False), lambda text: None
    )


def left(lab):
    """The names of the files beside the archive, and the archive's own."""
    return {place.name for place in (lab.paths.drive("lync01") / "Migration").iterdir()}


def applied(lab, cmdlet):
    """How often a cmdlet did its work, dry runs not counted."""
    calls = lab.call("cmdlets.list")["cmdlets"]
    return sum(call["applied"] for call in calls if call["name"] == cmdlet and not call["parameters"].get("WhatIf"))


def wait_for(ask, seconds=30.0):
    """The first answer that is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.1)
    raise AssertionError("nothing came")


def wait_for_job(lab):
    """The one job that runs, once there is one."""
    return wait_for(lambda: lab.call("jobs.list")["jobs"])[0]


class Playing:
    """ansible-playbook with one task, in the background."""

    def __init__(self, folder, module, options, **keywords):
        book = folder / "play.yml"
        task = {"lync.persistent_chat." + module: options, "register": "done", **keywords}
        shown = {"ansible.builtin.debug": {"msg": "RESULT {{ done | to_json }}"}, "when": "done is not skipped"}
        book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task, shown]}]))
        self.mark = uuid.uuid4().hex
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
            "MARK_OF_THIS_PLAY": self.mark,
        }
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "localhost,",
            "-c",
            "local",
            str(book),
        ]
        self.process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def end(self):
        """Wait for the end. :returns: the exit status, all output, and the task's result."""
        output = self.process.communicate(timeout=120)[0]
        found = re.search(r'"msg": "RESULT (\{.*\})"', output)
        result = json.loads(json.loads('"%s"' % found.group(1))) if found else {}
        assert "Traceback" not in output, output
        return self.process.returncode, output, result

    def kill(self):
        """Kill everything of it, as when the controller loses its power."""
        wanted = ("MARK_OF_THIS_PLAY=" + self.mark).encode()
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)
        self.process.communicate(timeout=10)


@pytest.fixture
def play(remoting, tmp_path):
    """Start ansible-playbook with one task of a module: ``play("pc_data_export", **options)``."""
    return lambda module, keywords=None, **options: Playing(
        tmp_path, module, {**remoting, "progress_interval": 2, **options}, **(keywords or {})
    )


class TestFollowing:
    """What a user of ansible-playbook sees."""

    def test_lines_appear_while_it_runs_and_the_result_is_that_of_a_module_that_waited(self, play, slow, fresh_lab):
        slow(EXPORT, 7)
        status, output, result = play("pc_data_export", **SOURCE).end()
        assert status == 0, output
        assert len(LINE.findall(output)) >= 2, output
        assert result["changed"] and "job" not in result
        assert [action["op"] for action in result["actions"]] == ["export"]
        slow(IMPORT, 7, skip=1)
        status, output, result = play("pc_data_import", **TARGET).end()
        assert status == 0, output
        assert len(LINE.findall(output)) >= 2, output
        assert [action["op"] for action in result["actions"]] == ["import"]
        assert (result["counts_before"]["rooms"], result["counts"]["rooms"]) == (0, 12)
        assert result["dry_run"]["errors"] == [] and result["changed"] and "job" not in result
        assert left(fresh_lab) == IMPORTED

    def test_a_server_out_of_reach_is_waited_for(self, play, slow, fresh_lab):
        slow(EXPORT, 10)
        playing = play("pc_data_export", **SOURCE)
        wait_for_job(fresh_lab)
        drop = {"at": "http-before", "do": "drop", "times": None, "match": HOST}
        time.sleep(3)
        fresh_lab.call("faults.set", rules=[drop])
        time.sleep(12)
        fresh_lab.call("faults.clear")
        status, output, result = playing.end()
        assert status == 0, output
        assert "out of reach" in output
        assert result["changed"] and applied(fresh_lab, EXPORT) == 1
        assert left(fresh_lab) == EXPORTED

    def test_not_for_longer_than_outage_timeout(self, play, slow, fresh_lab):
        slow(EXPORT, 8)
        playing = play("pc_data_export", **SOURCE, outage_timeout=1)
        wait_for_job(fresh_lab)
        time.sleep(3)
        fresh_lab.call("faults.set", rules=[{"at": "http-before", "do": "drop", "times": None, "match": HOST}])
        status, output, _result = playing.end()
        fresh_lab.call("faults.clear")
        assert status == 2 and "out of reach" in output, output
        status, output, result = play("pc_data_export", **SOURCE).end()
        assert status == 0, output
        assert result["changed"] and applied(fresh_lab, EXPORT) == 1

    def test_async_is_refused(self, play, fresh_lab):
        before = fresh_lab.writes()
        status, output, _result = play("pc_data_export", {"async": 60, "poll": 5}, **SOURCE).end()
        assert status == 2 and "Leave async and poll out" in output, output
        assert fresh_lab.writes() == before

    def test_loop_and_check_mode(self, play, fresh_lab):
        status, output, result = play(
            "pc_data_export", {"loop": ["a", "b"]}, **{**SOURCE, "file_name": "C:\\Migration\\{{ item }}.zip"}
        ).end()
        assert status == 0, output
        assert [item["file_name"] for item in result["results"]] == ["C:\\Migration\\a.zip", "C:\\Migration\\b.zip"]
        before = fresh_lab.writes()
        status, output, result = play("pc_data_export", {"check_mode": True}, **SOURCE).end()
        assert status == 0 and result["changed"], output
        assert fresh_lab.writes() == before


@pytest.mark.parametrize(
    ("module", "cmdlet", "options", "files"),
    [("pc_data_export", EXPORT, SOURCE, EXPORTED), ("pc_data_import", IMPORT, TARGET, IMPORTED)],
)
def test_a_controller_that_dies_is_no_loss(module, cmdlet, options, files, play, slow, export_data, fresh_lab):
    if module == "pc_data_import":
        export_data()
    slow(cmdlet, 8, skip=int(module == "pc_data_import"))
    playing = play(module, **options)
    wait_for_job(fresh_lab)
    time.sleep(4)
    job = wait_for_job(fresh_lab)
    playing.kill()
    assert wait_for_job(fresh_lab) == job
    status, output, result = play(module, **options).end()
    assert status == 0, output
    assert result["changed"] and applied(fresh_lab, cmdlet) == 1
    assert left(fresh_lab) == files


class TestTheServerRestarts:
    def test_during_an_export(self, slow, export_data, fresh_lab):
        slow(EXPORT, 30)
        with ThreadPoolExecutor(1) as pool:
            exporting = pool.submit(export_data)
            wait_for_job(fresh_lab)
            fresh_lab.call("server.restart", host=HOST)
            assert exporting.result(60)["changed"]
        assert applied(fresh_lab, EXPORT) == 1
        assert left(fresh_lab) == EXPORTED

    def test_during_an_import_before_it_wrote(self, slow, export_data, import_data, remoting, fresh_lab):
        export_data()
        slow(IMPORT, 30, skip=1)
        running = import_once({**remoting, **TARGET, "progress_interval": 3}, False)
        assert running["job"]["what"] == "import"
        os.kill(running["job"]["process_id"], signal.SIGKILL)
        with pytest.raises(PersistentChatError, match="still empty") as caught:
            import_data()
        assert caught.value.code == "job_lost"
        assert import_data()["changed"]
        assert applied(fresh_lab, IMPORT) == 1
        assert left(fresh_lab) == IMPORTED

    def test_during_an_import_after_it_wrote(self, slow, export_data, import_data, remoting, fresh_lab):
        """Its answer is lost; the report and the contents say that it is complete."""
        export_data()
        slow(IMPORT, 30, at="cmdlet-after", skip=1)
        running = import_once({**remoting, **TARGET, "progress_interval": 3}, False)
        assert running["job"]["what"] == "import"
        wait_for(lambda: applied(fresh_lab, IMPORT))
        fresh_lab.call("jobs.kill", id="pc-job-" + running["job"]["id"])
        assert import_data()["counts"]["rooms"] == 12
        assert applied(fresh_lab, IMPORT) == 1
        assert left(fresh_lab) == IMPORTED


def test_two_controllers_start_one_job(slow, export_data, import_data, fresh_lab):
    for action, cmdlet in ((export_data, EXPORT), (import_data, IMPORT)):
        slow(cmdlet, 2, skip=int(action is import_data))
        with ThreadPoolExecutor(2) as pool:
            results = [future.result(90) for future in [pool.submit(action) for _unused in range(2)]]
        assert any(result["changed"] for result in results)
        assert results[0]["sha256"] == results[1]["sha256"]
        assert applied(fresh_lab, cmdlet) == 1
    assert left(fresh_lab) == IMPORTED


def test_a_job_older_than_job_timeout_is_left_alone(slow, export_data, remoting, fresh_lab):
    slow(EXPORT, 6)
    job = export_once({**remoting, **SOURCE, "progress_interval": 1}, False)["job"]
    fresh_lab.call("jobs.ahead", seconds=7200)
    with pytest.raises(PersistentChatError, match="larger job_timeout") as caught:
        export_data(job_timeout=3600)
    assert caught.value.code == "job_timeout"
    assert wait_for_job(fresh_lab)["pid"] == job["process_id"]
    assert export_data(job_timeout=7300)["changed"]
    assert applied(fresh_lab, EXPORT) == 1


def test_an_archive_on_a_share(export_data, fresh_lab):
    before = fresh_lab.writes()
    share = {"file_name": "\\\\lync01\\C$\\Migration\\groupchat.zip"}
    with pytest.raises(PersistentChatError, match="job_folder"):
        export_data(**share)
    assert fresh_lab.writes() == before
    assert export_data(**share, job_folder="C:\\Temp")["changed"]
    assert left(fresh_lab) == EXPORTED
    assert not list((fresh_lab.paths.drive("lync01") / "Temp").iterdir())


def test_a_job_has_the_credentials_of_its_session(slow, export_data, fresh_lab):
    fresh_lab.call("switch.set", name="second_hop", value="needs_delegation")
    for seconds in (0, 3):  # the job ends in the first call of the module, or in a later one
        slow(EXPORT, seconds)
        with pytest.raises(PersistentChatError, match="second hop"):
            export_data(progress_interval=1)
        assert left(fresh_lab) == set()
    assert export_data(kerberos_delegation=True)["changed"]


def test_the_fault_of_an_ordered_error_leaves_nothing(export_data, import_data, fresh_lab):
    export_data()
    rule = {"at": "cmdlet-before", "do": "error", "message": "Die Festplatte ist voll.", "match": IMPORT}
    for skip, remains in ((0, set()), (1, {"groupchat.import-report.dry-run.html"})):
        fresh_lab.call("faults.set", rules=[{**rule, "skip": skip}])
        with pytest.raises(PersistentChatError, match="Die Festplatte ist voll"):
            import_data()
        assert left(fresh_lab) == EXPORTED | remains
    fresh_lab.call("faults.clear")
    assert import_data()["changed"]
