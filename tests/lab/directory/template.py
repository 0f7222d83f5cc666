# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cached template: the domain as it is before any test, built once for each version of its sources."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.lab import namespaces, settings
from tests.lab.settings import Paths

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that Samba's modules are installed for
BUILDERS = ("delegation", "fixtures", "places", "provision", "schema")
SOURCES = [Path(settings.__file__), *(Path(__file__).with_name(name + ".py") for name in BUILDERS)]


class TemplateError(Exception):
    """The template could not be built; the text holds the end of the builder's output."""


def key() -> str:
    """Names a template: a hash of what it is built from, the domain, and the user who can read it."""
    digest = hashlib.sha256(subprocess.run(["samba", "--version"], capture_output=True, check=True).stdout)
    for source in SOURCES:
        digest.update(source.read_bytes())
    return "%s-%s-%d" % (digest.hexdigest()[:16], settings.DOMAIN, os.geteuid())


def copy(source: Path, target: Path) -> None:
    """Replace the folder C(target) by a copy of C(source)."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--sparse=always", str(source), str(target)], check=True)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def take(paths: Paths, target: Path, say: Callable[[str], None]) -> None:
    """Copy the template to C(target), building it first where it is missing; safe beside other labs that do the same.

    :param say: called with a line of progress when it builds.
    :raises TemplateError: the builder failed.
    """
    root = paths.template if _writable(paths.template) else paths.root / "template"
    root.mkdir(parents=True, exist_ok=True)
    with open(root / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = root / key()
        if not built.is_dir():
            say("building the directory's template once (about 10 s) ...")
            _build(root, built)
        copy(built, target)


def _build(root: Path, built: Path) -> None:
    for old in root.iterdir():  # of former sources, or left by a builder that was killed
        if old.is_dir() and (old.name.endswith(".part") or old.name.endswith(built.name[built.name.index("-") :])):
            shutil.rmtree(old, ignore_errors=True)
    part = Paths(built.with_name(built.name + ".part"))
    part.samba.mkdir(parents=True)
    run = subprocess.run(
        namespaces.command(part, [SYSTEM_PYTHON, "-m", "tests.lab.directory.provision"]),
        env={**os.environ, "PYTHONPATH": namespaces.python_path(), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if run.returncode:
        tail = "\n".join(run.stdout.splitlines()[-15:])
        raise TemplateError("Building the directory's template failed:\n%s" % tail)
    os.rename(part.samba, built)
    shutil.rmtree(part.root)
