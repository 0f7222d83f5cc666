# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections of a module that observes the whole estate: the new servers, the legacy servers, the directory."""

from __future__ import annotations

from textwrap import indent

from ansible_collections.lync.persistent_chat.plugins.doc_fragments.directory import OPTIONS as DIRECTORY
from ansible_collections.lync.persistent_chat.plugins.doc_fragments.remoting import OPTIONS as REMOTING


def _below(option: str, options: str) -> str:
    """The same options as suboptions of C(option), their cross-references included."""
    return indent(options.replace("O(", "O(%s." % option), "      ")


class ModuleDocFragment:
    DOCUMENTATION = rf"""
options:
  remoting:
    description: The connection to the server on which the Persistent Chat cmdlets run.
    type: dict
    required: true
    suboptions:
{_below("remoting", REMOTING)}
  legacy_remoting:
    description:
      - What differs from O(remoting) in the connections to the servers of the Group Chat pool. Their names come from elsewhere.
      - Without it, these connections are made like O(remoting).
    type: dict
    suboptions:
{_below("legacy_remoting", REMOTING[REMOTING.index("remote_user:") :])}
  directory:
    description: The connection to Active Directory.
    type: dict
    required: true
    suboptions:
{_below("directory", DIRECTORY)}
requirements:
  - pywinrm >= 0.5.0, with its C(kerberos) extra for Kerberos
  - ldap3 >= 2.9.1
  - gssapi >= 1.8.0, for Kerberos
"""
