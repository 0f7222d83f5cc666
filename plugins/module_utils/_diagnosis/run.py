# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diagnosis of one connection: what is asked, in which order, and how long it may take. Private to this collection."""

from __future__ import annotations

import datetime
from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis import (
    endpoints,
    libraries,
    network,
    session,
    tickets,
    tls,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.findings import findings
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.probes import Facts, gather
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import (
    RemotingOptions,
    remoting_options,
)

#: seconds that one question to the network may take
_PATIENCE = 10
_NOT_ASKED: Facts = {"problem": None}
#: how many times connection_timeout a call in the session may take: the first one loads Lync's module, which takes a while
_SESSION = 3


def run_info(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Run pc_connection_info.

    :raises InvalidInput: the options are refused; whatever else goes wrong is a finding.
    """
    options = remoting_options(params)
    facts = diagnose(options)
    return {
        "changed": False,
        "reachable": facts["session"]["opened"],
        "findings": findings(facts),
        "facts": facts,
    }


def diagnose(options: RemotingOptions) -> dict[str, Facts]:
    """The facts about a connection, by the part that asked; there is no password in them.

    :returns: connection, libraries, network, tls, endpoints, tickets and session.
    """
    patience = min(options.connection_timeout, _PATIENCE)
    most = patience * 3 + 5  # a probe keeps its own time; this bounds one that does not
    facts = {"connection": _connection(options), "tls": dict(_NOT_ASKED), "tickets": dict(_NOT_ASKED)}
    first = {"network": lambda: network.look(options, patience), "libraries": lambda: libraries.look(options)}
    if options.auth == "kerberos" or (options.auth == "negotiate" and not options.password):
        first["tickets"] = lambda: tickets.look(options, patience)
    facts.update(gather(first, most))
    reached = network.is_open(facts["network"], options.port)
    second = {"endpoints": lambda: endpoints.look(options, facts["network"], patience)}
    if reached and options.scheme == "https":
        second["tls"] = lambda: tls.look(options, patience)
    facts.update(gather(second, most))
    answer = endpoints.configured(facts["endpoints"])
    if answer.get("problem") and options.scheme == "http":  # does it want TLS?
        facts.update(gather({"tls": lambda: tls.look(options, patience)}, most))
    facts["session"] = session.not_tried()
    if reached and not _pointless(options, facts, answer):
        seconds = min(options.operation_timeout, _SESSION * options.connection_timeout)
        found = gather({"session": lambda: session.look(options, seconds)}, seconds * 2)["session"]
        facts["session"].update({"tried": True, **found})
    return facts


def _pointless(options: RemotingOptions, facts: Mapping[str, Facts], answer: Facts) -> bool:
    """Whether it is known already how a session would end, and that trying it would cost minutes or a failed logon."""
    late = (answer.get("problem") or {}).get("code") == "answer_timeout"
    ticket = facts["tickets"]["problem"] if options.auth == "kerberos" else None
    refused = bool(ticket) and (bool(options.password) or ticket["code"] in ("kerberos_no_kdc", "answer_timeout"))
    return late or refused or bool(facts["libraries"]["problem"])


def _connection(options: RemotingOptions) -> Facts:
    return {
        "checked_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "server": options.server,
        "url": options.url,
        "transport": options.transport,
        "scheme": options.scheme,
        "port": options.port,
        "path": options.path,
        "configuration_name": options.configuration_name,
        "auth": options.auth,
        "user": options.user,
        "password_given": options.password is not None,
        "service_principal": options.principal,
        "delegation": options.delegation,
        "validate": options.validate,
        "channel_binding": options.channel_binding,
        "restricted": options.restricted,
        "reaches_further": options.reaches_further,
        "problem": None,
    }
