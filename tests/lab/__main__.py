# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line: python -m tests.lab [--dir DIR] COMMAND."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

from tests.lab import lifecycle, namespaces, settings
from tests.lab.client import LabClient, LabError
from tests.lab.directory.shapes import RECYCLE_BIN
from tests.lab.directory.template import TemplateError
from tests.lab.settings import Paths

EXAMPLE = '[{"at": "cmdlet-after", "match": "New-CsPersistentChatEndpoint", "do": "drop"}]'


def _say(text: str) -> None:
    sys.stderr.write("lab: %s\n" % text)
    sys.stderr.flush()


def _print(value: object) -> None:
    sys.stdout.write(value + "\n" if isinstance(value, str) else json.dumps(value, indent=2) + "\n")


def _up(paths: Paths, options: argparse.Namespace) -> int:
    began = time.monotonic()
    lifecycle.up(paths, _say)
    _say("up after %.1f s in %s" % (time.monotonic() - began, paths.root))
    folder = os.path.relpath(paths.root)
    chosen = "" if folder == settings.DEFAULT_DIR else " --dir " + folder
    _say("go on: %s%s status | reset | exec -- COMMAND | down" % (settings.PROGRAM, chosen))
    return 0


def _down(paths: Paths, options: argparse.Namespace) -> int:
    _say("down" if lifecycle.down(paths) else "no lab was up in %s" % paths.root)
    return 0


def _status(paths: Paths, options: argparse.Namespace) -> int:
    from tests.lab.status import render

    status = LabClient(paths.root).status()
    if options.json:
        _print(status)
        return 0
    _print(render(status).rstrip("\n"))
    return 0


def _reset(paths: Paths, options: argparse.Namespace) -> int:
    began = time.monotonic()
    LabClient(paths.root).reset()
    _say("directory and estate are as at first, after %.1f s" % (time.monotonic() - began))
    return 0


def _exec(paths: Paths, options: argparse.Namespace) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise LabError("exec needs a command: exec -- COMMAND ARGUMENT...")
    pid = lifecycle.supervisor_pid(paths)
    return namespaces.run_inside(pid, command, lifecycle.inside_environment(paths))


def _kinit(paths: Paths, options: argparse.Namespace) -> int:
    cache = LabClient(paths.root).call("kinit", account=options.account)["ccache"]
    _print("export KRB5CCNAME=FILE:%s" % cache)
    return 0


def _env(paths: Paths, options: argparse.Namespace) -> int:
    _print(lifecycle.describe(paths))
    return 0


def _faults(paths: Paths, options: argparse.Namespace) -> int:
    try:
        rules = {"rules": json.loads(options.rules)} if options.action == "set" else {}
    except ValueError as error:
        raise LabError("The rules are a JSON list, such as %s: %s" % (EXAMPLE, error)) from None
    _print(LabClient(paths.root).call("faults." + options.action, **rules))
    return 0


def _switch(paths: Paths, options: argparse.Namespace) -> int:
    client = LabClient(paths.root)
    if options.value is None:
        answer = client.call("switch.get", **({"name": options.name} if options.name else {}))
    else:
        answer = client.call("switch.set", name=options.name, value=_value(options.value))
    _print(answer["switches"])
    return 0


def _directory(paths: Paths, options: argparse.Namespace) -> int:
    client = LabClient(paths.root)
    if options.controllers is not None:
        client.call("directory.use", controllers=options.controllers, recycle_bin=options.recycle_bin)
    _print(client.status()["directory"])
    return 0


def _replication(paths: Paths, options: argparse.Namespace) -> int:
    client = LabClient(paths.root)
    if options.action == "status":
        _print(client.call("replication.status")["controllers"])
    else:
        client.call("replication." + options.action, controller=options.controller)
    return 0


def _controller(paths: Paths, options: argparse.Namespace) -> int:
    LabClient(paths.root).call("controller." + options.action, controller=options.controller)
    return 0


def _policy(paths: Paths, options: argparse.Namespace) -> int:
    client = LabClient(paths.root)
    if options.name is None:
        _print(client.call("policy.list"))
        return 0
    if options.value is None:
        raise LabError("A policy needs a value: policy NAME VALUE [HOST]")
    host = {"host": settings.fqdn(options.host.partition(".")[0])} if options.host else {}
    _print(client.call("policy.set", name=options.name, value=_value(options.value), **host))
    return 0


def _value(text: str) -> object:
    """JSON where it is some, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=settings.PROGRAM, description=__import__("tests.lab").lab.__doc__)
    parser.add_argument(
        "--dir", help="the lab's folder (default: $%s, else %s)" % (settings.DIR_VARIABLE, settings.DEFAULT_DIR)
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: object, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    add("up", _up, "start a fresh lab and wait until it answers")
    add("down", _down, "end the lab; nothing of it goes on")
    add("status", _status, "show directory, pools, services and databases").add_argument("--json", action="store_true")
    add("reset", _reset, "put directory and estate back to their first state")
    command = add("directory", _directory, "show the directory's shape, or put it into one; that resets everything")
    command.add_argument("controllers", nargs="?", type=int, help="1 or 2")
    command.add_argument("recycle_bin", nargs="?", choices=RECYCLE_BIN, default="off", help="the Recycle Bin")
    command = add("replication", _replication, "stop a controller from taking changes, let it go on, or pull once")
    command.add_argument("action", choices=["status", "pause", "resume", "pull"])
    command.add_argument("controller", nargs="?", default="dc2")
    command = add("controller", _controller, "freeze, thaw, stop or start a domain controller")
    command.add_argument("action", choices=["freeze", "thaw", "stop", "start"])
    command.add_argument("controller")
    command = add("exec", _exec, "run a command inside the lab, where its names and addresses are real")
    command.add_argument("command", nargs=argparse.REMAINDER)
    add("kinit", _kinit, "get a Kerberos ticket for an account").add_argument("account")
    add("env", _env, "print addresses, files and accounts as JSON")
    command = add("faults", _faults, "show, set or clear the faults that the servers have")
    command.add_argument("action", choices=["list", "set", "clear"])
    command.add_argument("rules", nargs="?", default="[]", help="JSON list of rules, such as " + EXAMPLE)
    command = add("switch", _switch, "show or set the switches for what is assumed of the product")
    command.add_argument("name", nargs="?")
    command.add_argument("value", nargs="?")
    command = add("policy", _policy, "show how the servers' WinRM differs from its defaults, or configure it")
    command.add_argument("name", nargs="?")
    command.add_argument("value", nargs="?")
    command.add_argument("host", nargs="?", help="one host, such as pc01 (default: all)")
    return parser


def main() -> int:
    """Run one command; errors are sentences."""
    options = _parser().parse_args()
    try:
        return options.run(Paths.of(options.dir), options)
    except (LabError, TemplateError, namespaces.NamespaceError) as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
