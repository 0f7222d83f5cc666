# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed, stopped or cut off at any step, run again: the wanted state, and at no moment neither the account nor a verified backup."""

from __future__ import annotations

import itertools
import shutil
import signal

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import find_holders
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress
from tests.integration.directory.adapter import Adapter, lose_answer, lose_request, pass_on
from tests.integration.directory.conftest import SIP, USER
from tests.integration.directory.crash import END, Run
from tests.integration.directory.trips import expunge
from tests.lab import settings

ADDRESS = SipAddress.parse(SIP)
NAMES = ["msRTCSIP-PrimaryUserAddress", "memberOf", "displayName", "userPrincipalName", "proxyAddresses"]
SAME = (*NAMES, "objectGUID", "objectSid", "userAccountControl")
BACKUP = ["open", "fsync", "rename", "fsync"] * 2  # the LDIF, then its manifest


def kept(entry, names=SAME):
    return {name: sorted(entry.values(name)) for name in names}


@pytest.fixture
def look(connection, account):
    """What must be true at every moment: the account with its address or a whole backup of it, and never two holders."""

    def check(folder, died):
        seen = account()
        holds = seen is not None and seen.text("msRTCSIP-PrimaryUserAddress") == SIP
        assert holds or backup.newest(str(folder), ADDRESS) is not None, died
        assert len(find_holders(connection, ADDRESS)) <= 1, died

    return check


@pytest.fixture
def interrupted(params, converge, look):
    """Kill the run before its step of this number, look, and run it again. Returns how the first one ended."""

    def leg(state, number, folder, **options):
        given = dict(params, state=state, backup_dir=str(folder), **options)
        died = Run(given, number).ended()
        assert died.code is None, died
        look(folder, died)
        if died.killed:
            again = converge(state, backup_dir=str(folder), **options)
            assert again["not_restored"] == [] and len(again["holders_after"]) == (state == "present"), died
            assert again["changed"] or died.steps[-1] == END or state == "present", died
        return died

    return leg


@pytest.mark.parametrize(
    "before, there, write",
    [(None, "absent", "delete"), (None, "disabled", "modify"), ("disabled", "absent", "delete")],
)
def test_killed_at_each_step_of_the_way_there_and_back(interrupted, account, converge, tmp_path, before, there, write):
    was = kept(account())
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        if before:
            assert converge(before, backup_dir=str(folder))["changed"]
        ended = {state: interrupted(state, number, folder) for state in (there, "present")}
        assert kept(account()) == was, ended
        if not any(died.killed for died in ended.values()):
            break
    assert ended[there].steps == ((() if before else ("mkdir", "fsync")) + (*BACKUP, write, END))
    assert set(ended["present"].steps) == {"modify", END} and len(ended["present"].steps) > 2
    assert not converge("present", backup_dir=str(folder))["changed"]


def test_killed_at_each_step_out_of_the_recycle_bin(interrupted, running_lab, request, tmp_path):
    running_lab.call("directory.use", controllers=1, recycle_bin="emulated")
    request.addfinalizer(lambda: running_lab.call("directory.use", controllers=1, recycle_bin="off"))
    converge, account = request.getfixturevalue("converge"), request.getfixturevalue("account")
    was = kept(account())
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        assert converge("absent", backup_dir=str(folder), accept_undo="full")["changed"]
        died = interrupted("present", number, folder)
        assert kept(account()) == was, died
        if not died.killed:
            break
    assert set(died.steps) == {"modify", END} and number > 2


def test_killed_at_each_step_of_a_creation_anew(interrupted, account, converge, admin, clean_lab, tmp_path):
    was = kept(account(), NAMES)
    converge("absent", backup_dir=str(tmp_path / "0"))
    expunge(clean_lab)
    for number in itertools.count(1):
        folder = shutil.copytree(tmp_path / "0", tmp_path / str(number))
        died = interrupted("present", number, folder, allow_recreate=True)
        admin.search(settings.BASE_DN, "(|(sAMAccountName=%s)(cn=%s))" % (USER.name, USER.name))
        assert [item["dn"] for item in admin.response if item["type"] == "searchResEntry"] == [USER.dn], died
        assert kept(account(), NAMES) == was and not account().enabled, died
        if not died.killed:
            break
        admin.delete(USER.dn)
    assert {"open", "fsync", "rename", "add", "modify"} < set(died.steps)
    assert not converge("present", backup_dir=str(folder))["changed"]


def test_an_unfinished_backup_is_not_reused_and_a_whole_one_is(params, converge, folder):
    given = dict(params, state="absent")
    assert Run(given, 7).ended().steps == ("mkdir", "fsync", *BACKUP[:4], "open")
    assert [path.suffix for path in folder.iterdir()] == [".ldif"]
    assert backup.newest(str(folder), ADDRESS) is None
    assert Run(given, "delete").ended().killed
    whole = backup.newest(str(folder), ADDRESS)
    assert converge("absent")["backup"]["path"] == whole.path


def test_killed_while_it_waits_the_next_run_goes_on_waiting(running_lab, request):
    running_lab.call("directory.use", controllers=2, recycle_bin="off")
    request.addfinalizer(lambda: running_lab.call("directory.use", controllers=1, recycle_bin="off"))
    params, converge = request.getfixturevalue("params"), request.getfixturevalue("converge")
    other = settings.DOMAIN_CONTROLLERS[1]
    for state in ("absent", "present"):
        running_lab.call("replication.pause", controller=other.name)
        asked = {"lync_domain_controllers": [other.fqdn], "replication_timeout": 60}
        assert Run(dict(params, state=state, **asked), "wait").ended().killed
        with pytest.raises(DirectoryError) as caught:
            converge(state, **dict(asked, replication_timeout=1))
        assert caught.value.code == "replication_pending" and not caught.value.facts["changed"]
        running_lab.call("replication.resume", controller=other.name)
        done = converge(state, **asked)
        assert not done["changed"] and len(done["holders_after"]) == (state == "present")


@pytest.mark.parametrize("state, write", [("absent", "delete"), ("disabled", "modify")])
def test_one_that_was_stopped_before_its_write_finds_it_done_by_another(
    params, converge, account, clean_lab, folder, look, state, write
):
    orphan = Run(dict(params, state=state), write, signal.SIGSTOP)
    orphan.stopped()
    assert converge(state)["changed"]
    before, seen = clean_lab.writes(), account()
    orphan.go_on()
    late = orphan.ended()
    assert late.code in ("no_such_object", "no_such_attribute") and USER.dn in late.text, late
    assert clean_lab.writes() == before and (account() and account().attributes) == (seen and seen.attributes)
    look(folder, late)
    assert not converge(state)["changed"]
    assert converge("present")["not_restored"] == []


@pytest.mark.parametrize("nth", [1, 2])
def test_a_return_that_was_stopped_meets_one_that_was_faster(params, converge, account, folder, look, nth):
    """Before the restore, and before what the account lacked then."""
    was = kept(account())
    converge("absent")
    orphan = Run(dict(params, state="present"), nth, signal.SIGSTOP)
    orphan.stopped()
    assert converge("present")["not_restored"] == []
    orphan.go_on()
    late = orphan.ended()
    assert late.code is None and not late.not_restored, late
    look(folder, late)
    assert kept(account()) == was and not converge("present")["changed"]


def test_two_at_the_same_moment(params, converge, account, look, folder):
    """Both have looked for the last time when the first of them writes."""
    was = kept(account())

    def both(state, step):
        runs = [Run(dict(params, state=state), step, signal.SIGSTOP) for _number in (1, 2)]
        for run in runs:
            run.stopped()
        for run in runs:
            run.go_on()
        ended = [run.ended() for run in runs]
        look(folder, ended)
        assert not converge(state)["changed"], ended
        return {one.code for one in ended}

    assert both("absent", "delete") == {None, "no_such_object"}
    assert both("present", "modify") == {None}
    assert kept(account()) == was


def test_while_one_creates_it_anew_another_does_not(params, converge, admin, account, clean_lab, look, folder):
    was = kept(account(), NAMES)
    converge("absent")
    expunge(clean_lab)
    first = Run(dict(params, state="present", allow_recreate=True), "add", signal.SIGSTOP)
    first.stopped()
    with pytest.raises(PersistentChatError) as caught:
        converge("present", allow_recreate=True)
    assert caught.value.code == "changed_meanwhile" and account() is None
    first.go_on()
    look(folder, first.ended())
    admin.search(settings.BASE_DN, "(sAMAccountName=%s)" % USER.name)
    assert len([item for item in admin.response if item["type"] == "searchResEntry"]) == 1
    assert kept(account(), NAMES) == was and not converge("present")["changed"]


@pytest.fixture
def cut_off(converge, clean_lab, folder, look):
    """Run the module over a connection that breaks at the write of this number. Returns the error, and how many were sent."""

    def run(state, cut, number):
        with Adapter(clean_lab.paths) as adapter:
            for operation in ("modify", "delete"):
                adapter.on(operation, pass_on, times=number - 1)
                adapter.on(operation, cut)
            error = None
            try:
                converge(state, port=adapter.port)
            except DirectoryError as caught:
                error = caught
                assert error.code in ("connection_lost", "restore_failed"), error
                assert "Run the module again" in str(error) and "right:" not in str(error), error
            sent = [str(each.message["protocolOp"]) for each in adapter.seen if each.operation in ("modify", "delete")]
        assert len(set(sent)) == len(sent), "something was sent twice"
        look(folder, error)
        return error, len(sent)

    return run


@pytest.mark.parametrize("there", ["absent", "disabled"])
@pytest.mark.parametrize("cut", [lose_request, lose_answer])
def test_cut_off_at_each_write_of_the_way_there_and_back(cut_off, converge, clean_lab, account, there, cut):
    """What was lost is looked up, never sent again; the next run goes on from there."""
    was, before = kept(account()), clean_lab.writes()
    error, _sent = cut_off(there, cut, 1)
    if cut is lose_request:
        assert "was not done" in str(error) and error.facts["backup"] and clean_lab.writes() == before
    else:
        assert error is None
    for number in itertools.count(1):
        assert converge(there)["holders_after"] == []
        error, sent = cut_off("present", cut, number)
        assert converge("present")["not_restored"] == [] and kept(account()) == was, (number, error)
        if sent < number:
            break
    assert error is None and number > 2
