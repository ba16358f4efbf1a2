# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small model of the engine, as far as the way from legacy links to a network goes, and random link graphs for it.

It knows where a name leads: to what the hosts file says, then to a network link, then to whoever has the name on a
network. And it knows the traps: a resolver that is lost, a line that leads nowhere, a target that left too early.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement_checks import Dependencies
from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement_config import Sources
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NetworkSpec
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._migrate.groups import wanted_names
from ansible_collections.linklab.docker.plugins.module_utils._migrate.observe import MigrateState, Source, is_unfinished
from ansible_collections.linklab.docker.plugins.module_utils._migrate.spec import MigrateSpec
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from ansible_collections.linklab.docker.plugins.module_utils._model.hosts_lines import parse, redirected, tidy
from ansible_collections.linklab.docker.plugins.module_utils._model.legacy_links import LegacyLink
from ansible_collections.linklab.docker.plugins.module_utils._model.state import (
    ContainerState,
    Endpoint,
    Member,
    Network,
    Subnet,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach_names import (
    aliases_on,
    as_resolved,
    own_names,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.migrate_actions import (
    BakeEnvironment,
    ExchangeLinks,
    LeaveBridge,
    RedirectNames,
    RemoveLinks,
    TidyNames,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import (
    Action,
    Attach,
    CreateNetwork,
    Plan,
    Reattach,
)
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

INFO = EngineInfo("1.41", "20.10.24")
BRIDGE = Network("b0" * 32, "bridge", options={"com.docker.network.bridge.default_bridge": "true"})
NAMES = ("one", "two", "three", "four", "five")
ALIASES = ("db", "DB", "cache", "web", "one", "Two")


def ident(name: str) -> str:
    return name.encode().hex().ljust(64, "0")


def nothing(_action: Action) -> None:
    return


class World:
    """Containers, links and networks.

    Attributes:
        links: ID of the source and alias to ID of the target.
        lost: IDs of containers whose own resolver is lost until they restart.
    """

    def __init__(self, *containers: ContainerState, info: EngineInfo = INFO) -> None:
        self.info = info
        self.containers: dict[str, ContainerState] = {}
        self.links: dict[tuple[str, str], str] = {}
        self.hosts: dict[str, str] = {}
        self.resolver: set[str] = set()
        self.lost: set[str] = set()
        self.nets: dict[str, Network] = {"bridge": BRIDGE}
        self.made = 1
        for one in containers:
            self.add(one)

    # -- what there is ------------------------------------------------------------------------------------------------

    def add(self, one: ContainerState) -> ContainerState:
        self.containers[one.id] = one
        if one.live:
            self.hosts[one.id] = "127.0.0.1\tlocalhost\n"
            for end in one.endpoints.values():
                self.hosts[one.id] += f"{end.ipv4}\t{one.hostname}\n"
        if set(one.endpoints) - {"bridge"} and one.live:
            self.resolver.add(one.id)
        return one

    def container(self, name: str, status: str = "running", **fields: t.Any) -> ContainerState:
        key = ident(name)
        config = {"Env": fields.pop("env", []), "ExposedPorts": fields.pop("ports", {})}
        raw = {"Image": f"sha256:{name}", "Config": config, "HostConfig": fields.pop("host", {}), "State": {"Pid": 7}}
        hostname = fields.pop("hostname", key[:12])
        ends = {"bridge": self._endpoint("bridge", EndpointSettings(), live=status != "exited")}
        return self.add(ContainerState(key, name, status, hostname, endpoints=ends, raw=raw, **fields))

    def link(self, source: str, target: str, alias: str) -> None:
        one, other = self.containers[ident(source)], self.containers[ident(target)]
        self.links[one.id, alias] = other.id
        texts = tuple(Link(self.containers[to].name, name) for (of, name), to in self.links.items() if of == one.id)
        self.containers[one.id] = replace(one, legacy_links=texts)
        if one.live and "bridge" in one.endpoints:
            address = other.endpoints["bridge"].ipv4 or "172.17.0.250"
            self.hosts[one.id] += f"{address}\t{alias} {other.hostname} {other.name}\n"

    def network(self, name: str, **fields: t.Any) -> Network:
        self.made += 1
        subnets = (Subnet(f"10.{self.made}.0.0/16", f"10.{self.made}.0.1"),)
        self.nets[name] = replace(Network(f"{self.made:064x}", name, subnets=subnets), **fields)
        return self.nets[name]

    def join(self, name: str, network: str, **settings: t.Any) -> None:
        """Attach a container to a network, as somebody else may have done."""
        self._connect(self.containers[ident(name)], network, EndpointSettings(**settings))

    # -- what the module sees -----------------------------------------------------------------------------------------

    def state(self, spec: MigrateSpec, **seen: t.Any) -> MigrateState:
        sources = []
        for one in self.containers.values():
            source = self.source(one, spec, **seen)
            if spec.containers is not None and not source.named:
                continue
            if source.links or source.named or is_unfinished(source, spec):
                sources.append(source)
        mine = {source.container.id for source in sources}
        nets = {name: replace(net, members=self._members(name)) for name, net in self.nets.items()}
        known = [one.name for one in self.containers.values()]
        return MigrateState(
            info=self.info,
            sources=tuple(sources),
            containers=dict(self.containers),
            linked_elsewhere=frozenset(to for (of, _alias), to in self.links.items() if of not in mine),
            networks=nets,
            members={
                name: frozenset(one.id for one in self.containers.values() if name in one.endpoints) for name in nets
            },
            shells=frozenset(self.containers),
            missing=tuple(ref for ref in spec.containers or () if ref not in known),
            known=tuple(known),
        )

    def source(self, one: ContainerState, spec: MigrateSpec, variables: frozenset[str] | None = None) -> Source:
        found = [(alias, to) for (of, alias), to in self.links.items() if of == one.id]
        links = tuple(LegacyLink(alias, self._name(to), self.containers.get(to)) for alias, to in found)
        return Source(
            one,
            links,
            named=any(one.is_called(ref) for ref in spec.containers or ()),
            own_resolver=one.id in self.resolver,
            hosts=self.hosts.get(one.id, ""),
            variables=variables,
            dependencies=Dependencies((20, 10), Sources({}), frozenset(self.nets), (), links) if spec.bake else None,
        )

    def _name(self, key: str) -> str:
        return self.containers[key].name if key in self.containers else "gone"

    def _members(self, network: str) -> dict[str, Member]:
        return {
            one.id: Member(one.name, end.endpoint_id, end.ipv4)
            for one in self.containers.values()
            if one.live and (end := one.endpoints.get(network)) is not None
        }

    # -- where names lead ---------------------------------------------------------------------------------------------

    def wanted(self, spec: MigrateSpec) -> dict[tuple[str, str], str]:
        """Return where each name of each source leads: ID of the source and name to ID of the target."""
        state = self.state(spec)
        return {
            (source.container.id, name): target.id for source in state.sources for name, target in wanted_names(source)
        }

    def resolve(self, key: str, name: str) -> str | None:
        """Return the ID of the container that a running container reaches under a name, if there is just one."""
        one = self.containers[key]
        for line in self.hosts[key].splitlines():
            fields = line.partition("#")[0].split()
            if name in fields[1:]:
                return self._at(one, fields[0])
        return self.resolve_by_network(key, name)

    def resolve_by_network(self, key: str, name: str) -> str | None:
        """The same without the hosts file, as after a restart."""
        one = self.containers[key]
        if key in self.lost:
            return None
        nets = sorted(set(one.endpoints) - {"bridge"})
        for net in nets:
            for link in one.endpoints[net].settings.links or ():
                if link.alias == name:
                    return next((other.id for other in self._on(net) if other.is_called(link.target)), None)
        for net in nets:
            have = {
                other.id
                for other in self._on(net)
                if as_resolved([name]) & as_resolved(own_names(other) | aliases_on(other, net))
            }
            if have:
                return have.pop() if len(have) == 1 else None
        return None

    def _on(self, network: str) -> list[ContainerState]:
        return [one for one in self.containers.values() if network in one.endpoints]

    def _at(self, one: ContainerState, address: str) -> str | None:
        for net in one.endpoints:
            for other in self._on(net):
                if other.endpoints[net].ipv4 == address:
                    return other.id
        return None

    # -- what the steps do --------------------------------------------------------------------------------------------

    def apply(self, plan: Plan, after: Callable[[Action], None] = nothing) -> None:
        """Carry a plan out; I(after) is called after each step."""
        steps: dict[type[Action], Callable[[t.Any], None]] = {
            CreateNetwork: lambda action: self.network(action.network.name) and None,
            Attach: self._attach,
            Reattach: self._attach,
            RedirectNames: self._redirect,
            RemoveLinks: self._remove_links,
            ExchangeLinks: self._exchange,
            LeaveBridge: self._leave,
            TidyNames: lambda action: self._tidy(action.container.id, ()),
            BakeEnvironment: self._bake,
        }
        for action in plan.actions:
            steps[type(action)](action)
            after(action)

    def _set(self, one: ContainerState) -> None:
        self.containers[one.id] = one

    def _endpoint(self, network: str, settings: EndpointSettings, *, live: bool) -> Endpoint:
        self.made += 1
        if not live:
            return Endpoint(network, settings=settings)
        prefix = "172.17.0" if network == "bridge" else f"10.9{list(self.nets).index(network)}.0"
        address, gateway = f"{prefix}.{self.made}", f"{prefix}.1"
        return Endpoint(network, self.nets[network].id, f"e{self.made}", settings, ipv4=address, gateway=gateway)

    def _connect(self, one: ContainerState, network: str, settings: EndpointSettings) -> None:
        end = self._endpoint(network, settings, live=one.live)
        self._set(replace(one, endpoints={**one.endpoints, network: end}))
        if one.live:
            self.resolver.add(one.id)
            self.hosts[one.id] += f"{end.ipv4}\t{one.hostname}\n"

    def _attach(self, action: Attach | Reattach) -> None:
        one = self.containers[action.container.id]
        assert isinstance(action, Reattach) == (action.network in one.endpoints)
        self._connect(one, action.network, action.settings)

    def _redirect(self, action: RedirectNames) -> None:
        found = {}
        for alias, key in action.targets.items():
            end = self.containers[key].endpoints.get(action.network)
            if end is not None and end.ipv4:
                found[alias] = end.ipv4
        key = action.container.id
        self.hosts[key] = redirected(self.hosts[key], found)

    def _remove_links(self, action: RemoveLinks) -> None:
        one = self.containers[action.container.id]
        # Without the way around the bridge, its resolver would be lost.
        self._unlink(one.id, action.targets)
        self._tidy(one.id, tuple(action.targets))

    def _unlink(self, key: str, aliases: Iterable[str]) -> None:
        for alias in aliases:
            del self.links[key, alias]
        self._set(replace(self.containers[key], legacy_links=()))

    def _exchange(self, action: ExchangeLinks) -> None:
        for exchanged in action.sources:
            key = exchanged.attach.container.id
            if key in self.resolver:
                self.lost.add(key)
            self._unlink(key, exchanged.targets)
            for alias in exchanged.targets:
                kept = (line.text for line in parse(self.hosts[key]) if not line.is_link(alias))
                self.hosts[key] = "".join(kept)
        for exchanged in action.sources:
            self._attach(exchanged.attach)

    def _leave(self, action: LeaveBridge) -> None:
        one = self.containers[action.container.id]
        self._set(replace(one, endpoints={name: end for name, end in one.endpoints.items() if name != "bridge"}))
        if not action.attached:
            self._tidy(one.id, ())

    def _bake(self, action: BakeEnvironment) -> None:
        one = self.containers[action.container.id]
        assert not any(to == one.id for to in self.links.values()), "the link of another would lead nowhere"
        self._unlink(one.id, [alias for (of, alias) in list(self.links) if of == one.id])
        ends = {name: end for name, end in one.endpoints.items() if name != "bridge" or not action.leave_bridge}
        fresh = replace(one, endpoints=ends, legacy_links=())
        self.add(fresh)
        if action.network not in ends:
            self._connect(fresh, action.network, action.settings)

    def _tidy(self, key: str, aliases: tuple[str, ...]) -> None:
        one = self.containers[key]
        if one.live:
            addresses = [end.ipv4 for end in one.endpoints.values()]
            self.hosts[key] = tidy(self.hosts[key], aliases, one.hostname, addresses)


# -- random link graphs -----------------------------------------------------------------------------------------------


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw containers of any status, linked in any way, some of them on a network already."""
    world = World()
    for name in NAMES:
        hostname = draw(st.sampled_from([ident(name)[:12], "host", name]))
        world.container(name, draw(st.sampled_from(["running", "running", "paused", "exited"])), hostname=hostname)
    edges = draw(
        st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(ALIASES)), max_size=8)
    )
    seen = set()
    for source, target, alias in edges:
        if source != target and (source, alias) not in seen:
            seen.add((source, alias))
            world.link(source, target, alias)
    if draw(st.booleans()):
        world.network("backend")
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3)):
            aliases = draw(st.lists(st.sampled_from(ALIASES), unique=True, max_size=1))
            world.join(name, "backend", aliases=tuple(aliases))
    return world


@st.composite
def specs(draw: st.DrawFn, gap: bool | None = None) -> MigrateSpec:
    return MigrateSpec(
        containers=draw(st.none() | st.lists(st.sampled_from(NAMES), unique=True).map(tuple)),
        network=draw(st.sampled_from([None, "backend"])),
        create=NetworkSpec("x"),
        gap_allowed=draw(st.booleans()) if gap is None else gap,
        leave_bridge=draw(st.booleans()),
    )
