# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account does over OcsPowershell that is in CSPersistentChatAdministrator and in nothing else."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync import endpoints, pools, service_changes
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.endpoint_changes import run
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import RemotingError
from tests.lab import settings

ACCOUNT = "chatadmin"
SIP, POOL = "sip:least@contoso.com", settings.CHAT_POOLS[0]
ENDPOINT = {"sip_address": SIP, "pool_fqdn": POOL, "state": "present", "wait_for_address": 0}
SERVICE = {"name": ["RTCCHAT"], "computer_name": "pc01.contoso.com", "state": "stopped", "timeout": 10}


@pytest.fixture
def options(lab):
    """A connection to the endpoint of the roles, in a lab where a session needs credentials for the second hop."""
    lab.call("switch.set", name="second_hop", value="needs_delegation")
    return {
        "remote_addr": "lync01.contoso.com",
        "transport": "psrp",
        "path": "OcsPowershell",
        "remote_user": ACCOUNT,
        "remote_password": settings.PASSWORD,
        "realm": settings.REALM,
        "kdc": [settings.DOMAIN_CONTROLLERS[0].fqdn],
        "ca_cert": str(lab.paths.ca),
        "connection_timeout": 10,
        "operation_timeout": 60,
    }


def test_it_manages_endpoints(options, lab):
    made = run({**options, **ENDPOINT}, False)
    assert made["changed"] and made["endpoint"]["pool_fqdn"] == POOL
    before = lab.writes()
    assert not run({**options, **ENDPOINT}, False)["changed"] and lab.writes() == before
    shown = endpoints.run_info({**options, "sip_address": SIP}, False)["endpoints"]
    assert [endpoint["sip_address"] for endpoint in shown] == [SIP]
    gone = run({**options, **ENDPOINT, "state": "absent"}, False)
    assert gone["changed"] and gone["endpoint"] is None


def test_it_sees_the_pools(options):
    assert {pool["fqdn"] for pool in pools.run_info(options, False)["pools"]} == set(settings.CHAT_POOLS)


def test_an_address_that_a_user_holds_is_refused_although_the_role_does_not_see_users(options, lab):
    before = lab.writes()
    with pytest.raises(PersistentChatError):
        run({**options, **ENDPOINT, "sip_address": settings.WELL_KNOWN_SIP}, False)
    assert lab.writes() == before


def test_what_the_role_lacks_names_the_cmdlet_and_the_roles(options, lab):
    before = lab.writes()
    with pytest.raises(PersistentChatError) as caught:
        service_changes.run({**options, **SERVICE, "control": "cs"}, False)
    for words in ("Get-CsWindowsService", "CsServerAdministrator or CsAdministrator", ACCOUNT):
        assert words in str(caught.value)
    assert lab.writes() == before


def test_a_cmdlet_that_is_not_there_is_never_taken_for_a_service_that_is_not_there(options):
    with pytest.raises(PersistentChatError, match="Get-Service.*endpoint wsman") as caught:
        service_changes.run({**options, **SERVICE, "control": "windows"}, False)
    assert caught.value.code == "cmdlet_failed"


def test_the_account_may_not_use_the_other_endpoint(options):
    for transport in ("winrm", "psrp"):
        with pytest.raises(RemotingError) as caught:
            pools.run_info({**options, "path": "wsman", "transport": transport}, False)
        assert caught.value.code == "access_denied"


def test_an_account_without_a_role_may_not_use_this_one(options):
    with pytest.raises(RemotingError) as caught:
        pools.run_info({**options, "remote_user": "plainuser"}, False)
    assert caught.value.code == "access_denied"


def test_services_start_and_stop_with_a_role_that_has_their_cmdlets(options):
    operator = {**options, **SERVICE, "remote_user": settings.OPERATOR, "control": "cs"}
    assert service_changes.run(operator, False)["services"][0]["status"] == "stopped"
    assert service_changes.run({**operator, "state": "started"}, False)["services"][0]["status"] == "running"
