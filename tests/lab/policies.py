# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the simulated servers' WinRM services are configured: what an administrator sets there, for all hosts or for one.

Unlike the switches of switches.py, these are no assumptions: real servers have each of these settings.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from tests.lab import settings
from tests.lab.choices import checked


@dataclass(frozen=True)
class Policy:
    """One setting of a server: its default, the settings that exist (a tuple of words, bool or int), and what it means."""

    default: Any
    settings: Any
    meaning: str


POLICIES: dict[str, Policy] = {
    "cbt_hardening": Policy(
        "relaxed",
        ("none", "relaxed", "strict"),
        "Service\\Auth\\CbtHardeningLevel: relaxed refuses a wrong channel binding token, strict also a missing one",
    ),
    "auth_basic": Policy(True, bool, "Service\\Auth\\Basic"),
    "auth_kerberos": Policy(True, bool, "Service\\Auth\\Kerberos, and Kerberos within Negotiate"),
    "auth_ntlm": Policy(True, bool, "whether Negotiate accepts NTLM (Network security: Restrict NTLM)"),
    "auth_credssp": Policy(True, bool, "Service\\Auth\\CredSSP"),
    "auth_certificate": Policy(True, bool, "Service\\Auth\\Certificate"),
    "max_shells_per_user": Policy(30, int, "Winrs\\MaxShellsPerUser"),
    "max_envelope_kb": Policy(500, int, "MaxEnvelopeSizekb"),
    "idle_timeout": Policy(7200, int, "Winrs\\IdleTimeout, in seconds"),
    "tls": Policy(
        "modern",
        ("modern", "old", "none"),
        "modern: TLS 1.2, as on Windows Server 2012 to 2019; old: TLS 1.0 only, as on Windows Server 2008 R2; "
        "none: the HTTPS port talks plain HTTP",
    ),
    "certificate": Policy(
        "own",
        ("own", "expired", "untrusted", "other_name"),
        "untrusted: of an unknown CA; other_name: another server's",
    ),
    "silent": Policy(False, bool, "takes connections and never answers, as behind some firewalls"),
}


class Policies:
    """The settings of all simulated servers; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set: dict[tuple[str | None, str], Any] = {}

    def get(self, host: str, name: str) -> Any:
        """The setting of a policy on a host (its full name); one for that host goes before one for all."""
        with self._lock:
            for key in ((host.lower(), name), (None, name)):
                if key in self._set:
                    return self._set[key]
        return POLICIES[name].default

    def set(self, name: str, value: Any, host: str | None = None) -> dict[str, Any]:
        """Configure one host, by its full name, or all.

        :raises ValueError: no such policy, setting or host.
        """
        if name not in POLICIES:
            raise ValueError("There is no policy %r. There are: %s." % (name, ", ".join(POLICIES)))
        names = [known.fqdn for known in settings.WSMAN_HOSTS]
        if host is not None and host.lower() not in names:
            raise ValueError("There is no server %r. There are: %s." % (host, ", ".join(names)))
        valid = checked("The policy %s" % name, POLICIES[name].settings, value, least=1)
        with self._lock:
            self._set[(host.lower() if host else None, name)] = valid
        return self.list()

    def list(self) -> dict[str, Any]:
        """C({"policies": [{"host", "name", "value"}]}): what differs from the defaults."""
        with self._lock:
            return {"policies": [{"host": host, "name": name, "value": v} for (host, name), v in self._set.items()]}

    def clear(self) -> dict[str, Any]:
        """All as Windows has it at first."""
        with self._lock:
            self._set.clear()
        return self.list()
