# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that a test orders from the WS-Man servers: rules that say where, when, how often and what.

A rule is ``{"at": point, "match": regex, "skip": n, "times": n, "do": effect, ...}``. The points lie along the way of a
request: http-before (nothing read yet but the envelope's bytes), wsman-before, cmdlet-before, cmdlet-after (applied, no
answer yet), wsman-after, http-after (the answer is built). At http-after, three effects let the answer go and do something
to the connection: ``close`` ends it silently, ``expire-auth`` lets the next request be refused, ``clear`` leaves the answer
unencrypted although the request was encrypted. ``match`` is searched in "host action", or in "host cmdlet" at
the cmdlet points.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Mapping

from .soap import WsmanFault

#: effect -> the fields that it takes, with their types
EFFECTS: dict[str, dict[str, tuple[type, ...]]] = {
    "drop": {"reset": (bool,), "bytes": (int,)},
    "delay": {"seconds": (int, float)},
    **{"http%d" % status: {"body": (str,)} for status in (400, 401, 500, 502, 503, 504)},
    "close": {},
    "expire-auth": {},
    "clear": {},
    "fault": {"code": (int,)},
    "error": {"message": (str,), "error_id": (str,), "category": (str,)},
    "kill-shell": {},
    "exit": {},
}
_HTTP = {"drop", "delay", *(effect for effect in EFFECTS if effect.startswith("http"))}
_WSMAN = _HTTP | {"fault", "kill-shell", "exit"}
_CMDLET = {"drop", "delay", "error", "kill-shell", "exit"}
POINTS = {
    "http-before": _HTTP,
    "wsman-before": _WSMAN,
    "cmdlet-before": _CMDLET,
    "cmdlet-after": _CMDLET,
    "wsman-after": _WSMAN,
    "http-after": _HTTP | {"close", "expire-auth", "clear"},
}


Act = Callable[["dict[str, Any]"], None]


class RuleError(ValueError):
    """A rule makes no sense; the text says why."""


class Drop(Exception):
    """End the connection without an answer.

    :param reset: by RST instead of FIN.
    :param size: send so many bytes of the answer first (only where there is one).
    """

    def __init__(self, reset: bool = False, size: int = 0) -> None:
        super().__init__("connection dropped by a fault rule")
        self.reset = reset
        self.size = size


class HttpFailure(Exception):
    """Answer with an HTTP status and no envelope, as an overloaded http.sys or a proxy does.

    :param body: the page, or None for the usual one.
    """

    def __init__(self, status: int, body: str | None = None) -> None:
        super().__init__("HTTP %d by a fault rule" % status)
        self.status = status
        self.body = body


@dataclass
class Rule:
    """One order for a fault.

    :param skip: how many occasions pass before it acts.
    :param times: how often it acts; None: always.
    """

    at: str
    do: str
    match: str
    skip: int
    times: int | None
    fields: dict[str, Any]
    seen: int = 0
    fired: int = 0

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Rule:
        """A rule from a control request. :raises RuleError: it makes no sense."""
        rest = dict(given)
        at, do = rest.pop("at", None), rest.pop("do", None)
        if at not in POINTS:
            raise RuleError("A fault's 'at' is one of %s, not %r." % (", ".join(POINTS), at))
        if do not in POINTS[at]:
            raise RuleError("What can be done at %s is one of %s, not %r." % (at, ", ".join(sorted(POINTS[at])), do))
        match, skip, times = rest.pop("match", ""), rest.pop("skip", 0), rest.pop("times", 1)
        try:
            re.compile(match)
        except (re.error, TypeError) as error:
            raise RuleError("A fault's 'match' is a regular expression, not %r: %s." % (match, error)) from None
        if not _is_count(skip, 0) or not (times is None or _is_count(times, 1)):
            raise RuleError("A fault's 'skip' is a number from 0 on, its 'times' one from 1 on or null for always.")
        for name, value in rest.items():
            if not isinstance(value, EFFECTS[do].get(name, ())):
                raise RuleError("The fault %s takes no %r of %r." % (do, name, value))
        if do in ("delay", "fault") and not rest:
            raise RuleError("The fault %s needs %s." % (do, "".join(EFFECTS[do])))
        return cls(at, do, match, skip, times, rest)

    def occasion(self, point: str, subject: str) -> bool:
        """Whether the rule acts now; counts the occasion."""
        if point != self.at or not re.search(self.match, subject, re.IGNORECASE):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True

    def shown(self) -> dict[str, Any]:
        """The rule as it was given, with how often it was met and how often it acted."""
        own = {"at": self.at, "match": self.match, "skip": self.skip, "times": self.times, "do": self.do}
        return {**own, **self.fields, "seen": self.seen, "fired": self.fired}


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


class FaultPlan:
    """The rules in force on all simulated hosts of one lab; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def set(self, rules: list[Mapping[str, Any]]) -> dict[str, Any]:
        """Put these rules in the place of all others.

        :raises RuleError: a rule makes no sense; the old ones stay.
        """
        if not isinstance(rules, list) or not all(isinstance(rule, Mapping) for rule in rules):
            raise RuleError("The rules are a list of objects, not %r." % (rules,))
        parsed = [Rule.parse(rule) for rule in rules]
        with self._lock:
            self._rules = parsed
        return self.list()

    def list(self) -> dict[str, Any]:
        """C({"rules": [...]}), each with C(seen) and C(fired)."""
        with self._lock:
            return {"rules": [rule.shown() for rule in self._rules]}

    def clear(self) -> dict[str, Any]:
        """Remove all rules."""
        return self.set([])

    def meet(self, point: str, subject: str, acts: Mapping[str, Act] | None = None) -> None:
        """Let the first rule that fits act.

        :param acts: how effects are done that need the place's own means, such as kill-shell.
        :raises Drop: drop the connection.
        :raises HttpFailure: answer with a bare HTTP status.
        :raises WsmanFault: answer with this fault.
        """
        with self._lock:
            rule = next((rule for rule in self._rules if rule.occasion(point, subject)), None)
        if rule is None:
            return
        if rule.do in (acts or {}):
            acts[rule.do](rule.fields)
        elif rule.do == "delay":
            time.sleep(rule.fields["seconds"])
        elif rule.do == "drop":
            raise Drop(rule.fields.get("reset", False), rule.fields.get("bytes", 0))
        elif rule.do == "fault":
            raise WsmanFault(rule.fields["code"])
        else:
            raise HttpFailure(int(rule.do[-3:]), rule.fields.get("body"))
