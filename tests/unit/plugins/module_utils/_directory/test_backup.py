# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup on disk: whole or not there, private, never overwritten, and damage is noticed."""

from __future__ import annotations

import json
import os
import resource
import shutil
import stat
import uuid
from pathlib import Path

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup as backups
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

SIP = SipAddress.parse("sip:ocschat@contoso.com")
ENTRY = Entry(
    "CN=Größe\\, ocschat,OU=Group Chat,DC=contoso,DC=com",
    {
        "objectGUID": [uuid.UUID(int=7).bytes_le],
        "uSNChanged": [b"4711"],
        "sAMAccountName": [b"ocschat"],
        "memberOf": [b"CN=a", b"CN=b"],
        "nTSecurityDescriptor": [bytes(range(256))],
        "userPassword": [b"Secret-canary"],
        "UnicodePwd": [b"Secret-canary"],
    },
)


def save(folder, entry=ENTRY, state="absent", continues=None):
    return backups.save(str(folder), SIP, state, entry, {"domain_controller": "dc1.contoso.com"}, continues)


def test_round_trip_and_modes(tmp_path):
    folder = tmp_path / "new"
    saved = save(folder)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert len(os.listdir(folder)) == 2
    assert {stat.S_IMODE(os.stat(folder / name).st_mode) for name in os.listdir(folder)} == {0o600}
    for path in (saved.path, saved.shown()["manifest"]):
        loaded = backups.load(path)
        assert loaded.entry.dn == ENTRY.dn and loaded.continues is None
        assert loaded.entry.attributes == backups.without_secrets(ENTRY).attributes
    assert (saved.guid, saved.state) == (ENTRY.guid, "absent")
    assert ENTRY.guid in saved.path and "usn4711" in saved.path


def test_passwords_are_not_in_it(tmp_path):
    save(tmp_path)
    for name in os.listdir(tmp_path):
        content = (tmp_path / name).read_bytes()
        assert b"canary" not in content and b"pwd" not in content.lower()


def test_every_backup_has_files_of_its_own_and_the_newest_is_found(tmp_path):
    first, second = save(tmp_path), save(tmp_path)
    assert first.path != second.path and backups.load(first.path)
    assert backups.newest(str(tmp_path), SipAddress.parse("SIP:OCSCHAT@contoso.com")).path == second.path
    assert backups.newest(str(tmp_path), SipAddress.parse("sip:other@contoso.com")) is None
    assert backups.newest(str(tmp_path / "missing"), SIP) is None


def test_a_file_is_never_overwritten_and_what_a_killed_run_left_is_not_in_the_way(tmp_path):
    path = tmp_path / "a.ldif"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        backups.create_file(str(path), b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a.ldif"]
    (tmp_path / "b.ldif.new").write_bytes(b"half")
    backups.create_file(str(tmp_path / "b.ldif"), b"whole")
    assert (tmp_path / "b.ldif").read_bytes() == b"whole"


def test_it_is_read_back_from_disk_after_it_was_forced_there(tmp_path, monkeypatch):
    """Every file, and the folders that name them: a power cut right after must not lose what the deletion relies on."""
    forced, fsync = [], os.fsync

    def record(handle):
        forced.append(os.path.basename(os.readlink("/proc/self/fd/%d" % handle)))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", record)
    saved = save(tmp_path / "new")
    kinds = [".ldif" if ".ldif." in name else ".json" if ".json." in name else name for name in forced]
    assert kinds == [tmp_path.name, ".ldif", "new", ".json", "new"]
    assert saved.held.attributes == backups.without_secrets(ENTRY).attributes


def damage(path, old=b"4711", new=b"4712"):
    with open(path, "r+b") as stream:
        content = stream.read()
        assert old in content
        stream.seek(0)
        stream.write(content.replace(old, new, 1))


def test_damage_is_an_error_also_when_an_older_backup_is_whole(tmp_path):
    save(tmp_path)
    newest = save(tmp_path)
    damage(newest.path)
    with pytest.raises(backups.BackupError, match="damaged"):
        backups.newest(str(tmp_path), SIP)


def test_a_manifest_of_another_object_is_an_error(tmp_path):
    saved = save(tmp_path)
    damage(saved.shown()["manifest"], b'-000000000007"', b'-000000000008"')
    with pytest.raises(backups.BackupError, match="another object"):
        backups.load(saved.path)


def test_what_a_killed_writer_leaves_is_no_backup(tmp_path):
    saved = save(tmp_path)
    os.unlink(saved.shown()["manifest"])
    (tmp_path / "x.ldif.new").write_text("half")
    (tmp_path / "y.json").write_text("{")
    (tmp_path / "z.json").write_text(json.dumps({"format": "something else"}))
    assert backups.newest(str(tmp_path), SIP) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": "of another product"}'])
def test_a_damaged_manifest_is_an_error_because_it_may_be_the_newest(tmp_path, content):
    save(tmp_path)
    (tmp_path / os.path.basename(save(tmp_path).shown()["manifest"])).write_bytes(content)
    with pytest.raises(backups.BackupError, match="damaged"):
        backups.newest(str(tmp_path), SIP)


STRIPPED = Entry(ENTRY.dn, {**ENTRY.attributes, "uSNChanged": [b"4800"], "memberOf": []})


def test_what_comes_back_of_an_account_that_was_disabled_first_is_what_it_was_before(tmp_path):
    earlier = save(tmp_path, state="disabled")
    saved = save(tmp_path, STRIPPED, continues=earlier)
    for loaded in (saved, backups.newest(str(tmp_path), SIP)):
        assert loaded.state == "absent" and loaded.first.state == "disabled"
        assert loaded.entry.values("memberOf") == ENTRY.values("memberOf") and "memberOf" not in loaded.held
        assert loaded.shown()["continues"] == earlier.path
    assert earlier.shown()["continues"] is None


def unlink(saved, earlier):
    os.unlink(earlier.path)


def change(saved, earlier):
    damage(earlier.path)


def exchange(saved, earlier):
    """Another backup that is whole in itself, under the earlier one's name."""
    other = save(os.path.dirname(earlier.path), STRIPPED, state="disabled")
    os.replace(other.path, earlier.path)
    os.replace(other.shown()["manifest"], earlier.shown()["manifest"])


def relink(saved, earlier):
    damage(saved.shown()["manifest"], b'"ldif": "00000000', b'"ldif": "99999999')


def no_link(saved, earlier):
    damage(saved.shown()["manifest"], b'"continues": {', b'"continues": 7, "c": {')


def itself(saved, earlier):
    with open(saved.shown()["manifest"], encoding="ascii") as stream:
        manifest = json.load(stream)
    manifest["continues"] = {"ldif": manifest["ldif"], "sha256": manifest["sha256"]}
    with open(saved.shown()["manifest"], "w", encoding="ascii") as stream:
        json.dump(manifest, stream)


@pytest.mark.parametrize("break_it", [unlink, change, exchange, relink, no_link, itself])
def test_a_chain_is_verified_link_by_link(tmp_path, break_it):
    earlier = save(tmp_path, state="disabled")
    saved = save(tmp_path, STRIPPED, continues=earlier)
    break_it(saved, earlier)
    with pytest.raises(backups.BackupError, match="continues|damaged"):
        backups.load(saved.path)


def test_a_backup_of_a_deletion_is_no_earlier_one(tmp_path):
    earlier = save(tmp_path)
    with pytest.raises(backups.BackupError, match="not the one"):
        save(tmp_path, STRIPPED, continues=earlier)


def test_an_attribute_of_which_only_a_part_was_given_is_no_backup(tmp_path):
    """Active Directory hands out more than 1500 values in ranges."""
    partial = Entry(ENTRY.dn, {**ENTRY.attributes, "memberOf;range=0-1499": [b"CN=a"]})
    with pytest.raises(backups.BackupError, match="only a part of memberOf"):
        save(tmp_path / "new", partial)
    assert os.listdir(tmp_path) == []


def limited(tmp_path):
    """What a full disk does to a file, halfway through it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (_soft, hard))


def vanishing(tmp_path):
    """The folder goes away between the LDIF and the manifest."""
    create = backups.create_file

    def create_and_remove(path, content):
        create(path, content)
        shutil.rmtree(tmp_path / "new")

    backups.create_file = create_and_remove
    return lambda: setattr(backups, "create_file", create)


def no_folder(tmp_path):
    """A file has its name by now."""
    (tmp_path / "new").write_text("")
    return lambda: None


@pytest.mark.parametrize("trouble", [limited, vanishing, no_folder])
def test_a_backup_that_cannot_be_written_is_said_so(tmp_path, trouble):
    undo = trouble(tmp_path)
    try:
        with pytest.raises(backups.BackupError) as caught:
            save(tmp_path / "new")
    finally:
        undo()
    assert str(tmp_path / "new") in str(caught.value) and "Nothing was changed in the directory" in str(caught.value)
    assert backups.newest(str(tmp_path / "new"), SIP) is None
    assert not list(tmp_path.rglob("*.new"))


@pytest.mark.parametrize("which", ["folder", "ldif", "manifest"])
def test_what_everybody_may_write_to_is_not_read_either(tmp_path, which):
    """What it says would be done with our rights: a deletion, or a return with memberships."""
    saved = save(tmp_path / "new")
    place = {"folder": tmp_path / "new", "ldif": Path(saved.path), "manifest": Path(saved.shown()["manifest"])}[which]
    place.chmod(place.stat().st_mode | stat.S_IWOTH)
    with pytest.raises(InvalidInput, match="Everybody may write"):
        backups.load(saved.path)
    with pytest.raises(InvalidInput, match="Everybody may write"):
        backups.newest(str(tmp_path / "new"), SIP)


def test_a_folder_that_cannot_be_written_to(tmp_path):
    with pytest.raises(backups.BackupError, match="/sys/backups"):
        save("/sys/backups")


def test_a_folder_by_a_relative_name_or_a_symbolic_link(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    for name in ("link", "relative", "./link/../other"):
        backups.check_directory(name)
        saved = save(name)
        assert os.path.isabs(saved.path) and backups.newest(name, SIP).path == saved.path
        assert backups.load(os.path.relpath(saved.path)).path == saved.path
    assert len(os.listdir(tmp_path / "real")) == 2 and os.path.isdir(tmp_path / "other")


def test_a_backup_that_does_not_read_back_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(backups, "read_ldif", lambda text: Entry(ENTRY.dn, {"objectGUID": ENTRY.values("objectGUID")}))
    with pytest.raises(backups.BackupError, match="does not read back"):
        save(tmp_path)


def test_a_directory_that_cannot_work_is_refused_and_nothing_created(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    (tmp_path / "nowhere").symlink_to("missing")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    for path in (file, tmp_path / "a" / "b", tmp_path / "nowhere", tmp_path / "open"):
        with pytest.raises(InvalidInput, match=str(path)):
            backups.check_directory(str(path))
    (tmp_path / "open").chmod(0o770)
    for path in (tmp_path / "a", tmp_path / "open"):
        backups.check_directory(str(path))
    assert sorted(os.listdir(tmp_path)) == ["file", "nowhere", "open"] and os.listdir(tmp_path / "open") == []
