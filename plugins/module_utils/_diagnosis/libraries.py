# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python libraries are here, and which of those that the connection needs are not. Private to this collection."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import ssl

from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.probes import Facts, problem
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.libraries import needed
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

#: everything whose version can matter to a connection
_KNOWN = (
    "pywinrm",
    "pypsrp",
    "pyspnego",
    "pykerberos",
    "gssapi",
    "krb5",
    "requests",
    "requests-credssp",
    "requests_ntlm",
    "urllib3",
    "cryptography",
    "ansible-core",
)


def look(options: RemotingOptions) -> Facts:
    """Versions, and what is missing: by importing it, because a library that is installed can still be broken."""
    missing = []
    for module, library in needed(options).items():
        try:
            importlib.import_module(module)
        except Exception as error:  # a library that cannot be loaded raises what it likes
            missing.append({"library": library, "error": "%s: %s" % (type(error).__name__, error)})
    names = ", ".join(sorted({one["library"] for one in missing}))
    return {
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "versions": {name: _version(name) for name in _KNOWN},
        "missing": missing,
        "problem": problem("missing_library", "This Python cannot load %s." % names) if missing else None,
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
