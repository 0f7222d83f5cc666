# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the server's name is known here and which of its ports take connections. Private to this collection."""

from __future__ import annotations

import errno
import socket

from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.probes import (
    Facts,
    explained,
    gather,
    problem,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

#: WinRM over HTTP and HTTPS, and IIS with OcsPowershell
PORTS = (5985, 5986, 443)


def host_of(options: RemotingOptions) -> str:
    """The server as the socket library wants it: an IPv6 address without its brackets."""
    return options.server.strip("[]")


class ConnectTimeout(TimeoutError):
    """Nobody took the connection in time; by this name failures.py tells it from an answer that did not come."""


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """A TCP connection. :raises OSError: there is none."""
    try:
        return socket.create_connection((host, port), seconds)
    except TimeoutError as error:
        raise ConnectTimeout("nobody answered within %g seconds" % seconds) from error


def look(options: RemotingOptions, seconds: float) -> Facts:
    """C({"addresses", "ports": [{"port", "open", "problem"}], "problem"}); C(problem) is about the name alone.

    :param seconds: for the name, and again for all ports together.
    """
    name = gather({"name": lambda: _addresses(options)}, seconds)["name"]
    if name["problem"]:
        late = name["problem"]["code"] == "answer_timeout"
        text = "Looking up the name %s took longer than %g seconds." % (options.server, seconds)
        return {"addresses": [], "ports": [], "problem": problem("name_resolution", text) if late else name["problem"]}
    ports = sorted({options.port, *PORTS})
    found = gather({str(port): lambda port=port: _port(options, port, seconds) for port in ports}, seconds + 1)
    return {
        "addresses": name["addresses"],
        "ports": [{"port": port, "open": False, **found[str(port)]} for port in ports],
        "problem": None,
    }


def is_open(facts: Facts, port: int) -> bool:
    """Whether a port took a connection."""
    return any(one["port"] == port and one["open"] for one in facts.get("ports", ()))


def _addresses(options: RemotingOptions) -> Facts:
    try:
        found = socket.getaddrinfo(host_of(options), options.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return {"addresses": [], "problem": explained(error, options)}
    return {"addresses": sorted({str(entry[4][0]) for entry in found}), "problem": None}


def _port(options: RemotingOptions, port: int, seconds: float) -> Facts:
    try:
        connect(host_of(options), port, seconds).close()
    except OSError as error:
        if error.errno == errno.ECONNREFUSED and port != options.port:
            return {"open": False, "problem": problem("connection_refused", "the connection was refused.")}
        where = "%s port %d" % (options.server, port)
        return {"open": False, "problem": explained(error, options, options.url if port == options.port else where)}
    return {"open": True, "problem": None}
