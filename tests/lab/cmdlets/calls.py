# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of each call of a cmdlet: what tests compare with what a client was told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

_SECRET = re.compile("password|credential|secret", re.IGNORECASE)
#: characters of a value that is no text
_LIMIT = 200


class Secret(str):
    """Text that a client sent as a SecureString: nothing ever shows it."""


@dataclass
class Call:
    """One call of a cmdlet, from its beginning on.

    :param parameters: as they were given, without passwords.
    :param applied: the cmdlet did all that it was called for, and not under -WhatIf.
    :param ended: ok, error or killed; killed as long as it has not ended.
    """

    host: str
    user: str
    name: str
    parameters: dict[str, Any]
    applied: bool = False
    ended: str = "killed"

    @classmethod
    def of(cls, host: str, user: str, name: str, parameters: Mapping[str, Any]) -> Call:
        """A call that begins."""
        return cls(host, user, name, {key: _shown(key, value) for key, value in parameters.items()})


def _shown(name: str, value: Any) -> Any:
    """A parameter's value: something that JSON can hold, and no password."""
    if _SECRET.search(name) or isinstance(value, Secret):
        return "***"
    if isinstance(value, (list, tuple)):
        return [_shown(name, one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _shown(str(key), one) for key, one in value.items()}
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)[:_LIMIT]
