# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's namespaces: how they are made, what they hold, and how a command gets in.

One set of network, mount and process namespaces holds everything, so ending its first process ends the lab. As an
ordinary user the same set hangs below a user namespace. Run as a program, this module furnishes fresh namespaces and
then becomes the command that it was given.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.lab import settings
from tests.lab.settings import Paths

CHECKOUT = Path(__file__).resolve().parents[2]
SAMBA_FOLDERS = ("/run/samba", "/var/lib/samba", "/var/log/samba", "/var/cache/samba")
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
SENT_BY_A_PROCESS = 0  # SI_USER; the terminal's Ctrl-C reaches the command without us
NAMESPACES = ("user", "net", "mnt", "pid")  # user first: it gives the right to enter the others
PR_SET_PDEATHSIG = 1


class NamespaceError(Exception):
    """Namespaces cannot be made or entered; the text says what to do."""


def root_is_mount_point() -> bool:
    """False inside a plain chroot, where the root folder is not the root of any mount."""
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return any(line.split()[4] == "/" for line in mounts)


def command(paths: Paths, argv: Sequence[str]) -> list[str]:
    """The command line that runs C(argv) as process 1 of fresh, furnished namespaces."""
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    if os.geteuid() != 0:
        unshare += ["--user", "--map-root-user"]
    # In a chroot unshare(1) cannot make the mounts private; furnish() does it there.
    unshare += ["--mount-proc"] if root_is_mount_point() else ["--propagation", "unchanged"]
    return [*unshare, sys.executable, "-m", "tests.lab.namespaces", str(paths.root), *argv]


def python_path() -> str:
    """PYTHONPATH for the lab's own programs: this checkout first."""
    return os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))


def check() -> None:
    """Make and leave namespaces once. :raises NamespaceError: the system does not allow it."""
    arguments = command(Paths(Path("/")), [])
    probe = subprocess.run(
        [*arguments[: arguments.index(sys.executable)], "true"], capture_output=True, text=True, check=False
    )
    if probe.returncode == 0:
        return
    if os.geteuid() == 0:
        advice = "A container needs the capability SYS_ADMIN and a seccomp profile that allows unshare (--privileged)."
    elif not root_is_mount_point():
        advice = "Inside a chroot only root may make namespaces: use sudo."
    else:
        advice = (
            "Allow user namespaces (sysctl user.max_user_namespaces above 0; kernel.unprivileged_userns_clone=1; "
            "kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu 24.04), or use sudo."
        )
    raise NamespaceError("This system refuses namespaces (%s). %s" % (probe.stderr.strip(), advice))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _make_private() -> None:
    """Give a chroot a private root: a copy of the tree below /proc, the one mount point that is certainly there."""
    here = os.getcwd()
    _mount("--make-rprivate", "/proc")
    _mount("--rbind", "/", "/proc")
    _mount("--make-rprivate", "/proc")
    os.chroot("/proc")
    os.chdir(here)
    _mount("-t", "proc", "proc", "/proc")


def hosts_file() -> str:
    """The lab's /etc/hosts."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    lines += ["%s %s %s" % (host.address, host.fqdn, host.name) for host in settings.HOSTS]
    return "\n".join(lines) + "\n"


def _system_files() -> dict[str, str]:
    """Texts of the files that cover the system's own inside the lab."""
    texts = {
        "/etc/hosts": hosts_file(),
        "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    }
    try:
        switch = Path("/etc/nsswitch.conf").read_text(encoding="utf-8")
        texts["/etc/nsswitch.conf"] = re.sub(r"(?m)^hosts:.*$", "hosts: files dns", switch)
    except FileNotFoundError:
        pass
    return texts


def furnish(paths: Paths) -> None:
    """Inside fresh namespaces: private mounts, own system files, own addresses."""
    if not root_is_mount_point():
        _make_private()
    for name, text in _system_files().items():
        cover = paths.system / name[1:]
        cover.parent.mkdir(parents=True, exist_ok=True)
        cover.write_text(text, encoding="utf-8")
        if os.path.exists(name):
            _mount("--bind", str(cover), name)
    for name in SAMBA_FOLDERS:
        cover = paths.system / name[1:]
        cover.mkdir(parents=True, exist_ok=True)
        if not os.path.isdir(name):  # /run/samba is missing until Samba's service has run once: cover all of /run
            name, cover = os.path.dirname(name), cover.parent
        _mount("--bind", str(cover), name)
    # On lo, not on a link of type dummy: a kernel need not have that type.
    lines = ["link set lo up", *("addr add %s/24 dev lo" % host.address for host in settings.HOSTS)]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)


def _enter(pid: int) -> None:
    """Move this process into the namespaces and the root folder of another."""
    libc = ctypes.CDLL(None, use_errno=True)
    target = "/proc/%d/" % pid
    root = os.open(target + "root", os.O_PATH)
    wanted = [n for n in NAMESPACES if os.stat(target + "ns/" + n).st_ino != os.stat("/proc/self/ns/" + n).st_ino]
    handles = [os.open(target + "ns/" + name, os.O_RDONLY) for name in wanted]
    for handle in handles:
        if libc.setns(handle, 0):
            raise OSError(ctypes.get_errno(), "setns: " + os.strerror(ctypes.get_errno()))
        os.close(handle)
    os.fchdir(root)
    os.chroot(".")
    os.close(root)


def run_inside(pid: int, argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command in the namespaces of process C(pid), in this working directory, with this standard input and output.

    Signals that somebody sends to this process are passed on; when this process dies, the command is ended.

    :returns: the command's exit status; 128 + number when a signal ended it.
    :raises NamespaceError: the namespaces cannot be entered.
    """
    here = os.getcwd()
    watched = {*FORWARDED, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    try:
        _enter(pid)
    except OSError as error:
        raise NamespaceError(
            "Cannot enter the lab (%s). Only the user who started it, or root, can." % error
        ) from error
    child = os.fork()
    if child == 0:
        _become(argv, environment, here, before)
    while True:
        received = signal.sigwaitinfo(watched)
        if received.si_signo == signal.SIGCHLD:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
        elif received.si_code == SENT_BY_A_PROCESS:
            os.kill(child, received.si_signo)


def _become(argv: Sequence[str], environment: Mapping[str, str], folder: str, mask: set[signal.Signals]) -> None:
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.chdir(folder)
        os.execvpe(argv[0], list(argv), dict(environment))
    except OSError as error:
        sys.stderr.write("lab exec: %s: %s\n" % (argv[0], error.strerror))
    os._exit(127)


if __name__ == "__main__":
    furnish(Paths(Path(sys.argv[1])))
    os.execvp(sys.argv[2], sys.argv[2:])
