# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A well-known user goes and comes back, by the collection's own code, with the rights of svc-directory.

As a program it does so with the first one, inside a lab: python -m tests.integration.lab.round_trip BACKUP_DIR
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import wellknown_user, wellknown_user_info
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import directory_spec
from tests.lab import settings
from tests.lab.settings import Account, Paths


def parameters(account: Account, folder: Path) -> dict[str, Any]:
    """The options of both modules for a well-known user, with svc-directory's password; no state.

    :param folder: for backups.
    """
    return {
        **{name: option.get("default") for name, option in directory_spec().items()},
        "server": [settings.DOMAIN_CONTROLLERS[0].fqdn],
        "auth_protocol": "simple",
        "username": "%s@%s" % (settings.DIRECTORY_SERVICE, settings.DOMAIN),
        "password": settings.PASSWORD,
        "ca_cert": str(Paths.of().ca),
        "sip_address": account.sip,
        "sam_account_name": account.name,
        "distinguished_name": None,
        "object_guid": None,
        "object_sid": None,
        "backup_dir": str(folder),
        "backup": None,
        "override": [],
        "include_deleted": True,
        "accept_undo": "partial",
        "allow_recreate": False,
        "replication_timeout": 10,
    }


def round_trip(account: Account, folder: Path, away: str) -> list[dict[str, Any]]:
    """What the modules answer: found, away (C(absent) or C(disabled)), found, back (C(present)), found."""
    options = parameters(account, folder)
    answers = [wellknown_user_info.run(options)]
    for state in (away, "present"):
        answers += [wellknown_user.run(dict(options, state=state), False), wellknown_user_info.run(options)]
    return answers


if __name__ == "__main__":
    first = next(account for account in settings.ACCOUNTS if account.name == settings.WELL_KNOWN_USER)
    json.dump(round_trip(first, Path(sys.argv[1]), "absent"), sys.stdout)
