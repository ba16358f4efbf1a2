# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Tasks that fix what a diagnosis found, as data and as the text that a user can paste. Pure."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import MISSING, fields, is_dataclass, replace

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .._model.endpoint import Link
    from .spec import Check

Json = t.Any

# Stands for a password, which no hint shows.
PASSWORD = "{{ database_password }}"  # noqa: S105 - the name of a variable

# Words that need no quotes. YAML 1.1 takes some words for something else, and 1e5 or 0x1 for numbers.
_PLAIN = re.compile(
    r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[a-z_][a-z0-9_.-]*(?: [a-z0-9_][a-z0-9_.-]*)*", re.IGNORECASE
)


def task(name: str, module: str, options: dict[str, Json]) -> dict[str, Json]:
    return {"name": name, module: options}


def attach(network: str, *containers: str, new: bool = False, alias: str = "") -> dict[str, Json]:
    """Attach containers to a network, whatever their settings on it.

    Args:
        new: whether the network may have to be created.
        alias: a further name of the last container there.
    """
    where = "a network of their own" if new else network
    *others, last = containers
    endpoints = [*({"container": one} for one in others), {"container": last, "aliases": [alias]}]
    return task(
        f"Attach {' and '.join(containers)} to {where}",
        "linklab.docker.network_attach",
        {
            "network": network,
            **({"create": {}} if new else {}),
            **({"endpoints": endpoints} if alias else {"containers": list(containers)}),
        },
    )


def detach(network: str, container: str) -> dict[str, Json]:
    return task(
        f"Detach {container} from {network}",
        "linklab.docker.network_attach",
        {"network": network, "containers": [container], "state": "absent"},
    )


def set_aliases(network: str, container: str, aliases: Iterable[str]) -> dict[str, Json]:
    return task(
        f"Set the aliases of {container} on {network}",
        "linklab.docker.network_attach",
        {"network": network, "endpoints": [{"container": container, "aliases": sorted(aliases)}]},
    )


def set_links(network: str, container: str, links: Iterable[Link]) -> dict[str, Json]:
    return task(
        f"Set the links of {container} on {network}",
        "linklab.docker.network_attach",
        {"network": network, "endpoints": [{"container": container, "links": [str(link) for link in links]}]},
    )


def renew_link(source: str, link: Link) -> dict[str, Json]:
    """Fix a legacy link, which replaces the source by a container with the same configuration and volumes."""
    return task(
        f"Link {source} to {link.target}",
        "linklab.docker.container_link",
        {"container": source, "links": [str(link)], "disruption": "recreate"},
    )


def remove_link(source: str, link: Link) -> dict[str, Json]:
    return task(
        f"Remove the link of {source} to {link.target}",
        "linklab.docker.container_link",
        {"container": source, "links": [str(link)], "state": "absent"},
    )


def docker(verb: str, container: str) -> dict[str, Json]:
    """Start, restart or unpause a container: none of this collection's modules does only that."""
    return task(
        f"{verb.capitalize()} {container}",
        "ansible.builtin.command",
        {"argv": ["docker", verb, container]},
    )


def check_again(check: Check, **changes: Json) -> dict[str, Json]:
    """Make a check again with other options. Those that it has are kept; a variable stands for its password."""
    again = replace(check, expect="reachable", cause="", **changes)
    # The certificates come from the file that ssl_ca names.
    options = _options(replace(again, login=replace(again.login, authorities="")))
    if "protocol" in options:
        options.pop("login", None)
    return task(f"Check the way from {check.source} to {check.target}", "linklab.docker.connectivity", options)


def _options(given: Json) -> dict[str, Json]:
    """Return the fields of a dataclass that differ from their defaults, as options of a task."""
    options = {}
    for one in fields(given):
        value = getattr(given, one.name)
        default = one.default if one.default_factory is MISSING else one.default_factory()
        if value != default:
            options[one.name] = _options(value) if is_dataclass(value) else value
    return {**options, **({"password": PASSWORD} if "password" in options else {})}


def to_yaml(tasks: Sequence[dict[str, Json]]) -> str:
    """Return tasks as they stand in a playbook."""
    return "\n".join(_list(list(tasks), 0))


def _lines(value: Json, indent: int) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _entry(f"{' ' * indent}{key}:", inner, indent)
    else:
        yield from _list(value, indent)


def _list(items: list[Json], indent: int) -> Iterator[str]:
    for item in items:
        if isinstance(item, dict) and item:
            first, *rest = _lines(item, indent + 2)
            yield f"{' ' * indent}- {first.lstrip()}"
            yield from rest
        else:
            yield f"{' ' * indent}- {_scalar(item)}"


def _entry(key: str, value: Json, indent: int) -> Iterator[str]:
    if isinstance(value, (dict, list)) and value:
        yield key
        yield from _lines(value, indent + 2)
    else:
        yield f"{key} {_scalar(value)}"


def _scalar(value: Json) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    # What JSON has for strings, numbers, booleans and empty collections is YAML as well.
    return json.dumps(value)
