# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values on their way through PowerShell remoting: what clients send as Python's, what cmdlets give as .NET's.

The names of the types go over the wire without "Deserialized.", which is added by the one who reads them. What the product
calls its types is only partly documented (domain.md, section 2): ASSUMPTION for those that are not listed there.
"""

from __future__ import annotations

import datetime
import uuid
from typing import Any, Mapping

from psrpcore.types import (
    CommandMetadataCount,
    CommandTypes,
    ErrorCategory,
    ErrorCategoryInfo,
    ErrorRecord,
    NETException,
    PSCustomObject,
    PSDateTime,
    PSDict,
    PSEnumBase,
    PSGuid,
    PSInt,
    PSInt64,
    PSList,
    PSNoteProperty,
    PSObject,
    PSSecureString,
    PSType,
)

from tests.lab.cmdlets import CmdletFault, Scalar
from tests.lab.cmdlets.calls import Secret
from tests.lab.cmdlets.registry import Cmdlet


@PSType(["System.ServiceProcess.ServiceControllerStatus"])
class ServiceStatus(PSEnumBase):
    """States of a Windows service."""

    Stopped = 1
    StartPending = 2
    StopPending = 3
    Running = 4
    Paused = 7


@PSType(["System.ServiceProcess.ServiceStartMode"])
class StartMode(PSEnumBase):
    """How a Windows service starts."""

    Automatic = 2
    Manual = 3
    Disabled = 4


@PSType(["System.Management.Automation.CommandTypes"])
class CommandType(PSEnumBase):
    """Kinds of commands; the lab's are all cmdlets."""

    Cmdlet = 8


@PSType(["Microsoft.Rtc.Management.PersistentChat.ChatRoomPrivacy"])
class Privacy(PSEnumBase):
    """Who sees a room."""

    Open = 0
    Closed = 1
    Secret = 2


@PSType(["Microsoft.Rtc.Management.PersistentChat.ChatRoomType"])
class RoomType(PSEnumBase):
    """Who writes in a room."""

    Normal = 0
    Auditorium = 1


@PSType(["Microsoft.Rtc.Management.WritableConfig.Settings.PersistentChat.PersistentChatPoolState"])
class PoolState(PSEnumBase):
    """Whether a pool is failed over."""

    Normal = 0
    FailedOver = 1


#: property -> the enumeration that it is of
_ENUMERATIONS = {
    "Status": ServiceStatus,
    "StartType": StartMode,
    "CommandType": CommandType,
    "Privacy": Privacy,
    "Type": RoomType,
    "PoolState": PoolState,
}
#: the noun of a cmdlet, in lower case -> the type of what it gives
_TYPES = {
    "command": "System.Management.Automation.CmdletInfo",
    "cspersistentchatendpoint": "Microsoft.Rtc.Management.ADConnect.Schema.OCSADPersistentChatContact",
    "cspool": "Microsoft.Rtc.Management.Xds.DisplayCluster",
    "cssipdomain": "Microsoft.Rtc.Management.WritableConfig.Settings.SipDomain.SipDomain",
    "csuser": "Microsoft.Rtc.Management.ADConnect.Schema.OCSADUser",
    "cswindowsservice": "Microsoft.Rtc.Management.Deployment.Core.NTService",
    "filehash": "Microsoft.Powershell.Utility.FileHash",
    "item": "System.IO.FileInfo",
    "module": "System.Management.Automation.PSModuleInfo",
    "service": "System.ServiceProcess.ServiceController",
}
#: what .NET has as Int64
_LONG = {"Length"}


# From the client


def python_value(value: Any) -> Any:
    """A value that psrpcore read, as the cmdlets want it."""
    if isinstance(value, PSSecureString):
        return Secret(str.__str__(value.decrypt()))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, datetime.datetime):
        return datetime.datetime.fromisoformat(value.isoformat())
    if isinstance(value, uuid.UUID):
        return str(value)
    for kind in (int, float, bytes):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (list, tuple)):
        return [python_value(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): python_value(one) for key, one in value.items()}
    if isinstance(value, PSObject):
        properties = [*value.PSObject.adapted_properties, *value.PSObject.extended_properties]
        return {item.name: python_value(item.get_value(value)) for item in properties} or str(value)
    return value


# To the client


def net_object(found: Cmdlet | None, item: Any) -> Any:
    """What a cmdlet gave, as .NET's object with its type; plain values stay plain."""
    if not isinstance(item, Mapping):
        return _net_value("", item)
    if isinstance(item, Scalar):
        return _net_value("", item["Value"])
    noun = found.name.partition("-")[2] if found else ""
    name = _TYPES.get(noun.lower(), "Microsoft.Rtc.Management.%s" % noun.removeprefix("Cs"))
    made = PSObject()
    made.PSObject.type_names = [name, "System.Object"]
    for key, value in item.items():
        made.PSObject.adapted_properties.append(PSNoteProperty(key, value=_net_value(key, value)))
    shown = item.get("Identity", item.get("Name"))
    made.PSObject.to_string = name if shown is None else str(shown)
    return made


def _net_value(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (bool, float, bytes, str)):
        return _net_text(name, value) if isinstance(value, str) else value
    if isinstance(value, int):
        return PSInt(value) if name not in _LONG and -(2**31) <= value < 2**31 else PSInt64(value)
    if isinstance(value, datetime.datetime):
        return PSDateTime.fromtimestamp(value.timestamp(), datetime.timezone.utc)
    if isinstance(value, (list, tuple, set)):
        return PSList([_net_value("", one) for one in value])
    if isinstance(value, Mapping):
        return PSDict({key: _net_value("", one) for key, one in value.items()})
    return str(value)


def _net_text(name: str, value: str) -> Any:
    """Text that .NET has as an enumeration or a GUID where the property is one."""
    if name in _ENUMERATIONS and value in _ENUMERATIONS[name].__members__:
        return _ENUMERATIONS[name][value]
    return PSGuid(value) if name == "Guid" else value


def error_record(fault: CmdletFault, activity: str = "", target: Any = None) -> ErrorRecord:
    """The record of a cmdlet's error.

    :param activity: the cmdlet's name.
    :param target: what it was about.
    """
    reason = "CommandNotFoundException" if fault.error_id == "CommandNotFoundException" else "ManagementException"
    known = ErrorCategory.__members__
    return ErrorRecord(
        Exception=NETException(Message=fault.message),
        CategoryInfo=ErrorCategoryInfo(
            Category=known.get(fault.category, ErrorCategory.NotSpecified),
            Activity=activity,
            Reason=reason,
            TargetName="" if target is None else str(target),
            TargetType="" if target is None else "String",
        ),
        TargetObject=None if target is None else str(target),
        FullyQualifiedErrorId=fault.error_id,
    )


def metadata(commands: list[Cmdlet]) -> list[PSObject]:
    """The answer to GET_COMMAND_METADATA (MS-PSRP, sections 2.2.3.21 and 2.2.3.22): the count, then the commands.

    psrpcore has no type for the latter.
    """
    count = CommandMetadataCount()
    count.PSObject.extended_properties.append(PSNoteProperty("Count", value=PSInt(len(commands))))
    shown = [
        PSCustomObject(
            Name=item.name,
            Namespace="",
            HelpUri="",
            CommandType=CommandTypes.Cmdlet,
            ResolvedCommandName=None,
            OutputType=PSList([]),
            Parameters=PSDict({name: _parameter(name, one.type, one.aliases) for name, one in item.parameters.items()}),
        )
        for item in commands
    ]
    return [count, *shown]


def _parameter(name: str, kind: str, aliases: Any) -> PSObject:
    made = PSObject()
    made.PSObject.type_names = ["System.Management.Automation.ParameterMetadata", "System.Object"]
    values = {
        "Name": name,
        "ParameterType": "System.Management.Automation.SwitchParameter" if kind == "switch" else "System.Object",
        "Aliases": PSList(list(aliases)),
        "SwitchParameter": kind == "switch",
        "IsDynamic": False,
    }
    for key, value in values.items():
        made.PSObject.adapted_properties.append(PSNoteProperty(key, value=value))
    return made
