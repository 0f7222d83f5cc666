# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts, stops and restores a domain controller. Used by the supervisor, inside the lab's namespaces."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time

from tests.lab.directory import template
from tests.lab.directory.places import home
from tests.lab.settings import Host, Paths

PORTS = (88, 389, 636, 3268, 3269)
START_SECONDS = 30
STOP_SECONDS = 10


class ControllerError(Exception):
    """Samba did not start; the text names its log."""


class DomainController:
    """One Samba process and its folder.

    :param host: one of settings.DOMAIN_CONTROLLERS.
    """

    def __init__(self, host: Host, paths: Paths) -> None:
        self.host = host
        self.paths = paths
        self.folder = paths.samba / host.name
        self.pristine = paths.root / "pristine" / host.name
        self._process: subprocess.Popen[bytes] | None = None

    def restore(self) -> None:
        """Put the folder back to the template's state; Samba must not run."""
        template.copy(self.pristine, self.folder)
        certificates = {
            "ca.pem": self.paths.ca,
            "cert.pem": self.paths.certificate(self.host.name),
            "key.pem": self.paths.key(self.host.name),
        }
        (self.folder / "tls").mkdir()
        for name, source in certificates.items():
            shutil.copy2(source, self.folder / "tls" / name)

    def start(self) -> None:
        """Start Samba and wait until its ports answer. :raises ControllerError: they do not, or Samba ended."""
        self._process = subprocess.Popen(
            ["samba", "-F", "--no-process-group", "-M", "single", "-s", home(self.host) + "/etc/smb.conf"],
            env={"PATH": os.environ["PATH"], "KRB5_CONFIG": str(self.paths.krb5_conf)},
            stdin=subprocess.DEVNULL,
            stdout=open(self.paths.logs / (self.host.name + ".log"), "ab"),  # Samba keeps it
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        waiting = set(PORTS)
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

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End Samba; with SIGKILL at once, for a folder that is replaced anyway."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.send_signal(number)
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def status(self) -> dict[str, object]:
        """Name, address and whether Samba runs."""
        running = self._process is not None and self._process.poll() is None
        return {"host": self.host.fqdn, "address": self.host.address, "running": running}
