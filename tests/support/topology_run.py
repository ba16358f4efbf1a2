# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module topology on the real engine, for containers and networks by short names."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError, LinklabError
from ansible_collections.linklab.docker.plugins.module_utils._module.common import CONNECTION_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._module.task import DISRUPTION_OPTION, converge
from ansible_collections.linklab.docker.plugins.module_utils._topology.options import options_for
from ansible_collections.linklab.docker.plugins.module_utils._topology.task import TOPOLOGY_TASK

Json = t.Any

# Stops at once.
BOX = {"command": "sleep 100000", "stop_grace_period": "0s"}


def run(arguments: Json, *, check: bool = False) -> Json:
    """Carry a task out in this process."""
    options = {**CONNECTION_OPTIONS, **options_for(arguments), **DISRUPTION_OPTION}
    checked = ArgumentSpecValidator(options).validate(arguments)
    assert not checked.error_messages
    warnings: list[str] = []
    result: Json = {}
    try:
        result = converge(checked.validated_parameters, TOPOLOGY_TASK, check_mode=check, warn=warnings.append)
    except ApplyError as exc:
        result = {"failed": True, "msg": str(exc), "changed": bool(exc.done)}
    except LinklabError as exc:
        result = {"failed": True, "msg": str(exc)}
    return {**result, "warnings": warnings}


@dataclass
class Topology:
    """Runs the module for containers and networks by short names, which get the lab's prefix."""

    lab: Json
    image: str
    subnets: t.Callable[[], object]
    made: dict[str, str] = field(default_factory=dict)

    def task(self, containers: Json = None, networks: Json = None, **params: Json) -> dict[str, Json]:
        """Return the module's parameters. networks: short names with their options, or a list of them."""
        options = networks if isinstance(networks, dict) else dict.fromkeys(networks or ())
        return {
            "name": self.lab.name("lab"),
            "networks": {self.full(name): self._network(name, given) for name, given in options.items()},
            "containers": {
                self.full(name): self._container({"image": self.image, **BOX, **(given or {})})
                for name, given in (containers or {}).items()
            },
            **params,
        }

    def __call__(self, containers: Json = None, networks: Json = None, **params: Json) -> Json:
        """Do what the module does, in this process: a test that is about the module's own process starts one."""
        modes = {key: params.pop(key) for key in ("check", "fails") if key in params}
        result = run(self.task(containers, networks, **params), check=modes.get("check", False))
        assert bool(result.get("failed")) == modes.get("fails", False), result
        return result

    def full(self, name: str) -> str:
        return name if name == "bridge" else self.lab.name(name)

    def _network(self, name: str, given: Json) -> Json:
        if given and ("external" in given or "ipam" in given):
            return given
        self.made.setdefault(name, str(self.subnets()))
        return {"ipam": {"config": [{"subnet": self.made[name]}]}, **(given or {})}

    def _container(self, given: dict[str, Json]) -> dict[str, Json]:
        found = dict(given)
        for option in ("networks", "depends_on"):
            value = found.get(option)
            if isinstance(value, list):
                found[option] = [self.full(name) for name in value]
            elif isinstance(value, dict):
                found[option] = {self.full(name): one for name, one in value.items()}
        if "links" in found:
            found["links"] = [self.full(link) for link in found["links"]]
        if found.get("network_mode", "").startswith("container:"):
            found["network_mode"] = f"container:{self.full(found['network_mode'].partition(':')[2])}"
        return found

    def raw(self, name: str) -> Json:
        return self.lab.inspect(self.full(name))

    def id(self, name: str) -> str:
        return str(self.raw(name)["Id"])

    def ends(self, name: str) -> set[str]:
        """The short names of the networks that a container is on."""
        return {one.removeprefix(self.lab.prefix) for one in self.raw(name)["NetworkSettings"]["Networks"]}

    def aliases(self, name: str, network: str) -> set[str]:
        end = self.raw(name)["NetworkSettings"]["Networks"][self.full(network)]
        return set(end["Aliases"] or ()) - {self.id(name)[:12]}

    def exec(self, name: str, *command: str) -> tuple[int, str]:
        return t.cast("tuple[int, str]", self.lab.exec(self.full(name), *command))

    def volumes(self) -> set[str]:
        found = self.lab.engine.get("/volumes", filters=json.dumps({"name": [self.lab.prefix]}))["Volumes"]
        return {volume["Name"] for volume in found}


def did(result: Json) -> list[str]:
    """The actions, without what is special to this run."""
    return [f"{action['action']} {action['disruption']}" for action in result["actions"]]
