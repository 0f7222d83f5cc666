# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed connection means for the command that it carried. Private to this collection."""

from __future__ import annotations

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError

#: the connection can be tried again: nothing was run
RETRYABLE = "retryable"
#: the server refused the request before it ran anything
NOT_APPLIED = "not_applied"
#: the commands may or may not have run: only the observed state can tell
AMBIGUOUS = "ambiguous"
#: trying again cannot help until somebody changes something
FATAL = "fatal"


class RemotingError(PersistentChatError):
    """The connection to a server failed.

    :param kind: RETRYABLE, NOT_APPLIED, AMBIGUOUS or FATAL.
    :param stage: connect, open, send, receive or close: how far the request had got.
    """

    def __init__(self, message: str, kind: str, stage: str, code: str = "remoting", **facts: object) -> None:
        super().__init__(message, code, kind=kind, stage=stage, **facts)
        self.kind = kind
        self.stage = stage
