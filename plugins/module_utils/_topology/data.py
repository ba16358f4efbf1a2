# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Which data a container's successor does not see any more, since something else is mounted in its place. Pure."""

from __future__ import annotations

import shlex
import typing as t

from .._apply.replacement_config import create_body
from .._compose.container_successor import successor_config
from .._compose.items import Volume, mounted
from .._compose.values import clean

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from .._apply.replacement_config import Sources
    from .._compose.container import ContainerSpec
    from .._model.state import ContainerState
    from .containers import ContainerChange
    from .state import TopologyState

Json = t.Any
Mounts = dict[str, Volume]


def data_left_behind(changes: Iterable[ContainerChange], state: TopologyState, used: Collection[str]) -> Iterator[str]:
    """Say which volumes and folders the successors do not have, and how to bring over what is in them.

    Args:
        used: names of the volumes that the topology mounts.
    """
    for change in changes:
        dependencies = state.dependencies.get(change.desired.name)
        if change.container is None or dependencies is None or dependencies.sources is None:
            continue
        image = change.desired.spec.image or change.container.image
        configs = state.image_configs
        old_base = configs.get(change.container.raw["Image"])
        new_base = configs.get(state.image_ids.get(image, ""), old_base)
        before, after = _mounts(change.container, dependencies.sources, change.desired.spec, old_base, new_base)
        for old, new in left_behind(before, after):
            if new is not None:
                yield _replaced(change.desired.name, image, old, new)
            elif old.source not in used:
                yield _dropped(change.desired.name, old)


def _mounts(
    container: ContainerState,
    sources: Sources,
    spec: ContainerSpec,
    old_base: Mapping[str, Json] | None,
    new_base: Mapping[str, Json] | None,
) -> tuple[Mounts, Mounts]:
    """Return what a container mounts and what its successor will, by the place."""
    body = create_body(container, sources)
    successor = successor_config(spec, body, old_base)
    before = {volume.target: volume for volume in mounted(body["HostConfig"])}
    after = {volume.target: volume for volume in mounted(successor["HostConfig"])}
    for config in (successor, new_base or {}):
        for path in config.get("Volumes") or ():
            after.setdefault(clean(path), Volume(clean(path)))
    if successor["HostConfig"].get("VolumesFrom"):
        # What other containers bring they bring again.
        raw = container.raw
        own = {volume.target for volume in mounted(raw["HostConfig"])}
        own |= {clean(path) for path in raw["Config"].get("Volumes") or ()}
        before = {target: volume for target, volume in before.items() if target in own}
    return before, after


def left_behind(before: Mounts, after: Mounts) -> Iterator[tuple[Volume, Volume | None]]:
    """Yield what is not mounted any more, with what takes its place; None if nothing does.

    A folder of the host only counts where a volume takes its place. Else the user knows where it is: the task names
    another one, or takes it away.
    """
    kept = {volume.source for volume in after.values()}
    left = {target: volume for target, volume in sorted(before.items()) if volume.source not in kept}
    known = {volume.source for volume in before.values()}
    new = [one for target, one in after.items() if target not in before and one.source not in known]
    moved = [one for target, one in left.items() if target not in after and one.named]
    elsewhere = new[0] if len(new) == len(moved) == 1 else None
    for target, old in left.items():
        place = after.get(target)
        if old.named:
            yield old, place or elsewhere
        elif place is not None and (place.named or place.anonymous):
            yield old, place


def _replaced(name: str, image: str, old: Volume, new: Volume) -> str:
    where = "there" if new.target == old.target else f"at {new.target}"
    return (
        f"{_leaves(name, old)}; its successor has {_what(new)} {where}. Once that runs, this copies the data over (with"
        f" another image, such as busybox, if this one has no cp): {copy_command(name, image, old, new)}"
    )


def _dropped(name: str, old: Volume) -> str:
    again = f"{old.source}:{old.target}"
    return f"{_leaves(name, old)}, and nothing takes its place; {again} among its volumes mounts it again"


def _leaves(name: str, old: Volume) -> str:
    return f"recreating {name} leaves {_what(old)} behind, mounted at {old.target} until now"


def _what(volume: Volume) -> str:
    if volume.anonymous:
        return "a new volume"
    return f"the volume {volume.source}" if volume.named else f"the folder {volume.source} of the host"


def copy_command(name: str, image: str, old: Volume, new: Volume) -> str:
    """Return what a shell copies the data of one mount to the other with, while nobody writes to either.

    As root and without the image's entrypoint, to keep owners. A new anonymous volume is only known by its container.
    """
    to = ["--volumes-from", name] if new.anonymous else ["-v", f"{new.source}:/to"]
    helper = ["docker", "run", "--rm", "-u", "0", "--entrypoint", "cp", "-v", f"{old.source}:/from:ro", *to, image]
    copy = [*helper, "-a", "/from/.", f"{new.target}/" if new.anonymous else "/to/"]
    return " && ".join(map(shlex.join, (["docker", "stop", name], copy, ["docker", "start", name])))
