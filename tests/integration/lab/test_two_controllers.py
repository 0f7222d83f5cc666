# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two controllers that replicate, faults of a controller, and the emulated Recycle Bin: what the lab's operations promise."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator

import ldap3
import pytest

from tests.lab import settings
from tests.lab.client import LabClient, LabError
from tests.lab.lab_directory import LabDirectory
from tests.lab.settings import Host

DC1, DC2 = settings.DOMAIN_CONTROLLERS
PORTS = {settings.LDAPS_PORT: settings.BASE_DN, settings.GLOBAL_CATALOG_PORT: ""}
USER = next(account for account in settings.ACCOUNTS if account.name == settings.WELL_KNOWN_USER)
PLAIN = next(account for account in settings.ACCOUNTS if account.name == "plainuser")
SHOW_DELETED = [("1.2.840.113556.1.4.417", True, None)]
PATIENCE = 30  # seconds
LONGER_THAN_A_NOTIFICATION = 3  # seconds


@pytest.fixture(scope="module")
def usual_shape_afterwards(running_lab: LabClient) -> Iterator[None]:
    """Other files have one controller again."""
    yield
    running_lab.call("directory.use", controllers=1, recycle_bin="off")


@pytest.fixture
def pair(running_lab: LabClient, usual_shape_afterwards: None) -> LabClient:
    """Two controllers in their first state."""
    running_lab.call("directory.use", controllers=2, recycle_bin="off")
    return running_lab


def _connect(lab: LabClient, host: Host, port: int = settings.LDAPS_PORT) -> ldap3.Connection:
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(lab.paths.ca))
    server = ldap3.Server(host.fqdn, port, use_ssl=True, tls=tls, connect_timeout=10)
    user = "%s@%s" % (settings.OPERATOR, settings.DOMAIN)
    return ldap3.Connection(server, user, settings.PASSWORD, auto_bind=True, raise_exceptions=True, receive_timeout=10)


def _read(lab: LabClient, host: Host, dn: str, attribute: str) -> list[str]:
    connection = _connect(lab, host)
    connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=[attribute])
    return [value.decode() for value in connection.response[0]["raw_attributes"][attribute]]


def _describe(lab: LabClient, host: Host, text: str) -> None:
    _connect(lab, host).modify(PLAIN.dn, {"description": [(ldap3.MODIFY_REPLACE, [text])]})


def _holders(lab: LabClient, host: Host) -> list[int]:
    """How many hold the well-known address, on each of the controller's ports."""
    found = []
    for port, base in PORTS.items():
        connection = _connect(lab, host, port)
        connection.search(base, "(msRTCSIP-PrimaryUserAddress=%s)" % USER.sip)
        found.append(sum(entry["type"] == "searchResEntry" for entry in connection.response))
    return found


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "nothing came in %d s" % PATIENCE
        time.sleep(0.2)


def _controller(lab: LabClient, host: Host) -> dict[str, object]:
    return next(item for item in lab.status()["controllers"] if item["host"] == host.fqdn)


def _listens(host: Host) -> bool:
    try:
        socket.create_connection((host.fqdn, settings.LDAPS_PORT), timeout=10).close()
    except ConnectionRefusedError:
        return False
    return True


def _greets(lab: LabClient, host: Host) -> bool:
    """Whether TLS begins; a frozen controller's port takes the connection only."""
    context = ssl.create_default_context(cafile=str(lab.paths.ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_connection((host.fqdn, settings.LDAPS_PORT), timeout=10) as plain:
        plain.settimeout(2)
        try:
            context.wrap_socket(plain, server_hostname=host.fqdn).close()
        except TimeoutError:
            return False
    return True


def test_changes_go_both_ways_and_an_idle_pair_writes_nothing(pair: LabClient) -> None:
    _describe(pair, DC1, "of dc1")
    _wait_until(lambda: _read(pair, DC2, PLAIN.dn, "description") == ["of dc1"])
    _describe(pair, DC2, "of dc2")
    _wait_until(lambda: _read(pair, DC1, PLAIN.dn, "description") == ["of dc2"])

    for name in ("dc1", "dc2"):
        pair.call("replication.pull", controller=name)
    before = pair.writes()
    for name in ("dc1", "dc2"):
        pair.call("replication.pull", controller=name)
    time.sleep(LONGER_THAN_A_NOTIFICATION)
    assert pair.writes() == before
    for state in pair.call("replication.status")["controllers"].values():
        assert len(state["inbound"]) == len(state["notifies"]) == 3
        assert not state["paused"] and not any(item["failures"] for item in state["inbound"].values())


def test_a_paused_controller_shows_what_was_deleted_until_it_is_pulled_or_resumed(pair: LabClient) -> None:
    assert (_holders(pair, DC1), _holders(pair, DC2)) == ([1, 1], [1, 1])
    pair.call("replication.pause", controller="dc2")
    assert _controller(pair, DC2)["paused"] and not _controller(pair, DC1)["paused"]
    before = pair.writes()
    pair.call("replication.pull", controller="dc1")
    assert pair.writes() == before  # the pause itself had reached dc1

    _connect(pair, DC1).delete(USER.dn)
    time.sleep(LONGER_THAN_A_NOTIFICATION)
    assert (_holders(pair, DC1), _holders(pair, DC2)) == ([0, 0], [1, 1])
    _describe(pair, DC2, "dc2 still sends")
    _wait_until(lambda: _read(pair, DC1, PLAIN.dn, "description") == ["dc2 still sends"])

    pair.call("replication.pull", controller="dc2")
    assert _holders(pair, DC2) == [0, 0]
    assert pair.call("replication.status")["controllers"]["dc2"]["paused"]  # a pull is no resume
    _describe(pair, DC1, "after the pull")
    pair.call("replication.resume", controller="dc2")
    assert not _controller(pair, DC2)["paused"]
    _wait_until(lambda: _read(pair, DC2, PLAIN.dn, "description") == ["after the pull"])


def test_faults_of_a_controller_and_the_way_back(pair: LabClient) -> None:
    pair.call("controller.freeze", controller="dc2")
    assert _controller(pair, DC2)["frozen"]
    assert (_greets(pair, DC1), _greets(pair, DC2)) == (True, False)
    for op in ("replication.pull", "replication.pause", "replication.resume", "controller.start"):
        with pytest.raises(LabError, match="dc2 is frozen: controller.thaw"):
            pair.call(op, controller="dc2")
    pair.call("controller.thaw", controller="dc2")
    assert _greets(pair, DC2) and not _controller(pair, DC2)["frozen"]

    _describe(pair, DC1, "while dc1 was there")
    _wait_until(lambda: _read(pair, DC2, PLAIN.dn, "description") == ["while dc1 was there"])
    pair.call("controller.stop", controller="dc1")
    assert (_listens(DC1), _listens(DC2)) == (False, True)
    status = pair.status()
    assert "dc1 cannot be reached" in status["directory_error"] and not _controller(pair, DC1)["running"]
    for op in ("replication.pull", "controller.freeze"):
        with pytest.raises(LabError, match="dc1 is stopped: controller.start"):
            pair.call(op, controller="dc1")
    pair.call("kinit", account="user01")  # the other one gives tickets
    pair.call("controller.start", controller="dc1")
    assert _read(pair, DC1, PLAIN.dn, "description") == ["while dc1 was there"]

    pair.call("replication.pause", controller="dc1")
    pair.call("controller.stop", controller="dc1")
    pair.call("controller.freeze", controller="dc2")
    pair.reset()
    assert not any(item["frozen"] or item["paused"] or not item["running"] for item in pair.status()["controllers"])
    assert [_read(pair, host, PLAIN.dn, "description") for host in (DC1, DC2)] == [[], []]
    for host, other in ((DC1, DC2), (DC2, DC1)):
        _describe(pair, other, "to " + host.name)
        _wait_until(lambda host=host: _read(pair, host, PLAIN.dn, "description") == ["to " + host.name])


def _features(lab: LabClient, host: Host) -> list[str]:
    return _read(lab, host, "CN=Partitions," + settings.CONFIGURATION_DN, "msDS-EnabledFeature")


def _delete_and_restore(lab: LabClient, host: Host, seen_by: Host) -> None:
    connection = _connect(lab, host)
    connection.delete(USER.dn)
    # Who hears of the deletion only after the restore keeps the memberships (directory.md, section 4.3).
    _wait_until(lambda: _holders(lab, seen_by) == [0, 0])
    deleted = "CN=Deleted Objects," + settings.BASE_DN
    connection.search(deleted, "(sAMAccountName=%s)" % USER.name, ldap3.LEVEL, controls=SHOW_DELETED)
    changes = {"isDeleted": [(ldap3.MODIFY_DELETE, [])], "distinguishedName": [(ldap3.MODIFY_REPLACE, [USER.dn])]}
    connection.modify(connection.response[0]["dn"], changes, controls=SHOW_DELETED)


def _kept(lab: LabClient, host: Host) -> dict[str, object]:
    names = ("displayName", "userPrincipalName", "msRTCSIP-OptionFlags", "memberOf")
    return {name: _read(lab, host, USER.dn, name) for name in names}


def test_the_emulated_recycle_bin_keeps_all_but_memberships(pair: LabClient) -> None:
    whole = _kept(pair, DC1)
    assert whole["memberOf"] and _features(pair, DC1) == _features(pair, DC2) == []
    for controllers in (2, 1):
        pair.call("directory.use", controllers=controllers, recycle_bin="emulated")
        hosts = (DC1, DC2)[:controllers]
        assert pair.status()["directory"] == {"controllers": controllers, "recycle_bin": "emulated"}
        for host in hosts:
            assert [name.split(",")[0] for name in _features(pair, host)] == ["CN=Recycle Bin Feature"]
        _delete_and_restore(pair, hosts[-1], seen_by=DC1)
        _wait_until(lambda: _holders(pair, DC1) == [1, 1])
        assert _kept(pair, DC1) == {**whole, "memberOf": []}
        assert LabDirectory(pair.paths).check_password(USER.name, settings.PASSWORD)  # the password too
    assert not _listens(DC2)

    pair.reset()
    assert _features(pair, DC1) != []  # a reset keeps the shape
    assert _kept(pair, DC1) == whole
    pair.call("directory.use", controllers=1, recycle_bin="off")
    assert _features(pair, DC1) == []
    assert not _controller(pair, DC2)["in_use"]


def test_operations_that_make_no_sense_are_refused_with_a_sentence(running_lab: LabClient) -> None:
    running_lab.call("directory.use", controllers=1, recycle_bin="off")
    for op, arguments, reason in (
        ("directory.use", {"controllers": 3, "recycle_bin": "off"}, "1 to 2, not 3"),
        ("directory.use", {"controllers": 1, "recycle_bin": "real"}, "off, emulated, not 'real'"),
        ("replication.pause", {"controller": "dc2"}, "dc2 is not in use.*controllers=2"),
        ("replication.pull", {"controller": "dc1"}, "one controller replicates with nobody.*controllers=2"),
        ("controller.start", {"controller": "dc2"}, "dc2 is not in use.*controllers=2"),
        ("controller.freeze", {"controller": "lync01"}, "no controller 'lync01'; there are dc1, dc2"),
    ):
        with pytest.raises(LabError, match="%s: .*%s" % (op, reason)):
            running_lab.call(op, **arguments)
    assert not _listens(DC2)  # an unreachable controller with a good name
