# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup of an account, without which nothing is deleted. Private to this collection.

Two files: the LDIF with every attribute that could be read, and a JSON manifest with its hash. The manifest is written last, so
a manifest without its LDIF does not occur and an LDIF without manifest is no backup. Files are never overwritten: their names
carry GUID, USN and time. Passwords are not in them: a directory does not give them away, and attributes that may hold one
are left out.

The backup of an account that was disabled earlier and is deleted now names the earlier one (C(continues)): what comes back is the
account as it was before it was disabled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.disk import create_file, force_to_disk
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.ldif import read_ldif, write_ldif
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.recreated import Recreation, read_note
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

#: what to read for a backup; "*" leaves out what the server computes and the security descriptor (directory.md, section 5.5)
ATTRIBUTES = ("*", "nTSecurityDescriptor", "tokenGroups", "canonicalName")
_FORMAT = "lync.persistent_chat account backup 1"
_SECRETS = {
    "dbcspwd",
    "lmpwdhistory",
    "ms-mcs-admpwd",
    "msds-managedpassword",
    "mslaps-encryptedpassword",
    "mslaps-encryptedpasswordhistory",
    "mslaps-password",
    "mssfu30password",
    "ntpwdhistory",
    "os400-password",
    "supplementalcredentials",
    "unicodepwd",
    "unixuserpassword",
    "userpassword",
}
_MANIFEST = {
    "object_guid",
    "object_sid",
    "distinguished_name",
    "sam_account_name",
    "sip_address",
    "state",
    "created",
    "ldif",
    "sha256",
}


_NAME = re.compile(r"[0-9a-f-]{36}_usn\d+_\d{8}T\d{6}\.\d{6}Z\.json\Z", re.ASCII)


@dataclass(frozen=True)
class Backup:
    """A backup that was read from disk and found whole.

    :param path: of the LDIF; the manifest lies beside it.
    :param manifest: the manifest's content.
    :param held: the account as this file has it.
    :param continues: the earlier backup, of the account before it was disabled.
    :param recreation: the account that was created anew from this backup, if it was.
    """

    path: str
    manifest: Mapping[str, Any]
    held: Entry
    continues: Backup | None = None
    recreation: Recreation | None = None

    @property
    def first(self) -> Backup:
        """The backup that brings the account back: the earlier one if there is one."""
        return self.continues or self

    @property
    def entry(self) -> Entry:
        """The account as C(present) brings it back."""
        return self.first.held

    @property
    def first_guid(self) -> str:
        """The account's GUID when the backup was written."""
        return self.manifest["object_guid"]

    @property
    def guid(self) -> str:
        """The account's GUID now: another one when it was created anew."""
        return self.recreation and self.recreation.object_guid or self.first_guid

    @property
    def state(self) -> str:
        """What was about to be done to the account: absent or disabled."""
        return self.manifest["state"]

    def shown(self) -> dict[str, Any]:
        """The backup as a module returns it."""
        return {
            "path": self.path,
            "manifest": _manifest_path(self.path),
            "sha256": self.manifest["sha256"],
            "created": self.manifest["created"],
            "object_guid": self.first_guid,
            "distinguished_name": self.manifest["distinguished_name"],
            "state": self.state,
            "continues": self.continues.path if self.continues else None,
        }


class BackupError(PersistentChatError):
    """A backup could not be written, or is not what was written."""

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message, "backup_failed", **facts)


def check_directory(path: str) -> None:
    """Refuse a backup directory that cannot work, or that is not private. Creates nothing.

    :raises InvalidInput: it is a file, not writable, writable for everybody, or cannot be created.
    """
    if os.path.lexists(path):
        if not os.path.isdir(path) or not os.access(path, os.W_OK | os.X_OK):
            raise InvalidInput("backup_dir is %s, which is not a directory that this user may write to." % path)
        _require_private(path)
    elif not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        raise InvalidInput("backup_dir is %s, and the directory above it does not exist. Create it first." % path)


def _require_private(path: str) -> None:
    """Refuse a directory or file that everybody may write to: what is in it decides about deletions and group memberships.

    :raises InvalidInput: everybody may write to it.
    """
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode & stat.S_IWOTH:
        raise InvalidInput(
            "Everybody may write to %s (mode %04o), so the backups there could be anybody's, and they decide what is deleted and "
            "what comes back. Take that right away with chmod o-w, or keep the backups elsewhere." % (path, mode)
        )


def without_secrets(entry: Entry) -> Entry:
    """The object without attributes that may hold a password."""
    return Entry(entry.dn, {name: entry.values(name) for name in entry if name.lower() not in _SECRETS})


def save(
    directory: str, sip: SipAddress, state: str, entry: Entry, facts: Mapping[str, Any], continues: Backup | None = None
) -> Backup:
    """Write the backup, force it to disk, read it back and compare.

    :param state: what is about to be done: absent or disabled.
    :param facts: further values for the manifest, such as the domain controller.
    :param continues: the backup of the same account before it was disabled, in the same directory.
    :raises BackupError: nothing may be changed, because the backup is not safely there.
    """
    entry = without_secrets(entry)
    partial = [name for name in entry if ";range=" in name.lower()]
    if partial:
        raise BackupError(
            "The directory gave only a part of %s of %s, so a backup would not be whole. Nothing was changed in the directory."
            % (", ".join(partial), entry.dn)
        )
    directory = os.path.abspath(directory)
    content = write_ldif(entry).encode("ascii")
    created = datetime.now(timezone.utc)
    name = "%s_usn%d_%s" % (entry.guid, entry.integer("uSNChanged"), created.strftime("%Y%m%dT%H%M%S.%fZ"))
    path = os.path.join(directory, name + ".ldif")
    manifest = dict(
        facts,
        format=_FORMAT,
        sip_address=str(sip),
        state=state,
        object_guid=entry.guid,
        object_sid=entry.sid,
        distinguished_name=entry.dn,
        sam_account_name=entry.text("sAMAccountName"),
        usn_changed=entry.integer("uSNChanged"),
        created=created.isoformat(timespec="microseconds"),
        ldif=os.path.basename(path),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    if continues:
        manifest["continues"] = {"ldif": os.path.basename(continues.path), "sha256": continues.manifest["sha256"]}
    try:
        _make_directory(directory)
        create_file(path, content)
        create_file(_manifest_path(path), (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode("ascii"))
    except OSError as error:
        raise BackupError(
            "Could not write the backup of %s to %s: %s. Nothing was changed in the directory."
            % (entry.dn, directory, error)
        ) from error
    backup = load(path)
    if backup.held.dn != entry.dn or backup.held.attributes != entry.attributes or dict(backup.manifest) != manifest:
        raise BackupError(
            "The backup %s does not read back as it was written. Nothing was changed in the directory." % path
        )
    return backup


def load(path: str) -> Backup:
    """Read a backup and verify it against its manifest; the earlier one that it continues as well.

    :param path: the LDIF or the manifest.
    :raises InvalidInput: everybody may write to it.
    :raises PersistentChatError: C(backup_failed), it is not there, or damaged.
    """
    backup = _load_one(os.path.splitext(os.path.abspath(path))[0] + ".ldif")
    link = backup.manifest.get("continues")
    if link is None:
        return backup
    try:
        earlier = _load_one(os.path.join(os.path.dirname(backup.path), os.path.basename(link["ldif"])))
        same = (earlier.guid, earlier.manifest["sha256"], earlier.state) == (backup.guid, link["sha256"], "disabled")
    except (TypeError, KeyError) as error:
        raise BackupError("%s is damaged." % _manifest_path(backup.path), backup=backup.path) from error
    except BackupError as error:
        raise BackupError(
            "The backup %s continues an earlier one, which holds the account as it was before it was disabled. %s "
            "Keep both together." % (backup.path, error),
            backup=backup.path,
        ) from error
    if not same or "continues" in earlier.manifest:
        raise BackupError(
            "The backup %s continues %s, and that file is not the one that it means." % (backup.path, earlier.path),
            backup=backup.path,
        )
    return replace(backup, continues=earlier)


def newest(directory: str, sip: SipAddress) -> Backup | None:
    """Return the newest backup of the account that held the address, verified; None when there is none.

    :raises InvalidInput: everybody may write there.
    :raises BackupError: the newest one is damaged, or a manifest cannot be read: it may be the newest one. An older one is not taken
        instead without a word.
    """
    if not os.path.isdir(directory):
        return None
    found = []
    for name in os.listdir(directory):
        if not name.endswith(".json"):
            continue
        manifest = _read_manifest(os.path.join(directory, name))
        if manifest is None and _NAME.match(name):
            raise BackupError(
                "%s is damaged: it is no manifest of an account's backup any more. Bring the right file back, or move it away "
                "when it is of another account." % os.path.join(directory, name)
            )
        if manifest and str(manifest.get("sip_address")).lower() == sip.key:
            found.append((str(manifest.get("created")), name))
    return load(os.path.join(directory, max(found)[1])) if found else None


def _load_one(path: str) -> Backup:
    """Read one backup and verify it against its manifest. For the parameter and the error see L(load)."""
    try:
        for place in (os.path.dirname(path), path, _manifest_path(path)):
            _require_private(place)
        with open(path, "rb") as stream:
            content = stream.read()
    except OSError as error:
        raise BackupError("The backup %s cannot be read: %s." % (path, error), backup=path) from error
    manifest = _read_manifest(_manifest_path(path))
    if manifest is None or not _MANIFEST <= set(manifest):
        raise BackupError("%s is no manifest of an account's backup." % _manifest_path(path), backup=path)
    if hashlib.sha256(content).hexdigest() != manifest["sha256"]:
        raise BackupError(
            "The backup %s is damaged: its SHA-256 is not the one in its manifest. Bring the right file back, or name "
            "another with the option backup." % path,
            backup=path,
        )
    try:
        entry = read_ldif(content.decode("ascii"))
    except ValueError as error:
        raise BackupError("The backup %s is no LDIF: %s." % (path, error), backup=path) from error
    if not entry.values("objectGUID") or entry.guid != manifest["object_guid"]:
        raise BackupError("The backup %s is of another object than its manifest says." % path, backup=path)
    return Backup(path, manifest, entry, recreation=read_note(os.path.dirname(path), entry.guid))


def _read_manifest(path: str) -> dict[str, Any] | None:
    """The content of a manifest; None when the file is none, or cannot be read."""
    try:
        with open(path, "rb") as stream:
            manifest = json.loads(stream.read())
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and manifest.get("format") == _FORMAT else None


def _manifest_path(path: str) -> str:
    return os.path.splitext(path)[0] + ".json"


def _make_directory(path: str) -> None:
    """Create the directory, if it is not there, so that it survives a power cut."""
    if not os.path.isdir(path):
        os.mkdir(path, mode=0o700)
        force_to_disk(os.path.dirname(path))
