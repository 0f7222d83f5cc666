# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a switch or a policy of the lab can be set to."""

from __future__ import annotations

from typing import Any


def checked(what: str, settings: Any, value: Any, least: int = 0) -> Any:
    """Return the value if there is that setting.

    :param what: what is set, for the message.
    :param settings: a tuple of words, or the type bool, or the type int for a number from C(least) on.
    :raises ValueError: there is not; the text names the settings that exist.
    """
    if settings is int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError("%s takes a whole number from %d on, not %r." % (what, least, value))
    elif settings is bool:
        if not isinstance(value, bool):
            raise ValueError("%s is true or false, not %r." % (what, value))
    elif value not in settings:
        raise ValueError("%s has the settings %s, not %r." % (what, ", ".join(settings), value))
    return value
