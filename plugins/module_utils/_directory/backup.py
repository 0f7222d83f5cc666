# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup of an account, without which nothing is deleted. Private to this collection.

Two files: the LDIF with every attribute that could be read, and a JSON manifest with its hash. The manifest is written last, so
a manifest without its LDIF does not occur and an LDIF without manifest is no backup. Files are never overwritten: their names
carry GUID, USN and time. Passwords are not in them: a directory does not give them away, and attributes that may hold one
are left out.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.ldif import read_ldif, write_ldif
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
    "mssfu30password",
    "ntpwdhistory",
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


@dataclass(frozen=True)
class Backup:
    """A backup that was read from disk and found whole.

    :param path: of the LDIF; the manifest lies beside it.
    :param manifest: the manifest's content.
    :param entry: the account as it was.
    """

    path: str
    manifest: Mapping[str, Any]
    entry: Entry

    @property
    def guid(self) -> str:
        return self.manifest["object_guid"]

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
            "object_guid": self.guid,
            "distinguished_name": self.manifest["distinguished_name"],
            "state": self.state,
        }


class BackupError(PersistentChatError):
    """A backup could not be written, or is not what was written."""

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message, "backup_failed", **facts)


def check_directory(path: str) -> None:
    """Refuse a backup directory that cannot work. Creates nothing.

    :raises InvalidInput: it is a file, not writable, or cannot be created.
    """
    if os.path.exists(path):
        if not os.path.isdir(path) or not os.access(path, os.W_OK | os.X_OK):
            raise InvalidInput("backup_dir is %s, which is not a directory that this user may write to." % path)
    elif not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        raise InvalidInput("backup_dir is %s, and the directory above it does not exist. Create it first." % path)


def without_secrets(entry: Entry) -> Entry:
    """The object without attributes that may hold a password."""
    return Entry(entry.dn, {name: entry.values(name) for name in entry if name.lower() not in _SECRETS})


def save(directory: str, sip: SipAddress, state: str, entry: Entry, facts: Mapping[str, Any]) -> Backup:
    """Write the backup, force it to disk, read it back and compare.

    :param state: what is about to be done: absent or disabled.
    :param facts: further values for the manifest, such as the domain controller.
    :raises BackupError: nothing may be changed, because the backup is not safely there.
    """
    entry = without_secrets(entry)
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
        created=created.isoformat(),
        ldif=os.path.basename(path),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        _create(path, content)
        _create(_manifest_path(path), (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode("ascii"))
    except OSError as error:
        raise BackupError(
            "Could not write the backup of %s to %s: %s. Nothing was changed in the directory."
            % (entry.dn, directory, error)
        ) from error
    backup = load(path)
    if backup.entry.dn != entry.dn or backup.entry.attributes != entry.attributes or dict(backup.manifest) != manifest:
        raise BackupError(
            "The backup %s does not read back as it was written. Nothing was changed in the directory." % path
        )
    return backup


def load(path: str) -> Backup:
    """Read a backup and verify it against its manifest.

    :param path: the LDIF or the manifest.
    :raises BackupError: it is not there, or damaged.
    """
    path = os.path.splitext(path)[0] + ".ldif"
    try:
        with open(_manifest_path(path), "rb") as stream:
            manifest = json.loads(stream.read())
        with open(path, "rb") as stream:
            content = stream.read()
    except (OSError, ValueError) as error:
        raise BackupError("The backup %s cannot be read: %s." % (path, error), backup=path) from error
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT or not _MANIFEST <= set(manifest):
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
    return Backup(path, manifest, entry)


def newest(directory: str, sip: SipAddress) -> Backup | None:
    """Return the newest backup of the account that held the address, verified; None when there is none.

    :raises BackupError: the newest one is damaged. An older one is not taken instead without a word.
    """
    if not os.path.isdir(directory):
        return None
    found = []
    for name in os.listdir(directory):
        if not name.endswith(".json"):
            continue
        try:
            with open(os.path.join(directory, name), "rb") as stream:
                manifest = json.loads(stream.read())
        except (OSError, ValueError):
            continue
        if (
            isinstance(manifest, dict)
            and manifest.get("format") == _FORMAT
            and str(manifest.get("sip_address")).lower() == sip.key
        ):
            found.append((str(manifest.get("created")), name))
    return load(os.path.join(directory, max(found)[1])) if found else None


def _manifest_path(path: str) -> str:
    return os.path.splitext(path)[0] + ".json"


def _create(path: str, content: bytes) -> None:
    """Create a file that is whole and on disk, or not there at all. Two writers of one name cannot meet: C(O_EXCL)."""
    temporary = path + ".new"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if os.path.lexists(path):
            raise FileExistsError("%s is there already" % path)
        os.rename(temporary, path)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise
    directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
