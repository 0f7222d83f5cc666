# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WS-Man servers of the lab: one HTTP and one HTTPS listener for all simulated hosts, and IIS's with OcsPowershell.

Which host is meant is the address that the client connected to.
"""

from __future__ import annotations

import socket
import sys
import threading
import traceback
from http.server import ThreadingHTTPServer
from typing import Any

from tests.lab.policies import Policies

from .auth import Authenticator
from .contexts import prepare
from .counters import Counters
from .faults import FaultPlan
from .handler import Handler
from .log import Log
from .service import WsmanService
from .tls import Channel, TlsLayers

WSMAN = "wsman"
OCS_POWERSHELL = "ocspowershell"


class WireServer:
    """All WS-Man listeners of one lab.

    :param settings: the module tests.lab.settings, or an object with the same names.
    :param paths: the lab's Paths: certificates, keys, keytab, krb5.conf.
    :param estate: the simulated estate.
    :param directory: LabDirectory: check_password and groups_of.
    """

    def __init__(self, settings: Any, paths: Any, estate: Any, directory: Any) -> None:
        self.faults = FaultPlan()
        self.policies = Policies()
        self.tls = TlsLayers(paths, self.policies)
        self.log = Log()
        self._counters = Counters()
        self._settings = settings
        self._paths = paths
        self._directory = directory
        self._lock = threading.Lock()
        self._open: dict[str, set[socket.socket]] = {host.address: set() for host in settings.WSMAN_HOSTS}
        self.hosts = {host.address: host for host in settings.WSMAN_HOSTS}
        self.services = {
            host.address: WsmanService(
                host,
                estate,
                directory,
                self.faults,
                self._counters,
                lambda address=host.address: self.sever(address),
                policies=self.policies,
                log=self.log,
            )
            for host in settings.WSMAN_HOSTS
        }
        self._listeners: list[Listener] = []

    def start(self) -> None:
        """Listen on all ports.

        :raises OSError: a port is taken.
        """
        import tests.lab.programs  # noqa: F401  (declares the programs)

        names = self._settings
        prepare(self._paths, names.NETBIOS, names.DOMAIN, names.ACCOUNT_NAMES, names.PASSWORD)
        try:
            for port, tls, path in (
                (self._settings.HTTP_PORT, False, WSMAN),
                (self._settings.HTTPS_PORT, True, WSMAN),
                (self._settings.IIS_PORT, True, OCS_POWERSHELL),
            ):
                self._listeners.append(Listener(port, tls, path, self))
        except OSError:
            for listener in self._listeners:
                listener.server_close()
            self._listeners = []
            raise
        for listener in self._listeners:
            threading.Thread(target=listener.serve_forever, args=(0.2,), daemon=True, name="wsman").start()

    def stop(self) -> None:
        """Close the listeners, all connections and all shells."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.shutdown()
            listener.server_close()
        self.reset()

    def reset(self) -> None:
        """Back to a fresh start: no shells, connections, fault rules, policies, counts or logs."""
        self.faults.clear()
        self.policies.clear()
        for service in self.services.values():
            service.crash()
        self._counters.reset()
        self.log.clear()

    def counters(self) -> dict[str, Any]:
        """Requests so far: see L(Counters.snapshot), and the number of open shells for each host."""
        shells = {service.host.fqdn: len(service.shells) for service in self.services.values()}
        return {**self._counters.snapshot(), "shells": shells}

    # Connections

    def track(self, address: str, connection: socket.socket) -> None:
        """Remember an open connection of the host at this address."""
        with self._lock:
            self._open[address].add(connection)

    def forget(self, connection: socket.socket) -> None:
        """The connection has ended."""
        with self._lock:
            for connections in self._open.values():
                connections.discard(connection)

    def sever(self, address: str) -> None:
        """Cut all open connections of the host at this address."""
        with self._lock:
            connections = list(self._open[address])
        for connection in connections:
            try:  # the TLS layer belongs to the connection's thread: go below it
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                pass

    def authenticator(self, host: Any, channel: Channel) -> Authenticator:
        """The state of a new connection to a host."""
        return Authenticator(host, channel, self.policies, self._directory, self._settings)


class Listener(ThreadingHTTPServer):
    """One port for all hosts.

    :param path: the one path that is served there, in lower case and without slashes.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, tls: bool, path: str, wire: WireServer) -> None:
        self._tls = tls
        self._path = path
        self.wire = wire
        self.faults = wire.faults
        super().__init__(("0.0.0.0", port), Handler)

    def server_bind(self) -> None:
        """Bind without asking for the machine's own name, which http.server does."""
        socket.socket.bind(self.socket, self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "wsman", self.server_address[1]

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept; the TLS handshake is left to the connection's own thread, so that it cannot block others.

        :raises OSError: nobody serves WS-Man at that address.
        """
        connection, peer = super().get_request()
        address = connection.getsockname()[0]
        if address not in self.wire.hosts:
            connection.close()
            raise ConnectionRefusedError(address)
        context = self.wire.tls.context(self.wire.hosts[address]) if self._tls else None
        if context:
            connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self.wire.track(address, connection)
        return connection, peer

    def shutdown_request(self, request: Any) -> None:
        """The connection's end."""
        self.wire.forget(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that break off are everyday; anything else is a defect of the lab."""
        if not isinstance(sys.exc_info()[1], OSError):
            sys.stderr.write(traceback.format_exc())

    # What a handler asks

    def place_of(self, connection: socket.socket) -> tuple[Any, WsmanService]:
        """The host that the client connected to, and its service."""
        address = connection.getsockname()[0]
        return self.wire.hosts[address], self.wire.services[address]

    def serves(self, host: Any, path: str) -> bool:
        """Whether there is something at this path of the host."""
        return path == self._path and (path != OCS_POWERSHELL or host.kind == "management")

    def is_silent(self, host: Any) -> bool:
        """Whether the host never answers."""
        return self.wire.policies.get(host.fqdn, "silent")
