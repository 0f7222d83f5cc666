# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed or cut off at any step, run again: the wanted state, and at no moment neither the account nor a verified backup."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress
from tests.integration.directory.conftest import DC, SIP

#: runs the module and kills itself before or after the n-th call of one function
PROGRAM = """
import os, signal
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup, connection, wellknown_user
owner = {"backup": backup, "connection": connection.DirectoryConnection, "module": wellknown_user}[%(owner)r]
original, calls = getattr(owner, %(name)r), []
def deadly(*arguments, **named):
    calls.append(1)
    if len(calls) == %(call)d and not %(after)r:
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*arguments, **named)
    if len(calls) == %(call)d:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(owner, %(name)r, deadly)
wellknown_user.run(%(params)r)
"""
BEFORE, AFTER = False, True
REMOVAL = [
    ("backup", "_create", 1, BEFORE),
    ("backup", "_create", 1, AFTER),  # an LDIF without its manifest
    ("backup", "_create", 2, AFTER),
    ("connection", "WRITE", 1, BEFORE),
    ("connection", "WRITE", 1, AFTER),
    ("module", "_seen_after", 1, BEFORE),
]
RETURN = [
    ("connection", "restore", 1, BEFORE),
    ("connection", "restore", 1, AFTER),
    ("connection", "modify", 1, BEFORE),
    ("connection", "modify", 1, AFTER),  # attributes are back
    ("connection", "modify", 2, AFTER),  # and the first membership
    ("module", "wait", 1, BEFORE),
]


def killed(params, state, owner, name, call, after):
    program = PROGRAM % dict(owner=owner, name=name, call=call, after=after, params=dict(params, state=state))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def account_or_backup(account, folder):
    return account() is not None or backup.newest(str(folder), SipAddress.parse(SIP)) is not None


@pytest.mark.parametrize("state, write", [("absent", "delete"), ("disabled", "modify")])
@pytest.mark.parametrize("owner, name, call, after", REMOVAL)
def test_removal(converge, params, account, folder, state, write, owner, name, call, after):
    was = account()
    killed(params, state, owner, write if name == "WRITE" else name, call, after)
    assert account_or_backup(account, folder)
    assert converge(state)["holders_after"] == []
    assert not converge(state)["changed"]
    assert converge("present")["not_restored"] == []
    back = account()
    for name in (
        "objectGUID",
        "msRTCSIP-PrimaryUserAddress",
        "memberOf",
        "displayName",
        "userPrincipalName",
        "userAccountControl",
    ):
        assert sorted(back.values(name)) == sorted(was.values(name))


@pytest.mark.parametrize("owner, name, call, after", RETURN)
def test_return(converge, params, account, folder, owner, name, call, after):
    was = account()
    converge("absent")
    killed(params, "present", owner, name, call, after)
    assert account_or_backup(account, folder)
    assert converge("present")["not_restored"] == []
    assert not converge("present")["changed"]
    back = account()
    for name in ("objectGUID", "msRTCSIP-PrimaryUserAddress", "memberOf", "displayName", "userPrincipalName"):
        assert sorted(back.values(name)) == sorted(was.values(name))


def test_an_unfinished_backup_is_not_reused_and_a_whole_one_is(converge, params, folder):
    killed(params, "absent", "backup", "_create", 1, AFTER)
    killed(params, "absent", "connection", "delete", 1, BEFORE)
    whole = backup.newest(str(folder), SipAddress.parse(SIP))
    assert converge("absent")["backup"]["path"] == whole.path


class Wire:
    """A port of the domain controller that hands everything on until it is cut."""

    def __init__(self):
        self.cut = None
        self.listener = socket.create_server((DC, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection((DC, 636))
            for source, target, direction in ((client, server, "request"), (server, client, "answer")):
                threading.Thread(target=self._hand_on, args=(source, target, direction), daemon=True).start()

    def _hand_on(self, source, target, direction):
        while data := source.recv(65536):
            if self.cut == direction:
                self.cut = None
                for end in (source, target):
                    end.shutdown(socket.SHUT_RDWR)
                return
            target.sendall(data)


@pytest.fixture
def wire():
    opened = Wire()
    yield opened
    opened.listener.close()


def cut_at(monkeypatch, wire, method, direction):
    original = getattr(DirectoryConnection, method)

    def cutting(self, *arguments, **named):
        wire.cut = direction
        return original(self, *arguments, **named)

    monkeypatch.setattr(DirectoryConnection, method, cutting)


@pytest.mark.parametrize("state, method", [("absent", "delete"), ("disabled", "modify")])
def test_a_lost_answer_is_settled_by_looking(converge, wire, monkeypatch, account, state, method):
    cut_at(monkeypatch, wire, method, "answer")
    result = converge(state, port=wire.port)
    assert wire.cut is None and result["changed"] and result["holders_after"] == []


@pytest.mark.parametrize("state, method", [("absent", "delete"), ("disabled", "modify")])
def test_a_request_that_never_arrived_is_not_sent_again(converge, wire, monkeypatch, account, clean_lab, state, method):
    before = clean_lab.writes()
    cut_at(monkeypatch, wire, method, "request")
    with pytest.raises(DirectoryError, match="was not done") as caught:
        converge(state, port=wire.port)
    assert caught.value.code == "connection_lost" and caught.value.facts["backup"]
    assert clean_lab.writes() == before
    monkeypatch.undo()
    assert converge(state)["changed"]


def test_a_lost_answer_of_a_restore_is_settled_by_looking(converge, wire, monkeypatch, account):
    converge("absent")
    cut_at(monkeypatch, wire, "restore", "answer")
    assert converge("present", port=wire.port)["changed"]
    assert account() is not None
