# SPDX-FileCopyrightText: The linklab.docker maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab that is measured, in the words of each tool."""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import dataclass, field

import docker
import docker.errors
from measuring import IMAGE, Client, Json

NETWORKS = ("front", "back")
COMMAND = ["sleep", "1000000"]


@dataclass
class Lab:
    """Names, and what each tool needs to know."""

    count: int
    prefix: str = field(default_factory=lambda: f"linklab-bench-{secrets.token_hex(3)}")
    client: Client = field(default_factory=Client)

    @property
    def names(self) -> list[str]:
        return [f"{self.prefix}-{number:03}" for number in range(self.count)]

    @property
    def networks(self) -> list[str]:
        return [f"{self.prefix}-{network}" for network in NETWORKS]

    @property
    def other_image(self) -> str:
        """An image that differs in a label alone, made of the usual one."""
        name = f"{self.prefix}:other"
        if not self.client.api.images(name=name):
            made = self.client.api.create_container(IMAGE, COMMAND, name=f"{self.prefix}-image")
            self.client.api.commit(made["Id"], self.prefix, "other", changes=["LABEL other=image"])
            self.client.api.remove_container(made["Id"])
        return name

    @property
    def half(self) -> list[str]:
        """Names of the containers that get the other image."""
        return self.names[: self.count // 2]

    def image(self, name: str, *, other: bool) -> str:
        return self.other_image if other and name in self.half else IMAGE

    def aliases(self, name: str, network: str, *, more: bool) -> list[str]:
        number = name.rpartition("-")[2]
        extra = more and network == self.networks[0]
        return [f"one-{number}", *([f"more-{number}"] if extra else [])]

    def endpoints(self, name: str, *, more: bool) -> dict[str, Json]:
        return {network: {"aliases": self.aliases(name, network, more=more)} for network in self.networks}

    def topology(self, *, more: bool = False, other: bool = False, **options: Json) -> dict[str, Json]:
        containers = {
            name: {
                "image": self.image(name, other=other),
                "command": COMMAND,
                "networks": self.endpoints(name, more=more),
            }
            for name in self.names
        }
        given = {"name": self.prefix, "networks": {name: {} for name in self.networks}, "containers": containers}
        return {"linklab.docker.topology": {**given, **options}}

    def compose(self, *, more: bool = False, other: bool = False) -> dict[str, Json]:
        services = {
            name: {
                "image": self.image(name, other=other),
                "container_name": name,
                "command": COMMAND,
                "stop_signal": "SIGKILL",
                "networks": self.endpoints(name, more=more),
            }
            for name in self.names
        }
        networks = {network: {"name": network} for network in self.networks}
        return {"name": self.prefix, "services": services, "networks": networks}

    def loop(self, *, more: bool = False, other: bool = False, state: str = "started") -> list[dict[str, Json]]:
        def containers() -> dict[str, Json]:
            items = [
                {
                    "name": name,
                    "image": self.image(name, other=other),
                    "networks": [{"name": network, **end} for network, end in ends.items()],
                }
                for name in self.names
                for ends in (self.endpoints(name, more=more),)
            ]
            task = {
                "name": "{{ item.name }}",
                "image": "{{ item.image }}",
                "command": COMMAND,
                "networks": "{{ item.networks }}",
                "state": state,
                "force_kill": True,
            }
            return {
                "community.docker.docker_container": task,
                "loop": items,
                "loop_control": {"label": "{{ item.name }}"},
            }

        present = "absent" if state == "absent" else "present"
        networks = {
            "community.docker.docker_network": {"name": "{{ item }}", "state": present},
            "loop": self.networks,
        }
        return [containers(), networks] if state == "absent" else [networks, containers()]

    def expect(self, count: int, alias: str = "", *, other: bool = False) -> None:
        """Raise RuntimeError unless so many containers run, each with an alias that begins so, if one is given.

        Args:
            other: whether half of them have the other image.
        """
        running = self.client.api.containers(filters={"name": self.prefix})
        if len(running) != count:
            raise RuntimeError(f"{len(running)} containers run, and not {count}")
        renewed = sum(one["Image"] == self.other_image for one in running)
        if renewed != (len(self.half) if other else 0):
            raise RuntimeError(f"{renewed} containers have the other image")
        for name in self.names if alias else ():
            found = self.client.api.inspect_container(name)["NetworkSettings"]["Networks"][self.networks[0]]
            if not any(one.startswith(alias) for one in found["Aliases"] or ()):
                raise RuntimeError(f"{name} has no alias {alias}")

    def remove(self) -> None:
        """Remove whatever is there, also of a round that failed."""
        found = [one["Id"] for one in self.client.api.containers(all=True, filters={"name": self.prefix})]
        self.client.each(remove_container, found, 2)
        for network in self.client.api.networks(names=[self.prefix]):
            remove_network(self.client.api, network["Name"])
        for image in set(self.client.api.images(quiet=True, filters={"reference": f"{self.prefix}*"})):
            self.client.api.remove_image(image)


def remove_container(api: docker.APIClient, name: str) -> None:
    with contextlib.suppress(docker.errors.NotFound):
        api.remove_container(name, force=True, v=True)


def remove_network(api: docker.APIClient, name: str) -> bool:
    """Remove a network, which the engine may let go of later than of its containers; return whether it is gone."""
    for wait in (0.1, 0.5, 2, 5, 0):
        with contextlib.suppress(docker.errors.APIError):
            api.remove_network(name)
        if not api.networks(names=[name]):
            return True
        time.sleep(wait)
    return False
