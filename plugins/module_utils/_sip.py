# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIP addresses: parse, normalise, compare. Private to this collection.

Python's regular expressions and C(str) methods see Unicode; a SIP address of Lync is ASCII, so the character classes
below are spelled out.
"""

from __future__ import annotations

import re

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput

_USER = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_MAX_LENGTH = 454  # bounds what goes into filters and messages; no real address comes near


class SipAddress:
    """A SIP address such as C(sip:ocschat@contoso.com).

    Two addresses are equal when they differ in letter case only: SIP URIs of Lync compare case-insensitively
    (domain.md, section 4.1). The prefix C(sip:) may be missing in input and is always present in output
    (domain.md, section 2.1).
    """

    __slots__ = ("user", "domain")

    def __init__(self, user: str, domain: str) -> None:
        self.user = user
        self.domain = domain

    @classmethod
    def parse(cls, text: object) -> SipAddress:
        """Return the address that C(text) spells.

        :raises InvalidInput: C(text) is not a SIP address; the message names it and says what is wrong.
        """
        if not isinstance(text, str) or not text.strip():
            raise _refused(text, "it is empty")
        bare = text.strip()
        scheme, colon, rest = bare.partition(":")
        if colon:
            if scheme.lower() != "sip":
                raise _refused(text, "it begins with %r where only 'sip:' can stand" % (scheme + ":"))
            bare = rest
        user, at, domain = bare.partition("@")
        if not at or not user or not domain or "@" in domain:
            raise _refused(text, "it needs exactly one user part and one domain, joined by '@'")
        if len(bare) > _MAX_LENGTH:
            raise _refused(text, "it is longer than %d characters" % _MAX_LENGTH)
        if not _USER.match(user):
            raise _refused(text, "its user part %r has a character that a SIP address cannot have" % user)
        labels = domain.split(".")
        if len(labels) < 2 or not all(_LABEL.match(label) for label in labels):
            raise _refused(text, "%r is not a fully qualified domain name" % domain)
        return cls(user, domain)

    def __str__(self) -> str:
        return "sip:%s@%s" % (self.user, self.domain)

    def __repr__(self) -> str:
        return "SipAddress(%s)" % self

    @property
    def key(self) -> str:
        """The spelling that two equal addresses share, for sets, dictionaries and searches."""
        return str(self).lower()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SipAddress) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)


def _refused(text: object, why: str) -> InvalidInput:
    return InvalidInput(
        "%r is not a SIP address: %s. Write it like sip:ocschat@contoso.com." % (text, why),
        code="invalid_sip_address",
        sip_address=text,
    )
