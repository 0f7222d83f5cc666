# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an export or import, which is a job on the server with a report at its end."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
    support: full
  async:
    description: Supports being used with the C(async) keyword.
    support: none
    details:
      - It would end with the controller. The job on the server does not.
options:
  job_folder:
    description:
      - An existing folder on a local drive of the server, such as V(D:\\Jobs), for the files of the job while it runs.
      - Without it they are in a folder beside the archive. It is needed when the archive is on a share, because a process cannot
        have a share as its current folder.
    type: str
  job_timeout:
    description:
      - For how many seconds the job may run, from its beginning and by the server's clock.
      - After that the task fails, and the job runs on. Run the task again with a larger value to follow it further.
    type: int
    default: 86400
  outage_timeout:
    description: For how many seconds the server may be out of reach while the job runs, before the task fails. The job runs on.
    type: int
    default: 3600
  progress_interval:
    description: How often to report that the job runs, in seconds. It is at most V(25).
    type: int
    default: 20
  report_statuses:
    description:
      - The words by which the report marks a row. They depend on the language of the server.
      - The words are compared without regard to letter case, with whole cells of a table row and with the classes of HTML elements.
      - A row without a known word is never taken for clean.
    type: dict
    suboptions:
      information:
        description: The words for a row that is fine.
        type: list
        elements: str
        default: [Information, Info, Success]
      warning:
        description: The words for a warning.
        type: list
        elements: str
        default: [Warning]
      error:
        description: The words for an error.
        type: list
        elements: str
        default: [Error]
notes:
  - The work is done by a process of its own on the server, which goes on when the connection or the controller is lost. The task
    starts it, or finds the one that an earlier task has started, and follows it to its end. It is never started twice.
  - The process is created through WMI and has the logon of the session that created it. No password is stored. To reach a database
    on another server, the session needs credentials that can be handed on, such as O(kerberos_delegation=true).
  - It needs an administrator of the server, and the endpoint of Windows itself. The endpoint C(OcsPowershell) starts no processes.
  - Software that blocks processes which WMI creates, such as one of Microsoft Defender's rules for attack surface reduction, must
    allow C(cmd.exe) and C(powershell.exe) there.
  - Hashing needs Windows PowerShell 4.0 on the server.
"""
