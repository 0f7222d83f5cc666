# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kerberos without a system's configuration and without kinit. Private to this collection.

The Kerberos libraries take their configuration and their tickets from where the environment says (KRB5_CONFIG,
KRB5CCNAME). A L(TicketCache) has both in a folder of its own and points there while it is open.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import tempfile
import threading
import time
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import (
    InvalidInput,
    MissingLibrary,
    PersistentChatError,
)

#: what may be a realm, and one of its servers: both become lines of a krb5.conf
REALM = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?\Z", re.ASCII)
KDC = re.compile(r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?\Z", re.ASCII)
_CONFIGURATION = "KRB5_CONFIG"
_CACHE = "KRB5CCNAME"
#: seconds before its end at which a ticket is replaced
_RENEWAL = 300


class KdcTimeout(TimeoutError):
    """No KDC answered within the time that there was."""


class TicketCache:
    """The Kerberos configuration and ticket of one connection; for one thread at a time.

    With a realm it has a configuration of its own, with a password also a ticket of its own. Without both nothing is
    touched: the system's configuration and the ticket that is there are used.

    :param user: the account: C(admin), C(admin@CONTOSO.COM); the realm's letter case does not matter.
    :param realm: such as C(CONTOSO.COM).
    :param kdc: its servers, each with or without a port; without them DNS is asked.
    :param delegation: whether the ticket is to be handed on.
    :param seconds: how long to wait for a KDC.
    """

    def __init__(
        self,
        user: str | None,
        password: str | None,
        realm: str | None,
        kdc: Sequence[str],
        delegation: bool,
        seconds: float,
    ) -> None:
        self._realm = realm.upper() if realm else None
        self._user = user
        self._password = password
        self._kdc = tuple(kdc)
        self._delegation = delegation
        self._seconds = seconds
        self._folder: str | None = None
        self._values: dict[str, str] = {}
        self._expires = 0.0

    def __repr__(self) -> str:
        return "<TicketCache %s>" % (self._user or "of the environment")

    def open(self) -> None:
        """Have a ticket that lasts, and point the environment to it. Call it before each connection: it works only when it must.

        :raises InvalidInput: the account cannot be a principal.
        :raises MissingLibrary: krb5 is not installed.
        :raises KdcTimeout: no KDC answered.
        :raises krb5.Krb5Error: no ticket was given; C(err_code) says why.
        """
        _environment.use({})
        try:
            if self not in _opened:
                self._prepare()
                _opened.append(self)
                atexit.register(self.close)
            _environment.use(self._values)
            if self._password is not None and time.time() > self._expires - _RENEWAL:
                self._get_ticket(principal(self._user or "", self._realm), self._password)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Put the environment back and remove the folder. Never raises."""
        if self in _opened:
            _opened.remove(self)
            atexit.unregister(self.close)
        _environment.use(_opened[-1]._values if _opened else {})
        folder, self._folder = self._folder, None
        self._values, self._expires = {}, 0.0
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _prepare(self) -> None:
        """Make the folder and the configuration, and decide what the environment shall say."""
        if not self._realm and self._password is None:
            return
        try:
            self._folder = folder = tempfile.mkdtemp(prefix="persistent_chat_")
            if self._password is not None:
                self._values[_CACHE] = "FILE:" + os.path.join(folder, "ticket")
            elif _CACHE not in os.environ:
                self._values.update(_default_cache())
            if self._realm:
                self._values[_CONFIGURATION] = path = os.path.join(folder, "krb5.conf")
                with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                    file.write(configuration(self._realm, self._kdc, self._delegation))
        except OSError as error:
            raise PersistentChatError(
                "A private folder for Kerberos could not be made below %s: %s. Nothing was sent. Make room there, or name "
                "another folder in the environment variable TMPDIR." % (tempfile.gettempdir(), error),
                "no_temporary_folder",
            ) from error

    def _get_ticket(self, client: str, password: str) -> None:
        try:
            import krb5
        except ImportError as error:
            raise MissingLibrary("krb5") from error
        context = krb5.init_context()
        options = krb5.get_init_creds_opt_alloc(context)
        if self._delegation:
            krb5.get_init_creds_opt_set_forwardable(options, True)
        name = krb5.parse_name_flags(context, client.encode("utf-8"))
        # libkrb5 itself may wait 25 seconds for each KDC
        credentials = _in_time(
            lambda: krb5.get_init_creds_password(context, name, options, password.encode("utf-8")),
            self._seconds,
            "No KDC answered for %s within %g seconds" % (client, self._seconds),
        )
        cache = krb5.cc_resolve(context, self._values[_CACHE].encode("utf-8"))
        krb5.cc_initialize(context, cache, credentials.client)
        krb5.cc_store_cred(context, cache, credentials)
        self._expires = credentials.times.endtime


def principal(user: str, realm: str | None) -> str:
    """The Kerberos principal of an account: C(admin) or C(admin@contoso.com) as C(admin@CONTOSO.COM).

    :param realm: the realm of a name without one; None leaves that to the configuration.
    :raises InvalidInput: it is no principal's name; nothing was sent.
    """
    name, at, own_realm = user.rpartition("@") if "@" in user else (user, "", "")
    if not name or (at and not own_realm) or "\\" in user:
        raise InvalidInput(
            "The option remote_user was refused: %s is not a Kerberos principal. Write the account, then @ and the realm: "
            "%s@%s. Nothing was sent."
            % (user, user.rpartition("\\")[2].partition("@")[0] or "admin", realm or "CONTOSO.COM"),
            option="remote_user",
        )
    own_realm = own_realm.upper() or realm or ""
    return "%s@%s" % (name, own_realm) if own_realm else name


def configuration(realm: str, kdc: Sequence[str], forwardable: bool) -> str:
    """The text of a krb5.conf for one realm. Without C(kdc), its servers are looked up in DNS."""
    domain = realm.lower()
    lines = [
        "[libdefaults]",
        "default_realm = " + realm,
        "dns_lookup_kdc = %s" % ("false" if kdc else "true"),
        "dns_lookup_realm = false",
        "dns_canonicalize_hostname = false",
        "rdns = false",
        "forwardable = %s" % ("true" if forwardable else "false"),
        "udp_preference_limit = 1",
        "[realms]",
        realm + " = {",
        *("kdc = " + server for server in kdc),
        "}",
        "[domain_realm]",
        ".%s = %s" % (domain, realm),
        "%s = %s" % (domain, realm),
    ]
    return "\n".join(lines) + "\n"


def _default_cache() -> dict[str, str]:
    """Where the system's configuration has the ticket, which a configuration of our own would hide."""
    with contextlib.suppress(Exception):  # without krb5 there is the library's own default
        import krb5

        return {_CACHE: krb5.cc_default_name(krb5.init_context()).decode("utf-8")}
    return {}


def _in_time(work: Callable[[], Any], seconds: float, late: str) -> Any:
    """The result of work that cannot be interrupted, or KdcTimeout(late); then it goes on for nobody."""
    ended: list[tuple[Any, Exception | None]] = []

    def run() -> None:
        try:
            ended.append((work(), None))
        except Exception as error:
            ended.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        raise KdcTimeout(late)
    result, error = ended[0]
    if error is not None:
        raise error
    return result


class _Environment:
    """The variables that the Kerberos libraries read; the values of one cache at a time lie over the process's own."""

    def __init__(self) -> None:
        self._laid: dict[str, tuple[str, str | None]] = {}

    def use(self, values: Mapping[str, str]) -> None:
        """Take the values that lie there away and lay these instead. What somebody else has set meanwhile stays."""
        for name, (ours, before) in self._laid.items():
            if os.environ.get(name) != ours:
                continue
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before
        self._laid = {name: (value, os.environ.get(name)) for name, value in values.items()}
        os.environ.update(values)


_environment = _Environment()
#: the caches that are open; the last one is in the environment
_opened: list[TicketCache] = []
