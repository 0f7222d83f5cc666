# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The note of an account that was created anew."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.recreated import (
    Recreation,
    note_path,
    read_note,
    write_note,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError

GUID, OTHER = "00000000-0000-0000-0000-000000000007", "00000000-0000-0000-0000-000000000008"
DN = "CN=ocschat,DC=contoso,DC=com"


def test_the_note_of_a_new_account_is_whole_or_refused(tmp_path):
    assert read_note(str(tmp_path), GUID) is None
    for noted in (Recreation("dc1", DN), Recreation("dc1", DN, OTHER, "S-1-5-21-1")):
        write_note(str(tmp_path), GUID, noted)
        assert read_note(str(tmp_path), GUID) == noted
    assert [path.name for path in tmp_path.iterdir()] == [GUID + ".recreated.json"]
    for damaged in ("", "[]", "{}", '{"format": "other"}', '{"format": "lync.persistent_chat re-creation 1"}'):
        (tmp_path / (GUID + ".recreated.json")).write_text(damaged)
        with pytest.raises(PersistentChatError, match="created anew") as caught:
            read_note(str(tmp_path), GUID)
        assert caught.value.code == "backup_failed" and note_path(str(tmp_path), GUID) in str(caught.value)
