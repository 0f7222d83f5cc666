# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator wants: one migration, described once. Private to this collection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import IDENTIFIERS
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

#: the phases in their order; each is a role of this name
PHASES = ("legacy_group_chat", "data_migration", "identity_cutover", "pool_services", "verification")
#: the value of C(stop_before) that runs every phase
TO_THE_END = "nothing"


@dataclass(frozen=True)
class LegacyServer:
    """A server of the Group Chat pool and the names of its Group Chat services."""

    name: str
    services: Sequence[str]


@dataclass(frozen=True)
class Migration:
    """The wanted migration. Connection options are kept apart from what is wanted; they never enter a digest."""

    sip_address: SipAddress
    pool_fqdn: str
    user_state: str
    user_identifiers: Mapping[str, str]
    user_overrides: Sequence[str]
    accept_undo: str
    backup_dir: str
    legacy_servers: Sequence[LegacyServer]
    pool_services: Sequence[str]
    archive: str
    source_instance: str
    source_database: str
    target_instance: str
    expected: Mapping[str, int] = field(default_factory=dict)
    verification: str = "counts"
    merge: bool = False
    remoting: Mapping[str, Any] = field(default_factory=dict, repr=False)
    legacy_remoting: Mapping[str, Any] = field(default_factory=dict, repr=False)
    directory: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Migration:
        """Read the options of pc_migration_plan: C(migration) and the three connections.

        :raises InvalidInput: a value is not what it should be, or one server is listed twice.
        """
        wanted = params["migration"]
        servers = tuple(
            LegacyServer(item["name"].lower(), tuple(item["services"])) for item in wanted["legacy_servers"]
        )
        names = [server.name for server in servers]
        for name in names:
            if names.count(name) > 1:
                raise InvalidInput(
                    "legacy_servers lists %s twice. List each server once, with all its services." % name
                )
        for server in servers:
            if not server.services:
                raise InvalidInput(
                    "legacy_servers lists %s without a service. Name its Group Chat services." % server.name
                )
        user = wanted["wellknown_user"]
        remoting = params["remoting"]
        return cls(
            sip_address=SipAddress.parse(wanted["sip_address"]),
            pool_fqdn=wanted["pool_fqdn"].lower(),
            user_state=wanted["wellknown_user_state"],
            user_identifiers={key: user[key] for key in IDENTIFIERS if user.get(key)},
            user_overrides=tuple(user.get("override") or ()),
            accept_undo=user.get("accept_undo") or "full",
            backup_dir=wanted["backup_dir"],
            legacy_servers=servers,
            pool_services=tuple(wanted["pool_services"]),
            archive=wanted["archive"],
            source_instance=wanted["source_database"]["instance"],
            source_database=wanted["source_database"]["name"],
            target_instance=wanted["target_database"]["instance"],
            expected={key: value for key, value in (wanted.get("expected_counts") or {}).items() if value is not None},
            verification=wanted["import_verification"],
            merge=wanted["merge"],
            remoting=remoting,
            legacy_remoting=params.get("legacy_remoting") or remoting,
            directory=params["directory"],
        )

    def export_options(self) -> dict[str, Any]:
        """The options of pc_data_export for this migration."""
        return {"file_name": self.archive, "db_instance": self.source_instance, "db_name": self.source_database}

    def import_options(self) -> dict[str, Any]:
        """The options of pc_data_import for this migration."""
        return {
            "file_name": self.archive,
            "db_instance": self.target_instance,
            "pool_fqdn": self.pool_fqdn,
            "expected": self.expected,
            "verification": self.verification,
            "merge": self.merge,
        }

    def shown(self) -> dict[str, Any]:
        """What is wanted, without any connection option: for the plan's JSON and its digest."""
        return {
            "sip_address": self.sip_address.key,
            "pool_fqdn": self.pool_fqdn,
            "wellknown_user_state": self.user_state,
            "wellknown_user": dict(self.user_identifiers),
            "override": sorted(self.user_overrides),
            "accept_undo": self.accept_undo,
            "legacy_servers": [{"name": s.name, "services": list(s.services)} for s in self.legacy_servers],
            "pool_services": list(self.pool_services),
            "archive": self.archive,
            "source_instance": self.source_instance,
            "source_database": self.source_database,
            "target_instance": self.target_instance,
            "expected_counts": dict(self.expected),
            "import_verification": self.verification,
            "merge": self.merge,
        }


def phases_before(stop_before: str) -> list[str]:
    """The phases that run when the run stops before the given one; all of them for C(nothing)."""
    return list(PHASES if stop_before == TO_THE_END else PHASES[: PHASES.index(stop_before)])
