# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls the module of the same name until the export has ended, and reports that it runs."""

from __future__ import annotations

from ansible_collections.lync.persistent_chat.plugins.plugin_utils._job_progress import JobAction


class ActionModule(JobAction):
    """The action plugin of pc_data_export."""
