# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Find all mistakes in the variables of a lab, with their paths and, in a file, their lines. Pure.

A value with a template is not looked into: only Ansible knows what it becomes. No message shows the value of an option
that is unknown, since it may be a secret.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import CHECK_OPTIONS, parse_checks
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError, did_you_mean, shape, spelled
from ansible_collections.linklab.docker.plugins.module_utils._model.words import meant
from ansible_collections.linklab.docker.plugins.module_utils._module.arguments import cover
from ansible_collections.linklab.docker.plugins.module_utils._topology.options import strict_options_for
from ansible_collections.linklab.docker.plugins.plugin_utils._lab_checks import OWN_OPTIONS, for_module
from ansible_collections.linklab.docker.plugins.plugin_utils._lab_whole import mistakes_in_whole
from ansible_collections.linklab.docker.plugins.plugin_utils._spec_graph import plain

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ansible_collections.linklab.docker.plugins.module_utils._errors import Place

Json = t.Any

# Stands for a value that only Ansible knows.
_TEMPLATE = "{{ }}"
_PLAIN: Mapping[str, Json] = {"type": "str"}
# What looks like a variable of the role. Others are the user's own.
_OURS = re.compile(r"lab_.*|name|networks|containers|checks")
# An element of lab_checks.
_CHECK: dict[str, Json] = {**CHECK_OPTIONS["checks"]["options"], **OWN_OPTIONS}
# A variable of the playbook, for its other roles too.
_PLAYBOOK_VARIABLES = frozenset({"lab_connection"})


@dataclass(frozen=True)
class Mistake:
    """What is wrong at a place; path: the keys and numbers that lead there."""

    path: Place
    text: str


_NO_DICTIONARY = Mistake((), "it must be a dictionary of the variables of a lab: lab_name, lab_containers and others")


@dataclass
class _Document:
    """The data of a file, where each part of it stands, and keys that are given twice."""

    data: Json = None
    lines: dict[Place, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)


def find_mistakes(
    variables: Json, text: str | None, role: Mapping[str, Json], *, defined: Iterable[str] = (), depth: str = "shape"
) -> list[str]:
    """Return the mistakes in a lab, each in a line; with the text of its file, in the order of the file.

    Args:
        variables: what is known of the values of the lab's variables; None for what the text says.
        role: the options of the role lab, as its argument specs have them.
        defined: names of variables that have a value from elsewhere.
        depth: how far to look: at the C(form) of the text, the C(shape) of the variables, or the C(whole) lab.
    """
    document = _Document()
    variables = plain(variables)
    if text is not None:
        problem = _read(text, document)
        if problem:
            return [problem]
        if not isinstance(document.data, dict):
            return [_sentence(_NO_DICTIONARY)]
        variables = {**document.data, **(variables or {})}
    found = list(document.mistakes)
    if depth != "form":
        found += mistakes_in(variables, role, defined)
    if depth == "whole" and isinstance(variables, dict):
        options = {key: variables.get(f"lab_{key}") for key in ("name", "networks", "containers", "checks")}
        wrong = [(str(one.path[0]).removeprefix("lab_"), *one.path[1:]) for one in found if one.path]
        found += [Mistake(_in_lab(one.place), one.problem) for one in mistakes_in_whole(options, wrong)]
    placed = sorted(((_line_of(one.path, document.lines), _sentence(one)) for one in found), key=lambda one: one[0])
    return [f"line {line}: {sentence}" if line else sentence for line, sentence in placed]


def _read(text: str, document: _Document) -> str:
    """Read the text of a file into a document; return why it cannot be read, without the excerpt that YAML shows.

    An excerpt may have a secret.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document.data = _data(node, (), document, ()) if node else None
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        return f"{where}it is not YAML: {exc.problem or exc.context}"
    except yaml.YAMLError:
        return "it is not YAML: it has characters that no YAML file has"
    return ""


def _in_lab(place: Place) -> Place:
    return (f"lab_{place[0]}", *place[1:]) if place else ()


def mistakes_in(variables: Json, role: Mapping[str, Json], defined: Iterable[str] = ()) -> Iterator[Mistake]:
    """Yield the mistakes in the variables of a lab."""
    if not isinstance(variables, dict):
        yield _NO_DICTIONARY
        return
    options = _options(variables, role)
    for name in variables:
        if name not in options and name not in _PLAYBOOK_VARIABLES and _OURS.fullmatch(str(name)):
            yield Mistake((name,), f"there is no such variable of a lab{did_you_mean(str(name), options)}")
    given = {**dict.fromkeys(defined, _TEMPLATE), **{key: value for key, value in variables.items() if key in options}}
    yield from _in_options(given, options, ())
    if not {"lab_networks", "lab_containers"} & given.keys():
        yield Mistake((), "it has neither lab_containers nor lab_networks")
    checks = given.get("lab_checks")
    for number, check in enumerate(checks if isinstance(checks, list) else ()):
        yield from _in_check(check, ("lab_checks", number))


def _options(variables: Mapping[str, Json], role: Mapping[str, Json]) -> dict[str, Json]:
    """Return the role's options, with those of networks, containers and checks below."""
    named = strict_options_for({key: variables.get(f"lab_{key}") for key in ("networks", "containers")})
    found = {name: dict(option) for name, option in role.items()}
    found["lab_networks"] = named["networks"]
    found["lab_containers"] = named["containers"]
    found["lab_checks"] = {**CHECK_OPTIONS["checks"], "options": _CHECK}
    return found


def _in_options(given: Mapping[str, Json], options: Mapping[str, Json], path: Place) -> Iterator[Mistake]:
    # YAML takes a name such as 2001 for a number; modules get it as text.
    given = {str(name): value for name, value in given.items()}
    for name, value in given.items():
        if name in options:
            yield from _in_value(value, options[name], (*path, name))
        else:
            yield Mistake((*path, name), f"there is no such option{meant(name, options)}")
    for name, option in options.items():
        if option.get("required") and given.get(name) is None:
            yield Mistake(path, f"{name} is missing")


def _in_value(value: Json, option: Mapping[str, Json], path: Place) -> Iterator[Mistake]:
    kind = option.get("type", "str")
    if value is None or kind == "raw" or _is_template(value):
        return
    if kind == "dict":
        if not isinstance(value, dict):
            yield Mistake(path, f"must be a dictionary, not {shape(value)}")
        else:
            # Without options it is such as environment or labels: names and plain values.
            yield from _in_options(value, option.get("options", dict.fromkeys(map(str, value), _PLAIN)), path)
    elif kind == "list":
        yield from _in_list(value, option, path)
    elif isinstance(value, (dict, list)):
        yield Mistake(path, f"must be a single value, not {shape(value)}")
    else:
        yield from _in_scalar(value, option, path)


def _in_list(value: Json, option: Mapping[str, Json], path: Place) -> Iterator[Mistake]:
    element = {**option, "type": option.get("elements", "raw")}
    if isinstance(value, list):
        for number, item in enumerate(value):
            if item is None and element["type"] == "dict":
                yield Mistake((*path, number), "must be a dictionary, and is empty")
            yield from _in_value(item, element, (*path, number))
    elif isinstance(value, dict) or element["type"] == "dict":
        yield Mistake(path, f"must be a list, not {shape(value)}")


def _in_scalar(value: Json, option: Mapping[str, Json], path: Place) -> Iterator[Mistake]:
    choices = option.get("choices")
    if choices and str(value) not in choices:
        listed = f": {', '.join(choices)}" if len(choices) < 10 else ""
        yield Mistake(
            path, f"{value!r} is none of the values that it can have{listed}{did_you_mean(str(value), choices)}"
        )
    elif option.get("type") in ("int", "float", "bool"):
        spec = {"value": {"type": option["type"]}}
        checked = ArgumentSpecValidator(spec).validate(cover({"value": value}, spec))
        if checked.error_messages:
            words = {"int": "a whole number", "float": "a number", "bool": "true or false"}[option["type"]]
            yield Mistake(path, f"must be {words}, not {value!r}")


def _in_check(check: Json, path: Place) -> Iterator[Mistake]:
    """Yield what only the whole of a check shows, if its parts are well-formed and known."""
    if not isinstance(check, dict) or _has_template(check):
        return
    if any(True for _one in _in_options(check, _CHECK, path)):
        return
    if float(check.get("points") or 0) < 0:
        yield Mistake((*path, "points"), "must not be negative")
    checked = ArgumentSpecValidator(CHECK_OPTIONS).validate({"checks": [for_module(check)]})
    try:
        if not checked.error_messages:
            parse_checks(checked.validated_parameters)
    except SpecError as exc:
        yield Mistake(path, str(exc))
    yield from (Mistake(path, message) for message in checked.error_messages)


# -- texts ------------------------------------------------------------------------------------------------------------


def _sentence(mistake: Mistake) -> str:
    return f"{spelled(mistake.path)}: {mistake.text}" if mistake.path else mistake.text


def _line_of(path: Place, lines: Mapping[Place, int]) -> int:
    """Return the line of a place, or of the nearest that it is in; 0 for the file as a whole."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 0)


def _is_template(value: Json) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _has_template(value: Json) -> bool:
    inner: Iterable[Json] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return _is_template(value) or any(_has_template(one) for one in inner)


# -- YAML with line numbers -------------------------------------------------------------------------------------------


def _data(node: Json, path: Place, document: _Document, above: tuple[Json, ...]) -> Json:
    """Return what a node of a YAML file stands for. above: the nodes that it is in; it can be an alias of one."""
    if node in above or not node.tag.startswith("tag:yaml.org,2002:"):
        # Such as !vault and !unsafe.
        return _TEMPLATE
    document.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_data(item, (*path, number), document, (*above, node)) for number, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document, (*above, node))
    return yaml.SafeLoader("").construct_object(node)


def _mapping(node: Json, path: Place, document: _Document, above: tuple[Json, ...]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    merged: dict[str, Json] = {}
    for key, value in node.value:
        if key.tag == "tag:yaml.org,2002:merge":
            # Mistakes and lines of what is merged are those of the place that it comes from.
            parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for part in reversed(parts):
                inner = _data(part, path, _Document(), above)
                merged.update(inner if isinstance(inner, dict) else {})
            continue
        name = str(_data(key, (), _Document(), above))
        if name in found:
            document.mistakes.append(Mistake((*path, name), f"is given twice, again in line {key.start_mark.line + 1}"))
        document.lines.setdefault((*path, name), key.start_mark.line + 1)
        found[name] = _data(value, (*path, name), document, above)
    return {**merged, **found}
