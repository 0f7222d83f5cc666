# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every seeded fault of a connection is found, named, and explained; nothing is written and no password comes out."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any, Iterator

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.run import run_info
from tests.lab import settings
from tests.lab.client import LabClient
from tests.lab.policies import POLICIES

Options = dict[str, Any]
ROOT = Path(__file__).resolve().parents[3]
LYNC01 = "lync01.contoso.com"
WRONG = "Wr0ng-Secret"


def account(name: str = "csadmin", password: str = settings.PASSWORD, **options: Any) -> Options:
    return {"remote_user": name, "remote_password": password, **options}


BASIC = account(auth="basic")
NTLM = account("CONTOSO\\csadmin", auth="ntlm")
WITH_PASSWORD = account("csadmin@CONTOSO.COM")
PSRP = {"transport": "psrp"}
OCS = {**PSRP, "path": "OcsPowershell"}


@dataclass(frozen=True)
class Seed:
    """A fault.

    :param options: what is wrong in the task.
    :param policies: what is wrong on the server.
    :param tools: whether the server has the cmdlets of Lync.
    :param code: the finding that comes first, or several where it depends on the machine.
    :param says: what the finding's text and advice have to name.
    :param reachable: a session works all the same.
    :param also: codes of the further findings.
    """

    code: str | tuple[str, ...]
    says: str
    options: Options = field(default_factory=dict)
    policies: Options = field(default_factory=dict)
    switches: Options = field(default_factory=dict)
    tools: bool = True
    reachable: bool = False
    also: tuple[str, ...] = ()


SEEDS = {
    "host-name-unknown": Seed(
        ("host_unknown", "name_resolution"), "nobody.contoso.com", {"remote_addr": "nobody.contoso.com"}
    ),
    "nothing-listens": Seed("connection_refused", "5985 (scheme http)", {"port": 5999}),
    "silent-server": Seed("answer_timeout", LYNC01, policies={"silent": True}),
    "tls-on-a-plain-port": Seed("tls_not_spoken", "scheme http for port 5985", {"port": 5985}),
    "tls-switched-off": Seed("tls_not_spoken", "5986", policies={"tls": "none"}),
    "http-on-a-tls-port": Seed("tls_expected", "scheme to https", {"port": 5986, "scheme": "http"}),
    "certificate-expired": Seed("certificate_not_in_time", "It is valid from", policies={"certificate": "expired"}),
    "certificate-of-an-unknown-ca": Seed("certificate_untrusted", "CN=Unknown CA", policies={"certificate": "untrusted"}),
    "certificate-for-another-name": Seed(
        "certificate_name_mismatch", "other.contoso.com", policies={"certificate": "other_name"}
    ),
    "old-tls-only": Seed("tls_version", "It would speak TLSv1.", policies={"tls": "old"}),
    "wrong-password-basic": Seed("authentication_failed", "csadmin", {**BASIC, "remote_password": WRONG}),
    "wrong-password-ntlm": Seed("authentication_failed", "lock", {**NTLM, "remote_password": WRONG}),
    "wrong-password-kerberos": Seed(
        "wrong_password", "csadmin", {**WITH_PASSWORD, "remote_password": WRONG}
    ),
    "unreachable-kdc": Seed(
        "kerberos_no_kdc", "10.99.77.99", {**WITH_PASSWORD, "realm": "CONTOSO.COM", "kdc": ["10.99.77.99"]}
    ),
    "wrong-realm": Seed(
        "account_unknown", "FABRIKAM",
        {**account("csadmin@FABRIKAM.EXAMPLE"), "realm": "FABRIKAM.EXAMPLE", "kdc": ["dc1.contoso.com"]},
    ),
    "unknown-spn": Seed(
        "kerberos_spn_unknown",
        "HTTP/10.99.77.21",
        {"remote_addr": "10.99.77.21", "cert_validation": "ignore"},
        also=("certificate_name_mismatch",),
    ),
    "wrong-spn-service": Seed("kerberos_spn_unknown", "does know HTTP/lync01", {"kerberos_service": "LDAP"}),
    "basic-not-offered": Seed("authentication_not_offered", "kerberos", BASIC, {"auth_basic": False}),
    "kerberos-not-offered": Seed(
        ("authentication_not_offered", "authentication_failed"), "kerberos", {}, {"auth_kerberos": False, "auth_ntlm": False}
    ),
    "channel-binding-missing": Seed(
        "channel_binding_missing", "send_cbt to true", {"send_cbt": False}, {"cbt_hardening": "strict"}
    ),
    "channel-binding-missing-ntlm": Seed(
        "channel_binding_missing", "send_cbt to true", {**NTLM, "send_cbt": False}, {"cbt_hardening": "strict"}
    ),
    "no-right-to-winrm": Seed("access_denied", "Remote Management Users", account("plainuser", auth="basic")),
    "old-powershell": Seed(
        "powershell_too_old", "control=sc", {"remote_addr": "gc01.contoso.com", "scheme": "http"}, reachable=True
    ),
    "no-lync-module": Seed("lync_module_missing", "front end", tools=False, reachable=True),
    "role-lacks-cmdlets": Seed(
        "cmdlets_missing", "CsPersistentChatAdministrator", {**account("chatadmin@CONTOSO.COM"), **OCS}, reachable=True
    ),
    "no-second-hop": Seed(
        "second_hop", "kerberos_delegation", switches={"second_hop": "needs_delegation"}, reachable=True
    ),
    "psrp-wrong-password": Seed("authentication_failed", "csadmin", {**NTLM, **PSRP, "remote_password": WRONG}),
    "psrp-channel-binding-missing": Seed(
        "channel_binding_missing", "send_cbt to true", {**PSRP, "send_cbt": False}, {"cbt_hardening": "strict"}
    ),
    "psrp-no-right-to-winrm": Seed("access_denied", "OcsPowershell", account("plainuser", auth="basic", **PSRP)),
    "psrp-no-lync-module": Seed("lync_module_missing", "front end", PSRP, tools=False, reachable=True),
    "psrp-no-second-hop": Seed(
        "second_hop", "kerberos_delegation", PSRP, switches={"second_hop": "needs_delegation"}, reachable=True
    ),
    "psrp-no-shells-left": Seed("server_busy", "MaxShellsPerUser", PSRP, {"max_shells_per_user": 1}),
    "no-shells-left": Seed("server_busy", "MaxShellsPerUser", policies={"max_shells_per_user": 1}),
    "no-ocspowershell-there": Seed(
        "endpoint_not_found", "https://lync01.contoso.com:5986/wsman", {**OCS, "port": 5986}
    ),
}  # fmt: skip


@pytest.fixture
def seeded(lab: LabClient) -> Iterator[Any]:
    """Plant the faults of a seed for one test."""

    def plant(seed: Seed) -> None:
        for name, value in seed.policies.items():
            lab.call("policy.set", name=name, value=value)
        for name, value in seed.switches.items():
            lab.call("switch.set", name=name, value=value)
        if not seed.tools:
            lab.call("estate.patch", patch={"servers": {LYNC01: {"system": "none"}}})

    yield plant
    lab.call("estate.patch", patch={"servers": {LYNC01: {"system": "tools"}}})
    for name, policy in POLICIES.items():
        lab.call("policy.set", name=name, value=policy.default)
    lab.call("switch.set", name="second_hop", value="works")


@pytest.fixture
def diagnose(lab: LabClient) -> Any:
    """Run pc_connection_info's work; whatever it finds, it writes nothing and shows no password."""

    def run(**options: Any) -> Options:
        before, began = lab.writes(), time.monotonic()
        given = {"remote_addr": LYNC01, "ca_cert": str(lab.paths.ca), "connection_timeout": 3, **options}
        result = run_info(given, False)
        printed = json.dumps(result)
        assert settings.PASSWORD not in printed and WRONG not in printed
        assert time.monotonic() - began < 6 * 3 and lab.writes() == before
        assert not result["changed"]
        return result

    return run


def check(result: Options, seed: Seed) -> None:
    first = result["findings"][0]
    codes = [seed.code] if isinstance(seed.code, str) else seed.code
    assert first["code"] in codes, result["findings"]
    assert first["severity"] == ("warning" if seed.reachable else "error")
    assert seed.says in first["text"] + first["advice"], first
    assert result["reachable"] == seed.reachable
    assert tuple(one["code"] for one in result["findings"][1:]) == seed.also


@pytest.mark.parametrize("name", SEEDS)
def test_a_seeded_fault_is_diagnosed(diagnose, seeded, lab, name):
    seed = SEEDS[name]
    held = [_shell(lab)] if "no-shells-left" in name else []
    seeded(seed)
    try:
        check(diagnose(**seed.options), seed)
    finally:
        for transport in held:
            transport.close()


def _shell(lab: LabClient) -> Any:
    """A session that occupies the account's only shell."""
    from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport

    transport = open_transport({"remote_addr": LYNC01, "ca_cert": str(lab.paths.ca), "transport": "winrm"})
    transport.execute("whoami.exe", [], reads=True)
    return transport


@pytest.mark.parametrize("options", [
    {}, {"scheme": "http"}, BASIC, NTLM, WITH_PASSWORD, PSRP, {**PSRP, **NTLM, "scheme": "http"}, {**PSRP, "auth": "negotiate"},
    {**PSRP, **account("CONTOSO\\csadmin", auth="negotiate")},
])  # fmt: skip
def test_a_connection_without_a_fault(diagnose, options):
    result = diagnose(**options)
    assert [one["code"] for one in result["findings"]] == ["connection_works"] and result["reachable"]
    session = result["facts"]["session"]
    assert session["cmdlets"]["missing"] == [] and all(one["reached"] for one in session["second_servers"])
    assert session["powershell"].startswith("5.1") and session["module"] == "SkypeForBusiness"
    assert session["identity"].lower() == "contoso\\csadmin"
    assert session["language_mode"] == (None if options.get("transport") == "psrp" else "FullLanguage")


def test_no_ticket(diagnose, monkeypatch, tmp_path):
    monkeypatch.setenv("KRB5CCNAME", "FILE:%s" % (tmp_path / "none"))
    check(diagnose(), Seed("kerberos_no_ticket", "Run kinit"))


def test_an_expired_ticket(diagnose, monkeypatch, tmp_path, lab):
    import krb5

    context = krb5.init_context()
    cache = krb5.cc_resolve(context, b"FILE:%s" % str(lab.paths.ccache()).encode())
    ended = struct.pack(">I", int(time.time()) - 3600)
    content = lab.paths.ccache().read_bytes()
    for credentials in cache:
        for moment in (credentials.times.endtime, credentials.times.renew_till):
            if moment:  # entries of the cache's own have none
                content = content.replace(struct.pack(">I", moment), ended)
    expired = tmp_path / "expired"
    expired.write_bytes(content)
    monkeypatch.setenv("KRB5CCNAME", "FILE:%s" % expired)
    result = diagnose()
    check(result, Seed("kerberos_ticket_expired", "kinit"))
    assert result["facts"]["tickets"]["ticket"]["expired"] is True


class _Late(http.server.BaseHTTPRequestHandler):
    """A server whose clock is an hour ahead."""

    def do_POST(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Negotiate")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(time.time() + 3600, usegmt=True)

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def served() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), _Late)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def test_clocks_that_differ(diagnose):
    with served() as port:
        result = diagnose(scheme="http", port=port)
    check(result, Seed("kerberos_clock_skew", "seconds ahead"))


WITHOUT = """
import json, sys
sys.modules[%r] = None
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.run import run_info
print(json.dumps(run_info({"remote_addr": "lync01.contoso.com", "transport": %r}, False)))
"""


@pytest.mark.parametrize(
    "module, transport, library",
    [("winrm", "winrm", "pywinrm"), ("kerberos", "winrm", "pywinrm[kerberos]"), ("pypsrp", "psrp", "pypsrp")],
)
def test_a_missing_library(lab, module, transport, library):
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT % (module, transport)], capture_output=True, text=True, timeout=60, check=True
    )
    result = json.loads(ended.stdout)
    check(result, Seed("missing_library", "pip install '%s'" % library))


def ansible(**options: Any) -> Options:
    """What C(ansible localhost -m pc_connection_info) returns."""
    command = [
        str(Path(sys.executable).parent / "ansible"),
        "localhost",
        "-m",
        "lync.persistent_chat.pc_connection_info",
    ]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_NOCOLOR": "true",
    }
    ended = subprocess.run(
        [*command, "-a", json.dumps(options)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    result: Options = json.loads(ended.stdout.partition(" => ")[2])
    return {**result, "failed": ended.returncode != 0}


def test_through_ansible(lab):
    """As a user calls it: it succeeds although the connection does not work, and refuses options that make no sense."""
    options = {"remote_addr": LYNC01, "ca_cert": str(lab.paths.ca), "connection_timeout": 3}
    result = ansible(**options, **{**BASIC, "remote_password": WRONG})
    assert not result["failed"] and not result["changed"] and not result["reachable"]
    assert result["findings"][0]["code"] == "authentication_failed"
    assert WRONG not in json.dumps(result["findings"]) + json.dumps(result["facts"])
    refused = ansible(**options, auth="basic")
    assert refused["failed"] and refused["error"]["code"] == "invalid_input"
