# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session over the configured connection finds on the server. Private to this collection. It only reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.cmdlets import all_needed, of_lync
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.probes import Facts, explained
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import get
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import hints
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Outcome, Transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import transport_for
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

Connect = Callable[[RemotingOptions], Transport]
#: cmdlets that only read, and what they read it from: another server, unless it happens to be this one
SECOND_SERVERS = {"Get-CsSipDomain": "SQL Server", "Get-CsPersistentChatEndpoint": "Active Directory"}
_NOTHING: Facts = {
    "tried": False,
    "opened": False,
    "opened_with_channel_binding": None,
    "identity": None,
    "powershell": None,
    "language_mode": None,
    "module": None,
    "module_version": None,
    "cmdlets": None,
    "second_servers": [],
    "problem": None,
}
_BOUND = ("kerberos", "negotiate", "ntlm", "credssp")


def look(options: RemotingOptions, seconds: int, connect: Connect = transport_for) -> Facts:
    """One attempt at a session; the keys are those of C(not_tried).

    :param seconds: for each call in it.
    """
    patient = replace(options, operation_timeout=seconds, retry_pauses=())
    facts = _session(patient, connect)
    problem = facts["problem"]
    unbound = options.scheme == "https" and options.auth in _BOUND and not options.channel_binding
    if problem and problem["code"] == "authentication_failed" and unbound:
        # the refusal does not say why: only an attempt with the token can tell
        bound = _session(replace(patient, channel_binding=True), connect)
        facts["opened_with_channel_binding"] = bound["opened"]
    return facts


def not_tried() -> Facts:
    """The facts where a session would have been pointless."""
    return dict(_NOTHING, second_servers=[])


def _session(options: RemotingOptions, connect: Connect) -> Facts:
    facts = {**not_tried(), "tried": True}
    transport: Transport | None = None
    try:
        transport = connect(options)
        if options.transport == "winrm":
            facts["identity"] = _identity(transport)
            facts["opened"] = True
        _ask(transport, options, facts)
        facts["opened"] = True
    except Exception as error:
        facts["problem"] = explained(error, options)
    finally:
        if transport is not None:
            transport.close()
    # the bridge needs all of the language; what else a session allows cannot be asked without a script
    if options.transport == "winrm" and facts["cmdlets"] is not None:
        facts["language_mode"] = "FullLanguage"
    return facts


def _identity(transport: Transport) -> str | None:
    """Who the server takes us for, such as C(contoso\\admin)."""
    ended = transport.execute("whoami.exe", [], reads=True)
    return ended.stdout.strip() or None if ended.exit_code == 0 else None


def _ask(transport: Transport, options: RemotingOptions, facts: Facts) -> None:
    """Ask for versions, for the needed cmdlets, and for something that lies on another server, all at once."""
    listing = get("Get-Command", ("Name", "ModuleName", "Version"), Name=all_needed(), ErrorAction="SilentlyContinue")
    further = [get(name, ("Identity",)) for name in SECOND_SERVERS]
    listed, *answers = transport.run([listing, *further], stop_on_error=False)
    about: dict[str, Any] = getattr(transport, "about", {})
    facts["powershell"], facts["module"] = about.get("powershell"), about.get("module")
    facts["identity"] = facts["identity"] or about.get("identity")
    if listed.error is None:
        _judge_cmdlets(listed, facts)
        known = set(facts["cmdlets"]["available"])
        facts["second_servers"] = [
            _judge_second(hints.explained(answer, options)) for answer in answers if answer.command.name in known
        ]


def _judge_cmdlets(listed: Outcome, facts: Facts) -> None:
    found = {str(item["Name"]).lower(): item for item in listed.output}
    available = [name for name in all_needed() if name.lower() in found]
    facts["cmdlets"] = {
        "available": available,
        "missing": [name for name in all_needed() if name.lower() not in found],
    }
    lync: Sequence[Any] = [found[name.lower()] for name in of_lync(available)]
    facts["module"] = facts["module"] or next((str(item["ModuleName"]) for item in lync if item["ModuleName"]), None)
    facts["module_version"] = next((str(item["Version"]) for item in lync if item["Version"]), None)


def _judge_second(answer: Outcome) -> Facts:
    error = answer.error
    return {
        "cmdlet": answer.command.name,
        "reads_from": SECOND_SERVERS[answer.command.name],
        "reached": error is None,
        "error": error and error.message,
        "hint": error.hint if error else "",
    }
