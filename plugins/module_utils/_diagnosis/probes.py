# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How things are found out: each question in its own thread with its own end, and no answer is an exception.

Private to this collection. A probe returns a dict that can go out as JSON. What went wrong is in its C(problem): None, or
C({"code", "text"}) with a code of failures.py.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.attempts import quiet
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.failures import Target, classify
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

Facts = dict[str, Any]


def gather(probes: Mapping[str, Callable[[], Facts]], seconds: float) -> dict[str, Facts]:
    """The answers of all probes, which run at the same time.

    :param seconds: how long to wait for all of them; one that needs longer is left behind.
    """
    answers: dict[str, Facts] = {}

    def work(name: str, probe: Callable[[], Facts]) -> None:
        try:
            answers[name] = probe()
        except Exception as error:
            answers[name] = {"problem": problem("probe_failed", "%s: %s" % (type(error).__name__, error))}

    threads = {
        name: threading.Thread(target=work, args=(name, probe), daemon=True, name="probe " + name)
        for name, probe in probes.items()
    }
    with quiet():
        for thread in threads.values():
            thread.start()
        end = time.monotonic() + seconds
        for thread in threads.values():
            thread.join(max(0.0, end - time.monotonic()))
    late = {"problem": problem("answer_timeout", "there was no answer within %g seconds." % seconds)}
    return {name: answers.get(name, dict(late)) for name in probes}


def problem(code: str, text: str) -> dict[str, str]:
    """What went wrong, as a fact."""
    return {"code": code, "text": text}


def explained(error: BaseException, options: RemotingOptions, url: str = "") -> dict[str, str]:
    """What an exception means, by the table of failures.py.

    :param url: what was asked, when it was not the configured endpoint.
    """
    if isinstance(error, PersistentChatError):
        return problem(error.code, str(error))
    target = Target(options.server, url or options.url, options.auth, options.user, options.principal)
    known = classify(error, "connect", target, reads=True)
    return problem(known.code, str(known))
