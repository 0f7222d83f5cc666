# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to the network: each ends in time, and none raises."""

from __future__ import annotations

import json
import pathlib
import re
import socket
import threading
import time
from email.utils import formatdate

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils import _lync
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis import (
    cmdlets,
    endpoints,
    libraries,
    network,
    run,
    session,
    tls,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.probes import gather
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletError,
    Outcome,
    ProcessResult,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import FATAL, RemotingError
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

BASIC = RemotingOptions("127.0.0.1", auth="basic", user="admin", password="Secret-1")


def test_probes_run_at_the_same_time_and_are_left_behind_when_late():
    release, meet = threading.Event(), threading.Barrier(2)
    began = time.monotonic()
    found = gather(
        {
            "one": lambda: {"met": meet.wait(5) >= 0},
            "two": lambda: {"met": meet.wait(5) >= 0},
            "late": lambda: {"never": release.wait(5)},
            "broken": lambda: {}["nothing"],
        },
        0.5,
    )
    assert time.monotonic() - began < 2
    release.set()
    assert list(found) == ["one", "two", "late", "broken"]
    assert found["one"] == found["two"] == {"met": True}
    assert found["late"]["problem"]["code"] == "answer_timeout"
    assert found["broken"]["problem"]["code"] == "probe_failed" and "KeyError" in found["broken"]["problem"]["text"]


@pytest.mark.parametrize(
    "challenges, schemes",
    [
        (["Negotiate", "Kerberos", 'Basic realm="WSMAN"'], ["basic", "kerberos", "negotiate"]),
        (['Negotiate, Basic realm="a", CredSSP'], ["basic", "credssp", "negotiate"]),
        ([], []),
        ([","], []),
    ],
)
def test_offered_schemes(challenges, schemes):
    assert endpoints.offered(challenges) == schemes


@pytest.mark.parametrize("ahead, sent, took, seen", [
    (0, 1000.9, 0.3, 0), (0, 1000.0, 5.0, 0), (3600, 1000.5, 0.1, 3600), (-3600, 1000.5, 0.1, -3600),
])  # fmt: skip
def test_clock_skew_is_none_where_whole_seconds_explain_it(ahead, sent, took, seen):
    date = formatdate(int(sent + ahead), usegmt=True)
    assert abs(endpoints.skew(date, sent, sent + took) - seen) <= 1
    if not seen:
        assert endpoints.skew(date, sent, sent + took) == 0


def test_no_date_is_no_skew():
    assert endpoints.skew("", 0, 1) is None and endpoints.skew("yesterday", 0, 1) is None


@pytest.mark.parametrize("names, host, fits", [
    (["LYNC01.contoso.com"], "lync01.Contoso.com.", True),
    (["*.contoso.com"], "lync01.contoso.com", True),
    (["*.contoso.com"], "a.lync01.contoso.com", False),
    (["*.contoso.com"], "contoso.com", False),
    (["lync01"], "lync01.contoso.com", False),
    (["*."], "lync01", False),
    (["10.0.0.1"], "10.0.0.1", True),
    ([], "lync01.contoso.com", False),
])  # fmt: skip
def test_names_of_a_certificate(names, host, fits):
    assert tls.matches(names, host) is fits


def test_a_closed_port_and_an_unknown_name_are_facts():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = network.look(RemotingOptions("127.0.0.1", port=port), 2)
        assert network.is_open(found, port) and found["addresses"] == ["127.0.0.1"]
    found = network.look(RemotingOptions("127.0.0.1", port=port), 2)
    assert not network.is_open(found, port)
    (answer,) = [one for one in found["ports"] if one["port"] == port]
    assert answer["problem"]["code"] == "connection_refused"
    assert network.look(RemotingOptions("no.such.invalid"), 2)["problem"]["code"] in ("host_unknown", "name_resolution")


def test_a_server_that_says_nothing_costs_no_more_than_its_time():
    with socket.create_server(("127.0.0.1", 0)) as server:
        options = RemotingOptions("127.0.0.1", port=server.getsockname()[1], connection_timeout=1)
        began = time.monotonic()
        assert tls.look(options, 0.3)["problem"]["code"] == "answer_timeout"
        asked = endpoints.ask(options, endpoints.Endpoint("http", options.port, "wsman"), 0.3)
        assert asked["problem"]["code"] == "answer_timeout"
        assert time.monotonic() - began < 2


def test_a_diagnosis_holds_no_password():
    options = RemotingOptions(
        "127.0.0.1", port=1, auth="basic", user="admin", password="Secret-1", connection_timeout=1
    )
    facts = run.diagnose(options)
    assert facts["connection"]["password_given"] is True and facts["session"]["tried"] is False
    assert "Secret-1" not in json.dumps(facts)


def test_options_that_are_refused_are_the_one_failure():
    with pytest.raises(InvalidInput):
        run.run_info({"remote_addr": "lync01.contoso.com", "auth": "basic"}, False)


def test_the_session_is_not_tried_where_it_would_only_cost_a_logon():
    facts = {"libraries": {"problem": None}, "tickets": {"problem": {"code": "wrong_password"}}}
    with_password = RemotingOptions("h", user="a", password="b")
    assert run._pointless(with_password, facts, {})
    assert not run._pointless(RemotingOptions("h"), facts, {})
    assert not run._pointless(RemotingOptions("h", auth="negotiate", user="a", password="b"), facts, {})
    facts["tickets"]["problem"] = {"code": "kerberos_no_kdc"}
    assert run._pointless(RemotingOptions("h"), facts, {})
    facts["tickets"]["problem"] = None
    assert run._pointless(RemotingOptions("h"), facts, {"problem": {"code": "answer_timeout"}})
    assert not run._pointless(RemotingOptions("h"), facts, {"problem": None})


@pytest.mark.parametrize("transport, auth, password, modules", [
    ("winrm", "basic", "b", {"winrm.protocol"}),
    ("winrm", "kerberos", None, {"winrm.protocol", "winrm.vendor.requests_kerberos"}),
    ("winrm", "kerberos", "b", {"winrm.protocol", "winrm.vendor.requests_kerberos", "krb5"}),
    ("winrm", "ntlm", "b", {"winrm.protocol", "requests_ntlm"}),
    ("winrm", "credssp", "b", {"winrm.protocol", "requests_credssp"}),
    ("psrp", "kerberos", None, {"pypsrp.wsman", "gssapi", "krb5"}),
    ("psrp", "negotiate", None, {"pypsrp.wsman"}),
    ("psrp", "ntlm", "b", {"pypsrp.wsman"}),
])  # fmt: skip
def test_needed_libraries_depend_on_the_connection(transport, auth, password, modules):
    assert set(libraries.needed(RemotingOptions("h", transport, auth=auth, user="a", password=password))) == modules


def test_the_list_of_cmdlets_is_what_the_modules_call():
    """Whoever makes a module call a further cmdlet adds it to cmdlets.py, else nobody is told that a role lacks it."""
    called = set()
    for file in pathlib.Path(_lync.__file__).parent.glob("*.py"):
        called.update(re.findall(r'"([A-Z][a-z]+-[A-Z][A-Za-z]+)"', file.read_text(encoding="utf-8")))
    assert set(cmdlets.all_needed()) == called


class FakeTransport:
    """Answers as a server with these cmdlets would."""

    server = "lync01"
    about = {"powershell": "5.1.1", "module": None}

    def __init__(self, options, known=(), refuses=False, fails=()):
        self.options, self.known, self.refuses, self.fails = options, known, refuses, fails
        self.closed = False

    def execute(self, program, arguments, reads=False):
        assert (program, arguments, reads) == ("whoami.exe", [], True)
        if self.refuses and not self.options.channel_binding:
            raise RemotingError("refused", FATAL, "connect", "authentication_failed")
        return ProcessResult(0, "contoso\\admin\r\n")

    def run(self, commands, stop_on_error=True):
        assert all(command.reads for command in commands) and not stop_on_error
        listed = [{"Name": name.upper(), "ModuleName": "Lync", "Version": None} for name in self.known]
        return [Outcome(commands[0], output=listed)] + [
            Outcome(one, error=CmdletError("no", "Some", "PermissionDenied") if one.name in self.fails else None)
            for one in commands[1:]
        ]

    def close(self):
        self.closed = True


def look(options=BASIC, **behaviour):
    made = []

    def connect(given):
        made.append(FakeTransport(given, **behaviour))
        return made[-1]

    facts = session.look(options, 7, connect)
    assert made and all(one.closed and one.options.operation_timeout == 7 for one in made)
    return facts, made


def test_a_session_asks_who_and_what():
    facts, made = look(known=["Get-CsPool", "Get-CsSipDomain"], fails=["Get-CsSipDomain"])
    assert (facts["opened"], facts["identity"], facts["powershell"]) == (True, "contoso\\admin", "5.1.1")
    assert facts["cmdlets"]["available"] == ["Get-CsPool", "Get-CsSipDomain"] and facts["module"] == "Lync"
    assert set(facts["cmdlets"]["missing"]) == set(cmdlets.all_needed()) - {"Get-CsPool", "Get-CsSipDomain"}
    (second,) = facts["second_servers"]
    assert (second["cmdlet"], second["reached"], second["hint"]) == ("Get-CsSipDomain", False, "")
    assert len(made) == 1 and made[0].options.retry_pauses == ()


def test_a_session_without_credentials_for_a_second_server():
    facts, made = look(RemotingOptions("h"), known=["Get-CsSipDomain"], fails=["Get-CsSipDomain"])
    assert "second hop" in facts["second_servers"][0]["hint"]


@pytest.mark.parametrize("options, attempts, bound", [
    (RemotingOptions("h", channel_binding=False), 2, True),
    (RemotingOptions("h"), 1, None),
    (RemotingOptions("h", channel_binding=False, scheme="http"), 1, None),
])  # fmt: skip
def test_a_second_logon_only_where_a_token_was_withheld(options, attempts, bound):
    behaviour = {"refuses": True} if not options.channel_binding else {"fails": ()}
    facts, made = look(options, **behaviour)
    assert (len(made), facts["opened_with_channel_binding"]) == (attempts, bound)
    assert facts["opened"] is options.channel_binding
