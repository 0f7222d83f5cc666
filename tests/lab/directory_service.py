# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control operations about the directory: its shape, replication between controllers, and faults of a controller."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.lab import settings
from tests.lab.directory import replication, template
from tests.lab.directory.controller import DomainController
from tests.lab.directory.shapes import Shape
from tests.lab.settings import Paths


class DirectoryRefusal(Exception):
    """The operation makes no sense at present; the text says what to do before."""


class DirectoryService:
    """The controllers of one lab.

    :param templates: the folder of the templates that the lab was made from.
    """

    def __init__(self, paths: Paths, templates: Path) -> None:
        self._paths = paths
        self._templates = templates
        self._shape = Shape()
        self._controllers = {host.name: DomainController(host, paths) for host in settings.DOMAIN_CONTROLLERS}
        self._paused: set[str] = set()
        self.operations: Mapping[str, Callable[..., dict[str, Any]]] = {
            "replication.pause": lambda controller: self._set_inbound(controller, False),
            "replication.resume": lambda controller: self._set_inbound(controller, True),
            "replication.pull": self._pull,
            "replication.status": self._replication_status,
            "controller.freeze": self._freeze,
            "controller.thaw": self._thaw,
            "controller.stop": self._stop,
            "controller.start": self._start,
        }

    def choose(self, controllers: int, recycle_bin: str) -> None:
        """Decide the shape that the next restore() brings; building it for the first time takes about 10 s.

        :raises ShapeError: there is no such shape.
        :raises TemplateError: it could not be built; everything is as before.
        """
        shape = Shape(controllers, recycle_bin)
        if not self._paths.pristine(shape.name).is_dir():
            template.take(self._templates, shape, self._paths.pristine(shape.name))
        self._shape = shape

    def restore(self) -> None:
        """Put the controllers of the shape back to their first state, and end the others.

        :raises ControllerError: one does not start.
        """
        for controller in self._controllers.values():
            controller.stop(signal.SIGKILL)
        self._paused.clear()
        pristine = self._paths.pristine(self._shape.name)
        together = len(self._shape.hosts) > 1
        if together:
            replication.learn_names(self._paths, (pristine / replication.NAMES).read_text("utf-8"))

        def begin(host: settings.Host) -> None:
            controller = self._controllers[host.name]
            controller.restore(pristine / host.name)
            controller.replicate(together)
            controller.start()

        with ThreadPoolExecutor() as pool:
            list(pool.map(begin, self._shape.hosts))

    def end(self) -> None:
        """Stop every controller."""
        for controller in self._controllers.values():
            controller.stop()

    def status(self) -> dict[str, Any]:
        """The shape, and each controller: in use in this shape, running, frozen, paused."""
        return {
            "directory": {"controllers": self._shape.controllers, "recycle_bin": self._shape.recycle_bin},
            "controllers": [
                {**controller.status(), "in_use": controller.host in self._shape.hosts, "paused": name in self._paused}
                for name, controller in self._controllers.items()
            ],
        }

    def _controller(self, name: str) -> DomainController:
        """The controller of this name, provided that it is in use."""
        found = self._controllers.get(name.partition(".")[0])
        if found is None:
            raise DirectoryRefusal("there is no controller %r; there are %s" % (name, ", ".join(self._controllers)))
        if found.host not in self._shape.hosts:
            raise DirectoryRefusal(
                "%s is not in use: the directory has one controller. Use directory.use with controllers=2 before" % name
            )
        return found

    def _running(self, name: str) -> DomainController:
        found = self._controller(name)
        if not found.running:
            raise DirectoryRefusal("%s is stopped: controller.start before" % name)
        return found

    def _answering(self, name: str) -> DomainController:
        found = self._running(name)
        if found.frozen:
            raise DirectoryRefusal("%s is frozen: controller.thaw before" % name)
        return found

    def _partner(self, name: str) -> DomainController:
        """The other controller of a pair, which must answer too."""
        others = [host.name for host in self._shape.hosts if host.name != self._answering(name).host.name]
        if not others:
            raise DirectoryRefusal("one controller replicates with nobody. Use directory.use with controllers=2 before")
        return self._answering(others[0])

    def _set_inbound(self, controller: str, on: bool) -> dict[str, Any]:
        """Pause or resume; that is itself a change, which the other has when this returns."""
        target, other = self._answering(controller).host, self._partner(controller).host
        replication.set_inbound(target, on)
        (self._paused.discard if on else self._paused.add)(target.name)
        replication.pull(other, target, (settings.CONFIGURATION_DN,))
        return {}

    def _pull(self, controller: str) -> dict[str, Any]:
        replication.pull(self._answering(controller).host, self._partner(controller).host)
        return {}

    def _replication_status(self) -> dict[str, Any]:
        """What each controller says of its inbound replication; see replication.state()."""
        hosts = [self._answering(host.name).host for host in self._shape.hosts]
        return {"controllers": {host.name: replication.state(host) for host in hosts}}

    def _freeze(self, controller: str) -> dict[str, Any]:
        self._running(controller).freeze()
        return {}

    def _thaw(self, controller: str) -> dict[str, Any]:
        self._running(controller).thaw()
        return {}

    def _stop(self, controller: str) -> dict[str, Any]:
        self._controller(controller).stop()
        return {}

    def _start(self, controller: str) -> dict[str, Any]:
        found = self._controller(controller)
        if not found.running:
            found.start()
        self._answering(controller)
        return {}
