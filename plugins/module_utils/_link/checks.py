# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What the engine would refuse, drop silently or hand over with a legacy link: told before anything changes. Pure."""

from __future__ import annotations

import typing as t

from .._engine.mask import looks_secret
from .._model.bridge import on_default_bridge
from .._model.hosts_lines import NAMES_OF_ALL
from .._model.legacy_links import NOT_HANDED_ON, engine_release
from .._plan.attach_checks import container_problems

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .._model.endpoint import Link
    from .._model.legacy_links import LegacyLink
    from .._model.state import ContainerState
    from .observe import LinkState
    from .spec import LinkSpec

_UP = ("running", "paused")
_WITHOUT_ENVIRONMENT = (29, 0)
_DEPRECATED = (29, 6)
_WITHOUT_LINKS = (30, 0)
_NETWORK_LINK = "name a network of your own (option network) to have a network link"


def legacy_problems(spec: LinkSpec, state: LinkState, *, starts: bool) -> Iterator[str]:
    """Say why the links of I(spec) are not possible as legacy links.

    Args:
        starts: whether the source is going to be started, so that all targets must run.
    """
    if engine_release(state.info) >= _WITHOUT_LINKS:
        yield f"Docker Engine {state.info.version} has no legacy links any more; {_NETWORK_LINK}"
        return
    if state.source is not None:
        yield from _source_problems(state.source)
    for link in spec.links:
        if link.alias in NAMES_OF_ALL:
            yield f"link {link}: every container has {link.alias} for itself; choose another alias"
    for ref in spec.targets:
        target = state.containers.get(ref)
        if target is not None:
            yield from _target_problems(target, starts=starts)


def _source_problems(source: ContainerState) -> Iterator[str]:
    mode = source.network_mode
    problems = list(container_problems(source))
    if problems:
        yield from problems
    elif mode not in ("default", "bridge"):
        yield (
            f"{source.name} was created on the network {mode}, and the engine silently drops the legacy links of such a"
            f" container; {_NETWORK_LINK}"
        )
    elif not on_default_bridge(source):
        yield (
            f"{source.name} is not on the bridge, where alone a legacy link works; attach it there first"
            f" (network_attach with network: bridge), or {_NETWORK_LINK}"
        )


def _target_problems(target: ContainerState, *, starts: bool) -> Iterator[str]:
    problems = list(container_problems(target))
    if problems:
        yield from problems
    elif not on_default_bridge(target):
        yield (
            f"the target {target.name} is not on the bridge, where alone a legacy link works; attach it there first"
            f" (network_attach with network: bridge, containers: [{target.name}]), or {_NETWORK_LINK}"
        )
    elif starts and target.status not in _UP:
        yield (
            f"the target {target.name} is {target.status}, and a container cannot start while the target of one of its"
            " legacy links does not run; start it first"
        )


# -- what the user should know ----------------------------------------------------------------------------------------


def new_link_warnings(source: str, links: Sequence[Link], state: LinkState) -> Iterator[str]:
    """Say what comes with new legacy links."""
    if not links:
        return
    release, version = engine_release(state.info), state.info.version
    if release >= _WITHOUT_ENVIRONMENT:
        yield (
            f"Docker Engine {version} sets no environment variables for a legacy link any more: {source} finds its"
            " targets by name alone, unless the daemon runs with DOCKER_KEEP_DEPRECATED_LEGACY_LINKS_ENV_VARS=1"
        )
    else:
        yield from _handed_over(source, links, state)
    if release >= _DEPRECATED:
        yield (
            f"legacy links are deprecated in Docker Engine {version}, and Engine 30 is announced to have none;"
            f" {_NETWORK_LINK}"
        )


def _handed_over(source: str, links: Iterable[Link], state: LinkState) -> Iterator[str]:
    for name, target in {state.containers[link.target].name: state.containers[link.target] for link in links}.items():
        entries = (target.raw.get("Config") or {}).get("Env") or ()
        names = sorted({entry.partition("=")[0] for entry in entries} - NOT_HANDED_ON)
        secret = [variable for variable in names if looks_secret(variable)]
        if secret:
            yield (
                f"the legacy link hands the environment of {name} to {source}, with what look like secrets:"
                f" {', '.join(secret)}. A network link hands nothing over."
            )
        elif names:
            yield f"the legacy link hands the environment of {name} to {source}. A network link hands nothing over."


def link_warnings(
    source: ContainerState, kept: Iterable[LegacyLink], wanted: Mapping[str, ContainerState]
) -> Iterator[str]:
    """Say what is wrong with links that stay as they are."""
    for link in kept:
        if link.target is None:
            yield (
                f"{source.name} cannot start again, nor can anything be executed in it: the target of its link {link}"
                " was removed. Name the link in links to fix it, or remove it (state: absent)."
            )
    targets = {**{link.alias: link.target for link in kept}, **wanted}
    for alias, target in targets.items():
        if target is not None and target.status not in _UP:
            yield (
                f"{target.name} is {target.status}: until it runs, {source.name} cannot start again, and nothing can be"
                f" executed in it, because of its link {target.name}:{alias}"
            )


def removal_warnings(source: ContainerState, gone: Sequence[LegacyLink]) -> Iterator[str]:
    """Say what becomes of links that are removed from a container which stays."""
    if gone:
        yield (
            f"the engine keeps {', '.join(map(str, gone))} in its files: when the daemon restarts, {source.name} has"
            f" {'it' if len(gone) == 1 else 'them'} again if a container of that name is there, until the source is"
            " recreated."
        )


def lost_link_warnings(source: ContainerState, lost: Iterable[LegacyLink]) -> Iterator[str]:
    for link in lost:
        yield (
            f"the link {link} of {source.name} is not carried over: its target was removed, and no container of that"
            " name is there to be linked to instead"
        )


def repairable(
    stale: Iterable[LegacyLink], state: LinkState, *, starts: bool
) -> tuple[dict[str, ContainerState], list[LegacyLink]]:
    """Return, by alias, the containers that have the names of removed targets now; and the links that have none."""
    found: dict[str, ContainerState] = {}
    lost = []
    for link in stale:
        target = state.containers.get(link.name)
        if target is None or list(_target_problems(target, starts=starts)):
            lost.append(link)
        else:
            found[link.alias] = target
    return found, lost
