# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Why the target's port cannot be connected to, or does not answer a datagram. Pure."""

from __future__ import annotations

import typing as t

from . import remedies
from .evidence import Evidence, taken_path
from .finding import Finding, Tasks, on_new_network
from .probe_answer import NOT_CONNECTED, failure_of, leads_to

if t.TYPE_CHECKING:
    from .._model.state import Network
    from .evidence import Peer
    from .probe_answer import Listener

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
    phantom = _not_a_member(evidence)
    if phantom and failure != "refused":
        return phantom
    if failure == "refused":
        return _refused(evidence, address)
    return _blocked(evidence, failure, address, text)


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


def _not_a_member(evidence: Evidence) -> Finding | None:
    """An endpoint with an ID that the network itself does not know."""
    for peer in evidence.ends:
        for name, end in peer.networks.items():
            network = evidence.networks.get(name)
            if network and network.scope == "local" and end.endpoint_id and not _is_member(network, peer):
                return Finding(
                    "phantom_endpoint",
                    f"{peer.name} is attached to {name} in its description only (a phantom endpoint): the network does"
                    " not know it",
                    f"Attach {peer.owner.name} again, which repairs the endpoint.",
                    (remedies.attach(name, peer.owner.name),),
                )
    return None


def _is_member(network: Network, peer: Peer) -> bool:
    return not network.members or peer.owner.id in network.members


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
    source, target = evidence.ends
    port = evidence.check.port
    here, reached = _here(evidence), _reached(evidence, address)
    if reached and evidence.refused_again:
        return _by_rule(evidence, address)
    loopback = [one for one in here if one.address.startswith("127.") or one.address == "::1"]
    if loopback and not reached:
        return Finding(
            "loopback_only",
            f"the server in {target.name} listens on {_shown(loopback)} only, which nobody else can reach",
            "Let it listen on all addresses; a MySQL server with bind-address=* in its configuration, or as an argument"
            " --bind-address=* of its container.",
            passing=target.health == "starting",
        )
    if here and not reached:
        return Finding(
            "other_address_only",
            f"the server in {target.name} listens on {_shown(here)} only, and {source.name} connects to {address}",
            "Let it listen on all addresses, or use a name of that address's network.",
        )
    if _is_local_only(evidence):
        return Finding(
            "skip_networking",
            f"{address} refuses connections to port {port}: the server in {target.name} listens on"
            f" {', '.join(evidence.sockets)} only, which nobody outside of the container can reach",
            "Start it without skip-networking: take the option out of its configuration, or --skip-networking out of"
            " the arguments of its container.",
        )
    # A server that listens has initialised; where that cannot be seen, its process alone must do. MySQL opens the port
    # of its X Protocol a moment before the other one.
    listens = any(one.port != _X_PROTOCOL for one in evidence.listeners or ())
    unborn = not listens and any(one in _SERVERS for one in evidence.processes)
    if target.health == "starting" or unborn or reached:
        why = _why_starting(target, bool(reached))
        return Finding(
            "server_starting",
            f"{address} refuses {_what(evidence)} to port {port} of {target.name} so far: {why}",
            "Wait longer with the option timeout.",
            (remedies.check_again(evidence.check, timeout=max(120, 2 * evidence.check.timeout)),),
        )
    return Finding(
        "port_closed",
        f"{address} refuses {_what(evidence)} to port {port}: nothing in {target.name} listens there"
        f"{_listening(evidence)}",
        "Correct the port, or start the server.",
        _other_port(evidence),
    )


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
        return _rejected(evidence, f"they are refused, although {target.name} listens on {shown}")
    return Finding(
        "other_address_only",
        f"the server in {target.name} listens on {shown} and refuses {address} even to {target.name} itself: it listens"
        " for IPv6 only, or a rule in the container rejects IPv4",
        "Let it listen for IPv4 as well. If it does, look for rules in the network of the container.",
    )


def _rejected(evidence: Evidence, why: str) -> Finding:
    return Finding(
        "rejected",
        f"a firewall rule rejects {_what(evidence)} to port {evidence.check.port}: {why}",
        "Look for rules that reject packets: on the host (iptables -S DOCKER-USER, firewalld, ufw), and in the networks"
        " of the two containers.",
    )


def _what(evidence: Evidence) -> str:
    return "datagrams" if evidence.check.protocol == "udp" else "connections"


def _why_starting(target: Peer, listens: bool) -> str:
    if listens:
        return "it listens by now"
    if target.health == "starting":
        return "its healthcheck has not passed yet"
    return "the server is initialising"


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
    place = f"port {evidence.check.port} of {address}"
    way = taken_path(evidence, address)
    if way and way.kind == "published_port" and _only_internal(evidence):
        return Finding(
            "internal_network",
            f"{source.name} is on internal networks only, which lead nowhere outside, and {address} is outside:"
            f" {_names(source)}",
            f"Attach {source.name} to a network of {target.name}.",
            (remedies.attach(next(iter(target.networks)), source.owner.name),) if target.networks else (),
        )
    network = evidence.networks.get(way.network) if way else None
    if network and failure == "timeout" and network.options.get("com.docker.network.bridge.enable_icc") == "false":
        return Finding(
            "icc_disabled",
            f"the network {network.name} forbids its containers to talk to each other (enable_icc is false), so that"
            f" nothing comes back from {place}",
            f"Attach both to a network that allows it, and detach {source.name} from {network.name}, so that the names"
            " lead over the other one.",
            (on_new_network(evidence), remedies.detach(network.name, source.owner.name)),
        )
    if failure == "timeout":
        return _silent(evidence, address)
    if failure == "prohibited":
        return _rejected(evidence, f"they are answered with '{text.splitlines()[-1] if text else failure}'")
    if failure == "no_route" and leads_to(evidence.seen, address):
        return _rejected(
            evidence, f"they are answered as if there were no route, but there is one, and {address} is alive"
        )
    return Finding(
        "no_route",
        f"{source.name} finds no way to {place}: {text or failure}",
        f"Look at the routes in {source.name} (ip route), and whether {target.name} was replaced just now.",
    )


def _silent(evidence: Evidence, address: str) -> Finding:
    """No answer at all. To a datagram, that says something only where nothing listens."""
    _source, target = evidence.ends
    place = f"port {evidence.check.port} of {address}"
    udp = evidence.check.protocol == "udp"
    listens = _shown(_reached(evidence, address))
    if udp and (listens or evidence.listeners is None):
        what = f"{target.name} listens on {listens}" if listens else "whether anything listens cannot be seen"
        return Finding(
            "unanswered",
            f"{place} does not answer a datagram, which proves nothing: {what}, and a server may have taken it"
            " and kept silent, or a rule may have dropped it",
            f"Look whether the server in {target.name} got it (its log). Where it has a TCP port too, check that.",
        )
    silent = (
        f"{place} is silent, although nothing listens there, which {target.name} would answer"
        if udp
        else f"{place} neither accepts nor refuses the connection"
    )
    return Finding(
        "no_answer",
        f"{silent}: packets are lost, as with a firewall",
        "Look for rules that drop packets: the chain DOCKER-USER on the host, and rules in the containers.",
    )


def _only_internal(evidence: Evidence) -> bool:
    source, _target = evidence.ends
    return bool(source.networks) and all(
        name in evidence.networks and evidence.networks[name].internal for name in source.networks
    )


def _names(peer: Peer) -> str:
    return f"{peer.name} is on {', '.join(sorted(peer.networks))}"
