# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Mark a container whose legacy links are being removed: other runs keep away, and a later one finds what was left.

The mark is a container that never runs. Its name keeps others from making the same one; it lends names to
links whose target was removed; and where an endpoint is to take the place of the links, it has that in a label.
"""

from __future__ import annotations

import json
import typing as t
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from .._engine.marks import given_value, image_values
from .._errors import ApplyError, BusyError, Conflict, LinklabError
from .endpoint_notes import create, discard, never_runs, read_noted
from .names import helper_name

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._engine.client import Engine
    from .._model.state import ContainerState
    from .._plan.restorations import NotedEndpoint

Json = t.Any

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
    engine: Engine, source: ContainerState, *, lend: Iterable[str] = (), instead: Instead | None = None
) -> Iterator[None]:
    """Keep other runs away from the links of a container.

    Args:
        lend: aliases of links whose target was removed.
        instead: what takes the place of the links; should this run die after one is gone, the next one makes it.

    Raises:
        BusyError: another run is at it. Nothing was changed.
    """
    mark = _create_mark(engine, source, lend, instead)
    try:
        yield
    except LinklabError as exc:
        # By a mark that stays the next run knows that the container is to be brought back.
        if not (isinstance(exc, AwayError) or isinstance(exc.__cause__, AwayError)):
            with suppress(LinklabError):
                discard(engine, mark)
        raise
    # Its work is done. One that stays is found by the observation that follows, and goes then.
    with suppress(LinklabError):
        discard(engine, mark)


def _create_mark(engine: Engine, source: ContainerState, lend: Iterable[str], instead: Instead | None) -> str:
    links = [f"{source.id}:../{source.name}/{alias}" for alias in lend]
    name = mark_name(source)
    try:
        return create(engine, name, never_runs(source, {_LABEL: asdict(instead)} if instead else {}, Links=links))
    except Conflict as exc:
        raise BusyError(f"could not remove a link of {source.name}: another run is doing it ({name} exists)") from exc


# -- judging one that was left ----------------------------------------------------------------------------------------


def mark_name(source: ContainerState) -> str:
    """Return what the container is called that marks a removal of links of a source."""
    return helper_name(source.name, source.id)


def read_instead(engine: Engine, mark: Mapping[str, Json], source: str) -> Instead | None:
    """Return what was to take the place of the links of a container, by the mark of their removal.

    Args:
        mark: its description.
        source: the ID of the container; nothing else may be in the label, which can be anybody's.
    """
    if _LABEL not in (mark["Config"].get("Labels") or {}):
        return None
    with suppress(ValueError, TypeError, KeyError):
        found = json.loads(given_value(mark, _LABEL, image_values(engine, _LABEL)) or "null")
        end, aliases = read_noted(found["endpoint"]), tuple(map(str, found["aliases"]))
        if end is not None and end.container == source:
            return Instead(aliases, end)
    return None
