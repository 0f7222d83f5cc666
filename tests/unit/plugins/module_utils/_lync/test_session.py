# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An error that ends a module speaks for all that the module did."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.session import Session
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command, Outcome
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import (
    AMBIGUOUS,
    RETRYABLE,
    RemotingError,
)

READ = Command("Get-CsPersistentChatEndpoint", reads=True)
WRITE = Command("New-CsPersistentChatEndpoint", {"SipAddress": "sip:a@contoso.com"})


class Scripted:
    """A transport whose calls end as told: an error, or success."""

    server = "lync01"

    def __init__(self, ends):
        self.ends = ends

    def run(self, commands, stop_on_error=True):
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return [Outcome(command) for command in commands]

    def close(self):
        pass


def session(*ends):
    left = list(ends)
    return Session(lambda params: Scripted(left), {"remote_addr": "lync01"})


def lost(kind):
    return RemotingError("The connection broke (%s)." % kind, kind, "receive", "connection_lost")


def failure(opened, command):
    with pytest.raises(RemotingError) as caught:
        opened.run([command])
    return caught.value


def test_a_failed_reading_does_not_hide_that_a_change_may_have_been_made():
    opened = session(lost(AMBIGUOUS), lost(RETRYABLE), lost(RETRYABLE))
    assert failure(opened, WRITE).kind == AMBIGUOUS
    for _unused in range(2):
        error = failure(opened, READ)
        assert (error.kind, error.code) == (AMBIGUOUS, "unknown_outcome")
        assert "(ambiguous). Then the actual state could not be read: The connection broke (retryable)" in str(error)


def test_a_reading_that_succeeds_decides():
    opened = session(lost(AMBIGUOUS), None, lost(RETRYABLE))
    failure(opened, WRITE)
    opened.run([READ])
    assert str(failure(opened, READ)) == "The connection broke (retryable)."


def test_what_was_carried_out_before_is_told():
    opened = session(None, None, lost(RETRYABLE))
    opened.run([READ, WRITE])
    opened.run([READ])
    error = failure(opened, READ)
    assert error.kind == RETRYABLE
    assert str(error).endswith(
        "This was carried out before: New-CsPersistentChatEndpoint -SipAddress sip:a@contoso.com."
    )


def test_what_failed_was_not_carried_out():
    opened = session(lost(RETRYABLE), lost(RETRYABLE))
    failure(opened, WRITE)
    assert str(failure(opened, READ)) == "The connection broke (retryable)."
