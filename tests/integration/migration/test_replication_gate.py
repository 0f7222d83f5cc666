# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoint is not created while the domain controller that the Lync servers use still shows the account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import find_holders
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import directory_spec
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress
from tests.lab import settings
from tests.lab.client import LabClient

SIP = "sip:ocschat@contoso.com"
DC1, DC2 = (host.fqdn for host in settings.DOMAIN_CONTROLLERS)


@pytest.fixture
def pair(running_lab: LabClient) -> Iterator[LabClient]:
    """Two domain controllers; the Lync servers use the second one, which gets no news from the first."""
    running_lab.call("directory.use", controllers=2, recycle_bin="off")
    running_lab.call("switch.set", name="lync_domain_controller", value="dc2")
    running_lab.call("replication.pause", controller="dc2")
    yield running_lab
    running_lab.call("directory.use", controllers=1, recycle_bin="off")


def holders(lab: LabClient, host: str) -> list[str]:
    """The classes of what holds the address, by one domain controller's own word."""
    defaults = {name: option.get("default") for name, option in directory_spec().items()}
    connection = DirectoryConnection(dict(defaults, server=[host], ca_cert=str(lab.paths.ca)))
    try:
        return [holder.object_class for holder in find_holders(connection, SipAddress.parse(SIP))]
    finally:
        connection.close()


def test_while_it_lags_there_is_no_endpoint_and_when_it_agrees_there_is_one(pair, play, plan, variables):
    variables["pc_directory"].update(server=[DC1], lync_domain_controllers=[DC2])
    variables["pc_migration"]["wellknown_user"]["replication_timeout"] = 2
    stopped = play("migrate", stop_before="nothing")
    assert stopped.status == 2
    assert "Waiting for: %s." % DC2 in stopped.output and "Do not create an endpoint" in stopped.output
    assert (holders(pair, DC1), holders(pair, DC2)) == ([], ["user"])

    seen = plan()
    steps = {step["name"]: step for step in seen["plan"]["steps"]}
    assert (steps["free_address"]["status"], steps["create_endpoint"]["status"]) == ("done", "blocked")
    assert "still shown by %s; wait for replication" % DC2 in " ".join(steps["create_endpoint"]["reasons"])
    with pytest.raises(PersistentChatError, match="still shown by %s" % DC2):
        plan(step="create_endpoint")

    pair.call("replication.resume", controller="dc2")
    pair.call("replication.pull", controller="dc2")
    done = play("migrate", stop_before="nothing")
    assert done.status == 0, done.output
    pair.call("replication.pull", controller="dc1")
    assert (holders(pair, DC1), holders(pair, DC2)) == (["contact"], ["contact"])
    finished = plan()
    assert [step["status"] for step in finished["plan"]["steps"]] == ["done"] * 8 + ["planned"]
    del variables["pc_directory"]["lync_domain_controllers"]
    assert "Observed: domain controllers that were not asked: %s" % DC2 in plan()["text"]
