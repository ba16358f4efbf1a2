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
from .finding import Finding, Tasks, found, on_new_network
from .own_addresses import is_on_machine, own_addresses
from .spec import is_address

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .._model.state import ContainerState
    from .probe_answer import ProbeAnswer

Json = t.Any

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
    if source.mode == "host":
        again = [remedies.check_again(evidence.check, host=address) for address in target.addresses[:1]]
        return found(evidence, "source_host_network", *again)
    if target.mode == "host":
        return found(evidence, "target_host_network")
    if any(evidence.name in way.names for way in paths(evidence)):
        lost = _resolver_lost(evidence, answer)
        return lost or found(evidence, "name_not_resolved", way=taken_path(evidence))
    if target.borrowed and evidence.name in (target.name.lower(), target.container.short_id):
        again = [remedies.check_again(evidence.check, host=target.owner.name)]
        return found(evidence, "target_without_name", *again)
    return _unknown(evidence)


def _resolver_lost(evidence: Evidence, answer: ProbeAnswer) -> Finding | None:
    owner = evidence.ends[0].owner
    named = any(name != BRIDGE and end.endpoint_id for name, end in evidence.ends[0].networks.items())
    if not named or ENGINE_RESOLVER in answer.resolvers:
        return None
    if any(mount.get("Destination") == "/etc/resolv.conf" for mount in owner.raw.get("Mounts") or ()):
        return found(evidence, "resolver_lost/mounted")
    return found(evidence, "resolver_lost", remedies.docker("restart", owner.name))


def _unknown(evidence: Evidence) -> Finding:
    source, target = evidence.ends
    host, names = evidence.host, known_names(evidence)
    network = next((name for name in live_common(source, target) if name != BRIDGE), "")
    if network:
        # With a dot at its end, an alias is none that the engine's resolver finds.
        alias = host.removesuffix(".")
        advice = f"Use one of its names as host, or give {target.name} the alias {alias}."
        aliases = target.networks[network].settings.aliases or ()
        tasks: Tasks = (remedies.set_aliases(network, target.owner.name, {*aliases, alias}),)
    elif names:
        advice, tasks = "Use one of its names as host.", _under_own_name(evidence)
    else:
        advice = "Attach both to a network of their own: the default bridge has no names."
        tasks = (on_new_network(evidence),)
    meant, shown = did_you_mean(evidence.name, names), ", ".join(names) or "none"
    return found(evidence, "name_unknown", *tasks, meant=meant, names=shown, advice=advice)


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
    host, own, shown = evidence.host, ", ".join(target.addresses), ", ".join(others)
    if _is_itself(source, others):
        shadowed = _by_hosts_file(evidence, answer, others) if evidence.name in known_names(evidence) else None
        return shadowed or _other_name(evidence, f"is {source.name} itself ({shown}), not {target.name}")
    if is_address(host):
        what = f"is {_who(evidence, others)}, not an address of {target.name} ({own})"
        return _other_name(evidence, what, f"Use a name or an address of {target.name} as host.")
    resolves = f"resolves in {source.name} to {shown}, which is"
    return (
        _by_hosts_file(evidence, answer, others)
        or _by_network_link(evidence, others)
        or _by_others(evidence, others)
        or _on_machine(evidence, others, f"{resolves} no address of {target.name} ({own or 'none'})")
        or _other_name(evidence, f"{resolves} {_who(evidence, others)}, not to {target.name} ({own})")
    )


def _other_name(evidence: Evidence, what: str, advice: str = "") -> Finding:
    names = ", ".join(known_names(evidence)) or "none yet"
    advice = advice or f"Use a name of {evidence.ends[1].name} as host: {names}."
    return found(evidence, "resolves_elsewhere", *_under_own_name(evidence), what=what, advice=advice)


def _is_itself(peer: Peer, addresses: Iterable[str]) -> bool:
    return all(one in peer.addresses or ipaddress.ip_address(one).is_loopback for one in addresses)


def _on_machine(evidence: Evidence, others: list[str], what: str) -> Finding | None:
    """A name, perhaps of the machine: what it leads to may as well be another machine, which gets no password."""
    if evidence.check.protocol != "mysql" or not is_on_machine(evidence):
        return None
    what += ". Whether it is one of the machine's, the engine does not tell"
    advice = f"If {others[0]} is the machine, give it as host: no login is sent to an address that only a name led to."
    again = remedies.check_again(evidence.check, host=others[0])
    return found(evidence, "resolves_elsewhere", again, what=what, advice=advice)


def _by_hosts_file(evidence: Evidence, answer: ProbeAnswer, others: list[str]) -> Finding | None:
    source, _target = evidence.ends
    host = evidence.name
    lines = [(a, names) for a, names in answer.hosts if a in others and host in (name.lower() for name in names)]
    if not lines:
        return None
    address, names = lines[0]
    for link, live in legacy_links(evidence):
        if not live and host in (link.alias.lower(), link.target.lower()):
            return found(evidence, "link_stale", remedies.renew_link(source.owner.name, link), link=link)
    container = source.owner
    # The target's host name follows the alias. An extra host, or what somebody wrote, rarely has a second name.
    first = names[0].lower() if len(names) > 1 else ""
    made_by = [one for one in container.legacy_links if one.alias.lower() == first][:1]
    advice = f"Remove the line (an extra host of {container.name}, or an edit)"
    if made_by:
        advice = "Remove the legacy link that made it"
    elif host == container.hostname.lower():
        advice = f"Create {container.name} again with another hostname than {container.hostname}"
    tasks = [remedies.remove_link(container.name, link) for link in made_by] or _under_another_name(evidence)
    line, owner = f"{address} {' '.join(names)}", _who(evidence, [address])
    return found(evidence, "hosts_entry_shadows", *tasks, line=line, owner=owner, advice=advice)


def _by_network_link(evidence: Evidence, others: list[str]) -> Finding | None:
    source, target = evidence.ends
    for network in source.networks:
        for link in links_on(source, network):
            if link.alias.lower() == evidence.name and not leads_to(link, target):
                rest = [one for one in links_on(source, network) if one != link]
                task = remedies.set_links(network, source.owner.name, rest)
                facts: Json = {"network": network, "link": link, "others": ", ".join(others)}
                return found(evidence, "network_link_shadows", task, **facts)
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
            tasks = _without(holders[0], network, host)
            facts: Json = {"network": network, "holders": who, "addresses": ", ".join(evidence.seen.addresses)}
            return found(evidence, "alias_shared", *tasks, **facts)
        return _other_name(evidence, f"on {network} is a name of {who} ({', '.join(others)}), not of {target.name}")
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
    return f"{' and '.join(found)}" if found else "the address of no container on its networks"
