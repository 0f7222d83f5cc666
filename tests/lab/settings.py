# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab is made of: its domain, hosts, accounts and folders. Data only; everybody else derives from here."""

from __future__ import annotations

import os
import re
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path


def rdn(attribute: str, value: str) -> str:
    """A relative distinguished name such as C(CN=Group Chat), its value escaped (RFC 4514, section 2.4).

    :param value: without control characters and without blanks at its ends.
    """
    escaped = re.sub(r'([\\",+;<>])', r"\\\1", value)
    return "%s=%s%s" % (attribute, "\\" if value.startswith("#") else "", escaped)


DOMAIN_VARIABLE = "LYNC_LAB_DOMAIN"
DOMAIN = os.environ.get(DOMAIN_VARIABLE, "").lower() or "contoso.com"
REALM = DOMAIN.upper()
NETBIOS = DOMAIN.split(".", 1)[0].upper()
BASE_DN = ",".join("DC=" + label for label in DOMAIN.split("."))
CONFIGURATION_DN = "CN=Configuration," + BASE_DN
SCHEMA_DN = "CN=Schema," + CONFIGURATION_DN
RTC_SERVICE_DN = "CN=RTC Service,CN=Services," + CONFIGURATION_DN
CONTACTS_DN = "CN=Application Contacts," + RTC_SERVICE_DN
# Older forests keep their settings here (domain.md, section 4.1).
SYSTEM_RTC_SERVICE_DN = "CN=RTC Service,CN=Microsoft,CN=System," + BASE_DN
SYSTEM_CONTACTS_DN = "CN=Application Contacts," + SYSTEM_RTC_SERVICE_DN
TRUSTED_SERVICES_DN = "CN=Trusted Services," + RTC_SERVICE_DN
POOLS_DN = "CN=Pools," + RTC_SERVICE_DN
SERVICE_ACCOUNTS_DN = "OU=Service Accounts," + BASE_DN
LEGACY_OU_DN = "OU=Group Chat," + SERVICE_ACCOUNTS_DN
LOOKUP_OUTER_OU_DN = "%s,%s" % (rdn("OU", "Außen+Stelle;1\\Süd"), BASE_DN)
LOOKUP_OU_DN = "%s,%s" % (rdn("OU", "#Dienste, Köln <alt>"), LOOKUP_OUTER_OU_DN)
PEOPLE_DN = "OU=People," + BASE_DN
SERVERS_DN = "OU=Servers," + BASE_DN
GROUPS_DN = "OU=Groups," + BASE_DN

NETWORK = "10.99.77"
PASSWORD = "Lab-Passw0rd!"
HTTP_PORT = 5985
HTTPS_PORT = 5986
IIS_PORT = 443  # where Lync's web services, OcsPowershell among them, listen
LDAPS_PORT = 636
GLOBAL_CATALOG_PORT = 3269
DEFAULT_DIR = ".cache/lab"
DIR_VARIABLE = "LYNC_LAB_DIR"
TEMPLATE_VARIABLE = "LYNC_LAB_TEMPLATE"
PROGRAM = os.path.relpath(sys.executable) + " -m tests.lab"  # what to type where this Python was started


def fqdn(name: str) -> str:
    """The full name of a host or pool of the lab's domain."""
    return "%s.%s" % (name, DOMAIN)


@dataclass(frozen=True)
class Host:
    """One address of the lab.

    :param kind: C(dc), C(management) (front end, bridge works), C(chat) (Persistent Chat server), C(legacy) (Group Chat
        on Windows Server 2008 R2: plain programs only) or C(rogue) (a management host with a certificate of an unknown CA).
    """

    name: str
    number: int
    kind: str

    @property
    def fqdn(self) -> str:
        """The host's DNS name, which is also its certificate's."""
        return fqdn(self.name)

    @property
    def address(self) -> str:
        """The host's IPv4 address inside the lab."""
        return "%s.%d" % (NETWORK, self.number)

    @property
    def account(self) -> str:
        """The sAMAccountName of the host's computer account."""
        return self.name.upper() + "$"


HOSTS = (
    Host("dc1", 11, "dc"),
    Host("dc2", 12, "dc"),  # runs only where somebody asks for two controllers
    Host("lync01", 21, "management"),
    Host("pc01", 31, "chat"),
    Host("pc02", 32, "chat"),
    Host("pc03", 33, "chat"),
    Host("gc01", 41, "legacy"),
    Host("gc02", 42, "legacy"),
    Host("rogue", 66, "rogue"),
)
DOMAIN_CONTROLLERS = tuple(host for host in HOSTS if host.kind == "dc")
WSMAN_HOSTS = tuple(host for host in HOSTS if host.kind != "dc")
LEGACY_POOL = fqdn("gcpool")
CHAT_POOLS = (fqdn("pcpool"), fqdn("pcpool2"))
REGISTRAR_POOL = fqdn("lync01")
SIP_DOMAINS = (DOMAIN, "fabrikam.example")  # the first is the default


@dataclass(frozen=True)
class Account:
    """A user of the lab's domain.

    :param name: the sAMAccountName.
    :param sip: the SIP address (with C(sip:)) of a SIP-enabled user, or None.
    :param groups: common names of the groups that it is a member of.
    :param common_name: the CN, where it is not the sAMAccountName.
    """

    name: str
    parent: str
    display_name: str
    sip: str | None = None
    groups: tuple[str, ...] = ()
    description: str = ""
    common_name: str = ""

    @property
    def dn(self) -> str:
        """The distinguished name."""
        return "%s,%s" % (rdn("CN", self.common_name or self.name), self.parent)

    @property
    def upn(self) -> str:
        """The user principal name."""
        return "%s@%s" % (self.name, DOMAIN)


USERS_DN = "CN=Users," + BASE_DN
ADMINISTRATOR = "Administrator"
OPERATOR = "csadmin"
DIRECTORY_SERVICE = "svc-directory"  # what it may do: directory/delegation.py
WELL_KNOWN_USER = "ocschat"
WELL_KNOWN_SIP = "sip:%s@%s" % (WELL_KNOWN_USER, DOMAIN)
LOOKUP_USER = "ocs-lookup"  # the well-known user of the second SIP domain, with every awkward name
LOOKUP_SIP = "sip:%s@%s" % (WELL_KNOWN_USER, SIP_DOMAINS[1])
ACCOUNTS = (
    Account(
        OPERATOR, USERS_DN, "Lync operator", None,
        ("RTCUniversalServerAdmins", "CSPersistentChatAdministrator", "CSAdministrator", "Domain Admins"),
    ),
    Account("chatadmin", PEOPLE_DN, "Persistent Chat administrator", None, ("CSPersistentChatAdministrator",)),
    Account(
        DIRECTORY_SERVICE, SERVICE_ACCOUNTS_DN, "Directory service account", None, (),
        "Deletes and restores the well-known user over LDAP",
    ),
    Account("plainuser", PEOPLE_DN, "Plain user"),
    *(Account("user%02d" % n, PEOPLE_DN, "User %d" % n, "sip:user%02d@%s" % (n, DOMAIN)) for n in (1, 2, 3)),
    Account(
        WELL_KNOWN_USER, LEGACY_OU_DN, "Group Chat", WELL_KNOWN_SIP, ("Group Chat Services", "Deny Interactive Logon"),
        "Well-known user of the Group Chat Lookup service",
    ),
    Account(
        LOOKUP_USER, LOOKUP_OU_DN, 'Lookup "R2", Größe', LOOKUP_SIP, ("Group Chat Services",),
        "Well-known user of the second SIP domain", common_name='Lookup, "R2" + Größe',
    ),
)  # fmt: skip
ACCOUNT_NAMES = (ADMINISTRATOR, *(account.name for account in ACCOUNTS))


@dataclass(frozen=True)
class Paths:
    """Every file and folder of one lab, as seen from inside and outside its namespaces alike."""

    root: Path

    @classmethod
    def of(cls, folder: str | os.PathLike[str] | None = None) -> Paths:
        """The paths of the lab in C(folder), else in $LYNC_LAB_DIR, else in .cache/lab below the working directory."""
        return cls(Path(folder or os.environ.get(DIR_VARIABLE) or DEFAULT_DIR).absolute())

    @property
    def control(self) -> Path:
        """The control socket."""
        return self.root / "control.sock"

    @property
    def lock(self) -> Path:
        """Locked by the supervisor while it lives; holds the process ids that end the lab."""
        return self.root / "lab.lock"

    @property
    def logs(self) -> Path:
        """Folder of log files."""
        return self.root / "log"

    @property
    def files(self) -> Path:
        """Folder with what a person or test uses: CA, Kerberos configuration, tickets, keytab, hosts."""
        return self.root / "files"

    @property
    def ca(self) -> Path:
        """The lab CA's certificate (PEM)."""
        return self.files / "ca.pem"

    @property
    def krb5_conf(self) -> Path:
        """Kerberos configuration."""
        return self.files / "krb5.conf"

    @property
    def keytab(self) -> Path:
        """Keys of all hosts' SPNs."""
        return self.files / "host.keytab"

    @property
    def ntlm_users(self) -> Path:
        """The accounts whose NTLM logons the WS-Man servers check, with their passwords (mode 0600)."""
        return self.root / "ntlm-users"

    @property
    def hosts(self) -> Path:
        """The lab's /etc/hosts."""
        return self.files / "hosts"

    def ccache(self, account: str = OPERATOR) -> Path:
        """The Kerberos ticket cache of an account."""
        return self.files / (account + ".ccache")

    @property
    def certificates(self) -> Path:
        """Folder of the CAs' and servers' keys."""
        return self.root / "certificates"

    def certificate(self, name: str) -> Path:
        """Certificate (PEM) of the host with this short name, or of a client: csadmin (see certificates.py)."""
        return self.certificates / (name + ".pem")

    def key(self, name: str) -> Path:
        """Private key (PEM, mode 0600) that belongs to certificate()."""
        return self.certificates / (name + ".key")

    @property
    def state(self) -> Path:
        """Folder of the simulated estate's state; removed by a reset."""
        return self.root / "state"

    @property
    def estate(self) -> Path:
        """The simulated estate (JSON)."""
        return self.state / "estate.json"

    def drive(self, host: str) -> Path:
        """The folder that stands for C:\\ of a host (short name)."""
        return self.state / "files" / host / "C"

    @property
    def system(self) -> Path:
        """Folder whose subfolders and files cover system paths inside the lab's mount namespace."""
        return self.root / "system"

    @property
    def samba(self) -> Path:
        """What is /var/lib/samba inside the lab: one subfolder for each domain controller."""
        return self.system / "var/lib/samba"

    def pristine(self, shape: str) -> Path:
        """Folder of the controllers' first state in a shape (its name); of all shapes for C('')."""
        return self.root / "pristine" / shape

    @property
    def template(self) -> Path:
        """Folder of the cached directory templates: $LYNC_LAB_TEMPLATE, else .cache/lab-template of the checkout."""
        checkout = Path(__file__).resolve().parents[2]
        return Path(os.environ.get(TEMPLATE_VARIABLE) or checkout / ".cache/lab-template").absolute()


def stable_guid(name: str) -> uuid.UUID:
    """A GUID that is the same in every lab, for what the lab makes itself."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, "%s.lab.%s" % (name, DOMAIN))
