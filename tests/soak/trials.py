# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one trial is: a connection, the faults it meets, the commands, and what its verdict claims."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.endpoint_changes import run as pc_endpoint
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import transport_for
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import AMBIGUOUS, RemotingError
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import (
    RemotingOptions,
    remoting_options,
)
from tests.lab import settings
from tests.lab.settings import Paths

SERVER = "lync01.contoso.com"
FOLDER = "C:\\Soak"
DONE, NOT_DONE, UNKNOWN = "done", "not done", "unknown"

#: the ways to connect; each meets the same faults
CONNECTIONS: tuple[dict[str, str], ...] = tuple(
    {"transport": transport, "scheme": scheme, "auth": auth}
    for transport in ("winrm", "psrp")
    for scheme, auth in (("https", "basic"), ("http", "kerberos"), ("https", "kerberos"), ("http", "ntlm"))
)
_VERBS = ("Create", "Command", "Send", "Receive", "Signal", "Delete")
_EFFECTS: dict[str, tuple[dict[str, Any], ...]] = {
    "http-before": ({"do": "drop"}, {"do": "drop", "reset": True}, {"do": "http503"}, {"do": "http500"}),
    "wsman-before": (
        {"do": "drop"}, {"do": "http503"}, {"do": "fault", "code": 995}, {"do": "fault", "code": 2150859173},
        {"do": "fault", "code": 170}, {"do": "fault", "code": 2150858793}, {"do": "kill-shell"}, {"do": "exit"},
    ),
    "cmdlet-before": ({"do": "drop"}, {"do": "kill-shell"}, {"do": "exit"}, {"do": "delay", "seconds": 0.1}),
    "cmdlet-after": ({"do": "drop"}, {"do": "kill-shell"}, {"do": "exit"}, {"do": "delay", "seconds": 0.1}),
    "wsman-after": ({"do": "drop"}, {"do": "http500"}, {"do": "fault", "code": 995}, {"do": "kill-shell"}, {"do": "exit"}),
    "http-after": (
        {"do": "drop"}, {"do": "drop", "reset": True}, {"do": "drop", "bytes": 200}, {"do": "expire-auth"}, {"do": "close"},
    ),
}  # fmt: skip
#: these need a client that waits; one trial in so many has one
_SLOW = {"do": "delay", "seconds": 4}
_SLOW_EVERY = 100
#: one trial in so many is a call of the module pc_endpoint, which observes, acts and observes again
_MODULE_EVERY = 15
#: no backoff that anybody would want on a real network; the faults are what is tried here
_PAUSES = (0.02, 0.05)


@dataclass(frozen=True)
class Trial:
    """One call and what stands in its way; made from a seed alone.

    :param marks: for each changing command what the lab's record of calls tells it apart by: a file's path, or a SIP address.
    :param state: the state that pc_endpoint shall reach, or None for a trial of the transport alone.
    """

    number: int
    connection: dict[str, str]
    faults: list[dict[str, Any]]
    marks: tuple[str, ...]
    slow: bool = False
    state: str | None = None


@dataclass
class Verdict:
    """What the transport said of each mark; C(said) is its message, empty after a success."""

    trial: Trial
    claims: dict[str, str] = field(default_factory=dict)
    kind: str = "ok"
    said: str = ""


def make(seed: int, number: int) -> Trial:
    """The trial of that number."""
    chance = random.Random("%d/%d" % (seed, number))
    slow = chance.randrange(_SLOW_EVERY) == 0
    faults = [_fault(chance, slow and not place) for place in range(chance.choice((1, 1, 1, 2)))]
    connection = chance.choice(CONNECTIONS)
    if chance.randrange(_MODULE_EVERY) == 0:
        address = "sip:soak-%d-%d@contoso.com" % (seed, number)
        return Trial(number, connection, faults, (address,), slow, chance.choice(("present", "absent")))
    marks = tuple("%s\\%d-%d-%d.txt" % (FOLDER, seed, number, n) for n in range(chance.choice((1, 1, 1, 2, 3))))
    return Trial(number, connection, faults, marks, slow)


def _fault(chance: random.Random, slow: bool) -> dict[str, Any]:
    at = chance.choice(("http-before", "http-after") if slow else tuple(_EFFECTS))
    effect = _SLOW if slow else chance.choice(_EFFECTS[at])
    rule = {"at": at, **effect, "skip": chance.choice((0, 0, 0, 1, 2)), "times": chance.choice((1, 1, 1, 2, 4))}
    if at not in ("cmdlet-before", "cmdlet-after", "http-before"):
        rule["match"] = " %s$" % chance.choice(_VERBS)
    elif at == "http-before":
        rule["skip"] = chance.randrange(8)  # the action is not known yet at that point
    return rule


def options_of(paths: Paths, trial: Trial) -> RemotingOptions:
    """The trial's connection, with little patience."""
    params: dict[str, Any] = {
        **trial.connection,
        "remote_addr": SERVER,
        "ca_cert": str(paths.ca),
        "connection_timeout": 10,
        "operation_timeout": 3 if trial.slow else 20,
    }
    if trial.connection["auth"] != "kerberos":
        params.update(remote_user="%s\\%s" % (settings.NETBIOS, settings.OPERATOR), remote_password=settings.PASSWORD)
    return replace(remoting_options(params), retry_pauses=_PAUSES)


class _Brisk:
    """A clock for which no pause is long."""

    monotonic = staticmethod(time.monotonic)

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(min(seconds, 0.02))


def prepare(trial: Trial, paths: Paths) -> None:
    """Have the endpoint that a trial removes; without faults."""
    if trial.state == "absent":
        pc_endpoint(_endpoint(trial, "present"), False, lambda params: transport_for(options_of(paths, trial)))


def _endpoint(trial: Trial, state: str) -> dict[str, Any]:
    return {
        "remote_addr": SERVER,
        "sip_address": trial.marks[0],
        "pool_fqdn": settings.CHAT_POOLS[0],
        "state": state,
        "wait_for_address": 1,
    }


def carry_out(paths: Paths, trial: Trial) -> Verdict:
    """Do the trial's work over its connection and note what is claimed of each mark."""
    return _of_commands(paths, trial) if trial.state is None else _of_module(paths, trial, trial.state)


def _of_commands(paths: Paths, trial: Trial) -> Verdict:
    commands = [Command("Set-Content", {"LiteralPath": mark, "Value": "x", "Confirm": False}) for mark in trial.marks]
    verdict = Verdict(trial)
    transport = transport_for(options_of(paths, trial))
    try:
        outcomes = transport.run(commands)
    except RemotingError as error:
        claim = UNKNOWN if error.kind == AMBIGUOUS else NOT_DONE
        verdict.claims = dict.fromkeys(trial.marks, claim)
        verdict.kind, verdict.said = "%s at %s (%s)" % (error.kind, error.stage, error.code), str(error)
    else:
        for mark, outcome in zip(trial.marks, outcomes):
            verdict.claims[mark] = DONE if outcome.error is None and not outcome.skipped else NOT_DONE
            if outcome.error is not None:
                verdict.kind, verdict.said = "cmdlet failed", outcome.error.message
    finally:
        transport.close()
    return verdict


def _of_module(paths: Paths, trial: Trial, state: str) -> Verdict:
    """A module that fails after a change says so; one that says neither that nor that it does not know changed nothing."""
    verdict = Verdict(trial, kind="pc_endpoint ok")
    try:
        result = pc_endpoint(
            _endpoint(trial, state), False, lambda params: transport_for(options_of(paths, trial)), _Brisk()
        )
        verdict.claims[trial.marks[0]] = DONE if result["changed"] else NOT_DONE
    except PersistentChatError as error:
        verdict.kind, verdict.said = "pc_endpoint failed (%s)" % error.code, str(error)
        claim = NOT_DONE
        if "was carried out before:" in verdict.said:
            claim = DONE
        elif "It is not known whether" in verdict.said or error.code == "unknown_outcome":
            claim = UNKNOWN
        verdict.claims[trial.marks[0]] = claim
    return verdict
