# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The msRTCSIP schema extension, as data (domain.md, section 4.2).

Object identifiers below 9000 are those that Microsoft published; those from 9001 on stand for identifiers that were not
found. That only PrimaryUserAddress and Line are indexed, and that nothing is preserved on delete, is an ASSUMPTION.
"""

from __future__ import annotations

import base64

from tests.lab import settings

OID_ROOT = "1.2.840.113556.1.6.24.1."
CLASS_OID = "1.2.840.113556.1.6.24.2.9001"
AUXILIARY_CLASS = "msRTCSIP-LabUserAndContact"
INDEXED = 1
DN_CLASS = "KwwCh3McAIVK"
DN_BINARY_CLASS = "KoZIhvcUAQEBCw=="

# kind: attributeSyntax, oMSyntax, oMObjectClass (base64)
SYNTAXES = {
    "unicode": ("2.5.5.12", 64, None),
    "boolean": ("2.5.5.8", 1, None),
    "integer": ("2.5.5.9", 2, None),
    "octets": ("2.5.5.10", 4, None),
    "sid": ("2.5.5.17", 4, None),
    "dn": ("2.5.5.1", 127, DN_CLASS),
    "dn-binary": ("2.5.5.7", 127, DN_BINARY_CLASS),
}

# name without its prefix: last part of the OID, kind, single-valued, in the global catalog, search flags
ATTRIBUTES = {
    "PrimaryUserAddress": (1, "unicode", True, True, INDEXED),
    "UserEnabled": (6, "boolean", True, True, 0),
    "TargetHomeServer": (47, "dn", True, False, 0),
    "OriginatorSid": (50, "sid", True, True, 0),
    "PrimaryHomeServer": (57, "dn", True, True, 0),
    "UserExtension": (63, "unicode", False, True, 0),
    "FederationEnabled": (67, "boolean", True, True, 0),
    "InternetAccessEnabled": (68, "boolean", True, True, 0),
    "ArchivingEnabled": (80, "integer", True, True, 0),
    "OptionFlags": (87, "integer", True, True, 0),
    "Line": (88, "unicode", True, True, INDEXED),
    "LineServer": (89, "unicode", True, True, 0),
    "UserPolicy": (132, "dn-binary", False, False, 0),
    "UserPolicies": (9001, "unicode", False, False, 0),
    "DeploymentLocator": (9002, "unicode", True, False, 0),
    "OwnerUrn": (9003, "unicode", True, False, 0),
    "ApplicationOptions": (9004, "integer", True, False, 0),
    "ApplicationDestination": (9005, "dn", True, False, 0),
    "UserRoutingGroupId": (9006, "octets", True, False, 0),
}


def _record(name: str, lines: list[str]) -> str:
    guid = base64.b64encode(settings.stable_guid(name).bytes_le).decode()
    common = [
        "dn: CN=%s,%s" % (name, settings.SCHEMA_DN),
        "lDAPDisplayName: " + name,
        "adminDisplayName: " + name,
        "schemaIDGUID:: " + guid,
        "showInAdvancedViewOnly: TRUE",
    ]
    return "\n".join([*common, *lines]) + "\n"


def attributes() -> str:
    """LDIF that adds the attributes."""
    records = []
    for name, (oid, kind, single, catalog, flags) in ATTRIBUTES.items():
        syntax, om_syntax, om_class = SYNTAXES[kind]
        lines = [
            "objectClass: attributeSchema",
            "attributeID: %s%d" % (OID_ROOT, oid),
            "attributeSyntax: " + syntax,
            "oMSyntax: %d" % om_syntax,
            "isSingleValued: " + str(single).upper(),
            "isMemberOfPartialAttributeSet: " + str(catalog).upper(),
            "searchFlags: %d" % flags,
        ]
        if om_class:
            lines.append("oMObjectClass:: " + om_class)
        records.append(_record("msRTCSIP-" + name, lines))
    return "\n".join(records)


def auxiliary_class() -> str:
    """LDIF that adds the class which allows all the attributes; the attributes must be known before."""
    lines = ["objectClass: classSchema", "governsID: " + CLASS_OID, "objectClassCategory: 3", "subClassOf: top"]
    return _record(AUXILIARY_CLASS, lines + ["mayContain: msRTCSIP-" + name for name in ATTRIBUTES])


def auxiliary_class_use() -> str:
    """LDIF that lets users and contacts carry the auxiliary class."""
    return "\n".join(
        "dn: CN=%s,%s\nchangetype: modify\nadd: auxiliaryClass\nauxiliaryClass: %s\n-\n"
        % (name, settings.SCHEMA_DN, AUXILIARY_CLASS)
        for name in ("User", "Contact")
    )
