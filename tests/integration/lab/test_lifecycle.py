# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's life: up, exec, reset, down, what is in the way, and that nothing remains. Each test has labs of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import namespaces, settings
from tests.lab.client import LabClient
from tests.lab.settings import Paths

CHECKOUT = namespaces.CHECKOUT
NOBODY = 65534
SEARCH = "ldapsearch -Q -LLL -H ldaps://dc1.%s -Y GSSAPI -b '' -s base defaultNamingContext" % settings.DOMAIN


class OwnLab:
    """A lab of one test, driven by its command line."""

    def __init__(self, folder: Path, prefix: tuple[str, ...] = (), **environment: str) -> None:
        self.paths = Paths(folder)
        outer = {key: value for key, value in os.environ.items() if key != settings.DIR_VARIABLE}
        self.environment = {**outer, **environment}
        self.line = [*prefix, sys.executable, "-m", "tests.lab", "--dir", str(folder)]

    def run(self, *arguments: str, ok: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run one command; with C(ok) it must succeed."""
        done = subprocess.run(
            [*self.line, *arguments],
            input=stdin,
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not ok or done.returncode == 0, done.stdout + done.stderr
        return done

    def inside(self, script: str, ok: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a shell script inside the lab."""
        return self.run("exec", "--", "sh", "-c", script, ok=ok, stdin=stdin)

    def processes(self) -> list[str]:
        """Command lines of the lab's processes, and of every Samba that hangs below them."""
        return [line for line in _processes().values() if str(self.paths.root) in line]


def _processes() -> dict[int, str]:
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except OSError:
            continue
    return found


def _traces() -> dict[str, object]:
    """What a lab could leave on the system: mounts, links, addresses, listeners, Samba's folders."""
    mounts = [line.split(" ", 5)[4] for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines()]
    run = subprocess.run(["ip", "-o", "address"], capture_output=True, text=True, check=True).stdout.split()
    folders = {name: sorted(os.listdir(name)) for name in namespaces.SAMBA_FOLDERS if os.path.isdir(name)}
    hosts = Path("/etc/hosts").read_text("utf-8")
    return {"mounts": mounts, "addresses": [w for w in run if w[:1].isdigit()], "folders": folders, "hosts": hosts}


def _wait_until(condition: object, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(condition())


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnLab]:
    """A lab that is up, for tests that leave it so."""
    lab = OwnLab(tmp_path_factory.mktemp("own") / "lab")
    lab.run("up")
    yield lab
    lab.run("down")


def test_nothing_remains(tmp_path: Path) -> None:
    lab = OwnLab(tmp_path / "lab")
    before = _traces()
    lab.run("up")
    assert len(lab.processes()) >= 3  # otherwise the next look would prove nothing
    assert _traces() == before, "the lab must not show outside its namespaces"
    lab.run("down")
    assert lab.processes() == []
    assert _traces() == before
    assert not lab.paths.control.exists()
    assert "no lab was up" in lab.run("down").stderr


def test_second_up_is_refused_and_harmless(own: OwnLab) -> None:
    second = own.run("up", ok=False)
    assert second.returncode == 1
    assert "already up" in second.stderr and "down" in second.stderr
    own.inside(SEARCH)


def test_two_labs_at_once_do_not_meet(own: OwnLab, tmp_path: Path) -> None:
    other = OwnLab(tmp_path / "other")
    other.run("up")
    try:
        LabClient(other.paths.root).call("estate.patch", patch={"sip_domains": ["other.example"]})
        assert LabClient(own.paths.root).status()["sip_domains"] == list(settings.SIP_DOMAINS)
        assert own.paths.ca.read_bytes() != other.paths.ca.read_bytes()
        other.inside(SEARCH)
    finally:
        other.run("down")
    own.inside(SEARCH)


class TestExec:
    """The lab's inside."""

    def test_names_tickets_and_certificates_need_no_options(self, own: OwnLab) -> None:
        assert settings.BASE_DN in own.inside(SEARCH).stdout
        assert settings.OPERATOR in own.inside("klist").stdout
        for host in settings.HOSTS:
            assert host.address in own.inside("getent hosts " + host.fqdn).stdout

    def test_kinit_with_a_password_asks_the_lab(self, own: OwnLab) -> None:
        script = "export KRB5CCNAME=FILE:%s/cc; echo '%s' | kinit user01 && klist" % (own.paths.root, settings.PASSWORD)
        assert "user01@" + settings.REALM in own.inside(script).stdout
        assert own.inside(script.replace(settings.PASSWORD, "wrong"), ok=False).returncode == 1

    def test_exit_status_streams_and_folder(self, own: OwnLab) -> None:
        done = own.inside("cat; pwd; exit 7", ok=False, stdin="told\n")
        assert (done.returncode, done.stdout) == (7, "told\n%s\n" % CHECKOUT)
        assert own.inside("kill -TERM $$", ok=False).returncode == 128 + signal.SIGTERM
        missing = own.run("exec", "--", "no-such-program", ok=False)
        assert missing.returncode == 127 and "no-such-program" in missing.stderr

    def test_a_signal_reaches_the_command(self, own: OwnLab) -> None:
        script = "trap 'echo told; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
        with subprocess.Popen(
            [*own.line, "exec", "--", "sh", "-c", script], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout.readline() == "ready\n"
            process.terminate()
            assert process.stdout.read() == "told\n"
        assert process.returncode == 5

    def test_the_command_ends_with_its_caller(self, own: OwnLab) -> None:
        marker = "sleep 54.%d" % os.getpid()
        with subprocess.Popen(
            [*own.line, "exec", "--", *marker.split()], cwd=CHECKOUT, stdout=subprocess.DEVNULL
        ) as process:
            assert _wait_until(lambda: marker in _processes().values())
            process.kill()
        assert _wait_until(lambda: marker not in _processes().values())

    def test_exec_within_exec(self, own: OwnLab) -> None:
        nested = own.inside("%s -m tests.lab exec -- sh -c 'exit 9'" % sys.executable, ok=False)
        assert nested.returncode == 9, nested.stderr

    def test_kinit_command(self, own: OwnLab) -> None:
        export = own.run("kinit", "svc-directory").stdout
        assert "svc-directory@" in own.inside(export + "klist").stdout
        unknown = own.run("kinit", "nobody-here", ok=False)
        assert unknown.returncode == 1 and "nobody-here" in unknown.stderr and "svc-directory" in unknown.stderr

    def test_env_and_status_are_json(self, own: OwnLab) -> None:
        described = json.loads(own.run("env").stdout)
        assert described["addresses"]["dc1." + settings.DOMAIN] == settings.DOMAIN_CONTROLLERS[0].address
        assert Path(described["files"]["ca"]).exists()
        status = json.loads(own.run("status", "--json").stdout)
        held = status["sip_holders"][settings.WELL_KNOWN_SIP]
        assert [(holder["object_class"], holder["enabled"]) for holder in held] == [("user", True)]
        shown = own.run("status").stdout
        assert settings.WELL_KNOWN_SIP in shown
        assert "dc1.%s (10.99.77.11): running" % settings.DOMAIN in shown
        assert "dc2.%s (10.99.77.12): not in use" % settings.DOMAIN in shown

    def test_commands_for_controllers(self, own: OwnLab) -> None:
        assert json.loads(own.run("directory").stdout) == {"controllers": 1, "recycle_bin": "off"}
        own.run("controller", "stop", "dc1")
        shown = own.run("status").stdout
        assert "STOPPED" in shown and "The directory does not answer: dc1 cannot be reached" in shown
        own.run("controller", "start", "dc1")
        refused = own.run("replication", "pause", ok=False)
        assert refused.returncode == 1 and "directory.use" in refused.stderr

    def test_wrong_fault_rules_are_explained(self, own: OwnLab) -> None:
        for rules in ("not json", '[{"at": "nowhere"}]'):
            refused = own.run("faults", "set", rules, ok=False)
            assert refused.returncode == 1 and "Traceback" not in refused.stderr, refused.stderr


@pytest.mark.parametrize("victim", ["supervisor", "first process", "launcher"])
def test_down_after_a_crash(tmp_path: Path, victim: str) -> None:
    lab = OwnLab(tmp_path / "lab")
    lab.run("up")
    found = sorted(pid for pid, line in _processes().items() if str(lab.paths.root) in line)
    assert len(found) == 3
    os.kill(found[["launcher", "first process", "supervisor"].index(victim)], signal.SIGKILL)
    assert _wait_until(lambda: not lab.processes()), lab.processes()
    refused = lab.run("exec", "--", "true", ok=False)
    assert refused.returncode == 1 and "No lab is up" in refused.stderr
    lab.run("down")
    assert not lab.paths.control.exists()
    lab.run("up")
    lab.run("down")


def test_down_of_a_frozen_supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.lab import lifecycle

    lab = OwnLab(tmp_path / "lab")
    lab.run("up")
    os.kill(lifecycle.supervisor_pid(lab.paths), signal.SIGSTOP)
    monkeypatch.setattr(lifecycle, "STOP_SECONDS", 0.5)
    assert lifecycle.down(lab.paths)
    assert lab.processes() == []


def test_missing_packages_are_named(tmp_path: Path) -> None:
    lab = OwnLab(tmp_path / "lab", PATH=str(tmp_path))
    refused = lab.run("up", ok=False)
    assert refused.returncode == 1
    assert "apt-get install" in refused.stderr and "krb5-user" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_failed_start_tells_why_and_leaves_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "bin/samba"
    broken.parent.mkdir()
    broken.write_text(
        '#!/bin/sh\n[ "$1" != --version ] || exec %s --version\nexit 3\n' % shutil.which("samba"), "utf-8"
    )
    broken.chmod(0o755)
    lab = OwnLab(tmp_path / "lab", PATH="%s:%s" % (broken.parent, os.environ["PATH"]))
    refused = lab.run("up", ok=False)
    assert refused.returncode == 1
    assert "Samba of dc1" in refused.stderr and "log" in refused.stderr and "Traceback" not in refused.stderr
    assert lab.processes() == []


def _readable_by_nobody() -> bool:
    probe = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups", "unshare", "-Ur"]
    return (
        subprocess.run([*probe, sys.executable, "-c", "import tests.lab, ldap3"], cwd=CHECKOUT, check=False).returncode
        == 0
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user; every other test shows the same")
def test_as_an_ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not _readable_by_nobody():
        pytest.skip("uid %d cannot read %s or may not make user namespaces here" % (NOBODY, sys.executable))
    folder = Path("/tmp/lab-of-nobody-%d" % os.getpid())
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    prefix = ("setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups")
    lab = OwnLab(folder / "lab", prefix, HOME=str(folder), LYNC_LAB_TEMPLATE=str(folder / "template"))
    try:
        lab.run("up")
        assert settings.BASE_DN in lab.inside(SEARCH).stdout
        lab.run("directory", "2")
        lab.run("replication", "pull", "dc2")
        assert settings.BASE_DN in lab.inside(SEARCH.replace("dc1", "dc2")).stdout
        lab.run("reset")
        assert "dc2.%s (10.99.77.12): running" % settings.DOMAIN in lab.run("status").stdout
        lab.run("down")
        assert lab.processes() == []
    finally:
        lab.run("down", ok=False)
        shutil.rmtree(folder)


CHROOT = """
set -e
root={root}
mkdir -p $root/proc $root/sys $root/dev $root/tmp $root/run $root/etc $root/usr
for name in bin sbin lib lib64; do [ ! -e /$name ] || ln -s usr/$name $root/$name; done
for name in passwd group nsswitch.conf hosts ld.so.cache samba alternatives; do cp -a /etc/$name $root/etc/ || true; done
mkdir -p $root/var/lib/samba $root/var/log/samba $root/var/cache/samba
mount -t proc proc $root/proc
for name in /sys /dev /usr {shared}; do mkdir -p $root$name; mount --bind $name $root$name; done
before=$(wc -l </proc/self/mountinfo)
lab() {{ LYNC_LAB_TEMPLATE=/tmp/template chroot $root env -C {checkout} {python} -m tests.lab --dir /tmp/lab "$@"; }}
trap 'lab down' EXIT
lab up
lab exec -- sh -c "pwd; {search}"
lab directory 2 >/dev/null
lab replication pull dc2
lab reset
[ $before = $(wc -l </proc/self/mountinfo) ] && echo no mount escaped
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a chroot")
def test_in_a_plain_chroot_of_a_system_with_shared_mounts(tmp_path: Path) -> None:
    shared = sorted({str(CHECKOUT), sys.prefix, str(Path(os.path.realpath(sys.executable)).parents[1])} - {"/usr"})
    script = CHROOT.format(
        root=tmp_path / "root", shared=" ".join(shared), checkout=CHECKOUT, python=sys.executable, search=SEARCH
    )
    holder = ["unshare", "--mount", "bash", "-c", 'mount --make-rshared /; exec bash -c "$1"', "bash", script]
    if not namespaces.root_is_mount_point():
        pytest.skip("already inside a chroot: every other test shows the same")
    done = subprocess.run(holder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert settings.BASE_DN in done.stdout
    assert str(CHECKOUT) in done.stdout
    assert "no mount escaped" in done.stdout
