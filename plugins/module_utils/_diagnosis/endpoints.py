# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which endpoints answer, and what they offer to whom does not authenticate. Private to this collection.

The question is an empty POST without credentials. WinRS and PowerShell remoting share the path wsman, so one answer is about
both; OcsPowershell takes PowerShell remoting only.
"""

from __future__ import annotations

import http.client
import time
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.network import connect, host_of, is_open
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.probes import Facts, explained, gather
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.tls import context_for_anybody
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import (
    DEFAULT_PATH,
    RemotingOptions,
)

RESTRICTED_PATH = "OcsPowershell"


class Endpoint(NamedTuple):
    """The address of an endpoint on the server."""

    scheme: str
    port: int
    path: str


def candidates(options: RemotingOptions) -> list[Endpoint]:
    """The configured endpoint, then the usual ones."""
    usual = [
        Endpoint("https", 5986, DEFAULT_PATH),
        Endpoint("http", 5985, DEFAULT_PATH),
        Endpoint("https", 443, RESTRICTED_PATH),
    ]
    configured = Endpoint(options.scheme, options.port, options.path)
    return [configured] + [
        one
        for one in usual
        if (one.scheme, one.port, one.path.lower()) != (options.scheme, options.port, options.path.lower())
    ]


def look(options: RemotingOptions, network: Facts, seconds: float) -> Facts:
    """C({"answers": [{"url", "configured", "transports", "status", "schemes", "clock_skew", "problem"}], "problem"}).

    Endpoints whose port takes no connection are left out. The configured one comes first.

    :param seconds: for each; all are asked at the same time.
    """
    asked = [one for one in candidates(options) if is_open(network, one.port)]
    found = gather({_url(options, one): lambda one=one: ask(options, one, seconds) for one in asked}, seconds * 2 + 1)
    nothing = {"status": None, "schemes": [], "clock_skew": None}
    answers = [
        {
            "url": url,
            "configured": url == options.url,
            "transports": ["winrm", "psrp"] if one.path.lower() == DEFAULT_PATH else ["psrp"],
            **nothing,
            **found[url],
        }
        for one in asked
        for url in [_url(options, one)]
    ]
    return {"answers": answers, "problem": None}


def configured(facts: Facts) -> Facts:
    """The answer of the configured endpoint; empty where its port takes no connection."""
    return next((one for one in facts.get("answers", ()) if one["configured"]), {})


def ask(options: RemotingOptions, endpoint: Endpoint, seconds: float) -> Facts:
    """The answer to an empty POST: C({"status", "schemes", "clock_skew", "problem"}); the skew is in seconds."""
    url = _url(options, endpoint)
    try:
        connection = connect(host_of(options), endpoint.port, seconds)
        connection.settimeout(seconds)
        if endpoint.scheme == "https":
            connection = context_for_anybody().wrap_socket(connection, server_hostname=host_of(options))
        client = http.client.HTTPConnection(host_of(options), endpoint.port, timeout=seconds)
        client.sock = connection
        with connection:
            sent = time.time()
            client.request("POST", "/" + endpoint.path, b"", {"Content-Type": "application/soap+xml;charset=UTF-8"})
            answer = client.getresponse()
            return {
                "status": answer.status,
                "schemes": offered(answer.headers.get_all("WWW-Authenticate", [])),
                "clock_skew": skew(answer.headers.get("Date", ""), sent, time.time()),
                "problem": None,
            }
    except (OSError, ValueError, http.client.HTTPException) as error:
        return {"problem": explained(error, options, url)}


def offered(challenges: list[str]) -> list[str]:
    """The authentication schemes that a server names, in lower case."""
    return sorted({part.split()[0].lower() for line in challenges for part in line.split(",") if part.split()})


def skew(date: str, sent: float, received: float) -> int | None:
    """How many seconds the server's clock is ahead of ours, by the Date header; None when that is missing.

    The header has whole seconds, and the server wrote it at some time between the two moments: within these the skew is 0.
    """
    try:
        server = parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return None
    if server + 1 < sent:
        return round(server - sent)
    return round(server - received) if server > received else 0


def _url(options: RemotingOptions, endpoint: Endpoint) -> str:
    return "%s://%s:%d/%s" % (endpoint.scheme, options.server, endpoint.port, endpoint.path)
