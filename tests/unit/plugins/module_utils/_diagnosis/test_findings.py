# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From facts to findings."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.advice import _ADVICE, advice
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.cmdlets import all_needed
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.findings import findings
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.session import not_tried

URL = "https://lync01.contoso.com:5986/wsman"
GOOD = {
    "connection": {
        "checked_at": "2026-01-10T12:00:00+00:00",
        "server": "lync01.contoso.com",
        "url": URL,
        "transport": "winrm",
        "scheme": "https",
        "port": 5986,
        "path": "wsman",
        "auth": "kerberos",
        "user": None,
        "password_given": False,
        "service_principal": "HTTP/lync01.contoso.com",
        "delegation": False,
        "validate": True,
        "channel_binding": True,
        "restricted": False,
        "reaches_further": False,
        "problem": None,
    },
    "libraries": {"python": "3.11.2", "versions": {}, "missing": [], "problem": None},
    "network": {
        "addresses": ["10.0.0.1"],
        "ports": [{"port": port, "open": True, "problem": None} for port in (443, 5985, 5986)],
        "problem": None,
    },
    "tls": {
        "version": "TLSv1.2",
        "certificate": {
            "subject": "CN=lync01.contoso.com",
            "issuer": "CN=Lab CA",
            "names": ["lync01.contoso.com"],
            "not_before": "2025-01-01T00:00:00+00:00",
            "not_after": "2027-01-01T00:00:00+00:00",
        },
        "trusted": True,
        "problem": None,
    },
    "endpoints": {
        "answers": [
            {
                "url": URL,
                "configured": True,
                "status": 401,
                "schemes": ["kerberos", "negotiate"],
                "clock_skew": 0,
                "problem": None,
            }
        ],
        "problem": None,
    },
    "tickets": {
        "principal": "admin@CONTOSO.COM",
        "ticket": {"expired": False, "forwardable": False},
        "services": {"HTTP/lync01.contoso.com": True},
        "kdcs": [],
        "problem": None,
    },
    "session": {
        **not_tried(),
        "tried": True,
        "opened": True,
        "identity": "contoso\\admin",
        "cmdlets": {"available": all_needed(), "missing": []},
    },
}


def problem(code):
    return {"code": code, "text": "Connecting failed: %s." % code}


def changed(*changes):
    """The good facts with other values at dotted paths; a session that is not opened unless that is a change too."""
    facts = copy.deepcopy(GOOD)
    for path, value in changes:
        *parents, last = path.split(".")
        place = facts
        for name in parents:
            place = place[int(name)] if isinstance(place, list) else place[name]
        place[int(last) if isinstance(place, list) else last] = value
    return facts


FAILED = (("session.opened", False), ("session.cmdlets", None), ("session.identity", None))
HTTP = ("connection.scheme", "http")


def failing(*changes):
    return changed(*FAILED, ("session.problem", problem("authentication_failed")), *changes)


MISSING = [{"library": "pywinrm", "error": "ModuleNotFoundError: winrm"}]
SECOND = [{"cmdlet": "Get-CsSipDomain", "reads_from": "SQL Server", "reached": False, "error": "no", "hint": "hop"}]
CASES = {
    "works": (changed(), "connection_works", "info", "contoso\\admin"),
    "library": (failing(("libraries.missing", MISSING)), "missing_library", "error", "pip install 'pywinrm'"),
    "name": (failing(("network.problem", problem("host_unknown"))), "host_unknown", "error", "getent"),
    "port": (
        failing(("network.ports.2", {"port": 5986, "open": False, "problem": problem("connection_refused")})),
        "connection_refused", "error", "5985 (scheme http), 443 (path OcsPowershell, transport psrp)",
    ),
    "another port": (
        changed(("network.ports.0", {"port": 443, "open": False, "problem": problem("connection_refused")})),
        "connection_works", "info", "",
    ),
    "tls": (failing(("tls.problem", problem("certificate_untrusted"))), "certificate_untrusted", "error", "CN=Lab CA"),
    "tls ignored": (
        changed(("tls.problem", problem("certificate_untrusted")), ("connection.validate", False)),
        "certificate_untrusted", "warning", "ca_cert",
    ),
    "certificate ends": (
        changed(("tls.certificate.not_after", "2026-02-08T12:00:00+00:00")),
        "certificate_expires_soon", "warning", "2026-02-08",
    ),
    "certificate lasts": (changed(("tls.certificate.not_after", "2026-02-10T12:00:00+00:00")), "connection_works", "info", ""),
    "no certificate read": (changed(("tls.certificate", None)), "connection_works", "info", ""),
    "tls expected": (failing(HTTP, ("tls.version", "TLSv1.2")), "tls_expected", "error", "scheme to https"),
    "silent": (failing(("endpoints.answers.0.problem", problem("answer_timeout"))), "answer_timeout", "error", "firewall"),
    "not found": (failing(("endpoints.answers.0.status", 404)), "endpoint_not_found", "error", "none"),
    "unavailable": (failing(("endpoints.answers.0.status", 503)), "server_unavailable", "error", "503"),
    "not offered": (
        failing(("connection.auth", "basic")), "authentication_not_offered", "error", "(kerberos, ntlm)",
    ),
    "offered by negotiate": (
        failing(("connection.auth", "ntlm"), ("endpoints.answers.0.schemes", ["negotiate"])),
        "authentication_failed", "error", "lock",
    ),
    "certificates are never offered": (
        failing(("connection.auth", "certificate")), "authentication_failed", "error", "certmapping",
    ),
    "clock ahead": (failing(("endpoints.answers.0.clock_skew", 301)), "kerberos_clock_skew", "error", "ahead of"),
    "clock behind": (failing(("endpoints.answers.0.clock_skew", -301)), "kerberos_clock_skew", "error", "behind"),
    "clock near": (failing(("endpoints.answers.0.clock_skew", 300)), "authentication_failed", "error", ""),
    "clock, and it works": (changed(("endpoints.answers.0.clock_skew", 301)), "kerberos_clock_skew", "warning", ""),
    "no ticket": (failing(("tickets.problem", problem("kerberos_no_ticket"))), "kerberos_no_ticket", "error", "kinit"),
    "another's ticket": (
        failing(("tickets.problem", problem("kerberos_no_ticket")), ("connection.user", "other@CONTOSO.COM")),
        "kerberos_no_ticket", "error", "a ticket of admin@CONTOSO.COM, not of other@CONTOSO.COM",
    ),
    "expired ticket": (
        failing(("tickets.problem", problem("kerberos_failed")), ("tickets.ticket.expired", True)),
        "kerberos_ticket_expired", "error", "kinit",
    ),
    "slow KDC": (
        failing(("tickets", {"problem": problem("answer_timeout")})), "kerberos_no_kdc", "error", "port 88",
    ),
    "closed KDC": (
        failing(("tickets.problem", problem("kerberos_no_kdc")), ("tickets.kdcs", [{"kdc": "dc9", "open": False}])),
        "kerberos_no_kdc", "error", "dc9",
    ),
    "spn of another service": (
        failing(
            ("tickets.problem", problem("kerberos_spn_unknown")),
            ("tickets.services", {"HTTP/lync01": False, "HOST/lync01": True}),
        ),
        "kerberos_spn_unknown", "error", "does know HOST/lync01.",
    ),
    "ticket stays here": (changed(("connection.delegation", True)), "kerberos_not_forwardable", "warning", "kinit -f"),
    "binding": (failing(("session.opened_with_channel_binding", True)), "channel_binding_missing", "error", "send_cbt"),
    "binding does not help": (
        failing(("session.opened_with_channel_binding", False)), "authentication_failed", "error", "setspn",
    ),
    "old PowerShell": (
        changed(("session.problem", problem("powershell_too_old")), ("session.cmdlets", None)),
        "powershell_too_old", "warning", "control=sc",
    ),
    "no module": (
        changed(("session.cmdlets", {"available": ["Get-Service"], "missing": ["Get-CsPool"]})),
        "lync_module_missing", "warning", "front end",
    ),
    "old module": (
        changed(("session.cmdlets", {"available": ["Get-CsPool"], "missing": ["Get-CsPersistentChatAddin"]})),
        "cmdlets_missing", "warning", "pc_data_import",
    ),
    "role": (
        changed(("session.cmdlets", {"available": [], "missing": ["Get-CsPool", "Get-Item"]}), ("connection.restricted", True)),
        "cmdlets_missing", "warning", "(Get-Item) needs the endpoint wsman",
    ),
    "nothing of Lync": (
        changed(("session.cmdlets", {"available": ["Get-CsPool"], "missing": ["Get-Item"]}), ("connection.restricted", True)),
        "cmdlets_missing", "warning", "lacks cmdlets: Get-Item. These modules cannot do all of their work over it: "
        "pc_data_export, pc_data_import.What is not of Lync",
    ),
    "second hop": (changed(("session.second_servers", SECOND)), "second_hop", "warning", "SQL Server"),
    "other failure": (
        changed(("session.second_servers", [{**SECOND[0], "hint": ""}])), "cmdlet_failed", "warning", "Management Shell",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_facts_decide_the_findings(name):
    facts, code, severity, says = CASES[name]
    before = copy.deepcopy(facts)
    (found,) = findings(facts)
    assert (found["code"], found["severity"]) == (code, severity)
    assert says in found["text"] + found["advice"]
    assert facts == before


def test_what_a_failure_brings_with_it_is_not_told():
    facts = failing(("endpoints.answers.0.clock_skew", 999), ("tickets.problem", problem("kerberos_clock_skew")))
    assert [one["code"] for one in findings(facts)] == ["kerberos_clock_skew"]


def test_what_works_all_the_same_is_a_warning_and_hides_nothing():
    facts = changed(("tickets.problem", problem("kerberos_spn_unknown")), ("session.second_servers", SECOND * 2))
    assert [(one["code"], one["severity"]) for one in findings(facts)] == [
        ("kerberos_spn_unknown", "warning"),
        ("second_hop", "warning"),
    ]


def test_an_error_comes_before_a_warning_of_a_lower_layer():
    facts = failing(("tls.problem", problem("certificate_untrusted")), ("connection.validate", False))
    assert [one["code"] for one in findings(facts)] == ["authentication_failed", "certificate_untrusted"]


@pytest.mark.parametrize("auth, severity", [("kerberos", "error"), ("negotiate", "warning")])
def test_negotiate_goes_on_without_a_ticket(auth, severity):
    facts = failing(("connection.auth", auth), ("tickets.problem", problem("kerberos_no_ticket")))
    assert {one["code"]: one["severity"] for one in findings(facts)}["kerberos_no_ticket"] == severity


@pytest.mark.parametrize("code", [*_ADVICE, "never_heard_of"])
def test_advice_is_there_for_every_code_also_without_facts(code):
    bare = changed(("tls", {"problem": None}), ("tickets", {"problem": None}))
    bare["session"]["cmdlets"] = {"available": [], "missing": ["Get-CsPool"]}
    assert advice(code, bare).endswith((".", "ADDRESS.", "'", "install ")) and "None" not in advice(code, bare)
