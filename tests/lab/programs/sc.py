# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``sc.exe [\\\\host] query|queryex|qc|config|start|stop NAME``: the service control program.

Layout, numbers and exit codes follow Windows Server 2008 R2: the exit code is the Windows error. The texts are English or,
by the switch ``sc_language``, German in labels and states, so that a client that matches words fails.
"""

from __future__ import annotations

from typing import Any

from tests.lab.estate import Estate
from tests.lab.service_control import (
    ALREADY_RUNNING,
    CANNOT_ACCEPT,
    DELAYED,
    DISABLED,
    NO_SUCH_SERVICE,
    NOT_STARTED,
    START_TYPES,
    STATES,
    Service,
    ServiceError,
    find_service,
    services_of,
)
from tests.lab.wire.programs import ProgramEnd, program

ACCESS_DENIED = 5
RPC_UNAVAILABLE = 1722
INVALID_COMMAND_LINE = 1639

_STARTS = {"auto": "Automatic", "delayed-auto": DELAYED, "demand": "Manual", "disabled": "Disabled"}
_START_WORDS = {"Automatic": "AUTO_START", "Manual": "DEMAND_START", "Disabled": "DISABLED"}
_STATE_WORDS = {
    "en": {
        "Stopped": "STOPPED",
        "StartPending": "START_PENDING",
        "StopPending": "STOP_PENDING",
        "Running": "RUNNING",
        "Paused": "PAUSED",
    },
    "de": {
        "Stopped": "BEENDET",
        "StartPending": "WIRD_GESTARTET",
        "StopPending": "WIRD_BEENDET",
        "Running": "WIRD_AUSGEF\u00dcHRT",
        "Paused": "ANGEHALTEN",
    },
}
_GERMAN_LABELS = {
    "SERVICE_NAME": "DIENSTNAME",
    "TYPE": "TYP",
    "STATE": "STATUS",
    "START_TYPE": "STARTTYP",
    "DISPLAY_NAME": "ANZEIGENAME",
    "DEPENDENCIES": "ABH\u00c4NGIGKEITEN",
    "ERROR_CONTROL": "FEHLERSTEUERUNG",
    "BINARY_PATH_NAME": "BIN\u00c4RPFADNAME",
    "FLAGS": "KENNZEICHEN",
}
_ERRORS = {
    "en": {
        NO_SUCH_SERVICE: "The specified service does not exist as an installed service.",
        ALREADY_RUNNING: "An instance of the service is already running.",
        DISABLED: "The service cannot be started, either because it is disabled or because it has no enabled devices "
        "associated with it.",
        NOT_STARTED: "The service has not been started.",
        CANNOT_ACCEPT: "The service cannot accept control messages at this time.",
        ACCESS_DENIED: "Access is denied.",
        RPC_UNAVAILABLE: "The RPC server is unavailable.",
    },
    "de": {
        NO_SUCH_SERVICE: "Der angegebene Dienst ist kein installierter Dienst.",
        ALREADY_RUNNING: "Es wird bereits eine Instanz des Dienstes ausgef\u00fchrt.",
        DISABLED: "Der angegebene Dienst kann nicht gestartet werden. Er ist deaktiviert.",
        NOT_STARTED: "Der Dienst wurde nicht gestartet.",
        CANNOT_ACCEPT: "Der Dienst kann zurzeit keine Steuerungsmeldungen annehmen.",
        ACCESS_DENIED: "Zugriff verweigert",
        RPC_UNAVAILABLE: "Der RPC-Server ist nicht verf\u00fcgbar.",
    },
}
_USAGE = (
    "DESCRIPTION:\r\n        SC is a command line program used for communicating with the\r\n"
    "        Service Control Manager and services.\r\nUSAGE:\r\n        sc <server> [command] [service name] <option1> <option2>...\r\n"
)
_BINARIES = {
    "GroupChatLookup": "LookupServer.exe",
    "GroupChatChannel": "ChannelServer.exe",
    "GroupChatCompliance": "ComplianceServer.exe",
    "RTCCHAT": "ChannelService.exe",  # domain.md, section 2.4, for these two
    "RTCCOMPLIANCE": "ComplianceService.exe",
}


@program("sc.exe")
def sc(context: Any, arguments: list[str]) -> ProgramEnd:
    """Run sc.exe on the context's server; ``\\\\host`` as the first argument sends the command to another one."""
    estate: Estate = context.estate
    words = list(arguments)
    host = words.pop(0)[2:] if words and words[0].startswith("\\\\") else context.host
    command = words.pop(0).lower() if words else ""
    with estate.changing():
        try:
            if not context.reaches(host):
                return _failed(estate, "OpenSCManager", ACCESS_DENIED)
        except KeyError:
            return _failed(estate, "OpenSCManager", RPC_UNAVAILABLE)
        if command in ("query", "queryex") and (not words or words[0].lower().endswith("=")):
            estate.count("reads")
            return _list(estate, host, words, command == "queryex")
        if command not in _COMMANDS or not words:
            return ProgramEnd(INVALID_COMMAND_LINE, _USAGE)
        return _COMMANDS[command](estate, host, words)


def _query(estate: Estate, host: str, words: list[str], extended: bool = False) -> ProgramEnd:
    estate.count("reads")
    try:
        service = find_service(estate, host, words[0])
    except ServiceError as error:
        return _failed(estate, "EnumQueryServicesStatus:OpenService", error.code)
    return ProgramEnd(0, _status(estate, service, service.query(), extended))


def _queryex(estate: Estate, host: str, words: list[str]) -> ProgramEnd:
    return _query(estate, host, words, extended=True)


def _list(estate: Estate, host: str, words: list[str], extended: bool) -> ProgramEnd:
    """``sc query`` lists what is not stopped, ``sc query state= all`` everything."""
    everything = [word.lower() for word in words] == ["state=", "all"]
    if words and not everything:
        return ProgramEnd(INVALID_COMMAND_LINE, _USAGE)
    seen = [(service, service.query()) for service in services_of(estate, host)]
    blocks = [
        _status(estate, service, status, extended, display=True)
        for service, status in seen
        if everything or status != "Stopped"
    ]
    return ProgramEnd(0, "".join(blocks))


def _start(estate: Estate, host: str, words: list[str]) -> ProgramEnd:
    try:
        service = find_service(estate, host, words[0])
    except ServiceError as error:
        return _failed(estate, "StartService: OpenService", error.code)
    try:
        service.start()
    except ServiceError as error:
        return _failed(estate, "StartService", error.code)
    estate.count("writes")
    return ProgramEnd(0, _status(estate, service, "StartPending", extended=True))


def _stop(estate: Estate, host: str, words: list[str]) -> ProgramEnd:
    try:
        service = find_service(estate, host, words[0])
    except ServiceError as error:
        return _failed(estate, "OpenService", error.code)
    try:
        service.stop()
    except ServiceError as error:
        return _failed(estate, "ControlService", error.code)
    estate.count("writes")
    return ProgramEnd(0, _status(estate, service, "StopPending", extended=False))


def _config(estate: Estate, host: str, words: list[str]) -> ProgramEnd:
    """Only ``start= TYPE``; the blank after the equals sign is part of the syntax of this Windows."""
    options = [word.lower() for word in words[1:]]
    if len(options) != 2 or options[0] != "start=" or options[1] not in _STARTS:
        return ProgramEnd(INVALID_COMMAND_LINE, _USAGE)
    try:
        service = find_service(estate, host, words[0])
    except ServiceError as error:
        return _failed(estate, "OpenService", error.code)
    service.configure(_STARTS[options[1]])
    estate.count("writes")
    return ProgramEnd(0, "[SC] ChangeServiceConfig SUCCESS\r\n")


def _qc(estate: Estate, host: str, words: list[str]) -> ProgramEnd:
    estate.count("reads")
    try:
        service = find_service(estate, host, words[0])
    except ServiceError as error:
        return _failed(estate, "OpenService", error.code)
    binary = '"C:\\Program Files\\Persistent Chat\\%s"' % _BINARIES.get(service.key, service.key + ".exe")
    delayed = "  (DELAYED)" if service.delayed else ""
    lines = [
        ("TYPE", "10  WIN32_OWN_PROCESS "),
        ("START_TYPE", "%d   %s%s" % (START_TYPES[service.start_type], _START_WORDS[service.start_type], delayed)),
        ("ERROR_CONTROL", "1   NORMAL"),
        ("BINARY_PATH_NAME", binary),
        ("LOAD_ORDER_GROUP", ""),
        ("TAG", "0"),
        ("DISPLAY_NAME", service.display_name),
        ("DEPENDENCIES", ""),
        ("SERVICE_START_NAME", "NT AUTHORITY\\NetworkService"),
    ]
    return ProgramEnd(0, "[SC] QueryServiceConfig SUCCESS\r\n" + _block(estate, service, lines))


_COMMANDS = {"query": _query, "queryex": _queryex, "qc": _qc, "start": _start, "stop": _stop, "config": _config}


def _status(estate: Estate, service: Service, status: str, extended: bool, display: bool = False) -> str:
    word = _STATE_WORDS[estate.switch("sc_language")][status]
    accepts = (
        "STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN"
        if status == "Running"
        else "NOT_STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN"
    )
    lines = [("DISPLAY_NAME", service.display_name)] if display else []
    lines += [
        ("TYPE", "10  WIN32_OWN_PROCESS  "),
        ("STATE", "%d  %s \r\n                                (%s)" % (STATES[status], word, accepts)),
        ("WIN32_EXIT_CODE", "0  (0x0)"),
        ("SERVICE_EXIT_CODE", "0  (0x0)"),
        ("CHECKPOINT", "0x0"),
        ("WAIT_HINT", "0x0"),
    ]
    if extended:
        lines += [("PID", "0" if status == "Stopped" else "%d" % (1200 + 4 * len(service.key))), ("FLAGS", "")]
    return _block(estate, service, lines)


def _block(estate: Estate, service: Service, lines: list[tuple[str, str]]) -> str:
    labels = _GERMAN_LABELS if estate.switch("sc_language") == "de" else {}
    shown = ["\r\n%s: %s\r\n" % (labels.get("SERVICE_NAME", "SERVICE_NAME"), service.name)]
    for label, value in lines:
        if label == "DISPLAY_NAME" and len(shown) == 1:
            shown.append("%s: %s\r\n" % (labels.get(label, label), value))
        else:
            shown.append("        %-18s : %s\r\n" % (labels.get(label, label), value))
    return "".join(shown)


def _failed(estate: Estate, call: str, code: int) -> ProgramEnd:
    language = estate.switch("sc_language")
    verb = "FEHLER" if language == "de" else "FAILED"
    return ProgramEnd(code, "[SC] %s %s %d:\r\n\r\n%s\r\n\r\n" % (call, verb, code, _ERRORS[language][code]))
