# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Settings of endpoints that are away for a moment, kept where no death of a run can lose them.

An endpoint's settings cannot be changed in place: it goes, and comes back with others. Between the two, nobody but the
run knows the settings that it carries over. So it first leaves a note, a container that never runs and has them in a
label. A later run that finds one takes the settings from there, and puts back what it does not change itself.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
import typing as t
from contextlib import suppress
from dataclasses import replace

from .._engine.marks import FULL_ID, NEVER, given_value, image_values, name_of, never_ran
from .._errors import ApplyError, Conflict, LinklabError, NotFound, engine_message, tolerate_if
from .._model.find import find_container
from .._model.leftover_names import lasting_name
from .._model.state import Endpoint, read_settings
from .._plan.plan import Action, Reattach
from .._plan.restorations import Note, NotedEndpoint, RestoreEndpoints

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from .._engine.client import Engine
    from .._model.state import ContainerState

    Sign = tuple[t.Any, float]

Json = t.Any

NOTE_LABEL = "linklab.docker.endpoints"
_NOTE_NAME = re.compile(r"linklab-(?P<kind>endpoints|members)-(?P<key>[0-9a-f]{12})(-[0-9a-f]{8})?")
_MEMBERS = "linklab-members-"
# How long a run may take for what it noted; a reattach takes a fifth of a second.
_PATIENCE = 4.0
_PATIENCE_EACH = 1.0
_LOOK_AGAIN = 0.25


# -- leaving one ------------------------------------------------------------------------------------------------------


def leave_note(engine: Engine, unit: Iterable[Action]) -> str:
    """Note the endpoints that a unit takes away and carries over; return the note's ID, empty if there is no need."""
    reattaches = [action for action in unit if isinstance(action, Reattach) and _carries_over(action)]
    # The same endpoints have the same note: runs that change them take turns.
    return _leave(engine, reattaches, note_name(f"{action.container.id} {action.network_ref}" for action in reattaches))


def leave_members(engine: Engine, members: Sequence[Reattach]) -> str:
    """Note everybody on a network that is replaced, whatever they carry over; return the note's ID.

    The network has another ID afterwards, so the note goes by its name.
    """
    return _leave(engine, members, note_name((f"{one.container.id} {one.network}" for one in members), "members"))


def _leave(engine: Engine, reattaches: Sequence[Reattach], name: str) -> str:
    if not reattaches:
        return ""
    ends = [
        {
            "container": action.container.id,
            "name": action.container.name,
            "network": action.network,
            "settings": action.old.settings.to_api(),
        }
        for action in reattaches
    ]
    body = never_runs(reattaches[0].container, {NOTE_LABEL: ends}, NetworkMode="none")
    try:
        return _create_in_turn(engine, name, body)
    except NotFound:
        # The image is gone, and nothing can be made of it: then it must do without.
        return ""


def never_runs(like: ContainerState, labels: Mapping[str, Json], **host: Json) -> Mapping[str, Json]:
    """Return the body of a container that never runs. like: a container whose image the engine has."""
    return {
        "Image": like.raw.get("Image"),
        "Entrypoint": list(NEVER),
        "Labels": {label: json.dumps(value) for label, value in labels.items()},
        "HostConfig": host,
    }


def create(engine: Engine, name: str, body: Mapping[str, Json]) -> str:
    """Create a container that never runs; return its ID. Nothing of it stays if that fails."""
    try:
        return str(engine.create_container(name, body)["Id"])
    except (Conflict, NotFound):
        raise
    except LinklabError:
        # It may have been made all the same.
        with suppress(LinklabError):
            discard(engine, name)
        raise


def _create_in_turn(engine: Engine, name: str, body: Mapping[str, Json]) -> str:
    """Create a note once no other run has one of its name; one that stays is that of a dead run, and no hindrance."""
    seen, since = "", time.monotonic()
    while True:
        try:
            return create(engine, name, body)
        except Conflict:
            now = find_container(engine, name)
            if now is not None and now.id != seen:
                seen, since = now.id, time.monotonic()
            elif time.monotonic() - since > _PATIENCE:
                break
        time.sleep(_LOOK_AGAIN)
    return create(engine, f"{name}-{secrets.token_hex(4)}", body)


def _carries_over(action: Reattach) -> bool:
    """Whether something of the old endpoint goes on to the new one; what a task gives, it gives again."""
    new = action.settings.given()
    return any(value and new.get(name) == value for name, value in action.old.settings.given().items())


def discard(engine: Engine, ref: str) -> None:
    """Remove a container that never ran, with the volumes that its image made it have; one that is gone will do."""
    if ref:
        with suppress(NotFound):
            tolerate_if(
                # Not by force: it never ran.
                lambda: engine.remove_container(ref, volumes=True),
                lambda: find_container(engine, ref) is None,
            )


# -- finding what was left --------------------------------------------------------------------------------------------


def find_notes(
    engine: Engine,
    concerns: Callable[[NotedEndpoint], bool],
    patience: float | None = None,
    made: Collection[str] = (),
) -> tuple[tuple[Note, ...], bool]:
    """Return the notes that killed runs left, and whether there was any to wait for: else this is one request.

    Args:
        concerns: whether a note is of interest, by one of its endpoints.
        patience: seconds after which a run counts as dead, instead of what its note allows.
        made: names of networks that this run makes if they are missing. Whoever makes a network that a killed run was
            replacing also needs to know of its other members; nobody else can put them back.
    """
    notes: list[Note] = []

    def look() -> Mapping[str, Sign]:
        notes[:] = notes_now(engine, concerns, made)
        return signs(notes)

    seconds, waited = wait_for_runs(look, patience)
    return tuple(replace(note, waited=seconds) for note in notes), waited


def notes_now(engine: Engine, concerns: Callable[[NotedEndpoint], bool], made: Collection[str]) -> list[Note]:
    notes = _read(engine, made)
    return [note for note in notes if note.members_of in made or any(map(concerns, note.endpoints))]


def signs(notes: Iterable[Note]) -> dict[str, Sign]:
    return {note.id: (note.id, _PATIENCE + _PATIENCE_EACH * len(note.endpoints)) for note in notes}


def wait_for_runs(look: Callable[[], Mapping[str, Sign]], patience: float | None = None) -> tuple[float, bool]:
    """Wait until the runs that left what I(look) finds are over or count as dead, all at once.

    Args:
        look: returns by what was left: what changes while its run is alive, and for how many seconds it may not.
        patience: seconds without any sign of life after which each counts as dead, instead of its own.

    Returns:
        After how many seconds that was, and whether there was anything.
    """
    begin = time.monotonic()
    since: dict[str, tuple[Json, float]] = {}
    while True:
        found, now = look(), time.monotonic()
        for key, sign in found.items():
            if key not in since or since[key][0] != sign[0]:
                since[key] = (sign[0], now)
        if all(now - since[key][1] >= (sign[1] if patience is None else patience) for key, sign in found.items()):
            return now - begin, bool(since)
        time.sleep(_LOOK_AGAIN)


def of_containers(refs: Iterable[str]) -> Callable[[NotedEndpoint], bool]:
    """Return whether a note concerns one of these containers, by names or IDs."""
    wanted = tuple(refs)
    return lambda end: any(end.is_called(ref) for ref in wanted)


def _read(engine: Engine, made: Collection[str]) -> Iterator[Note]:
    """Yield what the collection's own notes say: a label can be anybody's, and its image's."""
    found = engine.containers(label=[NOTE_LABEL])
    if not found:
        return
    images = image_values(engine, NOTE_LABEL)
    networks: dict[str, set[str]] = {}
    for network in engine.networks():
        networks.setdefault(network["Name"], set()).add(network["Id"])
    for raw in engine.inspect_containers(one["Id"] for one in found).values():
        ends = read_note(raw, given_value(raw, NOTE_LABEL, images), networks)
        there = engine.inspect_containers(end.container for end in ends)
        members_of = ends[0].network if ends and name_of(raw).startswith(_MEMBERS) else ""
        if members_of and members_of not in {*networks, *made}:
            continue
        if ends and all(is_about(end, there.get(end.container)) for end in ends):
            yield Note(raw["Id"], name_of(raw), ends, members_of=members_of)


# -- judging it; pure -------------------------------------------------------------------------------------------------


def read_noted(value: Json) -> NotedEndpoint | None:
    """Read one endpoint of a label; None for anything that the collection does not write."""
    if not isinstance(value, dict) or set(value) != {"container", "name", "network", "settings"}:
        return None
    texts = (value["container"], value["name"], value["network"])
    if not (all(isinstance(text, str) and text for text in texts) and isinstance(value["settings"], dict)):
        return None
    return NotedEndpoint(**value) if FULL_ID.fullmatch(value["container"]) else None


def note_name(keys: Iterable[str], kind: str = "endpoints") -> str:
    """Return what the note of endpoints is called.

    Args:
        keys: C(CONTAINER-ID NETWORK-ID) of each; the network's name where it is the note of everybody on a network.
    """
    return f"linklab-{kind}-{hashlib.sha256(min(keys, default='').encode()).hexdigest()[:12]}"


def read_note(raw: Mapping[str, Json], text: str | None, networks: Mapping[str, Collection[str]]) -> tuple[Json, ...]:
    """Return the endpoints that a container notes; none if it is no note that a run of this collection left.

    Args:
        raw: the container's description.
        text: the label that was given to it.
        networks: the IDs of the networks of each name. The name of a note is made of them; where one is gone, that
            cannot be checked, and nothing can be put back on it either.
    """
    try:
        ends = [read_noted(value) for value in json.loads(text or "null") or ()]
    except (ValueError, TypeError):
        return ()
    name = _NOTE_NAME.fullmatch(name_of(raw))
    if name is None or not ends or None in ends or not never_ran(raw):
        return ()
    known = t.cast("list[NotedEndpoint]", ends)
    by_name = name["kind"] == "members"
    if by_name or all(len(networks.get(end.network) or ()) == 1 for end in known):
        keys = (f"{end.container} {end.network if by_name else next(iter(networks[end.network]))}" for end in known)
        if note_name(keys, name["kind"]) != f"linklab-{name['kind']}-{name['key']}":
            return ()
    return tuple(known)


def is_about(end: NotedEndpoint, container: Mapping[str, Json] | None) -> bool:
    """Whether a noted endpoint is one of the container that it names, or of one that is gone, which harms nobody."""
    if container is None:
        return True
    # In the middle of its replacement it is called otherwise.
    return container["Id"] == end.container and lasting_name(name_of(container)) == end.name


# -- containers without what is away ----------------------------------------------------------------------------------


def with_away(container: ContainerState, notes: Sequence[Note]) -> ContainerState:
    """Return a container with the endpoints that interrupted runs took away from it."""
    away = {
        end.network: _endpoint(end)
        for note in notes
        for end in note.endpoints
        if end.container == container.id and _lacks(container, end.network)
    }
    return replace(container, endpoints={**container.endpoints, **away}) if away else container


def _endpoint(end: NotedEndpoint) -> Endpoint:
    mac = str(end.settings.get("MacAddress") or "")
    return Endpoint(
        end.network, settings=replace(read_settings(end.settings), mac_address=mac or None), mac=mac, away=True
    )


def _lacks(container: ContainerState, network: str) -> bool:
    """Whether a container is not on a network, or only seems to be, as it does after a connect that failed."""
    endpoint = container.endpoints.get(network)
    return endpoint is None or (container.live and not endpoint.endpoint_id)


# -- putting it right -------------------------------------------------------------------------------------------------


def restore_endpoints(engine: Engine, action: RestoreEndpoints) -> None:
    """Put back what is away; a container, a network or an endpoint that somebody else saw to will do."""
    for end in action.note.endpoints:
        if (end.container, end.network) not in action.unwanted and _is_away(engine, end):
            _restore(engine, end, action.note)
    discard(engine, action.note.id)


def _restore(engine: Engine, end: NotedEndpoint, note: Note) -> None:
    try:
        tolerate_if(lambda: engine.connect(end.network, end.container, end.settings), lambda: not _is_away(engine, end))
    except NotFound:
        # The network is gone.
        return
    except LinklabError as exc:
        raise ApplyError(
            f"could not put the endpoint of {end.name} on {end.network} back, which an interrupted run took away:"
            f" {engine_message(exc)}. It had {dict(end.settings)}. To do without it, remove the container {note.name};"
            " nothing else was changed"
        ) from exc


def _is_away(engine: Engine, end: NotedEndpoint) -> bool:
    container = find_container(engine, end.container)
    return container is not None and _lacks(container, end.network)
