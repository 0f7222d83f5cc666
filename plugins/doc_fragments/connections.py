# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections of a module that observes the whole estate: the new servers, the legacy servers, the directory."""

from __future__ import annotations

from textwrap import dedent, indent

from ansible_collections.lync.persistent_chat.plugins.doc_fragments import directory, remoting


def _options(fragment: str) -> str:
    """The options of a fragment's text, as a mapping without indentation."""
    return dedent(fragment[fragment.index("\noptions:\n") + 10 : fragment.index("\nrequirements:\n") + 1])


def _below(option: str, options: str) -> str:
    """The same options as suboptions of C(option), their cross-references included."""
    return indent(options.replace("O(", "O(%s." % option), "      ")


REMOTING = _options(remoting.ModuleDocFragment.DOCUMENTATION)
LEGACY_REMOTING = REMOTING[REMOTING.index("transport:") :]  # each legacy server has an address of its own
DIRECTORY = _options(directory.ModuleDocFragment.DOCUMENTATION)


class ModuleDocFragment:
    # With a type, because the sanity test yamllint takes a plain assignment for a constant and fails on this one.
    DOCUMENTATION: str = rf"""
options:
  remoting:
    description: The connection to the server on which the Persistent Chat cmdlets run.
    type: dict
    required: true
    suboptions:
{_below("remoting", REMOTING)}
  legacy_remoting:
    description:
      - The connections to the servers of the Group Chat pool; each server's name comes from O(migration.legacy_servers).
      - Without it, these connections are made like O(remoting). With it, nothing of O(remoting) is taken over.
    type: dict
    suboptions:
{_below("legacy_remoting", LEGACY_REMOTING)}
  directory:
    description: The connection to Active Directory.
    type: dict
    required: true
    suboptions:
{_below("directory", DIRECTORY)}
requirements:
  - the libraries that the chosen transports need, as the other modules name them
  - ldap3 >= 2.9.1
  - gssapi >= 1.8.0 and cryptography >= 3.1, for Kerberos
"""
