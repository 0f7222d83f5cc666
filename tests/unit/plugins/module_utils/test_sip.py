# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIP addresses: what is one, what is not, and what is the same one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

LABEL = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?", fullmatch=True)
USER = st.from_regex(r"[A-Za-z0-9_'+-]+(\.[A-Za-z0-9_'+-]+)*", fullmatch=True)


@given(USER, st.lists(LABEL, min_size=2, max_size=4))
def test_every_spelling_of_an_address_is_the_same_address(user: str, labels: list) -> None:
    bare = "%s@%s" % (user, ".".join(labels))
    address = SipAddress.parse("sip:" + bare)
    assert str(address) == "sip:" + bare
    for spelling in (bare, "SIP:" + bare, " sip:" + bare.upper() + " ", str(address)):
        assert SipAddress.parse(spelling) == address
        assert hash(SipAddress.parse(spelling)) == hash(address)


@given(st.text(max_size=40))
def test_what_is_accepted_can_be_written_and_read_again(text: str) -> None:
    try:
        address = SipAddress.parse(text)
    except InvalidInput:
        return
    assert SipAddress.parse(str(address)) == address
    assert str(address).isascii()
    assert not set(str(address)) & set(' ()\\"<>;,*\0\r\n')


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        (None, "it is empty"),
        (7, "it is empty"),
        ("ocschat", "exactly one user part"),
        ("sip:@contoso.com", "exactly one user part"),
        ("sip:a@b@contoso.com", "exactly one user part"),
        ("sips:ocschat@contoso.com", "only 'sip:'"),
        ("tel:+4930", "only 'sip:'"),
        ("sip:ocs chat@contoso.com", "character"),
        ("sip:a)(b@contoso.com", "character"),
        ("sip:ocschat@contoso", "fully qualified"),
        ("sip:ocschat@-contoso.com", "fully qualified"),
        ("sip:ocschat@contoso..com", "fully qualified"),
        ("sip:ocschat@contoso.com\n)", "fully qualified"),
        ("sip:öcschat@contoso.com", "character"),
        ("sip:%s@contoso.com" % ("a" * 500), "longer than"),
    ],
)
def test_what_is_not_an_address_is_named_with_the_reason(text: object, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        SipAddress.parse(text)
    assert repr(text) in str(caught.value)
