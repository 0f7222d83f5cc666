# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pc_service where it runs sc.exe: on legacy servers, which have no PowerShell that could run the bridge, and for start modes."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.service_changes import run

LEGACY = ["GroupChatLookup", "GroupChatChannel"]
OFF = {"state": "stopped", "start_mode": "disabled"}


@pytest.fixture(scope="module", params=["winrm"])
def transport(request):
    """Programs are run over WinRS only."""
    return request.param


@pytest.fixture
def legacy(remoting):
    """The options for a legacy server, as it is documented to be reached: HTTP with message encryption."""
    return {
        **remoting,
        "remote_addr": "gc01.contoso.com",
        "scheme": "http",
        "control": "sc",
        "name": LEGACY,
        "timeout": 30,
    }


def shown(result):
    return {(service["name"], service["status"], service["start_mode"]) for service in result["services"]}


class TestLegacy:
    """Each test goes on where the one before ended."""

    @pytest.mark.parametrize("language", ["en", "de"])
    def test_check_mode(self, language, ansible, legacy, lab):
        lab.call("switch.set", name="sc_language", value=language)
        before = lab.writes()
        result = ansible("pc_service", check=True, connection=legacy, **OFF)
        assert lab.writes() == before
        assert [action["op"] for action in result["actions"]] == ["set_start_mode", "stop"] * 2
        assert "after: service GroupChatLookup on gc01.contoso.com" in result["printed"]
        assert shown(result) == {(name, "running", "auto") for name in LEGACY}

    def test_off_and_not_coming_back(self, ansible, legacy, lab):
        lab.call("switch.set", name="stop_pending_polls", value=2)
        result = ansible("pc_service", connection=legacy, **OFF)
        assert result["changed"]
        assert result["host"] == "gc01.contoso.com"
        assert shown(result) == {(name, "stopped", "disabled") for name in LEGACY}
        assert lab.status()["services"]["gc01.contoso.com"]["GroupChatLookup"]["start_type"] == "Disabled"
        assert lab.status()["services"]["gc02.contoso.com"]["GroupChatLookup"]["status"] == "Running"

    def test_the_second_time_nothing_changes(self, legacy, lab):
        before = lab.writes()
        assert not run({**legacy, **OFF}, False)["changed"]
        assert lab.writes() == before

    def test_a_disabled_service_needs_a_start_mode_to_start(self, legacy, refused):
        refused("service_disabled", "GroupChatLookup", run, {**legacy, "state": "started"})

    def test_back_as_it_was(self, legacy):
        result = run({**legacy, "state": "started", "start_mode": "delayed"}, False)
        assert shown(result) == {(name, "running", "delayed") for name in LEGACY}

    def test_from_another_server(self, remoting, lab):
        options = {**remoting, "control": "sc", "computer_name": "gc02.contoso.com", "name": ["GroupChatCompliance"]}
        assert run({**options, **OFF, "timeout": 30}, False)["services"][0]["status"] == "stopped"

    def test_a_server_that_the_other_one_cannot_reach(self, remoting, refused):
        options = {**remoting, "control": "sc", "computer_name": "nowhere.contoso.com", "name": ["RTCCHAT"]}
        refused("service_control", "1722", run, {**options, "state": "stopped"})


@pytest.mark.parametrize("mode", ["delayed", "manual", "auto"])
def test_start_modes_through_windows(mode, remoting):
    options = {
        **remoting,
        "control": "windows",
        "name": ["RTCCHAT"],
        "computer_name": "pc01.contoso.com",
        "timeout": 30,
    }
    assert shown(run({**options, "start_mode": mode}, False)) == {("RTCCHAT", "running", mode)}
    assert not run({**options, "start_mode": mode}, False)["changed"]


@pytest.mark.parametrize("changes", [{"control": "sc", "state": "stopped"}, {"start_mode": "delayed"}])
def test_a_program_over_psrp_is_refused(changes, remoting, refused):
    options = {**remoting, "transport": "psrp", "control": "windows", "name": ["RTCCHAT"]}
    options["computer_name"] = "pc01.contoso.com"
    refused("invalid_input", "transport winrm", run, {**options, **changes})


def test_another_server_needs_a_second_hop(remoting, lab, refused):
    lab.call("switch.set", name="second_hop", value="needs_delegation")
    options = {**remoting, "control": "sc", "computer_name": "gc02.contoso.com", "name": ["GroupChatLookup"]}
    try:
        refused("service_control", "kerberos_delegation", run, {**options, **OFF})
        assert not run({**options, "kerberos_delegation": True, "state": "started"}, False)["changed"]
    finally:
        lab.call("switch.set", name="second_hop", value="works")
