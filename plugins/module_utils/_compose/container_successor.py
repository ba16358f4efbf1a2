# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The configuration of a container's successor: what its predecessor had, with what is given in its place."""

from __future__ import annotations

import copy
import typing as t

from .container import OWN_LABELS, ContainerSpec
from .items import Volume, is_volume, mounted
from .values import clean

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Json = t.Any


def successor_config(spec: ContainerSpec, body: Mapping[str, Json], base: Mapping[str, Json] | None) -> dict[str, Json]:
    """Return the Engine API's configuration for a container that replaces another.

    Args:
        spec: the desired state; options that are not given stay as they are.
        body: the predecessor's configuration, in the form in which a container is created.
        base: C(Config) of the image that the predecessor was made of; None if it is not known any more.
    """
    found = copy.deepcopy(dict(body))
    found["HostConfig"] = dict(found.get("HostConfig") or {})
    if base is not None and spec.image is not None:
        # Else the new image's command, variables and so on would be hidden by the old image's.
        _drop_inherited(found, base)
    wanted = spec.to_api()
    _take_environment(found, spec, base)
    _take_labels(found, spec)
    _take_ports(found, spec)
    _take_volumes(found, spec, base)
    for key, value in wanted.items():
        if key not in ("Env", "Labels", "ExposedPorts", "Volumes", "HostConfig"):
            found[key] = value
    if spec.tmpfs is not None:
        mounts = found["HostConfig"].get("Mounts") or ()
        found["HostConfig"]["Mounts"] = [mount for mount in mounts if mount.get("Type") != "tmpfs"]
    for key, value in wanted["HostConfig"].items():
        if key != "Binds":
            found["HostConfig"][key] = value
    if spec.mem_limit is not None:
        found["HostConfig"]["MemorySwap"] = 2 * spec.mem_limit
    return found


def _drop_inherited(body: dict[str, Json], base: Mapping[str, Json]) -> None:
    """Take out what a container has from its image."""
    # With an entrypoint of its own, a container never has the image's command.
    for key in ("Entrypoint", "Cmd"):
        if (body.get(key) or []) != (base.get(key) or []):
            break
        body.pop(key, None)
    for key in ("User", "WorkingDir", "StopSignal", "Shell", "OnBuild"):
        if body.get(key) == base.get(key):
            body.pop(key, None)
    body["Healthcheck"] = _own_entries(body, base, "Healthcheck") or None
    inherited = set(base.get("Env") or ())
    body["Env"] = [entry for entry in body.get("Env") or () if entry not in inherited]
    for key in ("Labels", "Volumes", "ExposedPorts"):
        body[key] = _own_entries(body, base, key)


def _own_entries(body: Mapping[str, Json], base: Mapping[str, Json], key: str) -> dict[str, Json]:
    """Return the entries of a map that the image does not have, or has with another value."""
    inherited = base.get(key) or {}
    return {
        name: value
        for name, value in (body.get(key) or {}).items()
        if name not in inherited or inherited[name] != value
    }


def _take_environment(body: dict[str, Json], spec: ContainerSpec, base: Mapping[str, Json] | None) -> None:
    keep = list(body.get("Env") or ())
    if spec.environment is not None:
        # What the image brings it brings again; if the image is unknown, nothing may get lost.
        inherited = set((base or {}).get("Env") or ()) if base is not None else set(keep)
        keep = [entry for entry in keep if entry in inherited]
    keep = [entry for entry in keep if entry.partition("=")[0] not in spec.variables]
    body["Env"] = keep + [f"{name}={value}" for name, value in spec.variables.items()]


def _take_labels(body: dict[str, Json], spec: ContainerSpec) -> None:
    if spec.labels is not None:
        own = {name: value for name, value in (body.get("Labels") or {}).items() if name.startswith(OWN_LABELS)}
        body["Labels"] = {**own, **spec.labels}


def _take_ports(body: dict[str, Json], spec: ContainerSpec) -> None:
    if spec.ports is not None:
        published = set(body["HostConfig"].get("PortBindings") or ())
        exposed = {port: value for port, value in (body.get("ExposedPorts") or {}).items() if port not in published}
        body["ExposedPorts"] = {**exposed, **{port.container: {} for port in spec.ports}}


def _take_volumes(body: dict[str, Json], spec: ContainerSpec, base: Mapping[str, Json] | None) -> None:
    """Anonymous volumes hold data: one that is wanted, or that the image declares, goes on to the successor."""
    if spec.volumes is None:
        return
    host = body["HostConfig"]
    named = [volume for volume in spec.volumes if not volume.anonymous]
    anonymous = [volume.target for volume in spec.volumes if volume.anonymous]
    # Where nobody can tell what the image declared, nothing may get lost.
    declared = _declared(base) if base is not None else {volume.target for volume in mounted(host)}
    carried = declared.union(anonymous) - {volume.target for volume in named}
    binds = [bind for bind in host.get("Binds") or () if _goes_on(Volume.read(bind), carried)]
    host["Binds"] = [*map(str, named), *binds]
    mounts = host.get("Mounts") or ()
    host["Mounts"] = [one for one in mounts if not is_volume(one) or _goes_on(Volume.read_mount(one), carried)]
    bound = {volume.target for volume in mounted(host)}
    body["Volumes"] = {target: {} for target in anonymous if target not in bound}


def _declared(base: Mapping[str, Json]) -> set[str]:
    """Return where an image declares volumes."""
    return {clean(path) for path in base.get("Volumes") or ()}


def _goes_on(volume: Volume, carried: set[str]) -> bool:
    return volume.forgotten().anonymous and volume.target in carried
