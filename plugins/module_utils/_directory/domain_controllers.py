# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The domain controllers of the forest, and which of them must agree. Private to this collection.

"Gone everywhere" cannot mean every domain controller of a forest: some are behind firewalls, and one is always down on a Saturday.
So some are required and the others are exempted by name, never in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.options import ALL, REQUIRED
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput

PINNED = "pinned"
CATALOG = "global_catalog"
LYNC = "lync"
LISTED = "listed"
_CATALOG_OPTION = 1  # bit of the options of an nTDSDSA object (MS-ADTS, section 6.1.1.2.2.1.2.1.1)


@dataclass(frozen=True)
class DomainController:
    """One domain controller as the configuration describes it (directory.md, section 7).

    :param host: its DNS name in lower case.
    :param site: the name of its site.
    :param read_only: an RODC.
    :param domains: the naming contexts that it holds in full, in lower case.
    """

    host: str
    site: str
    read_only: bool
    global_catalog: bool
    domains: tuple[str, ...]


@dataclass(frozen=True)
class Member:
    """A domain controller that must agree.

    :param roles: why: pinned, global_catalog, lync, listed, all.
    :param partial: it holds the domain in its global catalog only, so only that can be asked.
    """

    host: str
    roles: tuple[str, ...]
    read_only: bool = False
    partial: bool = False

    def shown(self, agrees: bool | None) -> dict[str, Any]:
        """The member as a module returns it."""
        return {"server": self.host, "roles": list(self.roles), "read_only": self.read_only, "agrees": agrees}


@dataclass(frozen=True)
class RequiredSet:
    """Who must agree, and who need not.

    :param exempted: every other domain controller that could show the account.
    """

    members: tuple[Member, ...]
    exempted: tuple[DomainController, ...]

    @property
    def others(self) -> tuple[Member, ...]:
        """The members that neither the pinned connection nor its global catalog speaks for."""
        return tuple(
            member for member in self.members if not {PINNED} & set(member.roles) and member.roles != (CATALOG,)
        )


def find_domain_controllers(connection: DirectoryConnection) -> list[DomainController]:
    """Return the forest's domain controllers, from the configuration that every one of them has.

    :raises DirectoryError: the pinned domain controller could not be asked.
    """
    attributes = [
        "dNSHostName",
        "hasMasterNCs",
        "msDS-HasMasterNCs",
        "msDS-hasFullReplicaNCs",
        "objectClass",
        "options",
    ]
    found = connection.search(
        "CN=Sites," + connection.configuration, "(|(objectClass=nTDSDSA)(objectClass=server))", attributes
    )
    hosts = {entry.dn.lower(): entry.text("dNSHostName") for entry in found}
    controllers = []
    for entry in found:
        classes = [name.lower() for name in entry.texts("objectClass")]
        if "ntdsdsa" not in classes:
            continue
        server = entry.dn.partition(",")[2]
        full = entry.texts("msDS-HasMasterNCs") + entry.texts("hasMasterNCs") + entry.texts("msDS-hasFullReplicaNCs")
        controllers.append(
            DomainController(
                host=(hosts.get(server.lower()) or server).lower(),
                site=server.split(",")[2].partition("=")[2],
                read_only="ntdsdsaro" in classes,
                global_catalog=bool(entry.integer("options") & _CATALOG_OPTION),
                domains=tuple(sorted({name.lower() for name in full})),
            )
        )
    return sorted(controllers, key=lambda controller: controller.host)


def choose_required(
    controllers: Sequence[DomainController],
    domain: str,
    pinned: str,
    catalog: str,
    verify_on: Sequence[str],
    lync_domain_controllers: Sequence[str],
) -> RequiredSet:
    """Decide who must agree. Pure.

    :param domain: the naming context of the account.
    :param pinned: the pinned domain controller; C(catalog) the global catalog that is asked.
    :param verify_on: required, all, or names.
    :raises InvalidInput: a name is no domain controller of the forest.
    """
    known = {controller.host: controller for controller in controllers}
    roles: dict[str, list[str]] = {}

    def require(host: str, role: str) -> None:
        roles.setdefault(host, []).append(role)

    require(pinned, PINNED)
    require(catalog, CATALOG)
    for host in lync_domain_controllers:
        require(_known(host, known, "lync_domain_controllers"), LYNC)
    if tuple(verify_on) == (ALL,):
        for controller in controllers:
            require(controller.host, ALL)
    elif tuple(verify_on) != (REQUIRED,):
        for host in verify_on:
            require(_known(host, known, "verify_on"), LISTED)
    members = []
    for host, why in roles.items():
        controller = known.get(host)
        members.append(
            Member(
                host=host,
                roles=tuple(why),
                read_only=controller.read_only if controller else False,
                partial=controller is not None and domain.lower() not in controller.domains,
            )
        )
    exempted = [controller for controller in controllers if controller.host not in roles]
    return RequiredSet(tuple(members), tuple(exempted))


def _known(host: str, known: dict[str, DomainController], option: str) -> str:
    if host not in known:
        raise InvalidInput(
            "%s names %s, which is no domain controller of this forest. There are: %s."
            % (option, host, ", ".join(known))
        )
    return host


def required_set(connection: DirectoryConnection) -> RequiredSet:
    """Decide who must agree, by the connection's options.

    :raises InvalidInput: an option names what is no domain controller.
    :raises DirectoryError: the pinned domain controller could not be asked.
    """
    options = connection.options
    return choose_required(
        find_domain_controllers(connection),
        connection.domain,
        (connection.root.text("dnsHostName") or connection.server).lower(),
        connection.catalog_server,
        options.verify_on,
        options.lync_domain_controllers,
    )
