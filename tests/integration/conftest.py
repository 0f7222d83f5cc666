# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests that use the lab. `make test-integration` starts one and runs pytest inside it.

Conventions:

* A test that needs the lab takes the fixture ``lab`` (LabClient). It is restored once for each test file, before the
  file's first test. Tests of one file may build on one another's effects only within a class; a test that destroys what
  others need takes ``fresh_lab``, which restores it for that test, before and after.
* Names, ports and certificates are real there: ``https://lync01.contoso.com:5986/wsman``. Addresses, files and accounts
  are in tests/lab/settings.py; ``lab.paths`` has the files.
* ``lab.writes()`` before and after shows whether anything was written, in the estate or in the directory, by anybody.
* Tests in tests/integration/lab that start labs of their own take none of these; they run inside a lab and outside.
* A test that cannot run here skips with the reason; it never passes by default.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab import settings
from tests.lab.client import LabClient, LabError

HOW = "Run `make test-integration`, or: python -m tests.lab up; python -m tests.lab exec -- pytest tests/integration"


@pytest.fixture(scope="session")
def running_lab() -> LabClient:
    """The lab that pytest runs inside of, as it is."""
    if settings.DIR_VARIABLE not in os.environ:
        pytest.fail("This test runs inside a lab ($%s is not set). %s" % (settings.DIR_VARIABLE, HOW), pytrace=False)
    client = LabClient()
    try:
        client.call("ping")
    except LabError as error:
        pytest.fail("%s\n%s" % (error, HOW), pytrace=False)
    return client


@pytest.fixture(scope="module")
def lab(running_lab: LabClient) -> LabClient:
    """The lab, restored before the file's first test."""
    running_lab.reset()
    return running_lab


@pytest.fixture
def fresh_lab(running_lab: LabClient) -> Iterator[LabClient]:
    """The lab, restored for this test alone."""
    running_lab.reset()
    yield running_lab
    running_lab.reset()
