# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that a person caused or can act on. Private to this collection."""

from __future__ import annotations

import traceback


class PersistentChatError(Exception):
    """An error whose text is meant for the person who runs the playbook.

    The message says what was tried, on what, what the other side answered and what to do next.

    :param message: the whole text, one or more sentences.
    :param code: a stable, documented word for the kind of error, such as C(address_held).
    :param facts: further values that a playbook may use; they must never hold a secret.
    """

    def __init__(self, message: str, code: str = "error", **facts: object) -> None:
        super().__init__(message)
        self.code = code
        self.facts = facts


class InvalidInput(PersistentChatError):
    """An option's value was refused before anything was read from or written to a server."""

    def __init__(self, message: str, code: str = "invalid_input", **facts: object) -> None:
        super().__init__(message, code, **facts)


class MissingLibrary(PersistentChatError):
    """A Python library that the chosen transport or directory needs is not installed.

    Create it inside the C(except ImportError) block: it keeps that traceback.
    """

    def __init__(self, library: str) -> None:
        super().__init__("The Python library %s is required and was not found." % library, "missing_library")
        self.library = library
        self.import_traceback = traceback.format_exc()
