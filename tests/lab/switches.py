# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which facts about the servers nobody has confirmed, and what each is set to in this lab.

Every switch stands for a fact that domain.md marks [A] (ASSUMPTION). The collection must work with every setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.lab.choices import checked


@dataclass(frozen=True)
class Switch:
    """One assumption: its default, the settings that exist, where domain.md speaks of it and what it means.

    ``settings`` is a tuple of words, or the type ``int`` for a number that is not negative.
    """

    default: Any
    settings: Any
    source: str
    meaning: str

    def check(self, name: str, value: Any) -> Any:
        """Return the value if the switch has that setting.

        :raises ValueError: it has not; the text names the settings that exist.
        """
        return checked("The switch %s" % name, self.settings, value)


SWITCHES: dict[str, Switch] = {
    "address_in_use_lag": Switch(
        0, int, "4.3", "how many New-CsPersistentChatEndpoint still fail after the holder of the address has gone"
    ),
    "application_contacts": Switch(
        "configuration",
        ("configuration", "system"),
        "4.1",
        "where endpoints' contacts lie: in the configuration partition or in the domain's System container",
    ),
    "assumed_errors": Switch(
        "recalled",
        ("recalled", "opaque"),
        "2.7",
        "texts and ids of errors that no document gives: a guess, or nothing useful",
    ),
    "assumed_properties": Switch(
        "present", ("present", "absent"), "2.3", "whether objects have the properties that no document names"
    ),
    "counts_while_stopped": Switch(
        "answer",
        ("answer", "error"),
        "2.5",
        "what Get-CsPersistentChatRoom and its like do while the pool's services are stopped",
    ),
    "endpoints_per_pool": Switch("many", ("many", "one"), "1", "whether a second endpoint for one pool is refused"),
    "import_repeat": Switch(
        "duplicates", ("duplicates", "overwrites"), "2.2", "what a second import makes of the messages"
    ),
    "import_while_running": Switch(
        "allowed", ("allowed", "refused"), "5", "whether an import runs while the target pool's services run"
    ),
    "lync_domain_controller": Switch(
        "dc1", ("dc1", "dc2"), "4.3", "which domain controller the cmdlets read and write"
    ),
    "module_name": Switch(
        "SkypeForBusiness", ("SkypeForBusiness", "Lync"), "2", "the PowerShell module that the servers have"
    ),
    "report_problems": Switch(
        "none", ("none", "warnings", "errors"), "2.2", "what export and import put into their reports besides progress"
    ),
    "report_style": Switch("table", ("table", "list", "german"), "2.2", "the form of the HTML reports"),
    "second_hop": Switch(
        "works",
        ("works", "needs_delegation"),
        "3",
        "whether a session without delegated credentials reaches AD and SQL",
    ),
    "service_names": Switch("recalled", ("recalled", "other"), "2.4", "the names of the Windows services"),
    "setup_contact_sip": Switch(
        "pool_label",
        ("pool_label", "pool_fqdn", "none"),
        "8",
        "the SIP address of the contact that setup creates",
    ),
    "sip_prefix": Switch(
        "required", ("required", "optional"), "2.1", "whether New-CsPersistentChatEndpoint needs sip:"
    ),
    "sc_language": Switch("en", ("en", "de"), "2.7", "the language of what sc.exe prints"),
    "start_pending_polls": Switch(0, int, "2.4", "how many queries see a service that was started as still starting"),
    "stop_pending_polls": Switch(0, int, "2.4", "how many queries see a service that was stopped as still stopping"),
    "unattended_prompt": Switch(
        "error",
        ("error", "proceeds"),
        "8",
        "what a cmdlet that should ask for confirmation does where nobody can answer",
    ),
}
