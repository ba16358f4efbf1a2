# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The options of the module topology, made for the names that a task uses.

Ansible knows no options below a key that the user chooses. Built for one task's names, its argument spec checks types
all the way down and, above all, knows each secret before anything is logged.
"""

from __future__ import annotations

import typing as t

from .._compose.attachment import ENDPOINT_OPTIONS
from .._compose.container import CONTAINER_OPTIONS
from .._compose.network import NETWORK_OPTIONS

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json = t.Any

TOPOLOGY_NETWORK_OPTIONS: dict[str, Json] = {**NETWORK_OPTIONS, "external": {"type": "bool"}}

TOPOLOGY_CONTAINER_OPTIONS: dict[str, Json] = {
    **CONTAINER_OPTIONS,
    "networks": {"type": "raw"},
    "links": {"type": "list", "elements": "str"},
    "depends_on": {"type": "raw"},
    "network_mode": {"type": "str"},
}

TOPOLOGY_OPTIONS: dict[str, Json] = {
    "name": {"type": "str", "required": True},
    "networks": {"type": "dict"},
    "containers": {"type": "dict"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "purge": {"type": "bool", "default": False},
    "volumes": {"type": "bool", "default": False},
    "wait": {"type": "str", "choices": ["started", "healthy"], "default": "started"},
    "wait_timeout": {"type": "int", "default": 120},
    "name_gap": {"type": "str", "choices": ["forbidden", "allowed"], "default": "forbidden"},
}


def strict_options_for(params: Mapping[str, Json]) -> dict[str, Json]:
    """Return the argument spec for a task's parameters as they came: all options of what it names."""
    return {
        **TOPOLOGY_OPTIONS,
        "networks": _named(params.get("networks"), TOPOLOGY_NETWORK_OPTIONS),
        "containers": _named(params.get("containers"), TOPOLOGY_CONTAINER_OPTIONS),
    }


def options_for(params: Mapping[str, Json]) -> dict[str, Json]:
    """Return the argument spec to validate a task's parameters by, which leaves it to the parser what is wrong."""
    spec = strict_options_for(params)
    for key in ("networks", "containers"):
        if "options" in spec[key]:
            spec[key]["options"] = _lenient(params[key], spec[key]["options"])
    return spec


def _named(given: Json, options: Mapping[str, Json]) -> dict[str, Json]:
    """Return the spec of a dictionary whose keys are names and whose values have I(options)."""
    if not isinstance(given, dict):
        return {"type": "dict"}
    named = {}
    for name, value in given.items():
        spec = dict(options)
        if isinstance(value, dict) and isinstance(value.get("networks"), dict) and "networks" in options:
            spec["networks"] = _named(value["networks"], ENDPOINT_OPTIONS)
        named[str(name)] = {"type": "dict", "options": spec}
    return {"type": "dict", "options": named}


def _lenient(given: Json, options: Mapping[str, Json]) -> dict[str, Json]:
    """Return I(options) that let what is unknown or missing in I(given) pass, however deep.

    The parser then says so better, together with what may have been meant. Options that are not given are left out,
    since Ansible looks at each of them for each container: the parser knows their defaults.
    """
    entries = [entry for entry in (given if isinstance(given, list) else [given]) if entry is not None]
    told = [entry for entry in entries if isinstance(entry, dict)]
    merged = {name: value for entry in told for name, value in entry.items()}
    # Ansible also takes the text "name=value".
    used = merged if len(told) == len(entries) else options
    spec = {
        name: {key: value for key, value in option.items() if key != "required"}
        | ({"options": _lenient(merged.get(name), option["options"])} if "options" in option else {})
        for name, option in options.items()
        if name in used
    }
    return {**spec, **_unknown(merged, options)}


def _unknown(given: Iterable[str], options: Mapping[str, Json]) -> dict[str, Json]:
    return {
        # Its value is hidden already, so that nothing is said of an option that is called like a secret.
        str(name): {"type": "raw", "no_log": False}
        for name in given
        if name not in options
    }
