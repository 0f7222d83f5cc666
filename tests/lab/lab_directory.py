# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab servers' own view of the directory: what the simulated cmdlets and the WS-Man server ask of dc1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.lab.settings import Paths


class LabDirectoryError(Exception):
    """The directory refused or could not be reached; C(code) is the LDAP result's name, such as entryAlreadyExists."""

    def __init__(self, message: str, code: str = "error") -> None:
        super().__init__(message)
        self.code = code


class LabDirectory:
    """Thread-safe LDAPS client of dc1, bound as Administrator; reconnects by itself after a reset."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    def close(self) -> None:
        """Forget the connection; the next call makes a new one."""

    def find_holders(self, sip: str | None = None) -> list[dict[str, Any]]:
        """Objects of the domain and configuration partitions that hold a SIP address (None: any), in any case of letters.

        An address counts as held in msRTCSIP-PrimaryUserAddress or in proxyAddresses.

        :param sip: with its C(sip:).
        :returns: records with dn, object_class (user, contact, computer...), guid, sip, sam_account_name, upn,
            display_name, enabled (the account; None for what is no account), sip_enabled, proxy_addresses, pool_fqdn.
        """
        raise NotImplementedError

    def create_contact(
        self, sip: str, display_name: str, pool_fqdn: str, attributes: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Create an endpoint's contact in Application Contacts (domain.md, section 4.1); checks nothing else.

        :param attributes: further LDAP attributes; a value of None leaves out a usual one.
        :returns: the record, as by find_holders.
        """
        raise NotImplementedError

    def list_contacts(self, pool_fqdn: str | None = None) -> list[dict[str, Any]]:
        """The endpoints' contacts, of one pool or of all; records as by find_holders."""
        raise NotImplementedError

    def delete_contact(self, dn: str) -> None:
        """Delete a contact. :raises LabDirectoryError: code noSuchObject when it is not there."""
        raise NotImplementedError

    def check_password(self, user: str, password: str) -> str | None:
        """Ask dc1 whether a password is right.

        :param user: C(name), C(name@contoso.com) or C(CONTOSO\\name).
        :returns: the account as C(CONTOSO\\name), or None when the account or the password is wrong.
        """
        raise NotImplementedError

    def groups_of(self, user: str) -> set[str]:
        """Common names of the groups that a user (any form) is a member of, nested ones too; empty for an unknown user."""
        raise NotImplementedError

    def usn(self) -> int:
        """highestCommittedUSN of dc1: grows with every write to the directory, by anybody."""
        raise NotImplementedError
