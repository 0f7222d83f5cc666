# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a directory's refusal becomes for the person who runs the playbook."""

from __future__ import annotations

import gssapi
import krb5
import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import from_exception, from_result
from ansible_collections.lync.persistent_chat.plugins.module_utils._kerberos import KdcTimeout

#: as a domain controller of Windows answers; the lab's Samba words these differently or never says them
WINDOWS_BIND = "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data %s, v2580"

SIGN_IN = {
    "tried": "sign in to the directory",
    "server": "dc1.contoso.com",
    "port": 636,
    "ca_cert": None,
    "start_tls": False,
    "sent": False,
}


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
        (49, WINDOWS_BIND % "532", "invalid_credentials", "expired"),
        (49, WINDOWS_BIND % "701", "invalid_credentials", "account has expired"),
        (49, WINDOWS_BIND % "773", "invalid_credentials", "changed first"),
        (49, WINDOWS_BIND % "775", "invalid_credentials", "locked out"),
        (49, "no reason at all", "invalid_credentials", "lockout"),
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
        (
            1,
            "000004DC: LdapErr: DSID-0C0907E9, comment: In order to perform this operation a successful bind must be "
            "completed on the connection., data 0, v1db1",
            "not_signed_in",
            "anonymous",
        ),
        (1, "00002077: SvcErr: DSID-03190FF2, problem 5003", "operations_error", "reanimate"),
        (3, "", "time_limit", "not complete"),
        (4, "", "size_limit", "not complete"),
        (11, "", "admin_limit", "not complete"),
        (51, "", "busy", "later"),
        (52, "00000000: LdapErr: DSID-0C090EA9, comment: Error initializing SSL/TLS", "unavailable", "another one"),
        (53, "0000208D: modify forbidden on global catalog port", "unwilling", "Leave port out"),
        (53, "0000052D: SvcErr: DSID-031A12D2", "unwilling", "rules forbid"),
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
    error = from_exception(Exception("certificate {%s} doesn't match any name in ['x']" % ("y" * 5000)), **SIGN_IN)
    assert error.code == "certificate_name_mismatch" and len(str(error)) < 400


def test_a_write_whose_answer_was_lost_is_ambiguous_and_a_search_is_not():
    assert from_exception(OSError("reset"), **{**SIGN_IN, "sent": True}).ambiguous
    assert not from_exception(OSError("reset"), **SIGN_IN).ambiguous


@pytest.mark.parametrize(
    "number, code, says",
    [
        (-1765328189, "no_kerberos_ticket", "kinit"),
        (-1765328352, "no_kerberos_ticket", "expired"),
        (-1765328360, "invalid_credentials", "password is wrong"),
        (-1765328378, "invalid_credentials", "no such account"),
        (-1765328366, "invalid_credentials", "disabled"),
        (-1765328361, "invalid_credentials", "Change it"),
        (-1765328377, "kerberos_unknown_service", "ldap/dc1.contoso.com"),
        (-1765328347, "kerberos_clock_skew", "clock"),
        (-1765328228, "kerberos_no_kdc", "port 88"),
        (-1765328160, "kerberos_no_realm", "set realm"),
        (-1765328370, "kerberos_encryption_type", "AES"),
        (-1765328315, "kerberos_failed", "klist"),
    ],
)
def test_kerberos_is_known_by_its_codes_in_whatever_language_it_speaks(number, code, says):
    """krb5 gives the code as it is, gssapi as 32 bits without a sign; both put numbers around the text."""
    ours = krb5.Krb5Error(krb5.init_context(), number)
    theirs = gssapi.exceptions.GSSError(851968, number + 2**32)
    for error in (ours, theirs):
        found = from_exception(error, **SIGN_IN)
        assert found.code == code and says in str(found) and "Kerberos said" in str(found)
        assert "Major" not in str(found) and str(number) not in str(found)


def test_no_ticket_is_also_what_gssapi_says_without_a_code_of_kerberos():
    assert from_exception(gssapi.exceptions.GSSError(7 << 16, 0), **SIGN_IN).code == "no_kerberos_ticket"
    assert from_exception(gssapi.exceptions.GSSError(11 << 16, 0), **SIGN_IN).code == "no_kerberos_ticket"


def test_a_kdc_that_does_not_answer():
    error = from_exception(KdcTimeout("No KDC answered for svc@CONTOSO.COM within 5 seconds"), **SIGN_IN)
    assert error.code == "kerberos_no_kdc" and "svc@CONTOSO.COM within 5 seconds" in str(error)


@pytest.mark.parametrize(
    "text, start_tls, code",
    [
        (
            "socket ssl wrapping error: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: x (_ssl.c:1)",
            False,
            "untrusted_certificate",
        ),
        (
            "wrap socket error: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: x (_ssl.c:1)",
            True,
            "untrusted_certificate",
        ),
        ("startTLS was answered with unavailable 00000000: LdapErr", True, "start_tls_refused"),
        ("wrap socket error: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1)", True, "start_tls_refused"),
        ("Server requires a security layer, but this is not implemented", False, "stronger_auth_required"),
        ("socket connection error while opening: [Errno 111] Connection refused", False, "unreachable"),
    ],
)
def test_why_there_is_no_connection(text, start_tls, code):
    assert from_exception(Exception(text), **{**SIGN_IN, "start_tls": start_tls}).code == code
