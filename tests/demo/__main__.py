# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the whole migration in a lab, and checks that it did what it shows: python -m tests.demo

Everything it makes is below .cache/demo. It always begins afresh, and leaves no lab running.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab import lifecycle
from tests.lab.client import LabClient, LabError
from tests.lab.directory.template import TemplateError
from tests.lab.namespaces import NamespaceError
from tests.lab.settings import Paths

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / ".cache" / "demo"
TOOLS = CHECKOUT / ".venv" / "bin"
SIP_ADDRESS = "sip:ocschat@contoso.com"
POOL = "pcpool.contoso.com"
LEGACY_SERVERS = ("gc01.contoso.com", "gc02.contoso.com")
POOL_SERVERS = ("pc01.contoso.com", "pc02.contoso.com")
POOL_SERVICES = ("RTCCHAT", "RTCCOMPLIANCE")
LEGACY_DATABASE = "sql01.contoso.com\\GC/mgc"
POOL_DATABASE = "sql01.contoso.com\\PCHAT/mgc"


class DemoError(Exception):
    """A command failed, or what it did is not what the demonstration shows."""


def say(text: str) -> None:
    print(text, flush=True)


def heading(number: int, title: str, *explanation: str) -> None:
    say("\n%s\n%d. %s\n%s" % ("=" * 100, number, title, "=" * 100))
    for line in explanation:
        say(line)
    say("")


def expect(condition: object, claim: str) -> None:
    """Print a claim that holds. :raises DemoError: it does not hold."""
    if not condition:
        raise DemoError("This should be so and is not: " + claim)
    say("  [ok] " + claim)


def run(*command: str, shown: str | None = None, **environment: str) -> str:
    """Run a command, show it and its output as it comes, and return that output. :raises DemoError: it failed."""
    say("$ " + (shown or shlex.join(command)))
    process = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    output = []
    for line in process.stdout:
        output.append(line)
        sys.stdout.write("    " + line)
        sys.stdout.flush()
    if process.wait():
        raise DemoError("The command above ended with exit status %d." % process.returncode)
    return "".join(output)


@dataclass(frozen=True)
class Recap:
    """How a playbook ended: the sums of two columns of its recap, and the option that names the plan it printed."""

    changed: int
    failed: int
    plan_digest: str


class Demo:
    """The lab and the installed collection that the demonstration uses."""

    def __init__(self) -> None:
        self.paths = Paths.of(FOLDER / "lab")
        self.lab = LabClient(self.paths.root)

    def inside(self, *command: str) -> str:
        """Run a command inside the lab, from a folder that is not the checkout."""
        return run(
            *(sys.executable, "-m", "tests.lab", "--dir", str(self.paths.root), "exec", "--"),
            *("env", "--chdir", str(FOLDER), *command),
            shown=shlex.join(command).replace(str(CHECKOUT) + "/", ""),
            PATH="%s:%s" % (TOOLS, os.environ["PATH"]),
            ANSIBLE_COLLECTIONS_PATH=str(FOLDER / "collections"),
            ANSIBLE_HOME=str(FOLDER / "ansible"),
            ANSIBLE_FORCE_COLOR=str(sys.stdout.isatty()),
        )

    def playbook(self, name: str, *options: str) -> Recap:
        """Run a playbook of the installed collection."""
        inventory = str(CHECKOUT / "tests" / "demo" / "inventory.yml")
        output = self.inside("ansible-playbook", "-i", inventory, "lync.persistent_chat." + name, *options)
        recap = re.sub(r"\x1b\[[\d;]*m", "", output.rpartition("PLAY RECAP")[2])
        changed, failed = (sum(map(int, re.findall(r"%s=(\d+)" % column, recap))) for column in ("changed", "failed"))
        digest = re.search(r"-e (plan_digest=\w+)", output)
        return Recap(changed, failed, digest[1] if digest else "")

    def holder(self) -> str:
        """Ask the directory itself who holds the SIP address. :returns: the object class of the one holder."""
        found = ""
        for base in ("DC=contoso,DC=com", "CN=Configuration,DC=contoso,DC=com"):
            found += self.inside(
                *("ldapsearch", "-Q", "-LLL", "-Y", "GSSAPI", "-H", "ldaps://dc1.contoso.com", "-b", base),
                *("(msRTCSIP-PrimaryUserAddress=%s)" % SIP_ADDRESS, "objectClass"),
            )
        entries = re.findall(r"^dn: ", found, re.MULTILINE)
        expect(len(entries) == 1, "ldapsearch, with a Kerberos ticket, finds exactly one holder of %s" % SIP_ADDRESS)
        return "contact" if re.search(r"^objectClass: contact$", found, re.MULTILINE) else "user"

    def status(self) -> None:
        run(
            sys.executable,
            "-m",
            "tests.lab",
            "--dir",
            str(self.paths.root),
            "status",
            shown=".venv/bin/python -m tests.lab status",
        )

    def expect_migrated(self) -> None:
        """Look at the lab's own account of itself for everything that the migration promises."""
        status = self.lab.status()
        services, databases = status["services"], status["databases"]
        legacy = [
            service
            for server in LEGACY_SERVERS
            for name, service in services[server].items()
            if name.startswith("GroupChat")
        ]
        new = [services[server][name] for server in POOL_SERVERS for name in POOL_SERVICES]
        old_data, new_data = databases[LEGACY_DATABASE], databases[POOL_DATABASE]
        expect(SIP_ADDRESS in status["endpoints"][POOL], "%s is an endpoint of %s" % (SIP_ADDRESS, POOL))
        for what in ("categories", "rooms", "addins"):
            expect(old_data[what] == new_data[what] > 0, "all %d %s are in the new pool" % (old_data[what], what))
        expect(
            legacy and all((s["status"], s["start_type"]) == ("Stopped", "Disabled") for s in legacy),
            "all %d services of Group Chat are stopped and disabled" % len(legacy),
        )
        expect(all(s["status"] == "Running" for s in new), "the new pool's services run on both of its servers")


def install() -> None:
    heading(
        1,
        "Build and install the collection",
        "As a user would: an archive, installed into a folder of its own. Nothing below reads the checkout's plugins.",
    )
    galaxy = str(TOOLS / "ansible-galaxy")
    settings = {"ANSIBLE_HOME": str(FOLDER / "ansible"), "ANSIBLE_COLLECTIONS_PATH": str(FOLDER / "collections")}
    run(
        galaxy,
        "collection",
        "build",
        "--output-path",
        ".cache/demo/dist",
        shown="ansible-galaxy collection build",
        **settings,
    )
    (archive,) = (FOLDER / "dist").glob("*.tar.gz")
    run(
        *(galaxy, "collection", "install", "--offline", "-p", ".cache/demo/collections", str(archive)),
        shown="ansible-galaxy collection install %s" % archive.name,
        **settings,
    )


def start(demo: Demo) -> None:
    heading(
        2,
        "The estate before",
        "A lab starts: a real Active Directory domain (Samba), real WinRM on the wire, simulated Lync servers and cmdlets.",
        "Users work with Group Chat. Their clients know one address, %s," % SIP_ADDRESS,
        "which belongs to an ordinary user account, the well-known user.",
    )
    lifecycle.up(demo.paths, lambda text: say("  " + text))
    demo.status()
    expect(demo.holder() == "user", "the holder is a user")


def migrate(demo: Demo) -> None:
    heading(3, "The plan", "One look at the whole estate, and what each step would do. It writes nothing.")
    before = demo.lab.writes()
    plan = demo.playbook("plan", "-e", "stop_before=nothing")
    expect(plan.plan_digest, "the plan has a digest: what was approved can be named")
    heading(4, "The migration as a rehearsal", "The same playbook as below, in check mode with differences shown.")
    demo.playbook("migrate", "-e", "stop_before=nothing", "--check", "--diff")
    expect(demo.lab.writes() == before, "plan and rehearsal wrote nothing: the lab's counters stand where they stood")
    heading(
        5,
        "The migration",
        "Group Chat off, data moved, the user deleted, the endpoint created in its place, Persistent Chat on.",
        "With the digest of the plan it refuses to run any other plan than the one above.",
    )
    done = demo.playbook("migrate", "-e", "stop_before=nothing", "-e", plan.plan_digest)
    expect(done.changed > 0 and demo.lab.writes() != before, "this run made changes")
    heading(6, "The migration once more", "Nothing is left to do, so nothing may change.")
    before = demo.lab.writes()
    again = demo.playbook("migrate", "-e", "stop_before=nothing")
    expect(again.changed == 0 and again.failed == 0, "the second run reports changed=0")
    expect(demo.lab.writes() == before, "the second run wrote nothing")


def finish(demo: Demo) -> None:
    heading(
        7,
        "The estate after",
        "The clients keep their address. Now it is a contact that leads to the Persistent Chat pool.",
    )
    demo.status()
    expect(demo.holder() == "contact", "the holder is a contact")
    demo.expect_migrated()


def main() -> int:
    """Run the story; an error is a sentence, and the lab always ends."""
    started = time.monotonic()
    demo = Demo()
    try:
        lifecycle.down(demo.paths)
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        install()
        start(demo)
        migrate(demo)
        finish(demo)
    except (DemoError, LabError, TemplateError, NamespaceError) as error:
        say("\nThe demonstration stopped: %s\nThe lab's logs are in %s" % (error, demo.paths.logs))
        return 1
    finally:
        lifecycle.down(demo.paths)
    say("\nDone in %.0f s. To look around in a lab of your own: make lab-up" % (time.monotonic() - started))
    return 0


if __name__ == "__main__":
    sys.exit(main())
