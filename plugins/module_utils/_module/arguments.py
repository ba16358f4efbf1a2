# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Hide in a task's parameters what stands where no option is: it may be a secret in a mistyped or misplaced option.

Ansible knows as secret what an option with C(no_log) has. What stands under an unknown name, or has another shape than
its option, it shows: in the invocation, in the managed host's log, and in messages. A task with such a parameter fails
in any case, so that only the names are of use.
"""

from __future__ import annotations

import math
import typing as t

from ansible.module_utils.common.validation import check_type_dict, check_type_list

from .._engine.mask import HIDDEN, looks_secret

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Json = t.Any


def cover(params: Mapping[str, Json], spec: Mapping[str, Json]) -> dict[str, Json]:
    """Return parameters with what no option takes replaced by asterisks, in the shape that it has.

    Args:
        spec: the argument spec of the parameters, without leniency.
    """
    known = {alias: option for option in spec.values() for alias in option.get("aliases", ())} | dict(spec)
    return {
        name: value if _internal(name) else _covered(value, known[name]) if name in known else hidden(value)
        for name, value in params.items()
    }


def hidden(value: Json) -> Json:
    """Return a value of the same shape with nothing of it left but the number of its elements."""
    if isinstance(value, dict):
        return {f"{HIDDEN}{number}": hidden(inner) for number, inner in enumerate(value.values())}
    if isinstance(value, list):
        return [hidden(inner) for inner in value]
    return value if value is None or isinstance(value, bool) else HIDDEN


def _internal(name: str) -> bool:
    """Whether it is one of the parameters that Ansible itself passes to a module."""
    return name.startswith("_ansible_")


def _covered(value: Json, option: Mapping[str, Json]) -> Json:
    """Return the value of an option that is known."""
    kind = option.get("type", "str")
    if value is None or isinstance(value, bool):
        return value
    if kind in ("int", "float"):
        return _number(value, kind)
    if kind == "dict":
        return _dictionary(value, option)
    if kind == "list":
        return _list(value, option)
    if kind == "raw":
        return _loose(value)
    return hidden(value) if isinstance(value, (dict, list)) else value


def _number(value: Json, kind: str) -> Json:
    """Return a number that Ansible can look at: what is too large for its type ends it with a traceback."""
    try:
        too_large = math.isinf(float(value))
    except OverflowError:
        too_large = True
    except (TypeError, ValueError):
        return hidden(value) if isinstance(value, (dict, list)) else value
    if not too_large:
        return value
    return ".inf" if kind == "int" else math.inf


def _list(value: Json, option: Mapping[str, Json]) -> Json:
    element = {**option, "type": option.get("elements", "raw")}
    if isinstance(value, str) and element["type"] == "dict":
        value = check_type_list(value)
    if isinstance(value, list):
        return [_covered(item, element) for item in value]
    return hidden(value) if isinstance(value, dict) else value


def _dictionary(value: Json, option: Mapping[str, Json]) -> Json:
    if isinstance(value, str):
        # As Ansible does, but before it makes a list of the secret values: it would take the whole text for one.
        try:
            value = check_type_dict(value)
        except TypeError:
            return HIDDEN
    if not isinstance(value, dict):
        return hidden(value)
    if "options" in option:
        return cover(value, option["options"])
    if option.get("no_log"):
        return value
    # Such as environment or labels: names and plain values.
    return {name: hidden(inner) if isinstance(inner, (dict, list)) else inner for name, inner in value.items()}


def _loose(value: Json) -> Json:
    """Return a value whose shape only the parser knows, without what is called like a secret and is no plain value."""
    if isinstance(value, dict):
        return {
            name: hidden(inner) if looks_secret(str(name)) and isinstance(inner, (dict, list)) else _loose(inner)
            for name, inner in value.items()
        }
    return [_loose(inner) for inner in value] if isinstance(value, list) else value
