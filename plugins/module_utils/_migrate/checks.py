# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What keeps containers from moving off their legacy links, and what the user should know before they do. Pure."""

from __future__ import annotations

import typing as t

from .._apply.replacement_checks import chosen_by_engine, replace_problems
from .._apply.restarting import restarts, restarts_text
from .._errors import did_you_mean
from .._model.bridge import DEFAULT_BRIDGE, network_meant, on_default_bridge
from .._model.default_route import default_route
from .._model.hosts_lines import link_lines, parse
from .._plan.attach_checks import container_problems, is_default_bridge, mac_problems
from .._plan.attach_names import as_resolved
from .._plan.plan import Disruption, Reattach
from .._plan.route_warnings import published_ports, what_moves
from .environment import environment_report

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._model.state import ContainerState
    from .groups import Group
    from .observe import MigrateState, Source
    from .spec import MigrateSpec

_GAP = "set name_gap: allowed, where the names do not resolve for a moment"


def problems(spec: MigrateSpec, state: MigrateState) -> Iterator[str]:
    """Say what is wrong with the task, or with one of its containers."""
    yield from state.journal.problems
    for ref in state.missing:
        yield f"container {ref} does not exist{did_you_mean(ref, state.known)}"
    network = next((net for net in state.networks.values() if spec.network and net.is_called(spec.network)), None)
    if network is not None and is_default_bridge(network):
        yield "network: names do not resolve on the default bridge; name a network of your own"
    linked = any(source.links for source in state.sources)
    if spec.network is not None and network is None and spec.create is None and linked:
        yield (
            f"network {spec.network} does not exist{network_meant(spec.network, state.networks)}."
            " To have it made, add 'create: {}'"
        )
    for source in state.sources:
        yield from _source_problems(source)


def _source_problems(source: Source) -> Iterator[str]:
    one = source.container
    if source.named or source.links:
        yield from container_problems(one)
    for link in source.links:
        if link.target is None and on_default_bridge(one):
            yield (
                f"the target of the link {link} of {one.name} was removed, so that the name leads nowhere; remove the"
                f" link first (linklab.docker.container_link with container: {one.name}, links: ['{link}'],"
                " state: absent)"
            )
        elif link.target is not None:
            yield from container_problems(link.target)
    for end in [one, *source.targets] if source.links else []:
        if restarts(end):
            yield f"{restarts_text(end)}; put right what makes it end, or stop it first"


def group_problems(spec: MigrateSpec, state: MigrateState, group: Group, groups: Sequence[Group]) -> Iterator[str]:
    """Say why a group of linked containers cannot move to its network."""
    yield from group.problems
    made = [one.network for one in groups if one.there is None]
    if group.there is None and len(made) > 1 and spec.create is not None and spec.create.subnets:
        yield (
            f"create: ipam has the subnets of one network, and {len(made)} are to be made ({', '.join(made)}); name one"
            " with the option network, or leave out ipam"
        )
    for source in group.sources:
        yield from _way_problems(spec, state, group, source)
        if spec.bake:
            yield from _bake_problems(group, source)
    if spec.leave_bridge:
        yield from _port_problems(spec, group)


def _way_problems(spec: MigrateSpec, state: MigrateState, group: Group, source: Source) -> Iterator[str]:
    """Say why the links of a running source cannot go while it runs."""
    one = source.container
    if spec.bake or not one.live:
        return
    yield from _line_problems(spec, group, source)
    needs_shell = not spec.gap_allowed or source.own_resolver
    otherwise = "stop it first" if spec.gap_allowed else _GAP
    if needs_shell:
        yield from (f"{text}; {otherwise}" for text in _crossing_names(source))
    if needs_shell and source.hosts and not set(group.members) & state.shells:
        why = (
            "it was on a network of its own already, where the engine leaves the lines of links in the hosts file"
            if spec.gap_allowed
            else "its names must resolve all the time"
        )
        yield (
            f"the hosts file of {one.name} has to be written from inside ({why}), and neither it nor a container that"
            f" it is linked with has a shell (/bin/sh); {otherwise}"
        )
    endpoint = one.endpoints.get(DEFAULT_BRIDGE)
    if endpoint is not None and needs_shell and not spec.leave_bridge:
        back = Reattach(
            "it leaves the bridge for a moment",
            Disruption.RECONNECT,
            one,
            DEFAULT_BRIDGE,
            DEFAULT_BRIDGE,
            endpoint.settings,
            endpoint,
        )
        yield from mac_problems([back], state.info)


def _line_problems(spec: MigrateSpec, group: Group, source: Source) -> Iterator[str]:
    """Say which lines of a hosts file, by hand or of extra hosts, would lead the names elsewhere without the links."""
    one = source.container
    made_by_links = {link.alias for link in source.links}
    for line in parse(source.hosts):
        if line.tagged or line.names == (one.hostname,) or any(line.is_link(alias) for alias in made_by_links):
            continue
        for link in source.links:
            ends = link.target.endpoints.items() if link.target is not None else ()
            known = {end.ipv4 for name, end in ends if not (spec.leave_bridge and name == DEFAULT_BRIDGE)}
            if as_resolved([link.alias]) & as_resolved(line.names) and line.address not in known:
                text = " ".join(line.text.split())
                yield (
                    f"the hosts file of {one.name} has the line '{text}', which would win over the"
                    f" name {link.alias} on {group.network}; remove it, or recreate {one.name} without it, if it is an"
                    " extra host"
                )


def _crossing_names(source: Source) -> Iterator[str]:
    """Say which aliases are also in the line of another link: such a name leads to two containers."""
    for link in source.links:
        for other in source.links:
            lines = [line for line in link_lines(source.hosts, other.alias) if not line.tagged]
            elsewhere = link.target is not None and other.target is not None and other.target.id != link.target.id
            if elsewhere and any(link.alias in line.names[1:] for line in lines):
                yield (
                    f"in the hosts file of {source.container.name}, {link.alias} is the alias of the link {link} and a"
                    f" name of {other} as well, so that it leads to two containers"
                )


def _bake_problems(group: Group, source: Source) -> Iterator[str]:
    if source.dependencies is None:
        return
    handled = frozenset(other.container.id for other in group.sources)
    dropped = frozenset(link.alias for link in source.links)
    yield from replace_problems(source.container, source.dependencies, handled=handled, dropped=dropped)
    if _is_in_circle(source, group):
        yield (
            f"{source.container.name} is linked in a circle, so that none of it can be recreated first; migrate with"
            " environment: report, and set the variables in its configuration yourself"
        )


def _is_in_circle(source: Source, group: Group) -> bool:
    by_id = {other.container.id: other for other in group.sources}
    seen: set[str] = set()
    left = [source]
    while left:
        for target in left.pop().targets:
            if target.id == source.container.id:
                return True
            if target.id in by_id and target.id not in seen:
                seen.add(target.id)
                left.append(by_id[target.id])
    return False


def _port_problems(spec: MigrateSpec, group: Group) -> Iterator[str]:
    net = group.there
    internal = _is_internal(spec, group)
    driver = net.driver if net is not None else (spec.create.driver if spec.create else None) or "bridge"
    if not internal and driver in ("bridge", "overlay"):
        return
    for one in group.members.values():
        published = published_ports(one)
        others = [end for name, end in one.endpoints.items() if name not in (DEFAULT_BRIDGE, group.network)]
        if published and on_default_bridge(one) and not others:
            yield (
                f"{one.name} publishes {', '.join(published)}, which is lost off the bridge: the network"
                f" {group.network} is {'internal' if internal else f'a {driver} network'}; set leave_bridge: false, or"
                " name a bridge network"
            )


def _is_internal(spec: MigrateSpec, group: Group) -> bool:
    return group.there.internal if group.there is not None else bool(spec.create and spec.create.internal)


# -- what the user should know ----------------------------------------------------------------------------------------


def warnings(spec: MigrateSpec, state: MigrateState, groups: Sequence[Group]) -> Iterator[str]:
    for group in groups:
        for source in group.sources:
            yield from _link_warnings(spec, source)
            if not spec.bake:
                yield from _environment_warnings(state, source)
        for one in group.members.values():
            if one.live and on_default_bridge(one):
                yield from _port_warnings(spec, state, group, one)
                if _leaves(spec, state, one):
                    yield from _route_warnings(spec, state, group, one)
            if spec.leave_bridge and not _leaves(spec, state, one):
                yield (
                    f"{one.name} stays on the bridge: a container that this task does not name has a legacy link to it"
                )


def _leaves(spec: MigrateSpec, state: MigrateState, one: ContainerState) -> bool:
    """Whether a container of a group leaves the bridge for good."""
    return spec.leave_bridge and one.id not in state.linked_elsewhere


def _link_warnings(spec: MigrateSpec, source: Source) -> Iterator[str]:
    """Say what the engine keeps of links that are removed."""
    if spec.bake:
        return
    names = ", ".join(map(str, source.links))
    begin = (
        f"the engine keeps {names} of {source.container.name} in its files and has it again when the daemon restarts"
    )
    if spec.leave_bridge:
        yield f"{begin}; off the bridge that has no effect. It is gone for good once the source is recreated."
    else:
        yield (
            f"{begin}, with all that comes with it, for as long as both are on the bridge. Run the task with"
            " leave_bridge: true once the connections over the bridge may end."
        )


def _environment_warnings(state: MigrateState, source: Source) -> Iterator[str]:
    report = environment_report(source.container, source.links, source.variables, state.info)
    count = len(report["variables"])
    if count:
        secrets = f", among them what look like secrets ({', '.join(report['secrets'])})" if report["secrets"] else ""
        yield (
            f"{source.container.name} has {count} environment variable{'' if count == 1 else 's'} from its links, which"
            f" it loses at its next restart{secrets}: {', '.join(report['variables'])}."
            " To keep them, set environment: bake."
        )


def _port_warnings(spec: MigrateSpec, state: MigrateState, group: Group, one: ContainerState) -> Iterator[str]:
    """Say which published ports get other numbers."""
    leaves = _leaves(spec, state, one)
    moves = leaves or any(
        source.container.id == one.id and (source.own_resolver or not spec.gap_allowed) for source in group.sources
    )
    chosen = chosen_by_engine(one)
    if chosen and moves:
        yield (
            f"the engine chose the host ports of {one.name} for {', '.join(chosen)}, and chooses others when it leaves"
            f" the bridge{'' if leaves else ' for a moment'}"
        )


def _route_warnings(spec: MigrateSpec, state: MigrateState, group: Group, one: ContainerState) -> Iterator[str]:
    """Say what becomes of the default route of a container that leaves the bridge."""
    internal = {net.name for net in state.networks.values() if net.internal}
    if _is_internal(spec, group):
        internal.add(group.network)
    others = [end for name, end in one.endpoints.items() if name != DEFAULT_BRIDGE and end.gateway]
    if group.network in internal and not [end for end in others if end.network not in internal]:
        yield f"{one.name} has no way out any more off the bridge: the network {group.network} is internal"
    elif default_route(one.endpoints.values(), internal) == DEFAULT_BRIDGE:
        yield f"{what_moves([one])} off the bridge with it"
