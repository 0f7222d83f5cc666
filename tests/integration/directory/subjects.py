# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts to lose, one for each test, so that the lab need not be restored between tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ldap3
import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import ATTRIBUTES
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from tests.lab import settings

SIP_ATTRIBUTE = "msRTCSIP-PrimaryUserAddress"
STATES = ("absent", "disabled")


@dataclass(frozen=True)
class Subject:
    """An account of one test.

    :param read: reads it with every attribute that a backup has; None when it is not there.
    """

    name: str
    dn: str
    read: Callable[[], Entry | None]

    @property
    def sip(self) -> str:
        """Its SIP address."""
        return "sip:%s@%s" % (self.name.rstrip("$").lower(), settings.DOMAIN)

    @property
    def named(self) -> dict[str, str]:
        """The options that name it."""
        return {"sip_address": self.sip, "sam_account_name": self.name}


def create(
    admin: ldap3.Connection,
    connection: DirectoryConnection,
    name: str,
    classes: Sequence[str] = (),
    parent: str = settings.SERVICE_ACCOUNTS_DN,
    **attributes: Any,
) -> Subject:
    """Create an account with a SIP address of its own, enabled, that no guard stops.

    :param classes: what it is besides a user.
    :param attributes: further ones, a hyphen of their names written as an underscore.
    """
    dn = "CN=%s,%s" % (name.rstrip("$"), parent)
    made = Subject(name, dn, lambda: connection.read(dn, ATTRIBUTES))
    # 544: enabled, and allowed to have no password
    attributes = {"sAMAccountName": name, "userAccountControl": "544", SIP_ATTRIBUTE: made.sip, **attributes}
    admin.add(dn, ["user", *classes], {key.replace("_", "-"): value for key, value in attributes.items()})
    return made


def refused(converge: Callable[..., Any], state: str = "absent", **changes: Any) -> PersistentChatError:
    """Run the module and return what it refuses with: words for people, without a secret."""
    with pytest.raises(PersistentChatError) as caught:
        converge(state, **changes)
    assert "Traceback" not in str(caught.value) and settings.PASSWORD not in str(caught.value)
    return caught.value
