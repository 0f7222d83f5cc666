# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pc_data_export and pc_data_import: the data goes from the legacy database into that of the pool."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.export_changes import run as export_data
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.import_changes import run as import_data

ARCHIVE = "C:\\Migration\\Gruppenchat \u00fc.zip"
ALL = {"categories": 3, "rooms": 12, "addins": 2}
SOURCE = {"db_instance": "sql01.contoso.com\\GC", "db_name": "mgc", "file_name": ARCHIVE}
TARGET = {
    "db_instance": "sql01.contoso.com\\PCHAT",
    "pool_fqdn": "pcpool.contoso.com",
    "file_name": ARCHIVE,
    "expected": ALL,
}


@pytest.fixture
def source(remoting):
    return {**remoting, **SOURCE}


@pytest.fixture
def target(remoting):
    return {**remoting, **TARGET, "verify_timeout": 10}


@pytest.fixture
def fault(lab):
    """Order a fault; the rules are gone after the test."""
    yield lambda at, do, cmdlet: lab.call("faults.set", rules=[{"at": at, "do": do, "match": cmdlet}])
    lab.call("faults.clear")


def messages(lab):
    return lab.status()["databases"]["sql01.contoso.com\\PCHAT/mgc"]["messages"]


class TestMove:
    """From the export to the verified import; each test goes on where the one before ended."""

    def test_check_mode_of_the_export(self, ansible, lab):
        before = lab.writes()
        result = ansible("pc_data_export", check=True, **SOURCE)
        assert (result["changed"], result["sha256"], lab.writes()) == (True, None, before)
        assert "after: archive " + ARCHIVE in result["printed"]

    def test_an_archive_must_be_there(self, target, refused):
        refused("archive_missing", ARCHIVE, import_data, target)

    def test_export(self, ansible):
        result = ansible("pc_data_export", **SOURCE)
        assert result["changed"]
        assert (len(result["sha256"]), result["report"]["errors"]) == (64, [])
        again = ansible("pc_data_export", **SOURCE, expected_sha256=result["sha256"])
        assert (again["changed"], again["sha256"], again["report"]) == (False, result["sha256"], result["report"])

    def test_an_archive_that_is_there_is_not_written_over(self, source, refused):
        refused("archive_exists", ARCHIVE, export_data, source)
        refused("archive_changed", "0" * 64, export_data, {**source, "expected_sha256": "0" * 64})
        refused("archive_foreign", ARCHIVE, export_data, {**source, "existing": "keep", "level": "Category"})

    def test_check_mode_of_the_import(self, ansible, lab):
        before = lab.writes()
        result = ansible("pc_data_import", check=True, **TARGET)
        assert lab.writes() == before
        assert (result["changed"], result["counts"]["rooms"]) == (True, 0)
        assert "after: database sql01.contoso.com\\PCHAT" in result["printed"]

    def test_import(self, ansible, lab):
        result = ansible("pc_data_import", **TARGET)
        assert result["changed"]
        assert result["counts"] == {**ALL, "unavailable": None}
        assert result["dry_run"]["errors"] == result["report"]["errors"] == []
        assert messages(lab) == 50

    def test_the_second_time_nothing_changes(self, ansible, source, target, lab):
        before = lab.writes()
        assert not ansible("pc_data_import", **TARGET)["changed"]
        assert not export_data({**source, "existing": "keep"}, False)["changed"]
        assert lab.writes() == before


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"file_name": "groupchat.zip"}, "invalid_input", "groupchat.zip"),
        ({"file_name": "C:\\Nowhere\\x.zip"}, "folder_missing", "C:\\Nowhere"),
        ({"file_name": "Q:\\x.zip"}, "folder_missing", "Q:\\"),
        ({"expected_sha256": "xyz"}, "invalid_input", "xyz"),
    ],
)
def test_an_export_that_cannot_be_is_refused(changes, code, names, source, refused):
    refused(code, names, export_data, {**source, **changes})


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"pool_fqdn": "nopool.contoso.com"}, "pool_unknown", "pcpool.contoso.com, pcpool2.contoso.com"),
        ({"expected_sha256": "0" * 64}, "archive_changed", "0" * 64),
        ({"accept_warnings": [""]}, "invalid_input", "accept_warnings"),
        (
            {"pool_fqdn": "pcpool2.contoso.com", "db_instance": "sql01.contoso.com\\PCHAT2"},
            "target_not_empty",
            "1 add-ins",
        ),
    ],
)
def test_an_import_that_cannot_be_is_refused(changes, code, names, source, target, refused, fresh_lab):
    export_data(source, False)
    addin = {"name": "Mine", "url": "https://mine.contoso.com/"}
    content = {"sql01.contoso.com\\PCHAT2": {"mgc": {"addins": [addin]}}}
    fresh_lab.call("estate.patch", patch={"databases": content})
    refused(code, names, import_data, {**target, **changes})


def test_users_of_ansible_get_a_sentence(ansible, lab):
    before = lab.writes()
    for module, options, names in (
        ("pc_data_export", {**SOURCE, "file_name": "x.zip"}, "not an absolute path"),
        ("pc_data_import", {**TARGET, "pool_fqdn": "nopool.contoso.com"}, "nopool.contoso.com"),
    ):
        result = ansible(module, **options)
        assert result["failed"]
        assert names in result["msg"]
    assert lab.writes() == before


class TestBrokenConnections:
    """An answer that is lost at the worst moment; nothing is done twice."""

    def test_the_start_of_the_export(self, source, fault, fresh_lab):
        fault("cmdlet-after", "drop", "Invoke-WmiMethod")
        assert export_data(source, False)["changed"]
        assert not export_data({**source, "existing": "keep"}, False)["changed"]

    def test_the_move_of_the_archive(self, source, fault, fresh_lab):
        fault("cmdlet-after", "drop", "Move-Item")
        result = export_data(source, False)
        assert export_data({**source, "existing": "keep"}, False)["sha256"] == result["sha256"]

    def test_the_start_of_the_import(self, source, target, fault, fresh_lab):
        export_data(source, False)
        fresh_lab.call("faults.set", rules=[{"at": "cmdlet-after", "do": "drop", "match": "Invoke-Wmi", "skip": 1}])
        assert import_data(target, False)["counts"]["rooms"] == 12
        assert messages(fresh_lab) == 50

    def test_the_connection_breaks_while_it_works(self, source, target, fault, fresh_lab):
        export_data(source, False)
        fresh_lab.call("faults.set", rules=[{"at": "cmdlet-after", "do": "drop", "match": "Import-Cs", "skip": 1}])
        assert import_data(target, False)["counts"]["rooms"] == 12
        assert messages(fresh_lab) == 50

    def test_the_session_ends_right_before_the_start(self, source, target, fault, fresh_lab):
        """The place of the job is taken, and nothing works there."""
        export_data(source, False)
        rule = {"at": "cmdlet-before", "do": "kill-shell", "match": "Invoke-WmiMethod", "skip": 1}
        fresh_lab.call("faults.set", rules=[rule])
        with pytest.raises(PersistentChatError, match="still empty") as caught:
            import_data(target, False)
        assert caught.value.code == "job_lost"
        assert messages(fresh_lab) == 0
        assert import_data(target, False)["changed"]
        assert not import_data(target, False)["changed"]
        assert messages(fresh_lab) == 50


@pytest.mark.parametrize(
    "switches",
    [
        {"assumed_errors": "opaque", "assumed_properties": "absent", "module_name": "Lync"},
        {"report_style": "list", "import_repeat": "overwrites", "unattended_prompt": "proceeds"},
        {"report_style": "german", "import_while_running": "refused"},
    ],
)
def test_nothing_relies_on_an_assumption(switches, source, target, fresh_lab):
    for name, value in switches.items():
        fresh_lab.call("switch.set", name=name, value=value)
    if "import_while_running" in switches:
        stopped = {"services": {name: {"status": "Stopped"} for name in ("RTCCHAT", "RTCCOMPLIANCE")}}
        servers = {host: stopped for host in ("pc01.contoso.com", "pc02.contoso.com")}
        fresh_lab.call("estate.patch", patch={"servers": servers})
    export_data(source, False)
    assert import_data(target, False)["counts"] == {**ALL, "unavailable": None}
