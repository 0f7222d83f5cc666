# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shells of one host: where WS-Man requests find theirs, whatever kind it is."""

from __future__ import annotations

import threading
import time
import xml.etree.ElementTree as ET
from collections import OrderedDict
from typing import Callable

from .session import Session
from .soap import (
    ACCESS_DENIED,
    ACTION_NOT_SUPPORTED,
    INTERNAL_ERROR,
    INVALID_PARAMETER,
    SHELL_NOT_FOUND,
    TOO_MANY_SHELLS,
    Request,
    WsmanFault,
    seconds,
    text_of,
)

Body = list[ET.Element]
#: how many answers of Receive a shell keeps for a client that lost one
KEPT_ANSWERS = 16


class Shell:
    """What all kinds of shells have in common. A kind adds methods named as the verbs it knows: C(on_command) and so on.

    :param request: the Create request.
    """

    def __init__(self, session: Session, request: Request) -> None:
        self.id = session.shell_id
        self.session = session
        self.resource = request.resource
        idle = text_of(request.body, "rsp:Shell/rsp:IdleTimeOut")
        self.idle_seconds = seconds(idle) if idle else session.idle_seconds
        self.closed = False
        self._lock = threading.Lock()
        self._used = time.monotonic()
        self._busy = 0
        self._answers: OrderedDict[str, Body | None] = OrderedDict()

    @property
    def is_idle(self) -> bool:
        """Whether nobody has asked anything of it for too long."""
        with self._lock:
            return not self._busy and time.monotonic() - self._used > self.idle_seconds

    def created(self) -> Body:
        """The body of the answer to Create."""
        raise NotImplementedError

    def close(self) -> None:
        """End everything that runs in the shell."""
        self.closed = True

    def answer(self, request: Request) -> Body:
        """The body of the answer to a request for this shell.

        :raises WsmanFault: it cannot be carried out.
        """
        act: Callable[[Request], Body] | None = getattr(self, "on_" + request.verb.lower(), None)
        if act is None:
            raise WsmanFault(ACTION_NOT_SUPPORTED)
        with self._lock:
            self._busy += 1
        try:
            return self._once(request, act) if request.verb == "Receive" else act(request)
        finally:
            with self._lock:
                self._busy -= 1
                self._used = time.monotonic()

    def _once(self, request: Request, act: Callable[[Request], Body]) -> Body:
        """The same Receive sent again gets the same answer; while the first is pending, a fault.

        Source: WinRM keeps the answer per MessageID (reference: PSWSMan, WinRSReceivePump).
        """
        with self._lock:
            if request.message_id in self._answers:
                kept = self._answers[request.message_id]
                if kept is None:
                    raise WsmanFault(INTERNAL_ERROR)
                return kept
            self._answers[request.message_id] = None
        body = None
        try:
            body = act(request)
            return body
        finally:
            with self._lock:
                if body is None:
                    del self._answers[request.message_id]
                else:
                    self._answers[request.message_id] = body
                    while len(self._answers) > KEPT_ANSWERS:
                        self._answers.popitem(last=False)


class Shells:
    """The open shells of one host. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shells: dict[str, Shell] = {}

    def add(self, shell: Shell, quota: int) -> None:
        """Take in a new shell, and close those that have idled too long.

        :param quota: how many shells a user may have.
        :raises WsmanFault: the user has as many, or there is one of that id.
        """
        with self._lock:
            idle = [old.id for old in self._shells.values() if old.is_idle]
        for shell_id in idle:
            self.remove(shell_id)
        user = shell.session.user.name.lower()
        with self._lock:
            if shell.id in self._shells:
                raise WsmanFault(INVALID_PARAMETER)
            if sum(old.session.user.name.lower() == user for old in self._shells.values()) >= quota:
                raise WsmanFault(
                    TOO_MANY_SHELLS,
                    "The WS-Management service cannot process the request. This user is allowed a maximum number of %d "
                    "concurrent shells, which has been exceeded. Close existing shells or raise the quota for this user. "
                    % quota,
                )
            self._shells[shell.id] = shell

    def find(self, shell_id: str, user: str, restricted: bool) -> Shell:
        """A user's shell.

        :param restricted: whether it is looked for where the restricted ones are.
        :raises WsmanFault: there is none of that id, or it is another user's.
        """
        with self._lock:
            shell = self._shells.get(shell_id)
        if shell is not None and shell.is_idle:
            self.remove(shell_id)
            shell = None
        if shell is None or shell.session.restricted != restricted:
            raise WsmanFault(SHELL_NOT_FOUND)
        if shell.session.user.name.lower() != user.lower():
            raise WsmanFault(ACCESS_DENIED)
        return shell

    def remove(self, shell_id: str) -> None:
        """Close a shell and forget it; a shell that is not there is no error."""
        with self._lock:
            shell = self._shells.pop(shell_id, None)
        if shell is not None:
            shell.close()

    def clear(self) -> None:
        """Close all."""
        with self._lock:
            ids = list(self._shells)
        for shell_id in ids:
            self.remove(shell_id)

    def __len__(self) -> int:
        with self._lock:
            return len(self._shells)
