# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The elements of lab_checks: their stages and points, and the checks that the module makes of them. Pure."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import CHECK_OPTIONS, parse_checks
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from ansible_collections.linklab.docker.plugins.plugin_utils._spec_graph import plain

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import Check

Json = t.Any

# What an element may have in addition to the options of the module.
OWN_OPTIONS: dict[str, Json] = {"name": {"type": "str"}, "stage": {"type": "str"}, "points": {"type": "float"}}


def for_module(element: Mapping[str, Json]) -> dict[str, Json]:
    """Return an element as the module connectivity takes it."""
    return {name: plain(value) for name, value in element.items() if name not in OWN_OPTIONS}


def stage_of(element: Mapping[str, Json]) -> str:
    return str(element.get("stage") or "")


def groups(elements: Sequence[Mapping[str, Json]], *, stop: bool) -> list[tuple[str, list[int]]]:
    """Return what is checked together: a stage, and the numbers of its elements, from 0.

    Args:
        stop: whether a stage is checked only after the one before it; else there is one group. Stages are in the order
            in which they are first named.
    """
    if not stop:
        return [("", list(range(len(elements))))] if elements else []
    found: dict[str, list[int]] = {}
    for number, element in enumerate(elements):
        found.setdefault(stage_of(element), []).append(number)
    return list(found.items())


def checks_of(elements: Sequence[Mapping[str, Json]], timeout: float) -> tuple[list[Check], list[list[int]]]:
    """Return the checks that the module makes of elements, in its order, and the numbers of those of each element.

    Raise SpecError. The module makes a check once that two elements ask for.

    Args:
        timeout: the one of the task, in seconds.
    """
    unique: dict[Check, int] = {}
    numbers = []
    for element in elements:
        checked = ArgumentSpecValidator(CHECK_OPTIONS).validate({"checks": [for_module(element)], "timeout": timeout})
        if checked.error_messages:
            raise SpecError("; ".join(checked.error_messages))
        numbers.append([unique.setdefault(check, len(unique)) for check in parse_checks(checked.validated_parameters)])
    return list(unique), numbers
