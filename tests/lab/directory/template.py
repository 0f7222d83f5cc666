# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cached templates: the domain as it is before any test, built once for each shape and version of its sources."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import namespaces, settings
from tests.lab.directory.places import krb5_conf
from tests.lab.directory.shapes import Shape
from tests.lab.settings import Paths

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that Samba's modules are installed for
SOURCES = [Path(settings.__file__), *sorted(Path(__file__).parent.glob("*.py"))]
FIRST = Shape()


class TemplateError(Exception):
    """The template could not be built; the text holds the end of the builder's output."""


def key() -> str:
    """Names a set of templates: a hash of what it is built from, the domain, and the user who can read it."""
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


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def take_first(paths: Paths, target: Path, say: Callable[[str], None]) -> Path:
    """Copy the template of the first shape to C(target), building it first where it is missing.

    Safe beside other labs that do the same.

    :param say: called with a line of progress when it builds.
    :returns: the folder of this set of templates, for take().
    :raises TemplateError: the builder failed.
    """
    root = paths.template if _writable(paths.template) else paths.root / "template"
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root):
        templates = root / key()
        if not (templates / FIRST.name).is_dir():
            say("building the directory's template once (about 10 s) ...")
            _forget_former(root, templates)
            templates.mkdir(exist_ok=True)
            _build(templates, FIRST)
        copy(templates / FIRST.name, target)
    return templates


def take(templates: Path, shape: Shape, target: Path) -> None:
    """Copy the template of any shape to C(target), building it first where it is missing; about 10 s for a pair.

    :param templates: as take_first() returned it.
    :raises TemplateError: the builder failed, or somebody changed the sources and started another lab since.
    """
    if not (templates / FIRST.name).is_dir():
        raise TemplateError(
            "The template that this lab was made from (%s) is gone, as after a change of its sources. "
            "Take the lab down and up again." % templates
        )
    with _locked(templates):
        missing = []
        needed: Shape | None = shape
        while needed is not None and not (templates / needed.name).is_dir():
            missing.append(needed)
            needed = needed.source
        for one in reversed(missing):
            _build(templates, one)
        copy(templates / shape.name, target)


def _forget_former(root: Path, templates: Path) -> None:
    """Remove what was built from former sources for this domain and user."""
    for old in root.iterdir():
        if old.is_dir() and old.name.endswith(templates.name[templates.name.index("-") :]):
            shutil.rmtree(old, ignore_errors=True)


def _build(templates: Path, shape: Shape) -> None:
    part = Paths(templates / (shape.name + ".part"))
    shutil.rmtree(part.root, ignore_errors=True)  # left by a builder that was killed
    for folder in (part.samba.parent, part.logs, part.files):
        folder.mkdir(parents=True)
    if shape.source is None:
        part.samba.mkdir()
    else:
        copy(templates / shape.source.name, part.samba)
    part.krb5_conf.write_text(krb5_conf(), encoding="utf-8")
    run = subprocess.run(
        namespaces.command(part, [SYSTEM_PYTHON, "-m", shape.builder, str(part.root)]),
        env={
            **os.environ,
            "PYTHONPATH": namespaces.python_path(),
            "PYTHONDONTWRITEBYTECODE": "1",
            "KRB5_CONFIG": str(part.krb5_conf),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if run.returncode:
        tail = "\n".join(run.stdout.splitlines()[-15:])
        raise TemplateError("Building the directory's template %s failed:\n%s" % (shape.name, tail))
    os.rename(part.samba, templates / shape.name)
    shutil.rmtree(part.root)
