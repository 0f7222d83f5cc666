#!/usr/bin/python
# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pc_data_import
version_added: 0.1.0
short_description: Import an archive into the database of a Persistent Chat pool
description:
  - Imports what M(lync.persistent_chat.pc_data_export) exported, with C(Import-CsPersistentChatData), once, and verifies it.
  - First comes a dry run. An error in its report, or a warning that O(accept_warnings) does not name, stops the module before
    anything is imported.
  - The import counts as verified when its report is free of objections and, with O(verification=counts), the pool holds what is
    O(expected).
  - Two records beside the archive on the server, whose names end with C(.import-started.json) and C(.imported.json), say what was
    done. An archive that was imported and verified is left alone. An import that was begun and not verified is never
    repeated by itself. The module follows it to its end and verifies it, or it fails and says how to go on.
  - In check mode there is no dry run, because that writes a report on the server.
options:
  db_instance:
    description: The SQL Server instance of the pool, such as V(sql01.contoso.com\\PCHAT).
    type: str
    required: true
  pool_fqdn:
    description: The Persistent Chat pool whose database this is; its contents are counted.
    type: str
    required: true
  file_name:
    description: The archive, as an absolute path on the server that ends with V(.zip).
    type: str
    required: true
  expected_sha256:
    description: The SHA-256 hash of the archive as it was recorded after the export. Another hash is an error.
    type: str
  report:
    description:
      - The report of the import, as an absolute path on the server that ends with V(.html). The report of the dry run gets the
        same name with the ending C(.dry-run.html).
      - Without it, the report is beside the archive, with the ending C(.import-report.html).
    type: str
  expected:
    description:
      - The least that the pool must hold afterwards. Without it, the pool must only not be empty.
    type: dict
    suboptions:
      categories:
        description: The number of categories.
        type: int
      rooms:
        description: The number of rooms, disabled ones included.
        type: int
      addins:
        description: The number of add-ins.
        type: int
  verification:
    description:
      - V(counts) needs a clean report and counts the contents of the pool.
      - V(report) needs a clean report only. It is for deployments where the contents cannot be counted while the services of
        the pool are stopped.
    type: str
    choices: [counts, report]
    default: counts
  verify_timeout:
    description: For how many seconds to wait until an import that was begun can be verified.
    type: int
    default: 300
  accept_warnings:
    description: Texts of warnings that are fine. A warning is accepted when one of them is a part of it, in the same letter case.
    type: list
    elements: str
    default: []
  repeat:
    description:
      - Whether to import again although a record says that an import into this pool was begun, or was done and the pool is empty.
      - Restore the database of the pool before you set it. An import that still runs, or whose end no task has seen yet, is
        followed and verified first.
    type: bool
    default: false
  merge:
    description:
      - Whether to import into a pool that is not empty, or of which nobody knows. What has the same name is overwritten, and
        messages may be there twice.
    type: bool
    default: false
extends_documentation_fragment:
  - lync.persistent_chat.attributes
  - lync.persistent_chat.remoting
  - lync.persistent_chat.data_job
attributes:
  idempotent:
    support: partial
    details:
      - With O(repeat=true) and O(merge=true) together, each run imports. Otherwise the second run changes nothing.
notes:
  - Stop the services of the pool, and back up its database, before the import.
seealso:
  - module: lync.persistent_chat.pc_data_export
author:
  - The lync.persistent_chat contributors (@lync)
"""

EXAMPLES = r"""
- name: Import Group Chat
  lync.persistent_chat.pc_data_import:
    remote_addr: lync01.contoso.com
    db_instance: sql01.contoso.com\PCHAT
    pool_fqdn: pcpool.contoso.com
    file_name: C:\Migration\groupchat.zip
    expected_sha256: "{{ exported.sha256 }}"
    expected:
      categories: 3
      rooms: 12
      addins: 2
    accept_warnings:
      - were set to false
    job_timeout: 43200
"""

RETURN = r"""
file_name:
  description: The archive.
  returned: success
  type: str
sha256:
  description: The SHA-256 hash of the archive, in lower case.
  returned: success
  type: str
counts_before:
  description: The contents of the pool before the import.
  returned: success
  type: dict
  contains:
    categories:
      description: The number of categories; V(null) when it is not available.
      type: int
    rooms:
      description: The number of rooms, disabled ones included.
      type: int
    addins:
      description: The number of add-ins.
      type: int
    unavailable:
      description: Why the contents could not be counted; V(null) when they were.
      type: str
counts:
  description: The contents of the pool as they were seen at the end. In check mode, as they are now.
  returned: success
  type: dict
  contains:
    categories:
      description: The number of categories; V(null) when it is not available.
      type: int
    rooms:
      description: The number of rooms, disabled ones included.
      type: int
    addins:
      description: The number of add-ins.
      type: int
    unavailable:
      description: Why the contents could not be counted; V(null) when they were.
      type: str
dry_run:
  description: What the report of the dry run says.
  returned: when an import was made
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
dry_run_report_file:
  description: The report of the dry run.
  returned: success
  type: str
report:
  description: What the report of the import says.
  returned: when an import was made or verified
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
report_file:
  description: The report of the import.
  returned: success
  type: str
actions:
  description: What was done, or would be done in check mode, in order.
  returned: success
  type: list
  elements: dict
  contains:
    op:
      description: V(import), or V(verify) for an import that was begun by an earlier run.
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

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.import_changes import run
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import (
    data_job_spec,
    remoting_spec,
    run_module,
)


def main() -> None:
    spec = remoting_spec()
    spec.update(
        db_instance={"type": "str", "required": True},
        pool_fqdn={"type": "str", "required": True},
        file_name={"type": "str", "required": True},
        expected_sha256={"type": "str"},
        report={"type": "str"},
        expected={
            "type": "dict",
            "options": {"categories": {"type": "int"}, "rooms": {"type": "int"}, "addins": {"type": "int"}},
        },
        verification={"type": "str", "choices": ["counts", "report"], "default": "counts"},
        verify_timeout={"type": "int", "default": 300},
        accept_warnings={"type": "list", "elements": "str", "default": []},
        repeat={"type": "bool", "default": False},
        merge={"type": "bool", "default": False},
        **data_job_spec(),
    )
    run_module(spec, run)


if __name__ == "__main__":
    main()
