# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pc_pool_info."""

from __future__ import annotations

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.pools import run_info

POOL = {
    "fqdn": "pcpool.contoso.com",
    "is_persistent_chat": True,
    "servers": ["pc01.contoso.com", "pc02.contoso.com"],
    "active_servers": ["pc01.contoso.com", "pc02.contoso.com"],
    "pool_state": "Normal",
}


def test_all_persistent_chat_pools(ansible, lab):
    before = lab.writes()
    result = ansible("pc_pool_info", check=True)
    assert not result["changed"]
    assert result["pools"][0] == POOL
    assert [pool["fqdn"] for pool in result["pools"]] == ["pcpool.contoso.com", "pcpool2.contoso.com"]
    assert result["sip_domains"] == ["contoso.com", "fabrikam.example"]
    assert lab.writes() == before


def test_one_pool_of_any_kind(remoting):
    assert run_info({**remoting, "pool_fqdn": "PCPOOL.contoso.com"}, False)["pools"] == [POOL]
    (legacy,) = run_info({**remoting, "pool_fqdn": "gcpool.contoso.com"}, False)["pools"]
    assert (legacy["is_persistent_chat"], legacy["servers"]) == (False, ["gc01.contoso.com", "gc02.contoso.com"])
    assert run_info({**remoting, "pool_fqdn": "nopool.contoso.com"}, False)["pools"] == []


def test_a_server_that_does_not_name_active_servers(remoting, lab):
    lab.call("switch.set", name="assumed_properties", value="absent")
    try:
        assert run_info({**remoting, "pool_fqdn": POOL["fqdn"]}, False)["pools"] == [{**POOL, "active_servers": None}]
    finally:
        lab.reset()


def test_a_pool_that_serves_nobody(remoting, lab):
    lab.call("estate.patch", patch={"pools": {POOL["fqdn"]: {"active_servers": [], "state": "FailedOver"}}})
    (pool,) = run_info({**remoting, "pool_fqdn": POOL["fqdn"]}, False)["pools"]
    assert (pool["active_servers"], pool["pool_state"]) == ([], "FailedOver")
