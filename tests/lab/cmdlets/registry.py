# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cmdlets of the simulated servers: how one is declared, found, called and counted.

Both front ends of the WS-Man server call L(run_cmdlet); what a cmdlet does is in the file of its subject.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Sequence

from tests.lab.cmdlets.binding import COMMON, CmdletFault, Parameter, bind
from tests.lab.cmdlets.calls import Call
from tests.lab.estate import Estate
from tests.lab.filesystem import PathRefused
from tests.lab.lab_directory import LabDirectoryError
from tests.lab.settings import DOMAIN_CONTROLLERS

Output = Iterable[dict[str, Any]]


class Scalar(dict):
    """An output object that is a plain value (string, boolean), in the form that the bridge gives it."""

    def __init__(self, value: Any) -> None:
        super().__init__(Value=value)


@dataclass(frozen=True)
class Cmdlet:
    """A declared cmdlet.

    :param source: ``lync`` (exists where the tools are installed) or ``core`` (every Windows PowerShell).
    :param writes: a call that is carried out counts as a write.
    :param should_process: it has -WhatIf and -Confirm.
    :param confirm_impact: ``high`` asks for confirmation unless -Confirm:$false is given.
    :param assumed_properties: output properties that no document names.
    :param second_hop: it talks to AD or SQL with the session's credentials (domain.md, section 3).
    :param gathers: one call takes everything that comes down the pipeline, as a list.
    """

    name: str
    run: Callable[[Context, dict[str, Any], Any], Output | None]
    parameters: Mapping[str, Parameter]
    source: str
    writes: bool
    should_process: bool
    confirm_impact: str
    type_name: str
    default_set: str | None
    assumed_properties: Sequence[str]
    second_hop: bool
    gathers: bool


CMDLETS: dict[str, Cmdlet] = {}
#: values of -ErrorAction and -WarningAction that hide
QUIET = ("silentlycontinue", "ignore")


class Question(Exception):
    """A cmdlet asks for confirmation; the text is the question. Nothing was written yet."""


@dataclass
class Context:
    """One call of one cmdlet on one server; make a fresh one for each command.

    :param host: the server's name, full or short.
    :param user: who calls, in any spelling (``CONTOSO\\csadmin``).
    :param delegated: the session has credentials that reach further servers.
    :param hook: called as hook("cmdlet-before" | "cmdlet-after", "Name") for fault injection.
    :param visible: lower-case names of the only cmdlets that a restricted session has, where the server itself talks to
        AD and SQL (domain.md, section 3); None in a full session.
    :param ask: puts a question to the client and gives its answer; without it, nobody can answer.
    :param log: takes each call that begins.
    """

    estate: Estate
    host: str
    user: str = "csadmin"
    delegated: bool = False
    hook: Callable[[str, str], None] | None = None
    visible: frozenset[str] | None = None
    ask: Callable[[str], bool] | None = None
    log: Callable[[Call], None] | None = None
    output: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    cmdlet: Cmdlet | None = None
    silent: bool = False
    what_if: bool = False
    confirm: bool | None = None

    def __post_init__(self) -> None:
        self.host = self.estate.server_name(self.host)

    @property
    def directory(self) -> Any:
        """The lab's access to Active Directory."""
        return self.estate.directory

    @property
    def has_tools(self) -> bool:
        """Whether the Lync cmdlets are installed on this server."""
        return self.estate.data["servers"][self.host]["system"] == "tools"

    def reaches(self, host: str) -> bool:
        """Whether the session's credentials are good on that server too (domain.md, section 3, two hops).

        :raises KeyError: no such server.
        """
        own = self.estate.server_name(host) == self.host
        return own or self.delegated or self.visible is not None or self.estate.switch("second_hop") == "works"

    def warn(self, text: str) -> None:
        """Write to the warning stream, unless -WarningAction hides it."""
        if not self.silent:
            self.warnings.append(text)

    def file(self, path: str) -> Path:
        """The real file behind a Windows path of this server.

        :raises CmdletFault: the path is no path, or on a server that the session cannot reach.
        """
        try:
            place = self.estate.files.locate(self.host, path)
            if not self.reaches(self.estate.files.server_of(place)):
                text = "Access to the path '%s' is denied." % path
                raise self.fault(text, "UnauthorizedAccess", "PermissionDenied", terminating=False)
            return place
        except PathRefused as refused:
            raise self.fault(str(refused), "ItemNotFound", "ObjectNotFound", terminating=False) from None

    def fault(
        self, message: str, error_id: str, category: str, assumed: bool = False, terminating: bool = True
    ) -> CmdletFault:
        """The error of this cmdlet; the id gets the cmdlet's type name."""
        assert self.cmdlet is not None
        return CmdletFault(message, "%s,%s" % (error_id, self.cmdlet.type_name), category, assumed, terminating)

    def should_process(self, target: str) -> bool:
        """As PowerShell's ShouldProcess: whether to go on and write; False under -WhatIf.

        :raises CmdletFault: the cmdlet asks for confirmation, and nobody can answer.
        :raises Question: it asks, and somebody might.
        """
        assert self.cmdlet is not None
        if self.what_if:
            return False
        asks = self.confirm if self.confirm is not None else self.cmdlet.confirm_impact == "high"
        if asks and (self.confirm or self.estate.switch("unattended_prompt") == "error"):
            if self.ask:
                raise Question('Performing the operation "%s" on target "%s".' % (self.cmdlet.name, target))
            raise self.fault(
                "%s would prompt for confirmation of %s: Windows PowerShell is in NonInteractive mode. Read and Prompt "
                "functionality is not available." % (self.cmdlet.name, target),
                "InvalidOperation",
                "InvalidOperation",
            )
        return True

    def import_module(self, names: Iterable[str]) -> str | None:
        """The first module of the list that this server has, as Import-Module would find it; None when it has none."""
        present = self.estate.switch("module_name").lower() if self.has_tools else None
        return next((name for name in names if name.lower() == present), None)


def cmdlet(
    name: str,
    parameters: Mapping[str, Parameter],
    source: str = "lync",
    writes: bool = False,
    should_process: bool = False,
    confirm_impact: str = "medium",
    type_name: str = "",
    default_set: str | None = None,
    assumed_properties: Sequence[str] = (),
    second_hop: bool = False,
    gathers: bool = False,
) -> Callable[[Callable[[Context, dict[str, Any], Any], Output | None]], Callable[..., Output | None]]:
    """Declare a cmdlet: ``fn(context, parameters, input) -> objects``; see L(Cmdlet) for the arguments."""

    def declare(run: Callable[[Context, dict[str, Any], Any], Output | None]) -> Callable[..., Output | None]:
        known = {**COMMON, **parameters}
        if should_process:
            known.update(WhatIf=Parameter("switch"), Confirm=Parameter("switch"))
        CMDLETS[name.lower()] = Cmdlet(
            name,
            run,
            known,
            source,
            writes,
            should_process,
            confirm_impact,
            type_name or "Microsoft.Rtc.Management.%sCmdlet" % name.replace("-", ""),
            default_set,
            assumed_properties,
            second_hop,
            gathers,
        )
        return run

    return declare


def run_cmdlet(context: Context, name: str, parameters: Mapping[str, Any], input: Any = None) -> list[dict[str, Any]]:
    """Call a cmdlet as a PowerShell session of the context's user on its server would.

    Warnings are in ``context.warnings`` afterwards, and what came before an error in ``context.output``.

    :param input: what came down the pipeline, for parameters that take it.
    :raises CmdletFault: the cmdlet ended with an error.
    """
    found = available(context, name)
    context.cmdlet = found
    call = Call.of(context.host, context.user, found.name, parameters)
    if context.log:
        context.log(call)
    try:
        bound = bind(found.parameters, parameters, found.type_name, found.default_set)
        quiet = str(bound.get("ErrorAction", "")).lower() in QUIET
        context.silent = str(bound.get("WarningAction", "")).lower() in QUIET
        context.what_if = bound.pop("WhatIf", False)
        context.confirm = bound.pop("Confirm", None)
        bound = {key: value for key, value in bound.items() if key not in COMMON}
        if context.hook:
            context.hook("cmdlet-before", found.name)
        output = _carry_out(context, found, bound, input, quiet, call)
        if context.hook:
            context.hook("cmdlet-after", found.name)
    except CmdletFault:
        call.ended = "error"
        raise
    call.ended = "ok"
    return output


def _carry_out(
    context: Context, found: Cmdlet, bound: dict[str, Any], input: Any, quiet: bool, call: Call
) -> list[dict[str, Any]]:
    """Let the cmdlet work; it works anew once a question is answered, which others do not wait for."""
    try:
        return _work(context, found, bound, input, quiet, call)
    except Question as question:
        assert context.ask is not None
        context.what_if = not context.ask(str(question))
        context.confirm = False
        return _work(context, found, bound, input, quiet, call)


def _work(
    context: Context, found: Cmdlet, bound: dict[str, Any], input: Any, quiet: bool, call: Call
) -> list[dict[str, Any]]:
    with context.estate.changing():
        try:
            _check_rights(context, found)
            for item in found.run(context, bound, input) or ():
                context.output.append(_without_assumed(context, found, item))
            call.applied = not context.what_if
        except LabDirectoryError as error:
            text = 'Active Directory operation failed on "%s". %s' % (DOMAIN_CONTROLLERS[0].fqdn, error)
            raise context.fault(text, "ADOperationFailed", "ResourceUnavailable") from None
        except CmdletFault as fault:
            if not quiet or fault.terminating:
                raise _opaque(context, fault) from None
        context.estate.count("writes" if found.writes and not context.what_if else "reads")
    return context.output


def visible(context: Context) -> list[Cmdlet]:
    """The cmdlets that the context's session has."""
    if context.visible is not None:
        return [item for name, item in CMDLETS.items() if name in context.visible]
    return [item for item in CMDLETS.values() if item.source == "core" or context.has_tools]


def available(context: Context, name: str) -> Cmdlet:
    """The cmdlet of that name on the context's server.

    :raises CmdletFault: CommandNotFoundException, in PowerShell's words.
    """
    found = CMDLETS.get(name.lower())
    if found is None or found not in visible(context):
        raise CmdletFault(
            "The term '%s' is not recognized as the name of a cmdlet, function, script file, or operable program. Check the "
            "spelling of the name, or if a path was included, verify that the path is correct and try again." % name,
            "CommandNotFoundException",
            "ObjectNotFound",
        )
    return found


def _check_rights(context: Context, found: Cmdlet) -> None:
    """Without the right groups, or without credentials for the next server, the Lync cmdlets fail (domain.md, 2.7 and 3)."""
    if found.source != "lync" or context.visible is not None:
        return
    if not context.estate.is_administrator(context.user):
        raise context.fault(
            'Active Directory operation failed on "%s". You cannot retry this operation: "Insufficient access rights to '
            'perform the operation"' % DOMAIN_CONTROLLERS[0].fqdn,
            "InsufficientAccessRights",
            "PermissionDenied",
        )
    if found.second_hop and not context.delegated and context.estate.switch("second_hop") != "works":
        raise context.fault(
            'Cannot open database "xds" requested by the login. The login failed. Login failed for user \'NT '
            "AUTHORITY\\ANONYMOUS LOGON'.",
            "SqlConnectionFailed",
            "ResourceUnavailable",
            assumed=True,
        )


def _without_assumed(context: Context, found: Cmdlet, item: dict[str, Any]) -> dict[str, Any]:
    if context.estate.switch("assumed_properties") == "absent":
        for name in found.assumed_properties:
            item.pop(name, None)
    return item


def _opaque(context: Context, fault: CmdletFault) -> CmdletFault:
    """What is left of a guessed error when the switch ``assumed_errors`` hides the guess."""
    if fault.assumed and context.estate.switch("assumed_errors") == "opaque":
        return CmdletFault("Vorgang fehlgeschlagen (0xC3EC78D8).", "Failed", "NotSpecified", True, fault.terminating)
    return fault
