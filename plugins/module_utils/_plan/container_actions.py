# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The actions on containers, images and volumes, as data: what plans are made of.

How they are carried out is known to _apply/containers, _apply/links and _apply/topology, which a run that has nothing
to do does not load.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .plan import Action

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._model.state import ContainerState, Network
    from .plan import NewEndpoint

Json = t.Any


@dataclass(frozen=True)
class PullImage(Action):
    """Have the engine fetch an image from its registry.

    Attributes:
        label: name and value of the label by which containers that are made of it will be known, if there is one. An
            image that brings it is refused.
    """

    name = "pull_image"
    sign = "+"

    image: str
    label: tuple[str, str] | None = None

    @property
    def subject(self) -> str:
        return self.image


def claims_text(image: str, label: str, value: str) -> str:
    """Say why a container is not made of an image that brings the label which is to mark the container."""
    return (
        f"the image {image} has the label {label}={value} itself, as one committed from such a container has, so that"
        " what is made here could not be told from what others make of it. Take the label out of the image:"
        f" docker commit --change 'LABEL {label}=' CONTAINER {image}, or this line in its Dockerfile"
    )


@dataclass(frozen=True)
class CreateVolume(Action):
    name = "create_volume"
    sign = "+"

    volume: str
    labels: Mapping[str, str]

    @property
    def subject(self) -> str:
        return self.volume


@dataclass(frozen=True)
class After:
    """What must be true of another container before this one starts.

    Attributes:
        container: its name.
        condition: C(started) or C(healthy).
        timeout: seconds.
    """

    container: str
    condition: str
    timeout: float


@dataclass(frozen=True)
class CreateContainer(Action):
    """Create a container with all its endpoints, and start it. If anything fails, nothing of it stays.

    Attributes:
        config: the body of C(POST /containers/create); may hold secrets, so it is in no representation.
        endpoints: by NetworkMode the engine attaches to the first; empty for what the mode alone says.
    """

    name = "create_container"
    sign = "+"

    container: str
    config: Mapping[str, Json] = field(repr=False)
    endpoints: tuple[NewEndpoint, ...] = ()
    after: tuple[After, ...] = ()

    @property
    def subject(self) -> str:
        return self.container

    def by_id(self, made: Mapping[str, str]) -> Action:
        return replace(self, endpoints=tuple(endpoint.by_id(made) for endpoint in self.endpoints))


@dataclass(frozen=True)
class ContainerAction(Action):
    """A change of one container that is there."""

    container: ContainerState

    @property
    def subject(self) -> str:
        return self.container.name


@dataclass(frozen=True)
class StartContainer(ContainerAction):
    """Start a container, or let a paused one go on."""

    name = "start_container"

    after: tuple[After, ...] = ()


@dataclass(frozen=True)
class RestartContainer(ContainerAction):
    """End a container's processes and start it again."""

    name = "restart_container"

    after: tuple[After, ...] = ()


@dataclass(frozen=True)
class UpdateContainer(ContainerAction):
    """Change what the engine can change while a container runs."""

    name = "update_container"

    config: Mapping[str, Json]


@dataclass(frozen=True)
class RemoveContainer(ContainerAction):
    """Remove a container and its anonymous volumes, which nobody could name afterwards.

    Attributes:
        graceful: whether its processes may end by themselves first.
        anonymous: names of its volumes that the engine made up.
    """

    name = "remove_container"
    sign = "-"

    graceful: bool
    anonymous: tuple[str, ...] = ()


@dataclass(frozen=True)
class RemoveNetwork(Action):
    name = "remove_network"
    sign = "-"

    network: Network

    @property
    def subject(self) -> str:
        return self.network.name


@dataclass(frozen=True)
class RemoveVolume(Action):
    """Remove a volume and what is in it."""

    name = "remove_volume"
    sign = "-"

    volume: str

    @property
    def subject(self) -> str:
        return self.volume


@dataclass(frozen=True)
class RemoveLink(ContainerAction):
    """Remove a legacy link while its source goes on.

    Attributes:
        target: what the source calls the container at the other end.
    """

    name = "remove_link"
    sign = "-"

    target: str
    alias: str

    @property
    def subject(self) -> str:
        return f"{self.target}:{self.alias} of {self.container.name}"


@dataclass(frozen=True)
class RecreateContainer(ContainerAction):
    """Replace a container by one with other legacy links.

    Attributes:
        links: ID of the target and alias of the links that the successor must have.
        purge: whether it must have no others; otherwise it also has those of its predecessor.
        start: whether the successor must run although its predecessor never did.
    """

    name = "recreate_container"
    instead = (
        "A network link needs no recreate: name a network of your own instead of the bridge (option network), and both"
        " containers are attached to it while they run."
    )

    links: tuple[tuple[str, str], ...]
    purge: bool = False
    start: bool = False


@dataclass(frozen=True)
class FinishUnlink(ContainerAction):
    """Put right what a run left that was killed while it removed a link.

    Attributes:
        helper: the ID of the container that marks it.
    """

    name = "recover"

    helper: str


@dataclass(frozen=True)
class ReplaceContainer(ContainerAction):
    """Replace a container by one with another configuration, which then runs.

    Attributes:
        change: the predecessor's configuration to the successor's.
        handled: IDs of containers that depend on this one and are put right by other actions.
        mode: the successor's network mode; None for that of the container.
        endpoints: those of a successor with another network mode; else it gets those that the container has by then.
        macs: MAC address by network, where the successor must have another one than the engine chooses.
    """

    name = "recreate_container"

    change: Callable[[Mapping[str, Json]], Mapping[str, Json]] = field(repr=False)
    handled: frozenset[str] = frozenset()
    keep_files: bool = True
    mode: str | None = None
    endpoints: tuple[NewEndpoint, ...] = ()
    macs: Mapping[str, str] = field(default_factory=dict)
    after: tuple[After, ...] = ()

    def by_id(self, made: Mapping[str, str]) -> Action:
        return replace(self, endpoints=tuple(endpoint.by_id(made) for endpoint in self.endpoints))


@dataclass(frozen=True)
class RewriteHosts(ContainerAction):
    """Make the names of legacy links lead to their targets, in the hosts file of a source that runs.

    Attributes:
        aliases: the links.
        images: images that may have a shell, where the source itself cannot write the file.
    """

    name = "rewrite_hosts"

    aliases: tuple[str, ...]
    images: tuple[str, ...] = ()
