# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one trial is: a connection, the faults it meets, the commands, and what its verdict claims."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

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
_SLOW_EVERY = 50
#: no backoff that anybody would want on a real network; the faults are what is tried here
_PAUSES = (0.02, 0.05)


@dataclass(frozen=True)
class Trial:
    """One call and what stands in its way; made from a seed alone.

    :param marks: a text for each changing command, by which the lab's record of calls tells them apart.
    """

    number: int
    connection: dict[str, str]
    faults: list[dict[str, Any]]
    marks: tuple[str, ...]
    slow: bool = False


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
    marks = tuple("%d-%d-%d" % (seed, number, place) for place in range(chance.choice((1, 1, 1, 2, 3))))
    return Trial(number, chance.choice(CONNECTIONS), faults, marks, slow)


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


def path_of(mark: str) -> str:
    """The file that a changing command writes."""
    return "%s\\%s.txt" % (FOLDER, mark)


def carry_out(paths: Paths, trial: Trial) -> Verdict:
    """Run the trial's commands over its connection and note what is claimed of each."""
    commands = [
        Command("Set-Content", {"LiteralPath": path_of(mark), "Value": mark, "Confirm": False}) for mark in trial.marks
    ]
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
