# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which domain controllers there are, as Active Directory's configuration says it, and which of them must agree."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.client import Client
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.domain_controllers import (
    catalogs_to_ask,
    choose_required,
    find_domain_controllers,
    required_set,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import asked_as
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.options import DirectoryOptions
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput

CONFIGURATION = "CN=Configuration,DC=contoso,DC=com"
CONTOSO, EMEA = "DC=contoso,DC=com", "DC=emea,DC=contoso,DC=com"
PLAIN, CATALOG = b"0", b"1"


def configured(host, site="Redmond", domain=CONTOSO, options=CATALOG, read_only=False):
    """The two objects of a domain controller below its site, with the attributes that a search returns."""
    name, _dot, _rest = host.partition(".")
    server = "CN=%s,CN=Servers,CN=%s,CN=Sites,%s" % (name.upper(), site, CONFIGURATION)
    everywhere = [CONFIGURATION, "CN=Schema," + CONFIGURATION]
    settings = {
        "objectClass": [b"top", b"applicationSettings", b"nTDSDSA"] + [b"nTDSDSARO"] * read_only,
        "options": [options],
    }
    if read_only:  # an RODC masters nothing
        settings["msDS-hasFullReplicaNCs"] = [text.encode() for text in (domain, *everywhere)]
        settings["msDS-isRODC"] = [b"TRUE"]
    else:
        settings["hasMasterNCs"] = [text.encode() for text in (domain, *everywhere)]
        settings["msDS-HasMasterNCs"] = [text.encode() for text in (domain, *everywhere, "DC=DomainDnsZones," + domain)]
    return [
        Entry(server, {"objectClass": [b"top", b"server"], "dNSHostName": [host.encode()]}),
        Entry("CN=NTDS Settings," + server, settings),
    ]


ENTRIES = [
    *configured("DC1.contoso.com"),
    *configured("dc2.contoso.com", "Munich"),
    *configured("dc3.contoso.com", "Munich", options=PLAIN),
    *configured("rodc.contoso.com", "Branch\\, small", read_only=True),
    *configured("emea1.emea.contoso.com", "Munich", EMEA),
    *configured("emea2.emea.contoso.com", "Munich", EMEA, PLAIN),
    # a server that was demoted, and one that only waits for its promotion
    Entry("CN=OLD,CN=Servers,CN=Redmond,CN=Sites," + CONFIGURATION, {"objectClass": [b"top", b"server"]}),
]


class Connection(SimpleNamespace):
    """What is asked of a connection to decide who must agree."""

    def __init__(self, catalog="dc1.contoso.com", server="dc1.contoso.com", **options):
        options = DirectoryOptions(servers=(server,), **options)
        super().__init__(
            options=options,
            configuration=CONFIGURATION,
            domain=CONTOSO,
            server=server,
            catalog_server=options.global_catalog or catalog,
            name="dc1.contoso.com",
        )

    def search(self, base, ldap_filter, attributes):
        assert base == "CN=Sites," + CONFIGURATION
        return ENTRIES

    def once(self, find_out):
        return find_out(self)


CONTROLLERS = find_domain_controllers(Connection())


def chosen(**options):
    """Each member with its roles, and the exempted ones, as C(required_set) decides."""
    required = required_set(Connection(**options))
    return {member.host: member.roles for member in required.members}, [str(one) for one in required.exempted]


def test_domain_controllers_are_read_from_the_configuration():
    assert [controller.host.partition(".")[0] for controller in CONTROLLERS] == [
        "dc1",
        "dc2",
        "dc3",
        "emea1",
        "emea2",
        "rodc",
    ]
    dc1, _dc2, dc3, emea1, _emea2, rodc = CONTROLLERS
    assert dc1.host == "dc1.contoso.com" and dc1.site == "Redmond" and dc1.global_catalog and not dc1.read_only
    assert CONTOSO.lower() in dc1.domains and not dc3.global_catalog
    assert EMEA.lower() in emea1.domains and CONTOSO.lower() not in emea1.domains
    assert rodc.read_only and rodc.site == "Branch\\, small" and CONTOSO.lower() in rodc.domains


@pytest.mark.parametrize("sign", ["objectClass", "msDS-isRODC"])
def test_a_read_only_one_is_known_by_either_sign(sign):
    server, settings = configured("rodc.contoso.com", read_only=True)
    kept = dict(settings.attributes)
    if sign == "objectClass":
        del kept["msDS-isRODC"]
    else:
        kept["objectClass"] = kept["objectClass"][:-1]
    connection = Connection()
    connection.search = lambda *arguments: [server, Entry(settings.dn, kept)]
    assert find_domain_controllers(connection)[0].read_only


def test_required_is_the_pinned_one_those_of_lync_and_the_catalog():
    roles, exempted = chosen(global_catalog="dc2.contoso.com", lync_domain_controllers=("dc3.contoso.com",))
    assert roles == {
        "dc1.contoso.com": ("pinned",),
        "dc2.contoso.com": ("global_catalog",),
        "dc3.contoso.com": ("lync",),
    }
    # emea2 has neither the domain nor a catalog, so it never shows the account
    assert exempted == ["emea1.emea.contoso.com", "rodc.contoso.com (read-only)"]


def test_all_is_everybody_who_can_show_an_account_of_the_domain():
    roles, exempted = chosen(verify_on=("all",))
    assert set(roles) == {controller.host for controller in CONTROLLERS} - {"emea2.emea.contoso.com"}
    assert roles["dc1.contoso.com"] == ("pinned", "global_catalog", "all") and exempted == []


def test_names_come_on_top_of_what_is_always_required():
    named = ("rodc.contoso.com", "emea1.emea.contoso.com", "rodc.contoso.com")
    roles, exempted = chosen(verify_on=named, lync_domain_controllers=("dc2.contoso.com", "rodc.contoso.com"))
    assert roles == {
        "dc1.contoso.com": ("pinned", "global_catalog"),
        "dc2.contoso.com": ("lync",),
        "rodc.contoso.com": ("lync", "listed"),
        "emea1.emea.contoso.com": ("listed",),
    }
    assert exempted == ["dc3.contoso.com"]


def test_a_catalog_of_another_domain_is_asked_as_catalog_and_a_read_only_one_like_any_other():
    members = {member.host: member for member in required_set(Connection(verify_on=("all",))).members}
    partial = [host for host, member in members.items() if member.partial]
    assert partial == ["emea1.emea.contoso.com"]
    assert [host for host, member in members.items() if member.read_only] == ["rodc.contoso.com"]
    assert members["rodc.contoso.com"].shown(True) == {
        "server": "rodc.contoso.com",
        "roles": ["all"],
        "read_only": True,
        "agrees": True,
    }


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"verify_on": ("dc9.contoso.com",)}, "verify_on names dc9.contoso.com"),
        ({"verify_on": ("old.contoso.com",)}, "verify_on names old.contoso.com"),
        ({"lync_domain_controllers": ("dc9.contoso.com",)}, "lync_domain_controllers names dc9"),
        ({"lync_domain_controllers": ("emea2.emea.contoso.com",)}, "can show an account of DC=contoso,DC=com"),
        ({"global_catalog": "dc9.contoso.com"}, "global_catalog names dc9.contoso.com"),
        ({"global_catalog": "dc3.contoso.com"}, "no global catalog of this forest"),
    ],
)
def test_a_name_that_cannot_be_asked_is_refused_with_those_that_can(options, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        required_set(Connection(**options))
    there = str(caught.value).partition("There are: ")[2]
    assert "dc1.contoso.com" in there and "emea2" not in there


def test_without_a_catalog_on_the_pinned_one_those_of_its_site_are_asked_first_then_those_that_can_be_written_to():
    catalogs = catalogs_to_ask(CONTROLLERS, "dc3.contoso.com")
    assert catalogs[0] == "dc2.contoso.com" and catalogs[-1] == "rodc.contoso.com"
    assert "dc3.contoso.com" not in catalogs and catalogs_to_ask([], "dc3.contoso.com") == []
    roles, _exempted = chosen(catalog="dc2.contoso.com")
    assert roles["dc1.contoso.com"] == ("pinned",) and roles["dc2.contoso.com"] == ("global_catalog",)


def test_a_catalog_that_was_named_is_asked():
    roles, _exempted = chosen(global_catalog="emea1.emea.contoso.com")
    assert roles["emea1.emea.contoso.com"] == ("global_catalog",)


def test_the_pinned_one_is_known_by_its_own_name_also_when_the_options_have_another():
    roles, exempted = chosen(server="contoso.com")
    assert roles == {"dc1.contoso.com": ("pinned", "global_catalog")} and "dc1.contoso.com" not in exempted


@pytest.mark.parametrize("own, name", [([b"DC1.contoso.com"], "dc1.contoso.com"), ([], "contoso.com")])
def test_a_server_is_known_by_the_name_that_it_gives_itself(own, name):
    client = Client(DirectoryOptions(), "contoso.com", 636, None, "directory")
    client._root = Entry("", {"dnsHostName": own})
    assert client.name == name


def test_how_each_member_is_asked():
    def ways(catalog, **options):
        required = choose_required(
            CONTROLLERS,
            CONTOSO,
            "dc1.contoso.com",
            catalog,
            options.get("verify_on", ("required",)),
            options.get("lync", ()),
        )
        return {member.host: asked_as(member) for member in required.members}

    assert ways("dc1.contoso.com") == {"dc1.contoso.com": ("domain_controller", "global_catalog")}
    assert ways("dc2.contoso.com", lync=("dc1.contoso.com",)) == {
        "dc1.contoso.com": ("domain_controller",),
        "dc2.contoso.com": ("global_catalog",),
    }
    # the directory of the second one is asked too, because the Lync servers may use that
    assert ways("dc2.contoso.com", lync=("dc2.contoso.com", "dc3.contoso.com")) == {
        "dc1.contoso.com": ("domain_controller",),
        "dc2.contoso.com": ("global_catalog", "dc2.contoso.com"),
        "dc3.contoso.com": ("dc3.contoso.com",),
    }
