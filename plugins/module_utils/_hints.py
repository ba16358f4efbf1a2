# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Tasks that mend what a diagnosis found, as data and as the text that a user can paste. Pure."""

from __future__ import annotations

import json
import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.linklab.docker.plugins.module_utils._endpoint import Link
    from ansible_collections.linklab.docker.plugins.module_utils._evidence import Evidence

Json = t.Any

# Words that need no quotes. YAML 1.1 takes some words for something else, and 1e5 or 0x1 for numbers.
_PLAIN = re.compile(
    r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[a-z_][a-z0-9_.-]*(?: [a-z0-9_][a-z0-9_.-]*)*", re.IGNORECASE
)


def task(name: str, module: str, options: dict[str, Json]) -> dict[str, Json]:
    return {"name": name, module: options}


def attach(network: str, *containers: str) -> dict[str, Json]:
    """Attach containers to a network, whatever their settings on it."""
    return task(
        f"Attach {' and '.join(containers)} to {network}",
        "linklab.docker.network_attach",
        {"network": network, "containers": list(containers)},
    )


def attach_to_new(network: str, *containers: str) -> dict[str, Json]:
    return task(
        f"Attach {' and '.join(containers)} to a network of their own",
        "linklab.docker.network_attach",
        {"network": network, "create": {}, "containers": list(containers)},
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
    """Mend a legacy link, which replaces the source by a container with the same configuration and volumes."""
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


def check_again(source: str, target: str, **options: Json) -> dict[str, Json]:
    return task(
        f"Check the way from {source} to {target}",
        "linklab.docker.connectivity",
        {"source": source, "target": target, **options},
    )


def check_login(evidence: Evidence, login: dict[str, Json] | None = None, **options: Json) -> dict[str, Json]:
    """Make the same login again, with other options; the password stands as a variable.

    Args:
        login: options of the login that are others.
    """
    source, target = evidence.ends
    check = evidence.check
    given = {name: getattr(check.login, name) for name in ("user", "database", "ssl_mode", "ssl_ca")}
    shown = {name: value for name, value in given.items() if value and (name, value) != ("ssl_mode", "preferred")}
    password = {"password": "{{ password }}"} if check.login.password else {}
    host = {"host": check.host} if check.host else {}
    options = {**host, "port": check.port, "login": {**shown, **password, **(login or {})}, **options}
    return check_again(source.name, target.name, **options)


def to_yaml(one: dict[str, Json]) -> str:
    """Return a task as it stands in a playbook."""
    return "\n".join(_list([one], 0))


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
