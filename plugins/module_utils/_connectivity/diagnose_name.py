# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Why a host does not resolve in the source to the target. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from .._errors import did_you_mean
from . import remedies
from .evidence import BRIDGE, Evidence, Peer, leads_to, legacy_links, links_on, live_common, names_on, paths, taken_path
from .finding import Finding, Tasks, on_new_network
from .own_addresses import is_on_machine, own_addresses
from .spec import is_address

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .._model.state import ContainerState
    from .probe_answer import ProbeAnswer

ENGINE_RESOLVER = "127.0.0.11"


def diagnose_name(evidence: Evidence) -> Finding | None:
    """Return why the host does not resolve, or to what else than the target; None if it is right."""
    answer = evidence.seen
    if not answer.addresses:
        return _unresolved(evidence, answer)
    if evidence.check.protocol == "mysql":
        # A login went to none of the others.
        own: Collection[str] = own_addresses(evidence)
    elif any(way.kind in ("host", "shared_namespace", "published_port") for way in paths(evidence)):
        return None
    else:
        own = evidence.ends[1].addresses
    others = [address for address in answer.addresses if address not in own]
    return _elsewhere(evidence, answer, others) if others else None


def known_names(evidence: Evidence) -> list[str]:
    """Return what the source may call the target, without the forms with a network's name."""
    names = {name for way in paths(evidence) for name in way.names}
    _source, target = evidence.ends
    endings = tuple(f".{network.lower()}" for network in target.networks)
    return sorted(name for name in names if not name.endswith(endings) and name != target.owner.short_id)


def _unresolved(evidence: Evidence, answer: ProbeAnswer) -> Finding:
    source, target = evidence.ends
    host = evidence.host
    expected = any(evidence.name in way.names for way in paths(evidence))
    if source.mode == "host":
        address = next(iter(target.addresses), "")
        return Finding(
            "source_host_network",
            f"{source.name} uses the network of its host, which does not know the name {host}",
            f"Use the address of {target.name} as host, or run {source.name} on a network of {target.name}.",
            (remedies.check_again(evidence.check, host=address),) if address else (),
        )
    if target.mode == "host":
        return Finding(
            "target_host_network",
            f"{target.name} uses the network of its host, so no network has the name {host}",
            f"Use an address of the machine as host (from {source.name}, the gateway of its network), or run"
            f" {target.name} on a network of {source.name}.",
        )
    if expected and _resolver_lost(source, answer):
        return _lost(source, answer)
    if expected:
        return Finding(
            "name_not_resolved",
            f"{host} is a name of {target.name} on {taken_path(evidence)}, but it does not resolve in {source.name}"
            f" (name servers there: {', '.join(answer.resolvers) or 'none'})",
            f"Wait if {target.name} was attached just now; else look at /etc/hosts and /etc/resolv.conf of"
            f" {source.name}.",
        )
    if target.borrowed and evidence.name in (target.name.lower(), target.container.short_id):
        return Finding(
            "target_without_name",
            f"{target.name} has no network of its own, and so no name on any: it uses the network of"
            f" {target.owner.name}",
            f"Use {target.owner.name} as host.",
            (remedies.check_again(evidence.check, host=target.owner.name),),
        )
    return _unknown(evidence)


def _resolver_lost(source: Peer, answer: ProbeAnswer) -> bool:
    on_names = any(name != BRIDGE and end.endpoint_id for name, end in source.networks.items())
    return on_names and ENGINE_RESOLVER not in answer.resolvers


def _lost(source: Peer, answer: ProbeAnswer) -> Finding:
    mounted = any(mount.get("Destination") == "/etc/resolv.conf" for mount in source.owner.raw.get("Mounts") or ())
    asked = ", ".join(answer.resolvers) or "none"
    what = f"{source.name} does not ask the engine's resolver {ENGINE_RESOLVER} any more (name servers there: {asked})"
    if mounted:
        return Finding(
            "resolver_lost",
            f"{what}: a file is mounted over its /etc/resolv.conf",
            f"Recreate {source.name} without that mount.",
        )
    return Finding(
        "resolver_lost",
        f"{what}. This happens when a legacy link is removed while its source is on the default bridge and on another"
        " network",
        f"Restart {source.owner.name}.",
        (remedies.docker("restart", source.owner.name),),
    )


def _unknown(evidence: Evidence) -> Finding:
    source, target = evidence.ends
    host, names = evidence.host, known_names(evidence)
    networks = [name for name in live_common(source, target) if name != BRIDGE]
    # With a dot at its end, an alias is none that the engine's resolver finds.
    alias = host.removesuffix(".")
    advice = f"Use one of its names as host, or give {target.name} the alias {alias}."
    if networks:
        aliases = target.networks[networks[0]].settings.aliases or ()
        tasks: Tasks = (remedies.set_aliases(networks[0], target.owner.name, {*aliases, alias}),)
    elif names:
        advice = "Use one of its names as host."
        tasks = _under_own_name(evidence)
    else:
        advice = "Attach both to a network of their own: the default bridge has no names."
        tasks = (on_new_network(evidence),)
    return Finding(
        "name_unknown",
        f"{target.name} has no name {host}{did_you_mean(evidence.name, names)} where {source.name} can see it; its"
        f" names there are {', '.join(names) or 'none'}",
        advice,
        tasks,
    )


def _under_own_name(evidence: Evidence) -> Tasks:
    """Return the check under a name that the target does have, its own rather than an alias."""
    _source, target = evidence.ends
    names = known_names(evidence)
    own = target.owner.name.lower()
    if not names:
        return ()
    return (remedies.check_again(evidence.check, host=own if own in names else names[0]),)


def _under_another_name(evidence: Evidence) -> Tasks:
    """Return the check under a name of the target that is not the one asked for; under its address if it has none."""
    source, target = evidence.ends
    names = [name for name in known_names(evidence) if name != evidence.name]
    names += [target.networks[network].ipv4 for network in live_common(source, target)]
    return (remedies.check_again(evidence.check, host=names[0]),) if names else ()


def _elsewhere(evidence: Evidence, answer: ProbeAnswer, others: list[str]) -> Finding:
    """The host resolves to at least one address that is not the target's. The order is that of a resolver."""
    source, target = evidence.ends
    host = evidence.host
    other_name = f"Use a name of {target.name} as host: {', '.join(known_names(evidence)) or 'none yet'}."
    if _is_itself(source, others):
        shadowed = _by_hosts_file(evidence, answer, others) if evidence.name in known_names(evidence) else None
        return shadowed or Finding(
            "resolves_elsewhere",
            f"{host} is {source.name} itself ({', '.join(others)}), not {target.name}",
            other_name,
            _under_own_name(evidence),
        )
    if is_address(host):
        owner = _who(evidence, others)
        return Finding(
            "resolves_elsewhere",
            f"{host} is {owner}, not an address of {target.name} ({', '.join(target.addresses)})",
            f"Use a name or an address of {target.name} as host.",
            _under_own_name(evidence),
        )
    return (
        _by_hosts_file(evidence, answer, others)
        or _by_network_link(evidence, others)
        or _by_others(evidence, others)
        or _on_machine(evidence, others)
        or Finding(
            "resolves_elsewhere",
            f"{host} resolves in {source.name} to {', '.join(others)}, which is {_who(evidence, others)}, not to"
            f" {target.name} ({', '.join(target.addresses)})",
            other_name,
            _under_own_name(evidence),
        )
    )


def _is_itself(peer: Peer, addresses: Iterable[str]) -> bool:
    return all(one in peer.addresses or ipaddress.ip_address(one).is_loopback for one in addresses)


def _on_machine(evidence: Evidence, others: list[str]) -> Finding | None:
    """A name, perhaps of the machine: what it leads to may as well be another machine, which gets no password."""
    source, target = evidence.ends
    if evidence.check.protocol != "mysql" or not is_on_machine(evidence):
        return None
    return Finding(
        "resolves_elsewhere",
        f"{evidence.host} resolves in {source.name} to {', '.join(others)}, which is no address of {target.name}"
        f" ({', '.join(target.addresses) or 'none'}). Whether it is one of the machine's, the engine does not tell",
        f"If {others[0]} is the machine, give it as host: no login is sent to an address that only a name led to.",
        (remedies.check_again(evidence.check, host=others[0]),),
    )


def _by_hosts_file(evidence: Evidence, answer: ProbeAnswer, others: list[str]) -> Finding | None:
    source, target = evidence.ends
    host = evidence.name
    lines = [(a, names) for a, names in answer.hosts if a in others and host in (name.lower() for name in names)]
    if not lines:
        return None
    address, names = lines[0]
    line = f"the line '{address} {' '.join(names)}' of its hosts file"
    for link, live in legacy_links(evidence):
        if not live and host in (link.alias.lower(), link.target.lower()):
            return Finding(
                "link_stale",
                f"{source.name} takes {host} from {line}: its legacy link leads to a container that {target.name} has"
                f" replaced. Nothing can be executed in {source.name}, and it cannot be restarted",
                "Renew the link, which replaces the source by a container with the same configuration and volumes.",
                (remedies.renew_link(source.owner.name, link),),
            )
    found = next((one for one in source.owner.legacy_links if one.alias.lower() in (n.lower() for n in names)), None)
    owner = source.owner
    if found:
        advice = "Remove the legacy link that made it"
    elif host == owner.hostname.lower():
        advice = f"Create {owner.name} again with another hostname than {owner.hostname}"
    else:
        advice = f"Remove the line (an extra host of {owner.name}, or an edit)"
    return Finding(
        "hosts_entry_shadows",
        f"{source.name} takes {host} from {line}, which wins over the names of networks; that is"
        f" {_who(evidence, [address])}, not {target.name}",
        f"{advice}, or use another name of {target.name}, or its address.",
        (remedies.remove_link(owner.name, found),) if found else _under_another_name(evidence),
    )


def _by_network_link(evidence: Evidence, others: list[str]) -> Finding | None:
    source, target = evidence.ends
    host = evidence.name
    for network in source.networks:
        for link in links_on(source, network):
            if link.alias.lower() == host and not leads_to(link, target):
                rest = [one for one in links_on(source, network) if one != link]
                return Finding(
                    "network_link_shadows",
                    f"{source.name} has a link on {network} that leads {link.alias} to {link.target}"
                    f" ({', '.join(others)}), which wins over the names of {target.name}",
                    f"Remove that link, or use another name of {target.name}.",
                    (remedies.set_links(network, source.owner.name, rest),),
                )
    return None


def _by_others(evidence: Evidence, others: list[str]) -> Finding | None:
    """Other containers have the name, as an alias or as their own."""
    source, target = evidence.ends
    host = evidence.name
    for network in source.networks:
        holders = [one for one in evidence.others if host in names_on(one, network)]
        if not holders:
            continue
        who = " and ".join(one.name for one in holders)
        if any(host in way.names for way in paths(evidence)):
            return Finding(
                "alias_shared",
                f"{host} on {network} is a name of {target.name} and of {who}, so it resolves to different containers"
                f" ({', '.join(evidence.seen.addresses)})",
                f"Use a name that only {target.name} has, or take the alias from the others.",
                _without(holders[0], network, host),
            )
        return Finding(
            "resolves_elsewhere",
            f"{host} on {network} is a name of {who} ({', '.join(others)}), not of {target.name}",
            f"Use a name of {target.name} as host: {', '.join(known_names(evidence)) or 'none yet'}.",
            _under_own_name(evidence),
        )
    return None


def _without(holder: ContainerState, network: str, host: str) -> Tasks:
    aliases = holder.endpoints[network].settings.aliases or ()
    rest = [alias for alias in aliases if alias.lower() != host]
    # The name itself, or the short ID, cannot be taken from a container.
    return (remedies.set_aliases(network, holder.name, rest),) if len(rest) < len(aliases) else ()


def _who(evidence: Evidence, addresses: Iterable[str]) -> str:
    source, _target = evidence.ends
    wanted = set(addresses)
    if _is_itself(source, wanted):
        return f"{source.name} itself"
    found = sorted(
        one.name for one in evidence.others if any(wanted & {end.ipv4, end.ipv6} for end in one.endpoints.values())
    )
    return f"{' and '.join(found)}" if found else "no container on its networks"
