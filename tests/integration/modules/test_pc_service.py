# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pc_service on the servers of Persistent Chat, through cmdlets."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.service_changes import run

CHAT = ["RTCCHAT", "RTCCOMPLIANCE"]


@pytest.fixture
def chat(remoting):
    """The options for one server of the new pool, controlled from the management server."""
    return {**remoting, "control": "cs", "name": CHAT, "computer_name": "pc01.contoso.com", "timeout": 30}


def shown(result):
    return {(service["name"], service["status"], service["start_mode"]) for service in result["services"]}


class TestPersistentChat:
    """Each test goes on where the one before ended."""

    def test_check_mode(self, ansible, chat, lab):
        before = lab.writes()
        result = ansible("pc_service", check=True, connection=chat, state="stopped")
        assert lab.writes() == before
        assert [action["op"] for action in result["actions"]] == ["stop", "stop"]

    def test_stop_named_services_and_no_others(self, chat, lab):
        result = run({**chat, "state": "stopped"}, False)
        assert shown(result) == {(name, "stopped", "auto") for name in CHAT}
        services = lab.status()["services"]["pc01.contoso.com"]
        assert {name for name, service in services.items() if service["status"] == "Stopped"} == set(CHAT)

    def test_start(self, chat, lab):
        lab.call("switch.set", name="start_pending_polls", value=2)
        assert shown(run({**chat, "state": "started"}, False)) == {(name, "running", "auto") for name in CHAT}
        before = lab.writes()
        assert not run({**chat, "state": "started"}, False)["changed"]
        assert lab.writes() == before

    @pytest.mark.parametrize("rule", ["cmdlet-after drop", "cmdlet-before kill-shell"])
    def test_a_lost_answer_is_decided_by_looking(self, rule, chat, lab):
        run({**chat, "state": "started"}, False)
        at, do = rule.split()
        lab.call("faults.set", rules=[{"at": at, "match": "Stop-CsWindowsService", "do": do}])
        try:
            run({**chat, "state": "stopped", "timeout": 1}, False)
        except PersistentChatError as error:
            assert (error.code, at) == ("timeout", "cmdlet-before") or "After 1 seconds" in str(error)
        finally:
            lab.call("faults.clear")
        assert shown(run({**chat, "state": "stopped"}, False)) == {(name, "stopped", "auto") for name in CHAT}


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"name": ["RTCCHAT", "RTCNothing", "W32Time"]}, "service_missing", "RTCNothing or W32Time on pc01"),
        ({"name": []}, "invalid_input", "never means all services"),
        ({"name": ["RTC*"]}, "invalid_input", "RTC*"),
        ({"name": CHAT, "state": "started", "start_mode": "disabled"}, "invalid_input", "exclude each other"),
        ({"name": CHAT, "computer_name": "nowhere.contoso.com"}, "cmdlet_failed", "nowhere.contoso.com"),
        ({"name": CHAT, "control": "windows", "computer_name": "nowhere.contoso.com"}, "cmdlet_failed", "nowhere"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(changes, code, names, chat, refused):
    refused(code, names, run, {**chat, "state": "stopped", **changes})


def test_a_user_of_ansible_gets_a_sentence(ansible, chat, lab):
    before = lab.writes()
    result = ansible("pc_service", connection={**chat, "name": ["RTCNothing"]}, state="stopped")
    assert result["failed"]
    assert "no Lync service named RTCNothing on pc01.contoso.com" in result["msg"]
    assert lab.writes() == before
