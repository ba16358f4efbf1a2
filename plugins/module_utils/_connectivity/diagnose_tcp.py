# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Why the target's port cannot be connected to, or does not answer a datagram. Pure."""

from __future__ import annotations

import typing as t

from . import remedies
from .evidence import Evidence, only_internal, taken_path
from .finding import Finding, Tasks, found, on_new_network
from .probe_answer import NOT_CONNECTED, failure_of, leads_to

if t.TYPE_CHECKING:
    from .probe_answer import Listener

Json = t.Any

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on
_X_PROTOCOL = 33060
# What runs in a container while its database server initialises. The kernel cuts names after 15 characters.
_DAEMONS = ("mysqld", "mariadbd")
_SERVERS = (*_DAEMONS, "mysqld_safe", "mariadbd-safe", "docker-entrypoi", "entrypoint.sh")


def diagnose_tcp(evidence: Evidence) -> Finding | None:
    """Return why no TCP connection is made; None if one is."""
    failure, address, text = tcp_failure(evidence)
    if not failure:
        return None
    if failure == "refused":
        return _refused(evidence, address)
    return _phantom(evidence) or _blocked(evidence, failure, address, text)


def tcp_failure(evidence: Evidence) -> tuple[str, str, str]:
    """Return why, for which address, and the program's words; empty for a connection that was made."""
    answer = evidence.seen
    address = answer.addresses[0]
    if answer.connects:
        last = answer.connects[-1]
        return last.failure, last.address, last.text
    session = answer.session
    if session and session.error in NOT_CONNECTED:
        return failure_of(session), address, session.text
    return "", address, ""


def _phantom(evidence: Evidence) -> Finding | None:
    """An endpoint with an ID that the network itself does not know."""
    for peer in evidence.ends:
        for name, end in peer.networks.items():
            network = evidence.networks.get(name)
            local = network and network.scope == "local" and network.members
            if local and end.endpoint_id and peer.owner.id not in local:
                attach = remedies.attach(name, peer.owner.name)
                why = "the network does not know it"
                return found(evidence, "phantom_endpoint", attach, peer=peer, network=name, why=why)
    return None


def _here(evidence: Evidence) -> list[Listener]:
    """Return what listens on the port, on whatever address."""
    return [one for one in evidence.listeners or () if one.port == evidence.check.port]


def _reached(evidence: Evidence, address: str) -> list[Listener]:
    """Return what listens on the port for connections to an address."""
    # A socket on the wildcard address of IPv6 takes IPv4 as well, and not the other way round.
    wanted = ("::", address) if ":" in address else (*_EVERYWHERE, address)
    return [one for one in _here(evidence) if one.address in wanted]


def refused_by_listener(evidence: Evidence) -> bool:
    """Whether a connection was refused that something listens for."""
    failure, address, _text = tcp_failure(evidence)
    return failure == "refused" and bool(_reached(evidence, address))


def certain(evidence: Evidence) -> bool:
    """Whether what listens takes connections to the address: a socket on C(::) may be one for IPv6 only."""
    _failure, address, _text = tcp_failure(evidence)
    return ":" in address or any(one.address != "::" for one in _reached(evidence, address))


def _refused(evidence: Evidence, address: str) -> Finding:
    here, reached = _here(evidence), _reached(evidence, address)
    if reached and evidence.refused_again:
        return _by_rule(evidence, address)
    if here and not reached:
        return _elsewhere(evidence, here, address)
    if _is_local_only(evidence):
        return found(evidence, "skip_networking", address=address, sockets=", ".join(evidence.sockets))
    facts: Json = {"address": address, "packets": _packets(evidence)}
    why = _why_starting(evidence, bool(reached))
    if why:
        again = remedies.check_again(evidence.check, timeout=max(120, 2 * evidence.check.timeout))
        return found(evidence, "server_starting", again, why=why, **facts)
    return found(evidence, "port_closed", *_other_port(evidence), listening=_listening(evidence), **facts)


def _elsewhere(evidence: Evidence, here: list[Listener], address: str) -> Finding:
    """Something listens on the port, for other addresses."""
    loopback = [one for one in here if one.address.startswith("127.") or one.address == "::1"]
    if loopback:
        passing = evidence.ends[1].health == "starting"
        return found(evidence, "loopback_only", listeners=_shown(loopback), passing=passing)
    return found(evidence, "other_address_only", listeners=_shown(here), address=address)


def _is_local_only(evidence: Evidence) -> bool:
    """Whether a database server is up and has no networking.

    One that an entrypoint runs while it initialises has none either; the entrypoint is then still there.
    """
    servers = [one for one in evidence.processes if one in _SERVERS]
    up = any(path.rpartition("/")[2].startswith(("mysql", "maria")) for path in evidence.sockets)
    return up and not evidence.listeners and bool(servers) and all(one in _DAEMONS for one in servers)


def _by_rule(evidence: Evidence, address: str) -> Finding:
    """The port listens, and refuses each time."""
    _source, target = evidence.ends
    shown = _shown(_reached(evidence, address))
    if certain(evidence) or evidence.inside:
        return _rejected(evidence, f"refused, although {target.name} listens on {shown}")
    return found(evidence, "other_address_only/family", listeners=shown, address=address)


def _rejected(evidence: Evidence, why: str) -> Finding:
    return found(evidence, "rejected", packets=_packets(evidence), why=why)


def _packets(evidence: Evidence) -> str:
    return "datagrams" if evidence.check.protocol == "udp" else "connections"


def _why_starting(evidence: Evidence, reached: bool) -> str:
    """Return why a server seems to be starting; empty if none does."""
    if reached:
        return "it listens by now"
    if evidence.ends[1].health == "starting":
        return "its healthcheck has not passed yet"
    # A server that listens has initialised; where that cannot be seen, its process alone must do. MySQL opens the port
    # of its X Protocol a moment before the other one.
    listens = any(one.port != _X_PROTOCOL for one in evidence.listeners or ())
    unborn = not listens and any(one in _SERVERS for one in evidence.processes)
    return "the server is initialising" if unborn else ""


def _listening(evidence: Evidence) -> str:
    if evidence.listeners is None:
        return " (what does listen cannot be seen: no shell there or in any image at hand)"
    if not evidence.listeners:
        return "; nothing listens at all"
    return f"; what listens is {_shown(evidence.listeners)}"


def _other_port(evidence: Evidence) -> Tasks:
    ports = sorted({one.port for one in evidence.listeners or () if one.address in _EVERYWHERE})
    return (remedies.check_again(evidence.check, port=ports[0]),) if len(ports) == 1 else ()


def _shown(listeners: t.Iterable[Listener]) -> str:
    return ", ".join(str(one) for one in listeners)


def _blocked(evidence: Evidence, failure: str, address: str, text: str) -> Finding:
    source, target = evidence.ends
    place = _place(evidence, address)
    way = taken_path(evidence, address)
    if way and way.kind == "published_port" and only_internal(evidence):
        attach = [remedies.attach(name, source.owner.name) for name in list(target.networks)[:1]]
        return found(evidence, "internal_network", *attach, address=address, networks=evidence.place_of(source))
    network = evidence.networks.get(way.network) if way else None
    if network and failure == "timeout" and network.options.get("com.docker.network.bridge.enable_icc") == "false":
        tasks = (on_new_network(evidence), remedies.detach(network.name, source.owner.name))
        return found(evidence, "icc_disabled", *tasks, network=network, place=place)
    if failure == "timeout":
        return _silent(evidence, address)
    if failure == "prohibited":
        return _rejected(evidence, f"answered with '{text.splitlines()[-1] if text else failure}'")
    if failure == "no_route" and leads_to(evidence.seen, address):
        return _rejected(evidence, f"answered as if there were no route, but there is one, and {address} is alive")
    return found(evidence, "no_route", place=place, text=text or failure)


def _place(evidence: Evidence, address: str) -> str:
    return f"port {evidence.check.port} of {address}"


def _silent(evidence: Evidence, address: str) -> Finding:
    """No answer at all. To a datagram, that says something only where nothing listens."""
    _source, target = evidence.ends
    place = _place(evidence, address)
    listens = _shown(_reached(evidence, address))
    if evidence.check.protocol != "udp":
        return found(evidence, "no_answer", place=place, silent="neither accepts nor refuses the connection")
    if listens or evidence.listeners is None:
        what = f"{target.name} listens on {listens}" if listens else "whether anything listens cannot be seen"
        return found(evidence, "unanswered", place=place, what=what)
    silent = f"is silent, although nothing listens there, which {target.name} would answer"
    return found(evidence, "no_answer", place=place, silent=silent)
