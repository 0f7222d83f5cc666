# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections of the collection to the lab's servers, by Kerberos over HTTPS unless a test says otherwise."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport
from tests.lab.client import LabClient

Connect = Callable[..., Transport]


@pytest.fixture
def connect(lab: LabClient) -> Iterator[Connect]:
    """Open transports, given the options that differ; they are closed, and faults cleared, after the test."""
    opened: list[Transport] = []

    def open_one(**changed: Any) -> Transport:
        options = {
            "remote_addr": "lync01.contoso.com",
            "ca_cert": str(lab.paths.ca),
            "connection_timeout": 10,
            "operation_timeout": 20,
        }
        opened.append(open_transport({**options, **changed}))
        return opened[-1]

    yield open_one
    lab.call("faults.clear")
    for transport in opened:
        transport.close()
