# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account to lose, somebody who arranges things in the directory, and the parameters of a module."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import ldap3
import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import wellknown_user
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import ATTRIBUTES
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import directory_spec
from tests.integration.directory.subjects import Subject, create
from tests.lab import settings
from tests.lab.client import LabClient

SIP = settings.WELL_KNOWN_SIP
USER = next(account for account in settings.ACCOUNTS if account.name == settings.WELL_KNOWN_USER)
DC = settings.DOMAIN_CONTROLLERS[0].fqdn

_untouched: dict[str, Any] = {}


@pytest.fixture
def clean_lab(running_lab: LabClient) -> LabClient:
    """The lab in its first state: restored when something was written since it was last restored here."""
    if _untouched.get("writes") != running_lab.writes():
        running_lab.reset()
        _untouched["writes"] = running_lab.writes()
    return running_lab


@pytest.fixture
def connection_params(clean_lab: LabClient) -> dict[str, Any]:
    """The directory options that work here: Kerberos with the operator's ticket."""
    options = {name: option.get("default") for name, option in directory_spec().items()}
    return dict(options, server=[DC], ca_cert=str(clean_lab.paths.ca), connection_timeout=10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The backup directory, not created yet."""
    return tmp_path / "backups"


@pytest.fixture
def params(connection_params: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The options of pc_wellknown_user as Ansible hands them over, without a state."""
    return {
        **connection_params,
        "sip_address": SIP,
        "distinguished_name": None,
        "object_guid": None,
        "object_sid": None,
        "sam_account_name": USER.name,
        "backup_dir": str(folder),
        "backup": None,
        "override": [],
        "accept_undo": "partial",
        "allow_recreate": False,
        "replication_timeout": 5,
    }


@pytest.fixture
def converge(params: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Run the module: C(converge("absent", check_mode=True, override=[...]))."""

    def run(state: str, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        return wellknown_user.run(dict(params, state=state, **changes), check_mode)

    return run


@pytest.fixture
def connection(connection_params: dict[str, Any]) -> Iterator[DirectoryConnection]:
    """Our own port to the directory."""
    opened = DirectoryConnection(connection_params)
    yield opened
    opened.close()


@pytest.fixture
def admin(clean_lab: LabClient) -> Iterator[ldap3.Connection]:
    """Somebody else who changes things in the directory; every refusal is raised."""
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(clean_lab.paths.ca))
    server = ldap3.Server(DC, settings.LDAPS_PORT, use_ssl=True, tls=tls)
    user = "%s@%s" % (settings.ADMINISTRATOR, settings.DOMAIN)
    with ldap3.Connection(server, user, settings.PASSWORD, raise_exceptions=True) as connection:
        yield connection


@pytest.fixture
def account(connection: DirectoryConnection) -> Callable[[], Entry | None]:
    """Read the well-known user with everything that a backup has, or None when it is not there."""

    def read() -> Entry | None:
        found = connection.search(connection.domain, "(sAMAccountName=%s)" % USER.name, ["objectGUID"])
        return connection.read("<GUID=%s>" % found[0].guid, ATTRIBUTES) if found else None

    return read


@pytest.fixture
def subject(admin: ldap3.Connection, connection: DirectoryConnection) -> Callable[..., Subject]:
    """Create an account that the module would delete: C(subject("name", ["computer"], description="x"))."""
    return partial(create, admin, connection)


@pytest.fixture
def nothing_written(clean_lab: LabClient, folder: Path) -> Callable[[], None]:
    """Take the counters now; the call fails when anything was written since, to the directory or to disk."""
    before = clean_lab.writes()
    files = sorted(os.listdir(folder)) if folder.exists() else None

    def check() -> None:
        assert clean_lab.writes() == before
        assert (sorted(os.listdir(folder)) if folder.exists() else None) == files

    return check


def endpoint_dn(name: str = "11111111-2222-3333-4444-555555555555") -> str:
    """Where the contact of an endpoint lies."""
    return "CN={%s},%s" % (name, settings.CONTACTS_DN)


def add_endpoint(admin: ldap3.Connection, sip: str = SIP) -> str:
    """Create the contact of an endpoint and return its distinguished name."""
    admin.add(endpoint_dn(), "contact", {"msRTCSIP-PrimaryUserAddress": sip, "msRTCSIP-UserEnabled": "TRUE"})
    return endpoint_dn()
