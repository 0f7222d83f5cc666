# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From facts to findings: what is wrong with a connection, and what to do. Pure; private to this collection.

Codes are those of failures.py where it is the same failure. The layers are asked from the cable upwards, and the first error
counts: what comes after it would only be its consequence.
"""

from __future__ import annotations

import datetime
from typing import Any, Iterator, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.advice import advice
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.cmdlets import affected, of_lync
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.endpoints import configured
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.probes import Facts

#: the connection cannot be used
ERROR = "error"
#: it can be used, but something over it does not work, or soon will not
WARNING = "warning"
INFO = "info"

#: seconds that Kerberos allows between two clocks, by default
_SKEW = 300
_EXPIRES_SOON = datetime.timedelta(days=30)
#: which offered schemes serve an auth; a client certificate is nothing that servers offer
_SERVED_BY = {
    "kerberos": {"kerberos", "negotiate"},
    "negotiate": {"kerberos", "negotiate"},
    "ntlm": {"negotiate", "ntlm"},
    "credssp": {"credssp"},
    "basic": {"basic"},
}
_CERTIFICATE = ("certificate_untrusted", "certificate_not_in_time", "certificate_name_mismatch")

Finding = dict[str, str]
AllFacts = Mapping[str, Facts]


def findings(facts: AllFacts) -> list[Finding]:
    """What is to be said about the facts, the most important first; never empty.

    :param facts: as L(run.diagnose) gives them.
    """
    opened = facts["session"]["opened"]
    found: list[Finding] = []
    for layer in (_libraries, _name, _port, _tls, _http, _clock, _tickets, _login, _cmdlets, _second_servers):
        for one in layer(facts):
            if one["severity"] == ERROR and opened:
                one["severity"] = WARNING  # it works all the same
            if one["code"] not in {other["code"] for other in found}:
                found.append(one)
        if any(one["severity"] == ERROR for one in found):
            break
    found.sort(key=lambda one: one["severity"] != ERROR)
    return found or [_works(facts)]


def _finding(severity: str, code: str, text: str, facts: AllFacts) -> Finding:
    return {"code": code, "severity": severity, "text": text, "advice": advice(code, facts)}


def _of_problem(severity: str, problem: Mapping[str, str], facts: AllFacts) -> Finding:
    return _finding(severity, problem["code"], problem["text"], facts)


def _libraries(facts: AllFacts) -> Iterator[Finding]:
    for one in facts["libraries"].get("missing", ()):
        text = (
            "The Python library %s, which transport %s with auth %s needs, cannot be loaded by Python %s here (%s)."
            % (
                one["library"],
                facts["connection"]["transport"],
                facts["connection"]["auth"],
                facts["libraries"]["python"],
                one["error"],
            )
        )
        yield _finding(ERROR, "missing_library", text, facts)


def _name(facts: AllFacts) -> Iterator[Finding]:
    if facts["network"]["problem"]:
        yield _of_problem(ERROR, facts["network"]["problem"], facts)


def _port(facts: AllFacts) -> Iterator[Finding]:
    for one in facts["network"].get("ports", ()):
        if one["port"] == facts["connection"]["port"] and one["problem"]:
            yield _of_problem(ERROR, one["problem"], facts)


def _tls(facts: AllFacts) -> Iterator[Finding]:
    tls, connection = facts["tls"], facts["connection"]
    if connection["scheme"] == "http":
        if tls.get("version"):
            text = "Port %d of %s speaks TLS (%s), but scheme http was given." % (
                connection["port"], connection["server"], tls["version"],
            )  # fmt: skip
            yield _finding(ERROR, "tls_expected", text, facts)
        return
    if tls["problem"]:
        ignored = tls["problem"]["code"] in _CERTIFICATE and not connection["validate"]
        yield _of_problem(WARNING if ignored else ERROR, tls["problem"], facts)
    elif tls.get("certificate"):
        ends = datetime.datetime.fromisoformat(tls["certificate"]["not_after"])
        if ends - datetime.datetime.fromisoformat(connection["checked_at"]) < _EXPIRES_SOON:
            text = "The certificate of %s (%s) ends at %s." % (
                connection["server"], tls["certificate"]["subject"], tls["certificate"]["not_after"],
            )  # fmt: skip
            yield _finding(WARNING, "certificate_expires_soon", text, facts)


def _http(facts: AllFacts) -> Iterator[Finding]:
    answer, connection = configured(facts["endpoints"]), facts["connection"]
    if not answer:
        return
    if answer["problem"]:
        yield _of_problem(ERROR, answer["problem"], facts)
    elif answer["status"] in (404, 405):
        text = "%s has nothing at %s (HTTP %d)." % (connection["server"], connection["url"], answer["status"])
        yield _finding(ERROR, "endpoint_not_found", text, facts)
    elif answer["status"] >= 500:
        text = "%s answered with HTTP %d: the service is not available." % (connection["url"], answer["status"])
        yield _finding(ERROR, "server_unavailable", text, facts)
    elif answer["status"] == 401 and not _SERVED_BY.get(connection["auth"], set(answer["schemes"])) & set(
        answer["schemes"]
    ):
        text = "%s does not accept auth %s; it offers %s." % (
            connection["url"], connection["auth"], ", ".join(answer["schemes"]) or "nothing",
        )  # fmt: skip
        yield _finding(ERROR, "authentication_not_offered", text, facts)


def _clock(facts: AllFacts) -> Iterator[Finding]:
    skew = configured(facts["endpoints"]).get("clock_skew")
    if skew is None or abs(skew) <= _SKEW:
        return
    text = "The clock of %s is %d seconds %s the one of this machine; Kerberos allows %d." % (
        facts["connection"]["server"], abs(skew), "ahead of" if skew > 0 else "behind", _SKEW,
    )  # fmt: skip
    kerberos = facts["connection"]["auth"] == "kerberos"
    yield _finding(ERROR if kerberos else WARNING, "kerberos_clock_skew", text, facts)


def _tickets(facts: AllFacts) -> Iterator[Finding]:
    tickets, connection = facts["tickets"], facts["connection"]
    ticket = tickets.get("ticket")
    if tickets["problem"]:
        problem = dict(tickets["problem"])
        if problem["code"] == "answer_timeout":  # it was the KDC that was asked
            problem["code"] = "kerberos_no_kdc"
        elif ticket and ticket["expired"]:
            problem["code"] = "kerberos_ticket_expired"
        # negotiate goes on with NTLM
        yield _of_problem(ERROR if connection["auth"] == "kerberos" else WARNING, problem, facts)
    elif connection["delegation"] and ticket and not ticket["forwardable"]:
        text = "kerberos_delegation is set, but the ticket of %s is not forwardable, so it is not handed on to %s." % (
            tickets["principal"], connection["server"],
        )  # fmt: skip
        yield _finding(WARNING, "kerberos_not_forwardable", text, facts)


def _login(facts: AllFacts) -> Iterator[Finding]:
    session, connection = facts["session"], facts["connection"]
    problem = session["problem"]
    if session["opened_with_channel_binding"]:
        text = "%s refuses auth %s without a channel binding token, and send_cbt is false; with the token it accepts it." % (
            connection["url"], connection["auth"],
        )  # fmt: skip
        yield _finding(ERROR, "channel_binding_missing", text, facts)
    elif problem:
        yield _of_problem(ERROR, problem, facts)


def _cmdlets(facts: AllFacts) -> Iterator[Finding]:
    session, connection = facts["session"], facts["connection"]
    if session["cmdlets"] is None or not session["cmdlets"]["missing"]:
        return
    missing = session["cmdlets"]["missing"]
    if not connection["restricted"] and not of_lync(session["cmdlets"]["available"]):
        text = (
            "%s has neither the PowerShell module SkypeForBusiness nor Lync, so the cmdlets of Lync are not there."
            % (connection["server"])
        )
        yield _finding(WARNING, "lync_module_missing", text, facts)
        return
    text = "The session of %s on %s lacks cmdlets: %s. These modules cannot do all of their work over it: %s." % (
        who(facts), connection["url"], ", ".join(missing), ", ".join(affected(missing)),
    )  # fmt: skip
    yield _finding(WARNING, "cmdlets_missing", text, facts)


def _second_servers(facts: AllFacts) -> Iterator[Finding]:
    for one in facts["session"]["second_servers"]:
        if not one["reached"]:
            text = "%s on %s, which reads from %s, failed: %s %s" % (
                one["cmdlet"], facts["connection"]["server"], one["reads_from"], one["error"], one["hint"],
            )  # fmt: skip
            yield _finding(WARNING, "second_hop" if one["hint"] else "cmdlet_failed", text.rstrip(), facts)


def _works(facts: AllFacts) -> Finding:
    text = "%s answers over transport %s with auth %s, and %s can call every cmdlet that this collection needs." % (
        facts["connection"]["url"], facts["connection"]["transport"], facts["connection"]["auth"], who(facts),
    )  # fmt: skip
    return _finding(INFO, "connection_works", text, facts)


def who(facts: AllFacts) -> str:
    """The account, as well as it is known."""
    known: Any = facts["session"]["identity"] or facts["connection"]["user"] or facts["tickets"].get("principal")
    return str(known or "the account")
