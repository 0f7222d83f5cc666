# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner: what it promises for the untouched estate, and each interlock broken once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.estate import Estate, Holder, Service
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.plan_module import run
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.planner import gate, plan_migration
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.render import render
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.settings import Migration
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.steps import STEPS

USER = Holder("CN=ocschat,OU=Group Chat,DC=contoso,DC=com", "g-1", "user", "ocschat", True)
LAGGING = replace(USER, pending=True, seen_only_by=("dc2.contoso.com",))
CONTACT = Holder("CN={1},CN=Application Contacts,DC=contoso,DC=com", "g-2", "contact")


def params(**changes: object) -> dict:
    migration = {
        "sip_address": "sip:ocschat@contoso.com",
        "pool_fqdn": "pcpool.contoso.com",
        "wellknown_user_state": "absent",
        "wellknown_user": {"sam_account_name": "ocschat", "override": [], "accept_undo": "partial"},
        "backup_dir": "/backup",
        "legacy_servers": [{"name": "gc01.contoso.com", "services": ["Lookup", "Channel"]}],
        "pool_services": ["RTCCHAT"],
        "archive": r"C:\Migration\groupchat.zip",
        "source_database": {"instance": r"sql01\GC", "name": "mgc"},
        "target_database": {"instance": r"sql01\PCHAT"},
        "expected_counts": {"rooms": 12},
        "import_verification": "counts",
        "merge": False,
    }
    migration.update(changes)
    return {
        "migration": migration,
        "remoting": {"remote_addr": "lync01.contoso.com", "remote_password": "canary"},
        "directory": {"server": "dc1.contoso.com", "password": "canary"},
        "stop_before": "nothing",
    }


MIGRATION = Migration.from_params(params())

UNTOUCHED = Estate(
    legacy_services=(
        Service("gc01.contoso.com", "Lookup", "running", "auto"),
        Service("gc01.contoso.com", "Channel", "running", "auto"),
    ),
    pool_services=(Service("pc01.contoso.com", "RTCCHAT", "running"),),
    pool_servers=("pc01.contoso.com",),
    active_servers=("pc01.contoso.com",),
    sip_domains=("contoso.com",),
    counts={"categories": 0, "rooms": 0, "addins": 0},
    holders=(USER,),
)


def estate_before(name: str) -> Estate:
    """The estate as every step before this one has left it."""
    estate = UNTOUCHED
    for step in STEPS:
        if step.name == name:
            return estate
        estate = step.project(MIGRATION, estate)
    raise AssertionError(name)


FINISHED = replace(estate_before("verify"), holders=(CONTACT,), backup="b.ldif")


def test_the_plan_of_the_untouched_estate_shows_every_step() -> None:
    plan = plan_migration(MIGRATION, UNTOUCHED, "nothing")
    assert [(planned.step.number, planned.status, len(planned.actions)) for planned in plan.steps] == [
        ("1", "planned", 2),
        ("2", "planned", 1),
        ("3", "planned", 1),
        ("5", "planned", 1),
        ("6", "planned", 1),
        ("8a", "planned", 1),
        ("8b", "planned", 1),
        ("9", "planned", 1),
        ("10", "planned", 0),
    ]


def test_a_finished_migration_has_nothing_left_to_do() -> None:
    plan = plan_migration(MIGRATION, FINISHED, "nothing")
    assert [planned.step.name for planned in plan.steps if planned.actions or planned.reasons] == []


@pytest.mark.parametrize("merge", [False, True])
def test_a_pool_in_use_is_neither_stopped_nor_imported_into_when_the_records_are_gone(merge: bool) -> None:
    cleared = replace(FINISHED, archive_sha256=None, exported_sha256=None, import_state="none", imported_counts={})
    plan = plan_migration(replace(MIGRATION, merge=merge), cleared, "nothing")
    assert [planned.step.name for planned in plan.steps if planned.actions or planned.reasons] == []


@pytest.mark.parametrize("stopped_after", range(len(STEPS)))
def test_a_migration_that_was_stopped_anywhere_is_planned_to_its_end(stopped_after: int) -> None:
    plan = plan_migration(MIGRATION, estate_before(STEPS[stopped_after].name), "nothing")
    done = [planned for planned in plan.steps if planned.step.name in [step.name for step in STEPS[:stopped_after]]]
    # the preview changes nothing that can be seen, so it is repeated until the import has run
    assert [p.step.name for p in done if p.actions and p.step.name != "preview_import"] == []
    assert [p.step.name for p in plan.steps if p.reasons] == []


def services(estate: Estate, group: str, **changes: object) -> Estate:
    return estate.with_services(group, lambda service: replace(service, **changes))


BROKEN = [
    ("stop_legacy", "not found", lambda e: services(e, "legacy_services", status="missing")),
    ("stop_legacy", "not a Persistent Chat pool", lambda e: replace(e, pool_is_persistent_chat=False)),
    ("export", "not stopped and disabled", lambda e: services(e, "legacy_services", status="running")),
    ("export", "not stopped and disabled", lambda e: services(e, "legacy_services", start_mode="auto")),
    ("stop_pool", "not stopped and disabled", lambda e: services(e, "legacy_services", status="running")),
    ("stop_pool", "not a Persistent Chat pool", lambda e: replace(e, pool_is_persistent_chat=False)),
    ("preview_import", "not stopped and disabled", lambda e: services(e, "legacy_services", status="running")),
    ("preview_import", "does not exist", lambda e: replace(e, archive_sha256=None)),
    ("preview_import", "not stopped:", lambda e: services(e, "pool_services", status="running")),
    ("preview_import", "is not empty", lambda e: replace(e, counts={"rooms": 1})),
    ("import", "does not exist", lambda e: replace(e, archive_sha256=None)),
    ("import", "no record", lambda e: replace(e, exported_sha256=None)),
    ("import", "has changed", lambda e: replace(e, archive_sha256="other")),
    ("import", "not stopped:", lambda e: services(e, "pool_services", status="running")),
    ("import", "not stopped and disabled", lambda e: services(e, "legacy_services", status="running")),
    ("import", "is not empty", lambda e: replace(e, counts={"rooms": 1})),
    ("import", "whether pcpool.contoso.com is empty", lambda e: replace(e, counts=None)),
    ("free_address", "not verified", lambda e: replace(e, import_state="started")),
    ("free_address", "not stopped and disabled", lambda e: services(e, "legacy_services", status="running")),
    ("free_address", "does not exist", lambda e: replace(e, archive_sha256=None)),
    ("free_address", "has changed", lambda e: replace(e, archive_sha256="other")),
    ("free_address", "more than one object", lambda e: replace(e, holders=(USER, CONTACT))),
    ("free_address", "more than one object", lambda e: replace(e, holders=(USER, replace(USER, guid="g-3")))),
    ("free_address", "guard privileged", lambda e: replace(e, failed_guards=(("privileged", "adminCount is 1"),))),
    ("free_address", "not a SIP domain", lambda e: replace(e, sip_domains=("fabrikam.example",))),
    ("free_address", "not a Persistent Chat pool", lambda e: replace(e, pool_is_persistent_chat=False)),
    ("create_endpoint", "is held by", lambda e: replace(e, holders=(USER,))),
    (
        "create_endpoint",
        "is held by",
        lambda e: replace(e, holders=(CONTACT,), endpoint_pools=("pcpool2.contoso.com",)),
    ),
    ("create_endpoint", "still shown by dc2.contoso.com; wait", lambda e: replace(e, holders=(LAGGING,))),
    ("create_endpoint", "contact CN={1}", lambda e: replace(e, holders=(LAGGING, CONTACT))),
    ("create_endpoint", "no backup", lambda e: replace(e, backup=None)),
    ("create_endpoint", "not a Persistent Chat pool", lambda e: replace(e, pool_is_persistent_chat=False)),
    ("create_endpoint", "not verified", lambda e: replace(e, import_state="none")),
    ("create_endpoint", "not stopped and disabled", lambda e: services(e, "legacy_services", status="running")),
    ("create_endpoint", "not a SIP domain", lambda e: replace(e, sip_domains=("fabrikam.example",))),
    ("stop_pool", "has the service RTCCHAT", lambda e: services(e, "pool_services", status="missing")),
    ("start_pool", "has the service RTCCHAT", lambda e: services(e, "pool_services", status="missing")),
    ("start_pool", "the endpoint", lambda e: replace(e, endpoint_pools=())),
    ("start_pool", "not stopped and disabled", lambda e: services(e, "legacy_services", status="running")),
    ("verify", "exactly one contact", lambda e: replace(e, holders=(USER,))),
    ("verify", "exactly one contact", lambda e: replace(e, holders=())),
    ("verify", "the endpoint", lambda e: replace(e, endpoint_pools=("pcpool2.contoso.com",))),
    ("verify", "not running", lambda e: services(e, "pool_services", status="stopped")),
    ("verify", "no active server", lambda e: replace(e, active_servers=())),
    ("verify", "FailedOver", lambda e: replace(e, pool_state="FailedOver")),
    ("verify", "rooms: 11 of 12", lambda e: replace(e, counts={"rooms": 11})),
    ("verify", "could not be read", lambda e: replace(e, counts=None, counts_problem="no answer")),
    ("verify", "not stopped and disabled", lambda e: services(e, "legacy_services", status="running")),
]


@pytest.mark.parametrize(("name", "text", "broken"), BROKEN, ids=["%s-%s" % (b[0], b[1]) for b in BROKEN])
def test_an_interlock_forbids_the_step_and_says_why(name: str, text: str, broken) -> None:
    estate = replace(estate_before(name), holders=(CONTACT,)) if name == "verify" else estate_before(name)
    assert gate(MIGRATION, estate, name).reasons == ()
    decided = gate(MIGRATION, broken(estate), name)
    assert decided.status == "blocked"
    assert any(text in reason for reason in decided.reasons), decided.reasons
    with pytest.raises(PersistentChatError, match="must not run"):
        decided.plan().refuse_conflicts()


def test_an_import_that_was_begun_is_verified_and_not_repeated() -> None:
    begun = replace(estate_before("import"), import_state="started", counts={"rooms": 3})
    decided = gate(MIGRATION, begun, "import")
    assert (decided.status, [action.op for action in decided.actions]) == ("planned", ["verify"])


def test_a_user_that_only_others_still_show_is_not_deleted_again_and_keeps_the_endpoint_from_being_created() -> None:
    waiting = replace(estate_before("create_endpoint"), holders=(LAGGING,), backup="b.ldif")
    plan = plan_migration(MIGRATION, waiting, "nothing")
    assert (plan.named("free_address").status, plan.named("create_endpoint").status) == ("done", "blocked")
    text = "\n".join(render(plan))
    assert "is held by %s %s, which has lost it but is still shown by dc2.contoso.com" % ("user", USER.dn) in text
    (holder,) = plan.shown()["observed"]["holders"]
    assert holder["pending"] and holder["seen_only_by"] == ("dc2.contoso.com",)


def test_a_holder_that_only_another_domain_controller_knows_is_told_with_its_name() -> None:
    elsewhere = replace(CONTACT, seen_only_by=("dc2.contoso.com",))
    decided = gate(MIGRATION, replace(estate_before("free_address"), holders=(USER, elsewhere)), "free_address")
    assert "%s, seen only by dc2.contoso.com" % CONTACT.dn in decided.reasons[0]


def test_domain_controllers_that_were_not_asked_are_in_the_text_and_in_the_data() -> None:
    exempted = (
        {"server": "dc2.contoso.com", "read_only": False, "reason": "not in verify_on"},
        {"server": "rodc.contoso.com", "read_only": True, "reason": "not in verify_on"},
    )
    plan = plan_migration(MIGRATION, replace(UNTOUCHED, not_asked=exempted), "nothing")
    said = "Observed: domain controllers that were not asked: dc2.contoso.com, rodc.contoso.com (read-only)"
    assert said in render(plan) and plan.shown()["observed"]["not_asked"] == exempted
    assert "not asked" not in "\n".join(render(plan_migration(MIGRATION, UNTOUCHED, "nothing")))


def test_the_digest_does_not_depend_on_who_was_asked_or_is_slow() -> None:
    waiting = replace(estate_before("create_endpoint"), holders=(LAGGING,), backup="b.ldif")
    slower = replace(LAGGING, seen_only_by=("dc2.contoso.com", "dc3.contoso.com"))
    exempted = ({"server": "dc9.contoso.com", "read_only": False, "reason": "not in verify_on"},)
    others = [replace(waiting, holders=(slower,)), replace(waiting, not_asked=exempted)]
    assert len({plan_migration(MIGRATION, estate, "nothing").digest for estate in (waiting, *others)}) == 1
    free = replace(waiting, holders=())
    assert plan_migration(MIGRATION, free, "nothing").digest != plan_migration(MIGRATION, waiting, "nothing").digest


@pytest.mark.parametrize(
    ("state", "worth", "days", "says"),
    [
        ("absent", "full", 180, "full: out of the Active Directory Recycle Bin, within 180 days"),
        ("absent", "partial", None, "partial: reanimated with the same SID"),
        ("absent", "none", 180, "none: a new account with another SID at most"),
        ("disabled", "full", 180, "full: the account stays"),
    ],
)
def test_what_undo_is_worth_is_what_the_directory_can_give_back(
    state: str, worth: str, days: int | None, says: str
) -> None:
    wanted = Migration.from_params(params(wellknown_user_state=state))
    plan = plan_migration(wanted, replace(UNTOUCHED, undo=worth, undo_days=days), "nothing")
    assert plan.named("free_address").undo.startswith(says)
    assert plan.named("create_endpoint").undo == "%s: remove the endpoint, then as after step 8a" % worth
    assert ("within 180 days" in plan.named("free_address").undo) == ("within 180 days" in says)


def test_what_follows_a_blocked_step_waits_for_it() -> None:
    plan = plan_migration(MIGRATION, replace(UNTOUCHED, failed_guards=(("children", "it has children"),)), "nothing")
    assert plan.named("free_address").status == "blocked"
    assert [p.status for p in plan.steps if p.step.name in ("create_endpoint", "start_pool", "verify")] == [
        "waiting"
    ] * 3
    assert plan.named("import").status == "planned"


def test_the_digest_follows_the_facts_and_the_choice_only() -> None:
    plan = plan_migration(MIGRATION, UNTOUCHED, "nothing")
    assert plan.digest == plan_migration(Migration.from_params(params()), UNTOUCHED, "nothing").digest
    others = [
        plan_migration(MIGRATION, replace(UNTOUCHED, holders=(replace(USER, guid="g-9"),)), "nothing"),
        plan_migration(MIGRATION, UNTOUCHED, "identity_cutover"),
        plan_migration(Migration.from_params(params(wellknown_user_state="disabled")), UNTOUCHED, "nothing"),
    ]
    assert len({plan.digest, *[other.digest for other in others]}) == 4


def test_another_digest_than_the_approved_one_is_refused_with_the_new_plan() -> None:
    asked = dict(params(), plan_digest="0000000000000000")
    with pytest.raises(PersistentChatError, match="0000000000000000") as caught:
        run(asked, False, lambda migration: UNTOUCHED)
    assert caught.value.code == "plan_changed"
    right = plan_migration(MIGRATION, UNTOUCHED, "nothing").digest
    assert run(dict(asked, plan_digest=right), False, lambda migration: UNTOUCHED)["digest"] == right


def test_check_mode_asks_the_projected_estate_and_a_real_run_the_observed_one() -> None:
    asked = dict(params(), step="free_address")
    assert run(asked, True, lambda migration: UNTOUCHED)["changed"] is True
    with pytest.raises(PersistentChatError, match="not verified"):
        run(asked, False, lambda migration: UNTOUCHED)
    ready = run(asked, False, lambda migration: estate_before("free_address"))
    assert (ready["changed"], ready["todo"]) == (False, True)


def test_the_text_names_what_is_destroyed_first_and_holds_no_secret() -> None:
    plan = plan_migration(MIGRATION, UNTOUCHED, "identity_cutover")
    text = "\n".join(render(plan))
    assert text.index("- delete user CN=ocschat") < text.index("STEPS")
    assert "partial" in text and plan.digest in text and "stops here" in text
    assert "by hand" in text
    assert "canary" not in text and "canary" not in repr(plan.shown())


def test_disabled_keeps_the_account_and_can_be_undone_fully() -> None:
    plan = plan_migration(Migration.from_params(params(wellknown_user_state="disabled")), UNTOUCHED, "nothing")
    freed = plan.named("free_address")
    assert freed.undo.startswith("full")
    assert freed.actions[0].after == {"sip_address": None, "enabled": False}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"sip_address": "ocschat"}, "'ocschat' is not a SIP address"),
        ({"legacy_servers": [{"name": "GC01.contoso.com", "services": ["a"]}] * 2}, "twice"),
        ({"legacy_servers": [{"name": "gc01.contoso.com", "services": []}]}, "without a service"),
    ],
)
def test_a_wrong_description_is_refused_before_anything_is_read(changes: dict, text: str) -> None:
    def observe(migration: Migration) -> Estate:
        raise AssertionError("it was read")

    with pytest.raises(InvalidInput, match=text):
        run(params(**changes), False, observe)
