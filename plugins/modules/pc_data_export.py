#!/usr/bin/python
# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pc_data_export
version_added: 0.1.0
short_description: Export the data of Group Chat or Persistent Chat into an archive
description:
  - Exports categories, rooms and their contents from a database into a zip archive on the server, with
    C(Export-CsPersistentChatData).
  - The export writes to a file beside the archive, whose name ends with C(.partial.zip). It becomes the archive only when the
    export ended without an error, is not empty, and its report is free of errors. So an archive is always a complete one.
    A task that was killed is repeated by running it again, and follows the export that still runs.
  - A record beside the archive, whose name ends with C(.exported.json), has the hash of the archive and where its contents come from.
  - The source is never changed.
options:
  db_instance:
    description: The SQL Server instance of the source, such as V(sql01.contoso.com\\GC).
    type: str
    required: true
  db_name:
    description: The database of the source.
    type: str
    default: mgc
  file_name:
    description: The archive, as an absolute path on the server that ends with V(.zip). Its folder must exist.
    type: str
    required: true
  report:
    description:
      - The report of the export, as an absolute path on the server.
      - Without it, the report is beside the archive, with the ending C(.export-report.html).
    type: str
  level:
    description: What to export.
    type: str
    choices: [All, User, Category, RoomDirectory, Content]
    default: All
  scope:
    description: Export only these categories and their rooms.
    type: list
    elements: str
  start_date:
    description: Export only contents from this date on, such as V(2012-01-31). Valid with O(level=RoomDirectory) only.
    type: str
  expected_sha256:
    description:
      - The SHA-256 hash of the archive as it was recorded after the export. Then the module exports nothing; it makes sure that
        the archive is there and unchanged, and fails otherwise.
    type: str
  existing:
    description:
      - What to do with an archive that is there already, when O(expected_sha256) is not given.
      - V(refuse) fails. The archive may be of a rehearsal, without what was written since.
      - V(keep) accepts it when the record beside it vouches that it is a complete export of the same source with the same
        options; otherwise it fails.
      - V(replace) exports again, each time.
    type: str
    choices: [refuse, keep, replace]
    default: refuse
extends_documentation_fragment:
  - lync.persistent_chat.attributes
  - lync.persistent_chat.remoting
  - lync.persistent_chat.data_job
attributes:
  idempotent:
    support: partial
    details:
      - With O(expected_sha256), or with O(existing=keep), the second run changes nothing. With O(existing=refuse) it fails, and with
        O(existing=replace) it exports again.
notes:
  - The archive holds the whole chat history. Files that users attached are not in it; copy them separately.
seealso:
  - module: lync.persistent_chat.pc_data_import
author:
  - The lync.persistent_chat contributors (@lync)
"""

EXAMPLES = r"""
- name: Export Group Chat
  lync.persistent_chat.pc_data_export:
    remote_addr: lync01.contoso.com
    db_instance: sql01.contoso.com\GC
    db_name: mgc
    file_name: C:\Migration\groupchat.zip
    job_timeout: 43200
  register: exported

- name: The archive is still what was exported
  lync.persistent_chat.pc_data_export:
    remote_addr: lync01.contoso.com
    db_instance: sql01.contoso.com\GC
    db_name: mgc
    file_name: C:\Migration\groupchat.zip
    expected_sha256: "{{ exported.sha256 }}"
"""

RETURN = r"""
file_name:
  description: The archive.
  returned: success
  type: str
sha256:
  description: The SHA-256 hash of the archive, in lower case; V(null) when there is none, as in check mode before the export.
  returned: success
  type: str
length:
  description: The length of the archive in bytes; V(null) when there is none.
  returned: success
  type: int
report_file:
  description: The report of the export.
  returned: success
  type: str
report:
  description: What the report says; V(null) when there is no archive, or no report that can be read.
  returned: success
  type: dict
  contains:
    rows:
      description: How many rows have been understood or noticed.
      type: int
    warnings:
      description: The texts of the rows with a warning.
      type: list
      elements: str
    errors:
      description: The texts of the rows with an error.
      type: list
      elements: str
    unknown:
      description: The texts of the rows whose status is not known.
      type: list
      elements: str
actions:
  description: What was done, or would be done in check mode, in order.
  returned: success
  type: list
  elements: dict
  contains:
    op:
      description: V(export).
      type: str
    target:
      description: What it is done to.
      type: str
    before:
      description: The properties that the action changes, as they were.
      type: dict
    after:
      description: The same properties, as they are afterwards.
      type: dict
"""

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.export_changes import run
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import (
    data_job_spec,
    remoting_spec,
    run_module,
)


def main() -> None:
    spec = remoting_spec()
    spec.update(
        db_instance={"type": "str", "required": True},
        db_name={"type": "str", "default": "mgc"},
        file_name={"type": "str", "required": True},
        report={"type": "str"},
        level={
            "type": "str",
            "choices": ["All", "User", "Category", "RoomDirectory", "Content"],
            "default": "All",
        },
        scope={"type": "list", "elements": "str"},
        start_date={"type": "str"},
        expected_sha256={"type": "str"},
        existing={"type": "str", "choices": ["refuse", "keep", "replace"], "default": "refuse"},
        **data_job_spec(),
    )
    run_module(spec, run)


if __name__ == "__main__":
    main()
