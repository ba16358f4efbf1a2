# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What the scripts in a container answer, as dataclasses. Pure."""

from __future__ import annotations

import ipaddress
import re
import struct
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Iterator

# The client programs speak of their errors by number, whatever the language of the message.
_MYSQL_ERROR = re.compile(r"ERROR (\d+)(?: \(\w+\))?(?: at line \d+)?: ?(.*)", re.DOTALL)
# MySQL: "Can't connect to MySQL server on 'database:3306' (111)". The number is the system's.
_SYSTEM_ERROR = re.compile(r"\((\d+)(?: \"[^\"]*\")?\)|system error: (\d+)")
_MARK = re.compile(r"@(hosts|resolver|name|missing|tcp6?|udp6?|unix|mysql|end|route|arp|processes|done)( |$)")
# Errors of the client programs for a TCP connection that was not made: 2002 is MariaDB's.
NOT_CONNECTED = (2002, 2003)
# The server's answer to a login that it refuses without a reason, so that nobody learns one.
ACCESS_DENIED = 1045
# Why no connection was made: the system's error numbers, and its words for them.
_FAILURES: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "refused": ((111,), ("connection refused",)),
    "timeout": ((110, 115), ("timed out", "timeout")),
    "no_route": (
        (101, 113),
        ("no route to host", "network is unreachable", "host is unreachable", "network unreachable"),
    ),
    # What the kernel makes of the answers of rules: EACCES for IPv6, ENOPROTOOPT; EPERM for a rule in the source.
    "prohibited": ((1, 13, 92), ("permission denied", "protocol not available", "operation not permitted")),
}
# Flags of a route, from linux/route.h: it is in use; it rejects.
_ROUTE_UP, _ROUTE_REJECT = 0x1, 0x200


@dataclass(frozen=True)
class Connect:
    """One attempt to connect, or to get an answer to a datagram.

    Attributes:
        failure: empty for a connection that was made; else refused, timeout, no_route, prohibited or other.
        text: what the program said.
    """

    address: str
    failure: str = ""
    text: str = ""


@dataclass(frozen=True)
class Route:
    """A route for IPv4.

    Attributes:
        gateway: empty where the network is the source's own.
        usable: whether it leads somewhere; else it is there to say that nothing does.
    """

    network: ipaddress.IPv4Network
    gateway: str
    usable: bool


@dataclass(frozen=True)
class Session:
    """What the C(mysql) program answered.

    Attributes:
        error: the error's number, 0 for a login that worked.
        system: the system's error number within it, 0 if there is none.
        row: connection ID, version, hostname and user.
    """

    error: int = 0
    text: str = ""
    system: int = 0
    row: tuple[str, str, str, str] | None = None


@dataclass(frozen=True)
class ProbeAnswer:
    """What a probe saw from inside the source's network.

    Attributes:
        where: source, or helper.
        image: the helper's image.
        missing: the stage for which no program was there: name, tcp, udp, mysql, or tls for one that cannot demand TLS;
            empty if none is missing.
        tools: the program that was used for each stage.
        addresses: what the host resolved to.
        hosts: the lines of the hosts file, the address and its names.
        resolvers: the name servers.
        needs_tls: whether a login that was refused without TLS works with it.
        routes: those for IPv4, the one that the kernel prefers first; only for a connection that was not made.
        silent: neighbours that were looked for and do not answer, for IPv4.
        ms: how long the last stage took, in milliseconds.
        failed: why the probe could not be made at all; empty for one that was made.
    """

    where: str = "source"
    image: str = ""
    missing: str = ""
    tools: tuple[tuple[str, str], ...] = ()
    addresses: tuple[str, ...] = ()
    hosts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    resolvers: tuple[str, ...] = ()
    connects: tuple[Connect, ...] = ()
    session: Session | None = None
    needs_tls: bool = False
    routes: tuple[Route, ...] = ()
    silent: tuple[str, ...] = ()
    ms: float | None = None
    failed: str = ""


@dataclass(frozen=True)
class Listener:
    """A TCP socket that listens, or a UDP socket without a peer."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def is_begun(output: str) -> bool:
    """Whether a script ran at all, and so whether there is a shell."""
    return output.startswith("@")


def is_complete(output: str) -> bool:
    """Whether a script ran to its end."""
    return "@done" in output.splitlines()


def _sections(output: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the words of each line that is a mark of the scripts, with the lines that follow it."""
    head: list[str] = []
    body: list[str] = []
    for line in output.splitlines():
        if _MARK.match(line):
            if head:
                yield head, body
            head, body = line[1:].split(), []
        else:
            body.append(line)
    if head:
        yield head, body


def parse_answer(output: str, where: str = "source", image: str = "") -> ProbeAnswer:
    """Read the output of the probe script."""
    found: dict[str, t.Any] = {}
    tools: list[tuple[str, str]] = []
    connects: list[Connect] = []
    for (kind, *words), body in _sections(output):
        if kind in _FILES:
            name, read = _FILES[kind]
            found[name] = read(body)
        elif kind == "missing":
            found["missing"] = words[0]
        elif kind == "name":
            tools.append(("name", words[0]))
            found.update(addresses=tuple(dict.fromkeys(body)), ms=_ms(words[1:]))
        elif kind in ("tcp", "udp"):
            tools.append((kind, words[1]))
            connects.append(_connect(words[0], int(words[2]), "\n".join(body)))
            found["ms"] = _ms(words[3:])
        elif kind == "mysql":
            tools.append(("mysql", words[0]))
            found["session"] = _session(body)
        elif kind == "end":
            found["ms"] = _ms(words[1:])
            if words[0] != "0" and found["session"].row is None and not found["session"].error:
                found["session"] = _no_session(int(words[0]), found["session"].text)
    return ProbeAnswer(where=where, image=image, tools=tuple(tools), connects=tuple(connects), **found)


def _hosts(lines: list[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = (line.partition("#")[0].split() for line in lines)
    return tuple((words[0], tuple(words[1:])) for words in found if words)


def _resolvers(lines: list[str]) -> tuple[str, ...]:
    return tuple(line.split()[1] for line in lines if line.startswith("nameserver "))


def _routes(lines: list[str]) -> tuple[Route, ...]:
    """Read C(/proc/net/route): numbers in hexadecimal, addresses in the byte order of the machine."""
    found = []
    for _device, destination, gateway, flags, _count, _use, metric, mask, *_rest in (
        line.split() for line in lines[1:]
    ):
        network = ipaddress.IPv4Network(f"{_kernel_address(destination)}/{_kernel_address(mask)}")
        if int(flags, 16) & _ROUTE_UP:
            usable = not int(flags, 16) & _ROUTE_REJECT
            hop = "" if gateway.strip("0") == "" else _kernel_address(gateway)
            found.append((-network.prefixlen, int(metric), Route(network, hop, usable)))
    return tuple(route for *_key, route in sorted(found, key=lambda one: one[:2]))


def _silent(lines: list[str]) -> tuple[str, ...]:
    """Read C(/proc/net/arp): address, type, flags (0 for one that does not answer), and more."""
    return tuple(words[0] for words in (line.split() for line in lines[1:]) if int(words[2], 16) == 0)


# The files that the script shows, by its marks: the attribute of Answer, and how to read it.
_FILES: dict[str, tuple[str, t.Callable[[list[str]], tuple[t.Any, ...]]]] = {
    "hosts": ("hosts", _hosts),
    "resolver": ("resolvers", _resolvers),
    "route": ("routes", _routes),
    "arp": ("silent", _silent),
}


def leads_to(answer: ProbeAnswer, address: str) -> bool:
    """Whether the source has a route to an IPv4 address, and a neighbour on it that answers."""
    if ":" in address:
        return False
    place = ipaddress.IPv4Address(address)
    route = next((one for one in answer.routes if place in one.network), None)
    return bool(route and route.usable and (route.gateway or address) not in answer.silent)


def _ms(words: list[str]) -> float | None:
    try:
        begin, end = (float(word) for word in words)
    except ValueError:
        return None
    return round(max(end - begin, 0.0) * 1000, 2)


def _connect(address: str, code: int, text: str) -> Connect:
    if code == 0:
        return Connect(address)
    # 124, 137, 143: the program timeout ended it.
    failure = "timeout" if code in (124, 137, 143) else _failure_in(text)
    return Connect(address, failure, text.strip())


def _failure_in(text: str, number: int = 0) -> str:
    """Return why no connection was made, by the system's error number if the program tells it, else by its words."""
    lower = text.lower()
    by_number = (failure for failure, (numbers, _phrases) in _FAILURES.items() if number in numbers)
    by_words = (failure for failure, (_n, phrases) in _FAILURES.items() if any(one in lower for one in phrases))
    return next(by_number, "") or next(by_words, "other")


def _session(lines: list[str]) -> Session:
    lines = [line for line in lines if "[Warning]" not in line and line.strip()]
    text = "\n".join(lines).strip()
    error = _MYSQL_ERROR.search(text)
    if error:
        system = _SYSTEM_ERROR.search(error.group(2))
        number = next((int(group) for group in system.groups() if group), 0) if system else 0
        return Session(int(error.group(1)), error.group(2).strip(), number)
    for line in reversed(lines):
        cells = line.split("\t")
        if len(cells) == 4 and cells[0].isdigit():
            return Session(row=(cells[0], cells[1], cells[2], cells[3]))
    return Session(text=text)


def _no_session(code: int, text: str) -> Session:
    """The program ended with an error that it gives no number for."""
    if code in (124, 137, 143):
        # CR_SERVER_LOST: it connected, and then nothing came.
        return Session(2013, text or "no answer in time", 110)
    return Session(2000, text or f"the program ended with exit code {code}")


def failure_of(session: Session) -> str:
    """Return why no TCP connection was made, in the words of Connect.failure."""
    return _failure_in(session.text, session.system)


def parse_listeners(output: str, protocol: str = "tcp") -> tuple[Listener, ...]:
    """Read the output of the listen script: lines of C(/proc/net/tcp) and C(/proc/net/tcp6), or of UDP's."""
    found = set()
    for (kind, *_words), body in _sections(output):
        if kind in (protocol, f"{protocol}6"):
            for line in body:
                address, _colon, port = line.split()[1].partition(":")
                found.add(Listener(_kernel_address(address), int(port, 16)))
    # The engine's own resolver listens in every container on a network of one's own.
    return tuple(sorted((one for one in found if one.address != "127.0.0.11"), key=lambda one: (one.port, one.address)))


def parse_processes(output: str) -> tuple[str, ...]:
    """Read the names of processes from the output of the listen script."""
    return _lines_of(output, "processes")


def parse_sockets(output: str) -> tuple[str, ...]:
    """Read the paths of the Unix sockets that listen from the output of the listen script."""
    return _lines_of(output, "unix")


def _lines_of(output: str, section: str) -> tuple[str, ...]:
    return tuple(line for (kind, *_words), body in _sections(output) if kind == section for line in body)


def _kernel_address(text: str) -> str:
    """C(0100007F) is 127.0.0.1: each group of 32 bits is in the byte order of the machine, here little-endian."""
    words = struct.iter_unpack("<I", bytes.fromhex(text))
    packed = b"".join(struct.pack(">I", word) for (word,) in words)
    address = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
