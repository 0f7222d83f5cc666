# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Kerberos tickets there are, and whether the KDC knows the server. Private to this collection.

The answers come from the libraries that the transports use, with the same configuration and the same tickets.
"""

from __future__ import annotations

import datetime
import os
import time
from typing import Any

from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.network import connect
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.probes import Facts, explained
from ansible_collections.lync.persistent_chat.plugins.module_utils._kerberos import TicketCache
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

_KDC_PORT = 88
_SERVICES = ("HTTP", "HOST", "WSMAN")
_UNKNOWN = "kerberos_spn_unknown"


def look(options: RemotingOptions, seconds: float) -> Facts:
    """C({"source", "principal", "ticket", "services", "kdcs", "problem"}).

    C(source) says where the ticket is from: C(cache) or C(password). C(ticket) is None where there is none or krb5 is missing.
    C(services) says of each service name whether the KDC knows it.
    """
    facts: Facts = {
        "source": "password" if options.password else "cache",
        "configuration": os.environ.get("KRB5_CONFIG") if not options.realm else None,
        "principal": None,
        "ticket": None,
        "services": {},
        "kdcs": [_kdc(options, kdc, seconds) for kdc in options.kdc],
        "problem": None,
    }
    cache = TicketCache(options.user, options.password, options.realm, options.kdc, options.delegation, seconds)
    try:
        cache.open()
        facts.update(_cached())
        facts["problem"] = _ask_services(options, facts["services"])
    except Exception as error:  # krb5's, gssapi's and pykerberos' errors have no common base
        facts["problem"] = explained(error, options)
    finally:
        cache.close()
    return facts


def _kdc(options: RemotingOptions, kdc: str, seconds: float) -> Facts:
    """Whether a domain controller takes connections for Kerberos."""
    host, port = kdc, _KDC_PORT
    if not kdc.endswith("]") and kdc.rpartition(":")[1]:
        host, port = kdc.rpartition(":")[0], int(kdc.rpartition(":")[2])
    try:
        connect(host.strip("[]"), port, seconds).close()
    except OSError as error:
        return {"kdc": kdc, "open": False, "problem": explained(error, options, "%s port %d" % (host, port))}
    return {"kdc": kdc, "open": True, "problem": None}


def _cached() -> Facts:
    """The principal and the ticket-granting ticket of the default cache; nothing where krb5 is not installed.

    :raises krb5.Krb5Error: there is no such cache.
    """
    try:
        import krb5
    except ImportError:
        return {}
    context = krb5.init_context()
    cache = krb5.cc_default(context)
    owner = krb5.cc_get_principal(context, cache)
    return {"principal": _text(owner), "ticket": _granting(cache)}


def _granting(cache: Any) -> Facts | None:
    import krb5

    for credentials in cache:
        if not _text(credentials.server).startswith("krbtgt/"):
            continue
        times, flags = credentials.times, credentials.ticket_flags
        return {
            "service": _text(credentials.server),
            "expires": _moment(times.endtime),
            "expired": times.endtime <= time.time(),
            "renewable": bool(flags & krb5.TicketFlags.renewable),
            "renewable_until": _moment(times.renew_till) if times.renew_till else None,
            "forwardable": bool(flags & krb5.TicketFlags.forwardable),
        }
    return None


def _ask_services(options: RemotingOptions, services: Facts) -> dict[str, str] | None:
    """Ask for a ticket for each service name of the server, and note whether there is one.

    :returns: the problem with the configured one, or None.
    """
    host = options.hostname_override or options.server
    found = None
    for service in dict.fromkeys((options.service, *_SERVICES)):
        name = "%s/%s" % (service, host)
        try:
            _service_ticket("%s@%s" % (service, host))
            services[name] = True
        except ImportError:
            return None  # libraries.py tells
        except Exception as error:
            why = explained(error, options)
            if service == options.service:
                found = why
            if why["code"] != _UNKNOWN:  # of the other names it would say the same
                return found
            services[name] = False
    return found


def _service_ticket(name: str) -> None:
    """Have a ticket for a host-based service name.

    :raises ImportError: neither gssapi nor pykerberos is installed.
    """
    try:
        import gssapi
    except ImportError:
        import kerberos

        kerberos.authGSSClientStep(kerberos.authGSSClientInit(name)[1], "")
        return
    target = gssapi.Name(name, gssapi.NameType.hostbased_service)
    gssapi.SecurityContext(name=target, usage="initiate", mech=gssapi.MechType.kerberos).step()


def _text(principal: Any) -> str:
    return str(principal)


def _moment(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()
