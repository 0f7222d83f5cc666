# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cmdlet's parameters are bound, as PowerShell does it: names, mandatory ones, types, parameter sets.

Texts and error ids are PowerShell's own.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence


class CmdletFault(Exception):
    """The error that ended a cmdlet.

    :param error_id: the FullyQualifiedErrorId.
    :param category: the error category's name.
    :param assumed: the text and the id are a guess (domain.md marks them [A]); the switch ``assumed_errors`` can hide them.
    :param terminating: False for an error that ``-ErrorAction SilentlyContinue`` hides.
    """

    def __init__(
        self, message: str, error_id: str, category: str, assumed: bool = False, terminating: bool = True
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_id = error_id
        self.category = category
        self.assumed = assumed
        self.terminating = terminating


@dataclass(frozen=True)
class Parameter:
    """One parameter of a cmdlet.

    :param type: string, switch, bool, int, datetime, strings (a list), bytes, modifier (PSListModifier) or object.
    :param sets: the parameter sets it belongs to; none means all.
    :param choices: the values of an enumeration, compared without regard to letter case.
    """

    type: str = "string"
    mandatory: bool = False
    aliases: Sequence[str] = ()
    sets: Sequence[str] = ()
    choices: Sequence[str] = ()


COMMON = {
    name: Parameter(kind)
    for name, kind in {
        "Verbose": "switch",
        "Debug": "switch",
        "ErrorAction": "string",
        "WarningAction": "string",
        "InformationAction": "string",
        "ErrorVariable": "string",
        "WarningVariable": "string",
        "InformationVariable": "string",
        "OutVariable": "string",
        "OutBuffer": "int",
        "PipelineVariable": "string",
    }.items()
}


def bind(
    specification: Mapping[str, Parameter], given: Mapping[str, Any], type_name: str, default_set: str | None
) -> dict[str, Any]:
    """Return the values by the parameters' own names, converted to their types.

    :raises CmdletFault: PowerShell would refuse the call.
    """
    bound: dict[str, Any] = {}
    for name, value in given.items():
        actual = _match(name, specification, type_name)
        if actual in bound:
            raise CmdletFault(
                "Cannot bind parameter because parameter '%s' is specified more than once." % actual,
                "ParameterAlreadyBound," + type_name,
                "InvalidArgument",
            )
        bound[actual] = _convert(actual, specification[actual], value, type_name)
    _check_sets(specification, bound, type_name, default_set)
    return bound


def _match(name: str, specification: Mapping[str, Parameter], type_name: str) -> str:
    """The parameter that a name means: its own, an alias, or an unambiguous beginning."""
    wanted = name.lower().lstrip("-")
    names = [(actual, spelling) for actual, item in specification.items() for spelling in (actual, *item.aliases)]
    exact = [actual for actual, spelling in names if spelling.lower() == wanted]
    if exact:
        return exact[0]
    close = sorted({actual for actual, spelling in names if wanted and spelling.lower().startswith(wanted)})
    if len(close) > 1:
        raise CmdletFault(
            "Parameter cannot be processed because the parameter name '%s' is ambiguous. Possible matches include: -%s."
            % (name, " -".join(close)),
            "AmbiguousParameter," + type_name,
            "InvalidArgument",
        )
    if not close:
        raise CmdletFault(
            "A parameter cannot be found that matches parameter name '%s'." % name,
            "NamedParameterNotFound," + type_name,
            "InvalidArgument",
        )
    return close[0]


def _check_sets(
    specification: Mapping[str, Parameter], bound: Mapping[str, Any], type_name: str, default_set: str | None
) -> None:
    sets = {name for item in specification.values() for name in item.sets}
    possible = set(sets)
    for name in bound:
        if specification[name].sets:
            possible &= set(specification[name].sets)
    if sets and not possible:
        raise CmdletFault(
            "Parameter set cannot be resolved using the specified named parameters.",
            "AmbiguousParameterSet," + type_name,
            "InvalidArgument",
        )
    missing = {chosen: _missing(specification, bound, chosen) for chosen in possible or {""}}
    if all(missing.values()):
        names = missing.get(default_set or "") or min(missing.values(), key=len)
        raise CmdletFault(
            "Cannot process command because of one or more missing mandatory parameters: %s." % " ".join(names),
            "MissingMandatoryParameter," + type_name,
            "InvalidArgument",
        )


def _missing(specification: Mapping[str, Parameter], bound: Mapping[str, Any], chosen: str) -> list[str]:
    return [
        name
        for name, item in specification.items()
        if item.mandatory and name not in bound and (not item.sets or chosen in item.sets)
    ]


def _convert(name: str, item: Parameter, value: Any, type_name: str) -> Any:
    if value is None and item.type not in ("modifier", "object", "switch"):
        raise _null(name, "is null", "Null", type_name)
    if item.mandatory and item.type == "string" and value == "":
        raise _null(name, "is an empty string", "EmptyString", type_name)
    try:
        converted = _CONVERTERS[item.type](value)
    except (TypeError, ValueError):
        raise _not_convertible(name, item, value, type_name) from None
    if item.choices:
        for choice in item.choices:
            if choice.lower() == str(converted).lower():
                return choice
        raise _not_convertible(name, item, value, type_name)
    return converted


def _null(name: str, what: str, kind: str, type_name: str) -> CmdletFault:
    return CmdletFault(
        "Cannot bind argument to parameter '%s' because it %s." % (name, what),
        "ParameterArgumentValidationError%sNotAllowed,%s" % (kind, type_name),
        "InvalidData",
    )


def _not_convertible(name: str, item: Parameter, value: Any, type_name: str) -> CmdletFault:
    wanted = " of ".join(filter(None, [item.type, ", ".join(item.choices)]))
    return CmdletFault(
        'Cannot bind parameter \'%s\'. Cannot convert value "%s" to type "%s".' % (name, value, wanted),
        "CannotConvertArgumentNoMessage," + type_name,
        "InvalidArgument",
    )


def _string(value: Any) -> str:
    if isinstance(value, (list, tuple, dict, bytes)):
        raise TypeError
    return str(value)


def _boolean(value: Any) -> bool:
    """PowerShell takes numbers for a boolean, but never text."""
    if not isinstance(value, (bool, int)):
        raise TypeError
    return bool(value)


def _switch(value: Any) -> bool:
    """``None`` is a switch that was given without a value, as a PSRP client sends it."""
    return True if value is None else _boolean(value)


def _integer(value: Any) -> int:
    if isinstance(value, (list, tuple, dict)):
        raise TypeError
    return int(value)


def _moment(value: Any) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value
    return datetime.datetime.fromisoformat(re.sub("Z$", "+00:00", _string(value)))


def _strings(value: Any) -> list[str]:
    return [_string(one) for one in (value if isinstance(value, (list, tuple)) else [value])]


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        raise TypeError
    return bytes(value)


def _modifier(value: Any) -> dict[str, Any] | None:
    """A PSListModifier: a hashtable with Add and Remove, or Replace; a plain list replaces; $null empties."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return {"Replace": _strings(value)}
    keys = {str(key).capitalize(): _strings(entry) for key, entry in value.items()}
    if not keys or set(keys) - {"Add", "Remove", "Replace"} or ("Replace" in keys and len(keys) > 1):
        raise ValueError
    return keys


_CONVERTERS = {
    "string": _string,
    "switch": _switch,
    "bool": _boolean,
    "int": _integer,
    "datetime": _moment,
    "strings": _strings,
    "bytes": _bytes,
    "modifier": _modifier,
    "object": lambda value: value,
}
