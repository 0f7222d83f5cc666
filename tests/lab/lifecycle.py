# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a lab up and takes it down, from outside its namespaces."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.lab import namespaces, settings
from tests.lab.client import LabClient, LabError
from tests.lab.directory import template
from tests.lab.directory.places import krb5_conf
from tests.lab.settings import Paths

SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"  # where Samba and ip are; often not on a user's PATH
NEEDED = {
    "samba": "samba samba-ad-dc",
    "/usr/share/samba/setup/provision.ldif": "samba-ad-provision",
    "/usr/lib/python3/dist-packages/samba": "python3-samba",
    "kinit": "krb5-user",
    "ip": "iproute2",
    "unshare": "util-linux",
}
LIBRARIES = ("cryptography", "dns", "gssapi", "krb5", "ldap3", "psrpcore", "spnego")
START_SECONDS = 60
STOP_SECONDS = 20


def check_requirements() -> None:
    """Raise LabError, naming the packages, when something that the lab runs is not installed or not allowed."""
    absent = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if absent:
        raise LabError(
            "This Python (%s) lacks what the lab imports: %s. Run it from .venv, which 'make setup' makes, or: "
            "pip install -r tests/requirements.txt" % (sys.executable, ", ".join(absent))
        )
    missing = [
        packages
        for name, packages in NEEDED.items()
        if not (os.path.exists(name) if name.startswith("/") else shutil.which(name))
    ]
    if missing:
        raise LabError(
            "The lab needs Debian packages that are not installed. Run tests/setup/debian-packages, or as root:\n"
            "  apt-get install --no-install-recommends " + " ".join(missing)
        )
    namespaces.check()


def _write_files(paths: Paths) -> None:
    from tests.lab import certificates  # only after check_requirements() has seen its library

    for folder in (paths.system, paths.state, paths.pristine("")):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (paths.root, paths.logs, paths.files):
        folder.mkdir(parents=True, exist_ok=True)
    paths.krb5_conf.write_text(krb5_conf(), "utf-8")
    paths.hosts.write_text(namespaces.hosts_file(), "utf-8")
    certificates.issue_all(paths)


def _lock(paths: Paths) -> int | None:
    """Take the lab's lock; None when a running lab has it."""
    handle = os.open(paths.lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _start_time(pid: int) -> str:
    """When a process began, in the kernel's ticks: tells it from a later one with the same id."""
    return Path("/proc/%d/stat" % pid).read_text("utf-8").rsplit(")", 1)[1].split()[19]


def up(paths: Paths, say: Callable[[str], None]) -> None:
    """Start a fresh lab in C(paths) and wait until everything answers.

    :param say: called with lines of progress.
    :raises LabError: already up, or something is missing or failed; the text says what to do.
    """
    paths.root.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] += ":" + SYSTEM_PATH
    lock = _lock(paths)
    if lock is None:
        raise LabError(
            "A lab is already up in %s. Use it, restore it (reset) or take it down (down); another lab needs another --dir."
            % paths.root
        )
    try:
        check_requirements()
        _write_files(paths)
        pristine, controller = paths.pristine(template.FIRST.name), settings.DOMAIN_CONTROLLERS[0]
        templates = template.take_first(paths, pristine, say)
        shutil.copy2(pristine / controller.name / "host.keytab", paths.keytab)
        say("starting %s and the WS-Man servers ..." % controller.fqdn)
        _launch(paths, lock, templates)
        LabClient(paths.root).call("kinit", account=settings.OPERATOR)
    finally:
        os.close(lock)


def _launch(paths: Paths, lock: int, templates: Path) -> None:
    (paths.logs / "failure").unlink(missing_ok=True)
    with open(paths.logs / "supervisor.log", "wb") as output:
        process = subprocess.Popen(
            namespaces.command(paths, [sys.executable, "-m", "tests.lab.supervisor", str(paths.root), str(templates)]),
            env={**os.environ, "PYTHONPATH": namespaces.python_path(), "KRB5_CONFIG": str(paths.krb5_conf)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[lock],
        )
    os.pwrite(lock, b"%d %s\n" % (process.pid, _start_time(process.pid).encode()), 0)
    try:
        _wait_for_answer(paths, process)
    except BaseException:  # also Ctrl-C: half a lab is none
        process.kill()
        process.wait()
        raise


def _wait_for_answer(paths: Paths, process: subprocess.Popen[bytes]) -> None:
    failure = paths.logs / "failure"
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(LabError):
            LabClient(paths.root).call("ping")
            return
        time.sleep(0.05)
    reason = failure.read_text("utf-8") if failure.exists() else "no answer after %d s" % START_SECONDS
    raise LabError(
        "The lab did not start: %s\nThe whole story is in %s" % (reason.strip(), paths.logs / "supervisor.log")
    )


def down(paths: Paths) -> bool:
    """End the lab in C(paths), also one whose supervisor no longer answers.

    :returns: False when none was up.
    :raises LabError: it could not be ended.
    """
    if not paths.root.is_dir():
        return False
    lock = _lock(paths)
    if lock is None:
        with suppress(LabError):
            LabClient(paths.root).call("shutdown", timeout=STOP_SECONDS)
        lock = _wait_for_lock(paths, STOP_SECONDS)
        if lock is None:
            _kill(paths)
            lock = _wait_for_lock(paths, STOP_SECONDS)
        if lock is None:
            raise LabError("The lab in %s does not end; see %s" % (paths.root, paths.logs))
        was_up = True
    else:
        was_up = False
    paths.control.unlink(missing_ok=True)
    os.close(lock)
    return was_up


def _wait_for_lock(paths: Paths, seconds: float) -> int | None:
    deadline = time.monotonic() + seconds
    while (lock := _lock(paths)) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return lock


def _kill(paths: Paths) -> None:
    """Kill the process that the lock file names, provided that it is still the same one."""
    with suppress(OSError, ValueError):
        pid, started = paths.lock.read_text("utf-8").split()
        if _start_time(int(pid)) == started:
            os.kill(int(pid), signal.SIGKILL)


def supervisor_pid(paths: Paths) -> int:
    """The supervisor's process id as seen from here. :raises LabError: no lab is up, or it is not visible from here."""
    with LabClient(paths.root).connect() as connection:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid = struct.unpack("3i", credentials)[0]
    if not pid:
        raise LabError("The lab in %s is not visible from here: this is the inside of another lab." % paths.root)
    return pid


def inside_environment(paths: Paths) -> dict[str, str]:
    """This process's environment and what a command needs inside the lab to use the directory without options."""
    return {
        **os.environ,
        settings.DIR_VARIABLE: str(paths.root),
        "KRB5_CONFIG": str(paths.krb5_conf),
        "KRB5CCNAME": "FILE:%s" % paths.ccache(),
        "LDAPTLS_CACERT": str(paths.ca),
        "LDAPSASL_NOCANON": "on",
        "LDAPSASL_SECPROPS": "minssf=0,maxssf=0",  # TLS protects already; a second layer is refused
    }


def describe(paths: Paths) -> dict[str, object]:
    """What a test or a person needs to know: addresses, files, accounts with their passwords."""
    return {
        "dir": str(paths.root),
        "domain": settings.DOMAIN,
        "realm": settings.REALM,
        "base_dn": settings.BASE_DN,
        "addresses": {host.fqdn: host.address for host in settings.HOSTS},
        "hosts": {host.fqdn: host.kind for host in settings.HOSTS},
        "files": {
            "ca": str(paths.ca),
            "krb5_conf": str(paths.krb5_conf),
            "ccache": str(paths.ccache()),
            "keytab": str(paths.keytab),
            "hosts": str(paths.hosts),
        },
        "accounts": {name: settings.PASSWORD for name in settings.ACCOUNT_NAMES},
    }
