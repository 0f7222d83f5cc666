# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where the collection meets AnsibleModule. Private to this collection.

A module hands its argument specification and its C(run) function to L(run_module); everything behind C(run) is free of
Ansible and can be called from a test or another program.
"""

from __future__ import annotations

import traceback
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import MissingLibrary, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reports import DEFAULT_STATUSES

Spec = dict[str, dict[str, Any]]


def _env(name: str) -> tuple[Any, list[str]]:
    return env_fallback, ["PERSISTENT_CHAT_" + name]


def remoting_spec() -> Spec:
    """The options of the doc fragment C(lync.persistent_chat.remoting)."""
    return {
        "remote_addr": {"type": "str", "required": True, "fallback": _env("REMOTE_ADDR")},
        "transport": {
            "type": "str",
            "choices": ["winrm", "psrp"],
            "default": "winrm",
            "fallback": _env("TRANSPORT"),
        },
        "remote_user": {"type": "str", "fallback": _env("REMOTE_USER")},
        "remote_password": {"type": "str", "no_log": True, "fallback": _env("REMOTE_PASSWORD")},
        "scheme": {"type": "str", "choices": ["https", "http"], "default": "https", "fallback": _env("SCHEME")},
        "port": {"type": "int", "fallback": _env("PORT")},
        "path": {"type": "str", "default": "wsman", "fallback": _env("PATH")},
        "configuration_name": {
            "type": "str",
            "default": "Microsoft.PowerShell",
            "fallback": _env("CONFIGURATION_NAME"),
        },
        "auth": {
            "type": "str",
            "choices": ["kerberos", "negotiate", "ntlm", "credssp", "certificate", "basic"],
            "default": "kerberos",
            "fallback": _env("AUTH"),
        },
        "certificate_pem": {"type": "path", "fallback": _env("CERTIFICATE_PEM")},
        "certificate_key_pem": {"type": "path", "no_log": False, "fallback": _env("CERTIFICATE_KEY_PEM")},
        "ca_cert": {"type": "path", "fallback": _env("CA_CERT")},
        "cert_validation": {
            "type": "str",
            "choices": ["validate", "ignore"],
            "default": "validate",
            "fallback": _env("CERT_VALIDATION"),
        },
        "send_cbt": {"type": "bool", "default": True, "fallback": _env("SEND_CBT")},
        "kerberos_hostname_override": {"type": "str", "fallback": _env("KERBEROS_HOSTNAME_OVERRIDE")},
        "kerberos_service": {"type": "str", "default": "HTTP", "fallback": _env("KERBEROS_SERVICE")},
        "kerberos_delegation": {"type": "bool", "default": False, "fallback": _env("KERBEROS_DELEGATION")},
        "realm": {"type": "str", "fallback": _env("REALM")},
        "kdc": {"type": "list", "elements": "str", "fallback": _env("KDC")},
        "connection_timeout": {"type": "int", "default": 30, "fallback": _env("CONNECTION_TIMEOUT")},
        "operation_timeout": {"type": "int", "default": 600, "fallback": _env("OPERATION_TIMEOUT")},
    }


def directory_spec() -> Spec:
    """The options of the doc fragment C(lync.persistent_chat.directory)."""
    return {
        "server": {"type": "list", "elements": "str", "fallback": _env("LDAP_SERVER")},
        "domain": {"type": "str", "fallback": _env("LDAP_DOMAIN")},
        "port": {"type": "int", "fallback": _env("LDAP_PORT")},
        "tls_mode": {
            "type": "str",
            "choices": ["ldaps", "start_tls"],
            "default": "ldaps",
            "fallback": _env("LDAP_TLS_MODE"),
        },
        "global_catalog": {"type": "str", "fallback": _env("LDAP_GLOBAL_CATALOG")},
        "auth_protocol": {
            "type": "str",
            "choices": ["kerberos", "simple"],
            "default": "kerberos",
            "fallback": _env("LDAP_AUTH_PROTOCOL"),
        },
        "username": {"type": "str", "fallback": _env("LDAP_USERNAME")},
        "password": {"type": "str", "no_log": True, "fallback": _env("LDAP_PASSWORD")},
        "realm": {"type": "str", "fallback": _env("LDAP_REALM")},
        "kdc": {"type": "list", "elements": "str", "fallback": _env("LDAP_KDC")},
        "ca_cert": {"type": "path", "fallback": _env("LDAP_CA_CERT")},
        "cert_validation": {
            "type": "str",
            "choices": ["validate", "ignore"],
            "default": "validate",
            "fallback": _env("LDAP_CERT_VALIDATION"),
        },
        "connection_timeout": {"type": "int", "default": 30, "fallback": _env("LDAP_CONNECTION_TIMEOUT")},
        "verify_on": {
            "type": "list",
            "elements": "str",
            "default": ["required"],
            "fallback": _env("LDAP_VERIFY_ON"),
        },
        "lync_domain_controllers": {
            "type": "list",
            "elements": "str",
            "default": [],
            "fallback": _env("LDAP_LYNC_DOMAIN_CONTROLLERS"),
        },
    }


def data_job_spec() -> Spec:
    """The options of the doc fragment C(lync.persistent_chat.data_job)."""
    return {
        "job_folder": {"type": "str"},
        "job_timeout": {"type": "int", "default": 86400},
        "outage_timeout": {"type": "int", "default": 3600},
        "progress_interval": {"type": "int", "default": 20},
        "report_statuses": {
            "type": "dict",
            "options": {
                kind: {"type": "list", "elements": "str", "default": list(words)}
                for kind, words in DEFAULT_STATUSES.items()
            },
        },
    }


def migration_spec() -> Spec:
    """The option C(migration) of pc_migration_plan."""
    text = {"type": "str", "required": True}
    return {
        "sip_address": dict(text),
        "pool_fqdn": dict(text),
        "wellknown_user_state": {"type": "str", "choices": ["absent", "disabled"], "required": True},
        "wellknown_user": {
            "type": "dict",
            "required": True,
            "required_one_of": [["distinguished_name", "object_guid", "object_sid", "sam_account_name"]],
            "options": {
                "distinguished_name": {"type": "str"},
                "object_guid": {"type": "str"},
                "object_sid": {"type": "str"},
                "sam_account_name": {"type": "str"},
                "override": {"type": "list", "elements": "str", "default": []},
                "accept_undo": {"type": "str", "choices": ["full", "partial", "none"], "default": "full"},
                "replication_timeout": {"type": "int", "default": 300},
            },
        },
        "backup_dir": {"type": "path", "required": True},
        "legacy_servers": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {"name": dict(text), "services": {"type": "list", "elements": "str", "required": True}},
        },
        "pool_services": {"type": "list", "elements": "str", "required": True},
        "archive": dict(text),
        "source_database": {
            "type": "dict",
            "required": True,
            "options": {"instance": dict(text), "name": {"type": "str", "default": "mgc"}},
        },
        "target_database": {"type": "dict", "required": True, "options": {"instance": dict(text)}},
        "expected_counts": {
            "type": "dict",
            "default": {},
            "options": {"categories": {"type": "int"}, "rooms": {"type": "int"}, "addins": {"type": "int"}},
        },
        "import_verification": {"type": "str", "choices": ["counts", "report"], "default": "counts"},
        "merge": {"type": "bool", "default": False},
        "job_folder": {"type": "str"},
        "job_timeout": {"type": "int", "default": 86400},
    }


def connections_spec() -> Spec:
    """The options of the doc fragment C(lync.persistent_chat.connections): three connections in one task."""
    legacy = remoting_spec()
    del legacy["remote_addr"]
    return {
        "remoting": {"type": "dict", "required": True, "options": remoting_spec()},
        "legacy_remoting": {"type": "dict", "options": legacy},
        "directory": {"type": "dict", "required": True, "options": directory_spec()},
    }


def run_module(spec: Spec, run: Callable[[dict[str, Any], bool], dict[str, Any]], **kwargs: Any) -> None:
    """Run a module from its parameters to its exit.

    :param run: takes the parameters and whether this is check mode, returns the result; raises PersistentChatError.
    :param kwargs: further arguments of AnsibleModule, such as C(required_if).
    """
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True, **kwargs)
    try:
        result = run(module.params, module.check_mode)
    except MissingLibrary as error:
        module.fail_json(
            msg=missing_required_lib(error.library), exception=error.import_traceback, error={"code": error.code}
        )
    except PersistentChatError as error:
        module.fail_json(msg=str(error), error=dict(error.facts, code=error.code))
    except Exception as error:  # the last resort: a defect of the collection still gives a sentence, not a stack
        module.fail_json(
            msg="The module met an error that it does not know: %s: %s. Nothing is known about what was done; run the "
            "matching _info module before you go on, and report this with the output of -vvv."
            % (type(error).__name__, error),
            exception=traceback.format_exc(),
            error={"code": "internal"},
        )
    module.exit_json(**result)
