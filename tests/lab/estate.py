# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated estate: everything that the cmdlets and sc.exe read and change, except what is in Active Directory.

The state is one JSON document, ``<dir>/state/estate.json``, guarded by one lock and written after every change, so that a
lab that was killed goes on where it was.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

from tests.lab.estate_data import SERVICES, initial_estate
from tests.lab.filesystem import WindowsFiles
from tests.lab.jobs import InlineJobs, Jobs
from tests.lab.settings import fqdn
from tests.lab.switches import SWITCHES

#: host names that are the same machine as another one
ALIASES = {fqdn("rogue"): fqdn("lync01")}
SERVICE_FIELDS = {
    "status": ("Running", "Stopped", "StartPending", "StopPending", "Paused"),
    "start_type": ("Automatic", "AutomaticDelayed", "Manual", "Disabled"),
}


class EstateError(Exception):
    """A control request that cannot be carried out; the text is for the person who sent it."""


class Estate:
    """The lab's servers, services, pools, databases, files, switches and counters.

    :param paths: the lab's folders; only ``paths.state`` is used.
    :param directory: the lab's access to its Active Directory (LabDirectory); None where a test needs none.
    """

    def __init__(self, paths: Any, directory: Any) -> None:
        self.lock = threading.RLock()
        self._saved = ""
        self.directory = directory
        if directory is not None:
            directory.switch = self.switch
        self.jobs: Jobs = InlineJobs(self)
        self.folder = Path(paths.state)
        self.file = self.folder / "estate.json"
        self.data: dict[str, Any] = initial_estate()
        self.files = WindowsFiles(self.folder / "files", self.data["servers"])
        if self.file.exists():
            self.data = json.loads(self.file.read_text("utf-8"))
        else:
            self.reset(contacts=False)

    def reset(self, switches: dict[str, Any] | None = None, contacts: bool = True) -> None:
        """Go back to the estate before the migration, all switches to their defaults.

        :param switches: settings that hold from here on.
        :param contacts: also create the contact that setup makes for each Persistent Chat pool, where a pool has none.
        :raises EstateError: a switch or a setting does not exist; nothing was reset.
        """
        checked = {name: self._checked(name, value) for name, value in (switches or {}).items()}
        with self.changing():
            self.data = initial_estate()
            self.data["switches"] = checked
            self.files.reset()
            if contacts:
                self._place_setup_contacts()

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        """Hold the lock, give the state, and keep on disk what it is afterwards."""
        with self.lock:
            try:
                yield self.data
            finally:
                self._save()

    def _place_setup_contacts(self) -> None:
        from tests.lab.cmdlets.endpoints import place_setup_contacts  # the cmdlets import the estate

        if self.directory is not None:
            place_setup_contacts(self)

    def _save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in self.data.items() if name != "counters"}
        if (text := json.dumps(kept)) == self._saved:
            return  # a cmdlet that only read; its count reaches the disk with the next write
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(self.data, indent=1), "utf-8")
        os.replace(fresh, self.file)
        self._saved = text

    # What the state means

    def switch(self, name: str) -> Any:
        """The present setting of a switch of switches.py."""
        return self.data.get("switches", {}).get(name, SWITCHES[name].default)

    def server_name(self, host: str) -> str:
        """The full name of a server of the estate, from its full or short name in any letter case.

        :raises KeyError: there is no such server.
        """
        wanted = host.lower().rstrip(".")
        wanted = ALIASES.get(wanted, wanted)
        for name in self.data["servers"]:
            if wanted in (name, name.split(".")[0]):
                return name
        raise KeyError(host)

    def chat_pools(self) -> dict[str, dict[str, Any]]:
        """The Persistent Chat pools by name."""
        return {name: pool for name, pool in self.data["pools"].items() if pool["kind"] == "persistent_chat"}

    def database(self, instance: str, name: str) -> dict[str, Any] | None:
        """A database's content; None when the instance or the database does not exist."""
        for known, databases in self.data["databases"].items():
            if known.lower() == instance.lower():
                return {key.lower(): value for key, value in databases.items()}.get(name.lower())
        return None

    def is_administrator(self, user: str) -> bool:
        """Whether the account, in any spelling, may administer Lync in a local shell (domain.md, section 3)."""
        return self.directory is None or "RTCUniversalServerAdmins" in self.directory.groups_of(user)

    def count(self, counter: str) -> None:
        """Add one to ``reads`` or ``writes``."""
        with self.changing() as data:
            data["counters"][counter] += 1

    # Control by the supervisor

    def status(self) -> dict[str, Any]:
        """What is where, as plain data; see status.py."""
        from tests.lab.status import estate_status

        with self.lock:
            return estate_status(self)

    def control(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Carry out one control request: switch.get, switch.set, counters, estate.get or estate.patch.

        * ``switch.get [name]`` -> ``{"switches": {name: {"value", "default", "settings", "source", "meaning"}}}``
        * ``switch.set name value`` -> ``{"switches": {name: value}}``
        * ``counters`` -> ``{"reads", "writes", "directory_usn"}``
        * ``estate.get`` -> ``{"estate": the whole state}``
        * ``estate.patch patch`` merges a document (RFC 7396) into the state -> ``{"estate": the whole state}``

        :raises EstateError: the request makes no sense; nothing was changed.
        """
        operations = {
            "switch.get": self._switch_get,
            "switch.set": self._switch_set,
            "counters": self._counters,
            "estate.get": lambda: {"estate": json.loads(json.dumps(self.data))},
            "estate.patch": self._patch,
        }
        if op not in operations:
            raise EstateError("The estate knows no control operation %r." % op)
        with self.lock:
            try:
                return operations[op](**arguments)
            except TypeError as error:
                raise EstateError("The control operation %s was not asked as it must be: %s." % (op, error)) from None

    def _counters(self) -> dict[str, Any]:
        usn = None if self.directory is None else self.directory.usn()
        return {**self.data["counters"], "directory_usn": usn}

    def _checked(self, name: str, value: Any) -> Any:
        if name not in SWITCHES:
            raise EstateError("There is no switch %r. There are: %s." % (name, ", ".join(sorted(SWITCHES))))
        try:
            return SWITCHES[name].check(name, value)
        except ValueError as error:
            raise EstateError(str(error)) from None

    def _switch_get(self, name: str | None = None) -> dict[str, Any]:
        if name is not None and name not in SWITCHES:
            raise EstateError("There is no switch %r. There are: %s." % (name, ", ".join(sorted(SWITCHES))))
        return {
            "switches": {
                key: {
                    "value": self.switch(key),
                    "default": item.default,
                    "settings": "0, 1, 2, ..." if item.settings is int else list(item.settings),
                    "source": "domain.md, section " + item.source,
                    "meaning": item.meaning,
                }
                for key, item in SWITCHES.items()
                if name in (None, key)
            }
        }

    def _switch_set(self, name: str, value: Any) -> dict[str, Any]:
        checked = self._checked(name, value)
        with self.changing() as data:
            data.setdefault("switches", {})[name] = checked
            if name in ("setup_contact_sip", "application_contacts"):
                self._place_setup_contacts()
        return {"switches": {name: checked}}

    def _patch(self, patch: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(patch) - set(initial_estate()))
        if unknown:
            raise EstateError(
                "The estate has no part %s; it has %s." % (", ".join(unknown), ", ".join(initial_estate()))
            )
        merged = _merge(json.loads(json.dumps(self.data)), patch)
        for name, server in merged["servers"].items():
            for key, service in server["services"].items():
                _check_service(name, key, service)
        with self.changing():
            self.data = merged
        return {"estate": merged}


def _check_service(server: str, key: str, service: dict[str, Any]) -> None:
    if key not in SERVICES:
        raise EstateError("The lab knows no service %r (on %s); it knows %s." % (key, server, ", ".join(SERVICES)))
    for field, settings in SERVICE_FIELDS.items():
        if service.get(field) not in settings:
            raise EstateError("%s of %s on %s must be one of %s." % (field, key, server, ", ".join(settings)))


def _merge(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396): null removes, an object merges, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged
