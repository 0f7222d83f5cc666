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
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry, rdns
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput

PINNED = "pinned"
CATALOG = "global_catalog"
LYNC = "lync"
LISTED = "listed"
_CATALOG_OPTION = 1  # bit of the options of an nTDSDSA object (MS-ADTS, section 6.1.1.2.2.1.2.1.1)
_ATTRIBUTES = [
    "dNSHostName",
    "hasMasterNCs",
    "msDS-HasMasterNCs",
    "msDS-hasFullReplicaNCs",
    "msDS-isRODC",
    "objectClass",
    "options",
]


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

    def shows(self, domain: str) -> bool:
        """Whether it can show an account of the domain: it holds that domain, or every domain in part, as a catalog."""
        return self.global_catalog or domain.lower() in self.domains

    def __str__(self) -> str:
        return self.host + (" (read-only)" if self.read_only else "")


@dataclass(frozen=True)
class Member:
    """A domain controller that must agree.

    :param roles: why: pinned, global_catalog, lync, listed, all.
    :param partial: it holds the account's domain in its global catalog only, so only that can be asked.
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


def find_domain_controllers(connection: DirectoryConnection) -> list[DomainController]:
    """Return the forest's domain controllers, from the configuration that every one of them has.

    :raises DirectoryError: the pinned domain controller could not be asked.
    """
    found = connection.search(
        "CN=Sites," + connection.configuration, "(|(objectClass=nTDSDSA)(objectClass=server))", _ATTRIBUTES
    )
    hosts = {entry.dn.lower(): entry.text("dNSHostName") for entry in found}
    controllers = [_domain_controller(entry, hosts) for entry in found if "ntdsdsa" in _classes(entry)]
    return sorted(controllers, key=lambda controller: controller.host)


def _domain_controller(settings: Entry, hosts: dict[str, str | None]) -> DomainController:
    """Read one from its NTDS Settings. The object above has its name; the site is two further above."""
    parts = rdns(settings.dn)
    server = ",".join(parts[1:])
    full = [
        name
        for held in ("hasMasterNCs", "msDS-HasMasterNCs", "msDS-hasFullReplicaNCs")
        for name in settings.texts(held)
    ]
    return DomainController(
        host=(hosts.get(server.lower()) or server).lower(),
        site=parts[3].partition("=")[2],
        read_only="ntdsdsaro" in _classes(settings) or settings.boolean("msDS-isRODC"),
        global_catalog=bool(settings.integer("options") & _CATALOG_OPTION),
        domains=tuple(sorted({name.lower() for name in full})),
    )


def _classes(entry: Entry) -> list[str]:
    return [name.lower() for name in entry.texts("objectClass")]


def catalogs_to_ask(controllers: Sequence[DomainController], pinned: str) -> list[str]:
    """The global catalogs to ask when the pinned domain controller is none: those of its site first, then those that can be written to."""
    site = next((controller.site for controller in controllers if controller.host == pinned), None)
    catalogs = [controller for controller in controllers if controller.global_catalog and controller.host != pinned]
    catalogs.sort(key=lambda controller: (controller.site != site, controller.read_only))
    return [controller.host for controller in catalogs]


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
    :raises InvalidInput: a name is no domain controller of the forest, or one that never shows the account.
    """
    able = [controller for controller in controllers if controller.shows(domain)]
    catalogs = [controller for controller in controllers if controller.global_catalog]
    if catalog != pinned:
        _require_known([catalog], "global_catalog", "global catalog of this forest", catalogs)
    what = "domain controller that can show an account of %s" % domain
    _require_known(lync_domain_controllers, "lync_domain_controllers", what, able)
    wanted = [(PINNED, [pinned]), (CATALOG, [catalog]), (LYNC, list(lync_domain_controllers))]
    if tuple(verify_on) == (ALL,):
        wanted.append((ALL, [controller.host for controller in able]))
    elif tuple(verify_on) != (REQUIRED,):
        _require_known(verify_on, "verify_on", what, able)
        wanted.append((LISTED, list(verify_on)))
    roles: dict[str, list[str]] = {}
    for role, hosts in wanted:
        for host in hosts:
            roles.setdefault(host, [])
            roles[host] += [role] if role not in roles[host] else []
    known = {controller.host: controller for controller in controllers}
    members = tuple(_member(host, tuple(why), known.get(host), domain) for host, why in roles.items())
    return RequiredSet(members, tuple(controller for controller in able if controller.host not in roles))


def _member(host: str, roles: tuple[str, ...], controller: DomainController | None, domain: str) -> Member:
    if controller is None:
        return Member(host, roles)
    return Member(host, roles, controller.read_only, domain.lower() not in controller.domains)


def _require_known(names: Sequence[str], option: str, what: str, there: Sequence[DomainController]) -> None:
    hosts = [controller.host for controller in there]
    for name in names:
        if name not in hosts:
            raise InvalidInput("%s names %s, which is no %s. There are: %s." % (option, name, what, ", ".join(hosts)))


def required_set(connection: DirectoryConnection) -> RequiredSet:
    """Decide who must agree, by the connection's options.

    :raises InvalidInput: an option names what is no domain controller.
    :raises DirectoryError: the pinned domain controller could not be asked, or there is no global catalog.
    """
    return choose_required(
        connection.once(find_domain_controllers),
        connection.domain,
        connection.name,
        connection.catalog_server,
        connection.options.verify_on,
        connection.options.lync_domain_controllers,
    )
