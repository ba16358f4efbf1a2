# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Judge the marks by which the collection knows what it made itself. Pure, except for M(image_values).

A container's labels, in its description and in every list, include those of its image: an image can claim anything.
So a label counts only where its image does not bring it with that value, and what it says is acted on only where the
container also has what an image cannot give: a name of the collection's own form, the state, and the settings of such
a container. What a label asks for has to be about the container that its name and IDs stand for. So does _recovery
judge what killed runs left.
"""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .reader import Reader

Json = t.Any

FULL_ID = re.compile(r"[0-9a-f]{64}")
_HELPER_NAME = re.compile(r"linklab-helper-[0-9a-f]{12}")
# What is to be executed by a container that never runs, so that it cannot be started by mistake either.
NEVER = ("none",)


# -- labels, and what images bring ------------------------------------------------------------------------------------


def image_values(engine: Reader, label: str) -> dict[str, str]:
    """Return the value of a label by the ID of each image that has it: one request, and normally no image does."""
    listed = engine.images_with(label)
    return {_bare(raw["Id"]): (raw.get("Labels") or {}).get(label, "") for raw in listed}


def _bare(ident: str) -> str:
    return ident.rpartition(":")[2]


def given_value(raw: Mapping[str, Json], label: str, images: Mapping[str, str]) -> str | None:
    """Return the value of a label that was given to a container itself; None if there is none, or it is its image's.

    Args:
        raw: the container's description, or its element of the list of containers.
        images: see M(image_values). An image that is gone cannot be asked; the label counts then.
    """
    value = _labels(raw).get(label)
    image = raw.get("ImageID") or raw.get("Image") or ""
    return None if value is None or images.get(_bare(image)) == value else str(value)


def without_inherited(raw: Mapping[str, Json], label: str, images: Mapping[str, str]) -> Mapping[str, Json]:
    """Return a container's description, or its element of the list, without a label that is only its image's."""
    labels = _labels(raw)
    if label not in labels or given_value(raw, label, images) is not None:
        return raw
    own = {name: value for name, value in labels.items() if name != label}
    return {**raw, "Config": {**raw["Config"], "Labels": own}} if "Config" in raw else {**raw, "Labels": own}


def _labels(raw: Mapping[str, Json]) -> Mapping[str, str]:
    return (raw.get("Config") or raw).get("Labels") or {}


# -- containers that are only made for a while ------------------------------------------------------------------------


def name_of(raw: Mapping[str, Json]) -> str:
    return str(raw.get("Name") or "").lstrip("/")


def never_ran(raw: Mapping[str, Json]) -> bool:
    """Whether a container is one of those that are made to be there, and never to run."""
    config = raw.get("Config") or {}
    state = (raw.get("State") or {}).get("Status")
    return state == "created" and tuple(config.get("Entrypoint") or ()) == NEVER


def helper_owner(raw: Mapping[str, Json], owner: str | None) -> str:
    """Return the ID of the container that a helper was made for; empty if it is no helper of this collection.

    Args:
        raw: the container's description.
        owner: the label that was given to it.
    """
    host = raw.get("HostConfig") or {}
    entrypoint = (raw.get("Config") or {}).get("Entrypoint") or ()
    own = _HELPER_NAME.fullmatch(name_of(raw)) and host.get("AutoRemove") and list(entrypoint[:1]) == ["sh"]
    return owner if own and owner and FULL_ID.fullmatch(owner) else ""
