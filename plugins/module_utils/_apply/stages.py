# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Carry a plan out: stage by stage, with bounded concurrency; stop at the first failure and say what stays."""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from .._engine.answers import understood
from .._engine.polling import until
from .._errors import ApplyError, EngineError, LinklabError, Unreachable, engine_message
from .._model.find import AGREE_SECONDS, find_network, same_name
from .._plan.plan import Action, CreateNetwork, EndpointAction, with_parts
from .._plan.restorations import RestoreEndpoints
from .._recovery.endpoint_notes import restore_endpoints
from .endpoints import carry_out_endpoints
from .progress import Done

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .._engine.client import Engine
    from .._plan.plan import Plan, Stage

Unit = tuple[Action, ...]
# What an executor returns is reported to the user.
Executors = t.Mapping[type[Action], t.Callable[..., t.Optional[t.Iterable[str]]]]
_APPEAR_SECONDS = 1.0


def apply(engine: Engine, plan: Plan, executors: Executors) -> tuple[str, ...]:
    """Carry I(plan) out; raise ApplyError with what was done before the failure.

    Args:
        executors: how each action is carried out that is not about an endpoint.

    Returns:
        What the user should know that only the changes brought to light.
    """
    done = Done[Action](len(plan.actions))
    notes: list[str] = []
    made: dict[str, str] = {}
    for stage in plan.stages:
        failures = _run_stage(engine, _by_id(stage, made), executors, done, notes)
        if not failures:
            try:
                made.update(_made_networks(engine, stage))
            except LinklabError as exc:
                failures = [exc]
        if failures:
            may_have_changed = any(isinstance(failure, ApplyError) and failure.may_have_changed for failure in failures)
            retryable = all(isinstance(failure, ApplyError) and failure.retryable for failure in failures)
            stay = _that_stay(done, failures)
            text = _failure_text(failures, stay, len(plan.actions), may_have_changed=may_have_changed)
            raise ApplyError(text, stay, may_have_changed=may_have_changed, retryable=retryable)
    return tuple(notes)


def _that_stay(done: Sequence[Action], failures: Sequence[LinklabError]) -> list[Action]:
    """Return the actions that were carried out and that no failure took back."""
    errors = [failure for failure in failures if isinstance(failure, ApplyError)]
    undone = {(action.name, action.subject) for error in errors for action in error.undone}
    return [action for action in done if (action.name, action.subject) not in undone]


def _made_networks(engine: Engine, stage: Stage) -> Iterator[tuple[str, str]]:
    """Yield name and ID of the networks that a stage made."""
    for unit in stage.units:
        for action in unit:
            network = find_network(engine, action.network.name) if isinstance(action, CreateNetwork) else None
            if network is not None:
                yield network.name, network.id


def _by_id(stage: Stage, made: Mapping[str, str]) -> Stage:
    """Call the networks that were just made by their IDs: for a moment, another run can make one of the same name."""
    return replace(stage, units=tuple(tuple(action.by_id(made) for action in unit) for unit in stage.units))


def _failure_text(
    failures: Sequence[LinklabError], done: Sequence[Action], total: int, *, may_have_changed: bool
) -> str:
    text = "; ".join(dict.fromkeys(str(failure).rstrip(".") for failure in failures))
    if total == 1:
        return f"{text}."
    count = "1 was made and stays" if len(done) == 1 else f"{len(done)} were made and stay"
    made = f"Of {total} changes, {count}"
    if may_have_changed:
        return f"{text}. {made}; those that were not begun are as they were."
    return f"{text}. {made}; the rest is as it was."


def _run_stage(
    engine: Engine, stage: Stage, executors: Executors, done: list[Action], notes: list[str]
) -> list[LinklabError]:
    if min(stage.workers, len(stage.units)) == 1:
        for unit in stage.units:
            try:
                notes.extend(carry_out(engine, unit, executors))
            except LinklabError as exc:
                return [exc]
            done.extend(with_parts(unit))
        return []
    return _run_concurrently(engine, stage, executors, done, notes)


def _run_concurrently(
    engine: Engine, stage: Stage, executors: Executors, done: list[Action], notes: list[str]
) -> list[LinklabError]:
    """Run a stage's units on threads, each with a connection of its own. After a failure no further unit begins."""
    local, failed = threading.local(), threading.Event()

    def connect() -> None:
        local.engine = engine.clone()

    def work(unit: Unit) -> LinklabError | None:
        if failed.is_set():
            return None
        try:
            notes.extend(carry_out(local.engine, unit, executors))
        except LinklabError as exc:
            failed.set()
            return exc
        done.extend(with_parts(unit))
        return None

    with ThreadPoolExecutor(min(stage.workers, len(stage.units)), initializer=connect) as pool:
        return [error for error in pool.map(work, stage.units) if error is not None]


def carry_out(engine: Engine, unit: Unit, executors: Executors) -> list[str]:
    """Carry out one unit: all of its actions, or none. Return what the user should know."""
    notes: list[str] = []
    endpoints = [action for action in unit if isinstance(action, EndpointAction)]
    if endpoints:
        carry_out_endpoints(engine, endpoints)
    for action in unit:
        if isinstance(action, EndpointAction):
            continue
        try:
            with understood(engine):
                notes.extend(executors[type(action)](engine, action) or ())
        except EngineError as exc:
            raise ApplyError(
                f"could not {action.describe()}: {engine_message(exc)}. Nothing was changed by that"
            ) from exc
        except Unreachable as exc:
            text = f"could not {action.describe()}: {engine_message(exc)}. It may have been done all the same"
            raise ApplyError(text, may_have_changed=True) from exc
    return notes


def create_network(engine: Engine, action: CreateNetwork) -> None:
    """Make a network. One of that name that appeared meanwhile will do: the observation after it compares."""
    try:
        made = engine.create_network(action.network.to_api())["Id"]
    except (EngineError, Unreachable) as exc:
        refused = isinstance(exc, EngineError) and exc.status not in (403, 409)
        if (refused and find_network(engine, action.network.name) is None) or not _appears(engine, action.network.name):
            raise
        return
    try:
        _settle_duplicates(engine, action.network.name, made)
    except LinklabError as exc:
        text = f"the network {action.network.name} is made, but it is not known whether another run made one as well"
        raise ApplyError(
            f"{text}: {engine_message(exc)}. Run the same task again to finish it", may_have_changed=True
        ) from exc


def _appears(engine: Engine, name: str) -> bool:
    """Whether a network is there, or comes in a moment: another run's takes its subnet before it can be seen."""
    return until(lambda: find_network(engine, name) is not None, _APPEAR_SECONDS)


def _settle_duplicates(engine: Engine, name: str, made: str) -> None:
    """Ensure that one network has this name.

    Engines before API 1.44 check for a duplicate without a lock, so two runs at once can both make one. All runs agree
    that the oldest stays; the others remove theirs.
    """
    seen: list[str] = []

    def is_settled() -> bool:
        seen[:] = same_name(engine, name)
        return len(seen) < 2 or seen[0] != made

    if not until(is_settled, AGREE_SECONDS) or len(seen) > 1:
        engine.remove_network(made)


NETWORK_EXECUTORS: Executors = {CreateNetwork: create_network, RestoreEndpoints: restore_endpoints}
