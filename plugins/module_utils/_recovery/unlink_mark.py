# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Mark a container whose legacy links are being removed: other runs keep away, and a later one finds what was left.

The mark is a helper, a container that never runs. Its name keeps others from making the same one; it lends names to
links whose target was removed; and where an endpoint is to take the place of the links, it has that in a label.
"""

from __future__ import annotations

import json
import typing as t
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from .._engine.marks import NEVER, NotedEndpoint, given_value, image_values, never_ran, read_noted
from .._errors import ApplyError, BusyError, Conflict, LinklabError, NotFound
from .._model.state import find_container
from .names import helper_name

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .._engine.client import Engine
    from .._model.state import Container

# Not that of notes: what it says is only to be done once a link is gone.
_LABEL = "linklab.docker.exchange"


@dataclass(frozen=True)
class Instead:
    """The endpoint that takes the place of links, and their aliases."""

    aliases: tuple[str, ...]
    endpoint: NotedEndpoint


class AwayError(ApplyError):
    """A container is off the default bridge, where it should be."""


@contextmanager
def marked(
    engine: Engine, source: Container, *, lend: Iterable[str] = (), instead: Instead | None = None
) -> Iterator[None]:
    """Keep other runs away from the links of a container.

    Args:
        lend: aliases of links whose target was removed.
        instead: what takes the place of the links; should this run die after one is gone, the next one makes it.

    Raises:
        BusyError: another run is at it. Nothing was changed.
    """
    helper = _create_helper(engine, source, lend, instead)
    try:
        yield
    except LinklabError as exc:
        # By a helper that stays the next run knows that the container is to be brought back.
        if not (isinstance(exc, AwayError) or isinstance(exc.__cause__, AwayError)):
            with suppress(LinklabError):
                discard_helper(engine, helper)
        raise
    # Its work is done. One that stays is found by the observation that follows, and goes then.
    with suppress(LinklabError):
        discard_helper(engine, helper)


def _create_helper(engine: Engine, source: Container, lend: Iterable[str], instead: Instead | None) -> str:
    links = [f"{source.id}:../{source.name}/{alias}" for alias in lend]
    body = {
        "Image": source.raw["Image"],
        "Entrypoint": list(NEVER),
        "Labels": {_LABEL: json.dumps(asdict(instead))} if instead else {},
        "HostConfig": {"Links": links},
    }
    name = helper_name(source.name, source.id)
    try:
        return str(engine.create_container(name, body)["Id"])
    except Conflict as exc:
        raise BusyError(f"could not remove a link of {source.name}: another run is doing it ({name} exists)") from exc
    except LinklabError:
        # It may have been made all the same.
        with suppress(LinklabError):
            discard_helper(engine, name)
        raise


def discard_helper(engine: Engine, ident: str) -> None:
    """Remove a helper, with the volumes that its image made it have."""
    with suppress(NotFound):
        # Not by force: it never ran.
        engine.remove_container(ident, volumes=True)


def read_instead(engine: Engine, helper: str, source: str) -> Instead | None:
    """Return what was to take the place of the links of a container, by the helper that marks their removal.

    Args:
        source: the ID of the container; nothing else may be in the label, which can be anybody's.
    """
    container = find_container(engine, helper)
    if container is None or not never_ran(container.raw) or _LABEL not in (container.raw["Config"].get("Labels") or {}):
        return None
    with suppress(ValueError, TypeError, KeyError):
        found = json.loads(given_value(container.raw, _LABEL, image_values(engine, _LABEL)) or "null")
        end, aliases = read_noted(found["endpoint"]), tuple(map(str, found["aliases"]))
        if end is not None and end.container == source:
            return Instead(aliases, end)
    return None
