# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup on disk: whole or not there, private, never overwritten, and damage is noticed."""

from __future__ import annotations

import json
import os
import stat
import uuid

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


def save(folder, entry=ENTRY):
    return backups.save(str(folder), SIP, "absent", entry, {"domain_controller": "dc1.contoso.com"})


def test_round_trip_and_modes(tmp_path):
    folder = tmp_path / "new"
    saved = save(folder)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert len(os.listdir(folder)) == 2
    assert {stat.S_IMODE(os.stat(folder / name).st_mode) for name in os.listdir(folder)} == {0o600}
    for path in (saved.path, saved.shown()["manifest"]):
        loaded = backups.load(path)
        assert loaded.entry.dn == ENTRY.dn
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


def test_a_file_is_never_overwritten(tmp_path):
    path = tmp_path / "a.ldif"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        backups._create(str(path), b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a.ldif"]


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


def test_a_backup_that_does_not_read_back_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(backups, "read_ldif", lambda text: Entry(ENTRY.dn, {"objectGUID": ENTRY.values("objectGUID")}))
    with pytest.raises(backups.BackupError, match="does not read back"):
        save(tmp_path)


def test_a_directory_that_cannot_work_is_refused_and_nothing_created(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for path in (file, tmp_path / "a" / "b"):
        with pytest.raises(InvalidInput, match="backup_dir"):
            backups.check_directory(str(path))
    backups.check_directory(str(tmp_path / "a"))
    assert os.listdir(tmp_path) == ["file"]
