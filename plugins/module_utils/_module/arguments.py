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
from contextlib import suppress

from ansible.module_utils.common.validation import check_type_dict, check_type_list

from .._engine.mask import HIDDEN, looks_secret
from .._errors import shape

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Meant = Callable[[str, Iterable[str]], str]

Json = t.Any

_PLAIN: dict[str, Json] = {"type": "str"}


def cover(params: Mapping[str, Json], spec: Mapping[str, Json]) -> dict[str, Json]:
    """Return parameters with what no option takes replaced by asterisks, in the shape that it has.

    Args:
        spec: the argument spec of the parameters, without leniency.
    """
    known = _with_aliases(spec)
    return {
        name: value if _internal(name) else _covered(value, known[name]) if name in known else hidden(value)
        for name, value in params.items()
    }


def misplaced(params: Mapping[str, Json], spec: Mapping[str, Json], where: str = "") -> Iterator[str]:
    """Yield a message for each value of a wrong shape: what is no dictionary, and what is one where none belongs.

    Ansible makes one text of a list or a dictionary, and does not say which option must be a dictionary.

    Args:
        spec: the argument spec of the parameters, without leniency.
        where: what is before the names of the parameters.
    """
    known = _with_aliases(spec)
    for name, value in params.items():
        if name in known and not _internal(name):
            yield from _misplaced(value, known[name], f"{where}{name}")


def hidden(value: Json) -> Json:
    """Return a value of the same shape with nothing of it left but the number of its elements."""
    if isinstance(value, dict):
        return {f"{HIDDEN}{number}": hidden(inner) for number, inner in enumerate(value.values())}
    if isinstance(value, list):
        return [hidden(inner) for inner in value]
    return value if value is None or isinstance(value, bool) else HIDDEN


def _with_aliases(spec: Mapping[str, Json]) -> dict[str, Json]:
    return {alias: option for option in spec.values() for alias in option.get("aliases", ())} | dict(spec)


def _misplaced(value: Json, option: Mapping[str, Json], where: str) -> Iterator[str]:
    kind = option.get("type", "str")
    if kind == "list" and isinstance(value, str):
        value = check_type_list(value)
    elif kind == "dict" and isinstance(value, str):
        with suppress(TypeError):
            value = check_type_dict(value)
    if kind == "list" and isinstance(value, list):
        element = _element(option)
        for number, item in enumerate(value):
            if item is None and element["type"] == "dict":
                yield f"{where}[{number}]: must be a dictionary, and is empty"
            yield from _misplaced(item, element, f"{where}[{number}]")
    elif kind == "dict" and isinstance(value, dict):
        # Without options it is such as environment or labels: names and plain values.
        yield from misplaced(value, option.get("options", dict.fromkeys(value, _PLAIN)), f"{where}.")
    elif kind == "dict" and value is not None:
        yield f"{where}: must be a dictionary, not {shape(value)}"
    elif kind == "list" and isinstance(value, dict):
        yield f"{where}: must be a list, not a dictionary"
    elif kind not in ("dict", "list", "raw") and isinstance(value, (dict, list)):
        yield f"{where}: must be a single value, not {shape(value)}"


def _element(option: Mapping[str, Json]) -> dict[str, Json]:
    """Return the spec of the elements of a list."""
    return {**option, "type": option.get("elements", "raw")}


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
    return _plain(value)


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
    element = _element(option)
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
    return {name: _plain(inner) for name, inner in value.items()}


def _loose(value: Json) -> Json:
    """Return a value whose shape only the parser knows. In none is there a list, or a dictionary, inside a list."""
    if isinstance(value, dict):
        return {
            name: _loose(inner) if isinstance(inner, dict) and not looks_secret(str(name)) else _plain(inner)
            for name, inner in value.items()
        }
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _plain(value: Json) -> Json:
    return hidden(value) if isinstance(value, (dict, list)) else value


def unknown_options(given: Json, spec: Mapping[str, Json], meant: Meant, where: str = "") -> Iterator[str]:
    """Yield what may have been meant by each option that is not in Ansible's argument spec, also below others.

    Args:
        meant: return C( (did you mean X?)) for a word, by the options that there are; else an empty string.
    """
    names = {**spec, **{alias: one for one in spec.values() for alias in one.get("aliases") or ()}}
    for word, value in given.items() if isinstance(given, dict) else ():
        if _internal(str(word)):
            continue
        path = f"{where}{word}"
        if word not in names:
            hint = meant(str(word), spec)
            if hint:
                yield f"{path}{hint}"
            continue
        below = names[word].get("options")
        for entry in value if isinstance(value, list) else [value]:
            yield from unknown_options(entry, below, meant, f"{path}.") if below else ()
