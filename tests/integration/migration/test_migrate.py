# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook migrate, run as an operator runs it. The demonstration and molecule show the plain case; here are the others."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.secrets import shown
from tests.lab import settings

SIP = "sip:ocschat@contoso.com"


def holders(lab) -> list:
    """Class and enabled of each object that holds the address, from the lab itself."""
    return [(found["object_class"], found["enabled"]) for found in lab.status()["sip_holders"].get(SIP, [])]


def test_without_stop_before_it_stops_before_the_identity_cutover(play, lab, variables):
    done = play("migrate")
    assert done.status == 0, done.output
    assert "It stopped before identity_cutover" in done.output
    assert holders(lab) == [("user", True)]
    databases = lab.status()["databases"]
    assert databases["sql01.contoso.com\\PCHAT/mgc"] == databases["sql01.contoso.com\\GC/mgc"]
    (recorded,) = Path(variables["pc_migration"]["backup_dir"]).glob("services-*.json")
    assert {service["start_mode"] for service in json.loads(recorded.read_text())} == {"auto"}
    assert recorded.stat().st_mode & 0o777 == 0o600


def test_a_plan_that_was_not_approved_is_not_run(play, fresh_lab):
    before = fresh_lab.writes()
    done = play("migrate", stop_before="nothing", plan_digest="0123456789abcdef")
    assert done.status == 2
    assert "The plan that was approved is 0123456789abcdef" in done.output
    assert fresh_lab.writes() == before


def test_a_step_that_is_known_to_be_blocked_stops_the_run_before_the_first_write(play, fresh_lab, variables):
    variables["pc_migration"]["wellknown_user"] = {"sam_account_name": "user01"}
    before = fresh_lab.writes()
    done = play("migrate", stop_before="nothing")
    assert done.status == 2
    assert "Free the SIP address" in done.output and "Nothing was changed" in done.output
    assert fresh_lab.writes() == before


def test_over_psrp_with_a_ticket_of_its_own_and_over_the_second_hop(play, fresh_lab, variables):
    """As from an execution environment, to servers that hand nothing on unless they were given it."""
    fresh_lab.call("switch.set", name="second_hop", value="needs_delegation")
    account = {"remote_user": "csadmin", "remote_password": settings.PASSWORD}
    account.update(realm=settings.REALM, kdc=[settings.DOMAIN_CONTROLLERS[0].fqdn], kerberos_delegation=True)
    variables["pc_remoting"].update(transport="psrp", **account)
    done = play("migrate", stop_before="nothing")
    assert done.status == 0, done.output
    assert holders(fresh_lab) == [("contact", None)]
    databases = fresh_lab.status()["databases"]
    assert databases["sql01.contoso.com\\PCHAT/mgc"] == databases["sql01.contoso.com\\GC/mgc"]
    assert not shown(done.output, [settings.PASSWORD])
    assert play("migrate", stop_before="nothing").changed == 0


def test_passwords_are_printed_nowhere(play, lab, variables):
    account = "csadmin@" + settings.DOMAIN
    variables["pc_remoting"].update(auth="basic", remote_user=account, remote_password=settings.PASSWORD)
    variables["pc_directory"].update(auth_protocol="simple", username=account, password=settings.PASSWORD)
    done = play("migrate", "-vvv", "--check", "--diff", stop_before="nothing")
    assert done.status == 0, done.output
    assert not shown(done.output, [settings.PASSWORD])


def test_disabled_keeps_the_account_and_frees_its_address(play, fresh_lab, variables):
    variables["pc_migration"]["wellknown_user_state"] = "disabled"
    done = play("migrate", stop_before="nothing")
    assert done.status == 0, done.output
    assert [object_class for object_class, _enabled in holders(fresh_lab)] == ["contact"]
    before = fresh_lab.writes()
    again = play("migrate", stop_before="nothing")
    assert (again.status, again.changed) == (0, 0), again.output
    assert fresh_lab.writes() == before


def test_it_reaches_the_same_end_with_every_assumption_the_other_way(play, fresh_lab, variables):
    for name, value in {
        "address_in_use_lag": 2,
        "assumed_errors": "opaque",
        "assumed_properties": "absent",
        "counts_while_stopped": "error",
        "setup_contact_sip": "none",
        "endpoints_per_pool": "one",
        "import_while_running": "refused",
        "module_name": "Lync",
        "report_style": "list",
        "sc_language": "de",
        "start_pending_polls": 2,
        "stop_pending_polls": 2,
        "unattended_prompt": "proceeds",
    }.items():
        fresh_lab.call("switch.set", name=name, value=value)
    # the servers cannot count while they are stopped: the operator decides to trust the report
    variables["pc_migration"].update(import_verification="report", merge=True)
    done = play("migrate", stop_before="nothing")
    assert done.status == 0, done.output
    assert [object_class for object_class, _enabled in holders(fresh_lab)] == ["contact"]
    databases = fresh_lab.status()["databases"]
    assert databases["sql01.contoso.com\\PCHAT/mgc"] == databases["sql01.contoso.com\\GC/mgc"]
