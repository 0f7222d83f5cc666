# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a directory's refusal becomes for the person who runs the playbook."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import from_exception, from_result
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput

#: as a domain controller of Windows answers; the lab's Samba words these differently or never says them
WINDOWS_BIND = "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data %s, v2580"


@pytest.mark.parametrize(
    "result, message, code, says",
    [
        (
            8,
            "00002028: LdapErr: DSID-0C09027F, The server requires binds to turn on integrity checking",
            "stronger_auth_required",
            "636",
        ),
        (49, WINDOWS_BIND % "52e", "invalid_credentials", "password is wrong"),
        (49, WINDOWS_BIND % "533", "invalid_credentials", "disabled"),
        (49, WINDOWS_BIND % "775", "invalid_credentials", "locked out"),
        (
            49,
            "80090346: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data 80090346",
            "channel_binding_required",
            "load balancer",
        ),
        (
            50,
            "00000005: SecErr: DSID-03152870, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0",
            "insufficient_rights",
            "Delete Child",
        ),
        (66, "", "has_children", "never deleted"),
        (10, "", "referral", "another domain"),
        (71, "", "ldap_affectsMultipleDSAs", "71"),
    ],
)
def test_results(result, message, code, says):
    answer = {"result": result, "message": message, "description": "affectsMultipleDSAs" if result == 71 else "x"}
    error = from_result(answer, "delete CN=ocschat", "dc1.contoso.com", "Delete Child on the OU")
    assert error.code == code and error.result_code == result
    assert says in str(error) and "delete CN=ocschat" in str(error) and "dc1.contoso.com" in str(error)


def test_a_whole_certificate_never_lands_in_a_message():
    error = from_exception(
        Exception("certificate {%s} doesn't match any name in ['x']" % ("y" * 5000)),
        "sign in",
        "x",
        636,
        None,
        False,
        False,
    )
    assert error.code == "certificate_name_mismatch" and len(str(error)) < 400


def test_a_write_whose_answer_was_lost_is_ambiguous_and_a_search_is_not():
    assert from_exception(OSError("reset"), "delete CN=x", "dc1", 636, None, False, True).ambiguous
    assert not from_exception(OSError("reset"), "search CN=x", "dc1", 636, None, False, False).ambiguous


PARAMS = {
    "server": ["dc1.contoso.com"],
    "auth_protocol": "kerberos",
    "cert_validation": "validate",
    "connection_timeout": 5,
}


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"server": ["ldaps://dc1.contoso.com"]}, "server"),
        ({"server": [""]}, "server"),
        ({"server": ["dc1.contoso.com:636"]}, "server"),
        ({"global_catalog": "gc 1"}, "global_catalog"),
        ({"port": 389}, "636"),
        ({"auth_protocol": "simple"}, "username and password"),
        ({"auth_protocol": "simple", "username": "a@contoso.com", "password": ""}, "anonymous"),
        ({"ca_cert": "/nonexistent/ca.pem"}, "ca_cert"),
    ],
)
def test_an_option_that_cannot_work_is_refused_before_anything_is_connected(wrong, says):
    with pytest.raises(InvalidInput, match=says):
        DirectoryConnection(dict(PARAMS, **wrong))
