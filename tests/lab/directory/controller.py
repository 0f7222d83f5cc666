# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts, stops, freezes and restores a domain controller. Used by the supervisor, inside the lab's namespaces."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.lab.directory import template
from tests.lab.directory.places import home
from tests.lab.settings import Host, Paths

LDAP_PORTS = (88, 389, 3268)
TLS_PORTS = (636, 3269)
RPC_PORT = 135
START_SECONDS = 30
STOP_SECONDS = 10
# One process is the quickest start, but it waits for itself when it asks its own KDC for a ticket, as replication does.
ALONE, REPLICATING = ("-M", "single"), ("-M", "prefork")


class ControllerError(Exception):
    """Samba did not start; the text names its log."""


class DomainController:
    """One Samba, with all its processes, and its folder.

    :param host: one of settings.DOMAIN_CONTROLLERS.
    """

    def __init__(self, host: Host, paths: Paths) -> None:
        self.host = host
        self.paths = paths
        self.folder = paths.samba / host.name
        self.frozen = False
        self._model: Sequence[str] = ALONE
        self._ports: Sequence[int] = (*LDAP_PORTS, *TLS_PORTS)
        self._process: subprocess.Popen[bytes] | None = None

    def restore(self, pristine: Path) -> None:
        """Put the folder back to the state of the folder C(pristine); Samba must not run."""
        template.copy(pristine, self.folder)
        certificates = {
            "ca.pem": self.paths.ca,
            "cert.pem": self.paths.certificate(self.host.name),
            "key.pem": self.paths.key(self.host.name),
        }
        (self.folder / "tls").mkdir()
        for name, source in certificates.items():
            shutil.copy2(source, self.folder / "tls" / name)

    def replicate(self, replicating: bool, tls: bool = True) -> None:
        """Choose how Samba is started: alone or as one of several, with TLS or, while a template is built, without."""
        self._model = (*(REPLICATING if replicating else ALONE), *([] if tls else ["--option=tls enabled=no"]))
        self._ports = (*LDAP_PORTS, *(TLS_PORTS if tls else ()), *([RPC_PORT] if replicating else ()))

    def start(self) -> None:
        """Start Samba and wait until its ports answer. :raises ControllerError: they do not, or Samba ended."""
        self._process = subprocess.Popen(
            ["samba", "-F", "--no-process-group", *self._model, "-s", home(self.host) + "/etc/smb.conf"],
            env={"PATH": os.environ["PATH"], "KRB5_CONFIG": str(self.paths.krb5_conf)},
            stdin=subprocess.DEVNULL,
            stdout=open(self.paths.logs / (self.host.name + ".log"), "ab"),  # Samba keeps it
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        waiting = set(self._ports)
        while waiting:
            waiting = {port for port in waiting if not self._answers(port)}
            if self._process.poll() is not None or (waiting and time.monotonic() > deadline):
                what = "ended" if self._process.poll() is not None else "does not answer on ports %s" % sorted(waiting)
                raise ControllerError(
                    "Samba of %s %s; see %s and %s"
                    % (self.host.fqdn, what, self.folder / "log.txt", self.paths.logs / (self.host.name + ".log"))
                )
            time.sleep(0.05 if waiting else 0)

    def _answers(self, port: int) -> bool:
        try:
            with socket.create_connection((self.host.address, port), timeout=1):
                return True
        except OSError:
            return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)  # its own session, so that all its processes hear of it

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End Samba; with SIGKILL at once, for a folder that is replaced anyway."""
        if self._process is None:
            return
        try:
            if self.frozen and number != signal.SIGKILL:
                self.thaw()
            self._signal(number)
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
        except ProcessLookupError:
            self._process.wait()
        self._wait_for_the_others()
        self._process, self.frozen = None, False

    def _wait_for_the_others(self) -> None:
        """Wait until no process of Samba has ports or files open any more; its first has ended."""
        with contextlib.suppress(ProcessLookupError):
            while True:
                with contextlib.suppress(ChildProcessError):  # who is process 1 here collects them itself
                    os.waitpid(-self._process.pid, os.WNOHANG)
                self._signal(signal.SIGKILL)
                time.sleep(0.01)

    @property
    def running(self) -> bool:
        """Whether Samba runs, frozen or not."""
        return self._process is not None and self._process.poll() is None

    def freeze(self) -> None:
        """Let Samba do nothing: connections are taken by the kernel, and nobody answers."""
        self._signal(signal.SIGSTOP)
        self.frozen = True

    def thaw(self) -> None:
        """Let a frozen Samba go on."""
        self._signal(signal.SIGCONT)
        self.frozen = False

    def status(self) -> dict[str, object]:
        """Name, address, whether Samba runs and whether it is frozen."""
        return {
            "host": self.host.fqdn,
            "address": self.host.address,
            "running": self.running,
            "frozen": self.frozen,
        }
