# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when creating and removing endpoints goes wrong: the observation decides, and nothing is sent blindly."""

from __future__ import annotations

from typing import Any, Mapping, NoReturn, Sequence

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.endpoint_changes import run
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletError,
    Command,
    Outcome,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import AMBIGUOUS, RemotingError

SIP, POOL, OTHER = "sip:ocschat@contoso.com", "pcpool.contoso.com", "pcpool2.contoso.com"
LOST = RemotingError("The answer was lost.", AMBIGUOUS, "receive")
CLAIMED = CmdletError("Die Adresse wird schon benutzt.", "SipAddressInUse,X", "InvalidData")


def fail(error: Exception) -> NoReturn:
    raise error


class Script:
    """A server with endpoints and users in memory. C(trouble) is what the next writes do instead of answering: an error
    that the cmdlet ends with, or an exception, raised before or (as a pair with True) after the write was applied.
    """

    server = "lync01.contoso.com"

    def __init__(self, *trouble: Any) -> None:
        self.trouble = list(trouble)
        self.endpoints: list[dict[str, str]] = []
        self.users: list[str] = []
        self.sent: list[str] = []
        self.connections = 0

    def connect(self, params: Mapping[str, Any]) -> Script:
        self.connections += 1
        return self

    def close(self) -> None:
        pass

    def run(self, commands: Sequence[Command], stop_on_error: bool = True) -> list[Outcome]:
        return [self._one(command) for command in commands]

    def _one(self, command: Command) -> Outcome:
        if command.reads:
            return Outcome(command, self._read(command))
        self.sent.append(command.name)
        assert command.parameters["Confirm"] is False
        what = self.trouble.pop(0) if self.trouble else None
        trouble, applied = what if isinstance(what, tuple) else (what, what is None)
        if applied:
            self._write(command)
        if isinstance(trouble, Exception):
            fail(trouble)
        return Outcome(command, error=trouble)

    def _write(self, command: Command) -> None:
        if command.name.startswith("Remove-"):
            self.endpoints = [e for e in self.endpoints if e["SipAddress"] != command.parameters["Identity"]]
            return
        given = command.parameters
        self.add(given["SipAddress"], given["PersistentChatPoolFqdn"], given.get("DisplayName", given["SipAddress"]))

    def add(self, address: str, pool: str, name: str) -> None:
        identity = "CN={%d}" % len(self.endpoints)
        self.endpoints.append({"Identity": identity, "SipAddress": address, "DisplayName": name, "pool": pool})

    def _read(self, command: Command) -> list[dict[str, Any]]:
        if command.name == "Get-CsPersistentChatEndpoint":
            pool = command.parameters.get("PersistentChatPoolFqdn")
            return [endpoint for endpoint in self.endpoints if pool in (None, endpoint["pool"])]
        return {
            "Get-CsPool": [{"Identity": POOL}, {"Identity": OTHER}],
            "Get-CsService": [{"Identity": "PersistentChatServer:" + pool} for pool in (POOL, OTHER)],
            "Get-CsSipDomain": [{"Identity": "contoso.com"}],
            "Get-CsUser": [{"Identity": user} for user in self.users],
        }[command.name]


def params(**changes: Any) -> dict[str, Any]:
    given = {"sip_address": "ocschat@contoso.com", "pool_fqdn": POOL, "state": "present", "wait_for_address": 20}
    return {"remote_addr": "lync01.contoso.com", **given, **changes}


def test_check_mode_sends_only_what_reads(clock: Any) -> None:
    script = Script()
    result = run(params(), True, script.connect, clock)
    assert (result["changed"], result["endpoint"], script.sent) == (True, None, [])
    assert result["diff"][0]["after"]["sip_address"] == SIP


def test_an_address_that_is_still_claimed_is_asked_for_again(clock: Any) -> None:
    script = Script(CLAIMED, CLAIMED)
    result = run(params(), False, script.connect, clock)
    assert result["endpoint"]["pool_fqdn"] == POOL
    assert len(script.sent) == 3
    assert clock.now == 10


def test_the_wait_is_bounded_and_the_servers_words_are_passed_on(clock: Any) -> None:
    script = Script(*[CLAIMED] * 99)
    with pytest.raises(PersistentChatError, match="wird schon benutzt.*wait_for_address") as caught:
        run(params(), False, script.connect, clock)
    assert caught.value.code == "address_claimed"
    assert clock.now == 20


@pytest.mark.parametrize(
    "error",
    [CmdletError("No.", "X", "PermissionDenied"), CmdletError("?", "CommandNotFoundException", "ObjectNotFound")],
)
def test_what_can_never_work_is_not_tried_again(error: CmdletError, clock: Any) -> None:
    script = Script(error)
    with pytest.raises(PersistentChatError, match="New-CsPersistentChatEndpoint"):
        run(params(), False, script.connect, clock)
    assert len(script.sent) == 1


def test_a_holder_that_shows_up_ends_the_wait(clock: Any) -> None:
    script = Script(CLAIMED)
    sleep = clock.sleep
    clock.sleep = lambda seconds: (script.users.append("CN=user01"), sleep(seconds))
    script.trouble *= 5
    with pytest.raises(PersistentChatError, match="CN=user01") as caught:
        run(params(), False, script.connect, clock)
    assert caught.value.code == "address_held"


@pytest.mark.parametrize(("applied", "sent"), [(True, 1), (False, 2)])
def test_a_lost_answer_to_the_creation_is_decided_by_looking(applied: bool, sent: int, clock: Any) -> None:
    script = Script((LOST, applied))
    result = run(params(), False, script.connect, clock)
    assert result["changed"]
    assert len(script.endpoints) == 1
    assert len(script.sent) == sent
    assert script.connections == 2


def test_a_lost_answer_to_the_removal_is_never_followed_by_a_second_one(clock: Any) -> None:
    script = Script((LOST, False))
    script.add(SIP, POOL, "Group Chat")
    with pytest.raises(PersistentChatError, match="still there after 60 seconds"):
        run(params(state="absent"), False, script.connect, clock)
    assert script.sent == ["Remove-CsPersistentChatEndpoint"]

    script.trouble = [(LOST, True)]
    assert run(params(state="absent"), False, script.connect, clock)["endpoint"] is None


def test_recreating_that_stops_halfway_says_so_and_can_be_run_again(clock: Any) -> None:
    script = Script(None, *[CLAIMED] * 5)
    script.add(SIP, OTHER, "Group Chat")
    with pytest.raises(PersistentChatError, match="already removed.*run the same task again"):
        run(params(recreate=True), False, script.connect, clock)
    assert script.endpoints == []
    assert run(params(recreate=True), False, script.connect, clock)["endpoint"]["pool_fqdn"] == POOL


def test_a_write_that_does_not_show_is_no_success(clock: Any) -> None:
    script = Script((None, False))
    with pytest.raises(PersistentChatError, match="reported success") as caught:
        run(params(), False, script.connect, clock)
    assert caught.value.code == "read_back"


def test_bad_input_opens_no_connection(clock: Any) -> None:
    script = Script()
    for changes in ({"sip_address": "ocschat"}, {"wait_for_address": -1}):
        with pytest.raises(PersistentChatError) as caught:
            run(params(**changes), False, script.connect, clock)
        assert caught.value.code in ("invalid_sip_address", "invalid_input")
    assert script.connections == 0
