# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What the modules share: argument specs, the five steps, results and error texts."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._apply.progress import Done
from .._engine.answers import understood
from .._engine.client import Engine
from .._errors import ApplyError, EngineError, LinklabError, Refusal, Unreachable, engine_message
from .._model.words import meant
from .._plan.plan import Action, Disruption, Plan
from .common import LinklabModule, connection_of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ansible.module_utils.basic import AnsibleModule

    from .._apply.stages import Executors

Json = t.Any
Spec = t.TypeVar("Spec")
State = t.TypeVar("State")

# How often a task observes and plans again if others change the same.
_ROUNDS = 3

DISRUPTION_OPTION: dict[str, Json] = {
    "disruption": {"type": "str", "choices": [str(level) for level in Disruption], "default": str(Disruption.RECONNECT)}
}


def _network_executors() -> Executors:
    from .._apply.stages import NETWORK_EXECUTORS

    return NETWORK_EXECUTORS


@dataclass(frozen=True)
class Task(t.Generic[Spec, State]):
    """The parts of a module that changes something.

    Attributes:
        parse: the task's parameters to what is wanted; raises SpecError.
        observe: what is there, in few requests.
        plan: pure; raises Refusal.
        result: the module's own return values, from the state at the end.
        executors: return how the actions are carried out that are not about an endpoint. Asked only if there are any.
        settle: wait for what is not ready yet, if the module waits for anything; whether there was need to wait.
        links: whether it is all about links.
    """

    parse: Callable[[Mapping[str, Json]], Spec]
    observe: Callable[[Engine, Spec], State]
    plan: Callable[[Spec, State], Plan]
    result: Callable[[Spec, State], dict[str, Json]]
    executors: Callable[[], Executors] = _network_executors
    settle: Callable[[Engine, Spec, State, Plan], bool] | None = None
    links: bool = False


def new_module(options: Mapping[str, Json], **settings: Json) -> AnsibleModule:
    """Return an AnsibleModule that takes I(options), how much may be disrupted, and the connection options."""
    return LinklabModule({**options, **DISRUPTION_OPTION}, meant=meant, **settings)


def run(module: AnsibleModule, task: Task[Spec, State]) -> None:
    """Parse, observe, plan, apply, observe again; end the module with its result or with one message."""
    try:
        result = converge(module.params, task, check_mode=module.check_mode, warn=module.warn)
    except ApplyError as exc:
        module.fail_json(msg=str(exc), changed=bool(exc.done) or exc.may_have_changed, **report(exc.done))
    except LinklabError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


def converge(
    params: Mapping[str, Json], task: Task[Spec, State], *, check_mode: bool, warn: Callable[[str], None]
) -> dict[str, Json]:
    """Carry out a task and return its result; raise LinklabError."""
    spec = task.parse(params)
    engine = Engine(connection_of(params))
    if task.links and engine.info.podman:
        from .._plan.podman_limits import NO_LINKS

        raise Refusal(NO_LINKS)
    try:
        with understood(engine):
            state = task.observe(engine, spec)
            plan = _plan(engine, task, spec, state)
    except (EngineError, Unreachable) as exc:
        raise LinklabError(f"could not read what is there: {str(exc).rstrip('.')}. Nothing was changed.") from exc
    plan.allow(Disruption.parse(params["disruption"]))
    for warning in plan.warnings:
        warn(warning)
    actions = plan.actions
    if not check_mode:
        cap = Disruption.parse(params["disruption"])
        actions, state = _carried_out(engine, task, spec, (state, plan), cap=cap, warn=warn)
    return {
        "changed": bool(actions),
        **report(actions),
        "diff": {"prepared": plan.text()},
        **_result(engine, task, spec, state),
    }


def _result(engine: Engine, task: Task[Spec, State], spec: Spec, state: State) -> dict[str, Json]:
    with understood(engine):
        return task.result(spec, state)


def _plan(engine: Engine, task: Task[Spec, State], spec: Spec, state: State) -> Plan:
    plan = task.plan(spec, state)
    if engine.info.podman:
        # Not at the top: few engines are Podman, and its limits know every kind of action.
        from .._plan.podman_limits import check

        check(plan.actions)
    return plan


def _carried_out(
    engine: Engine,
    task: Task[Spec, State],
    spec: Spec,
    first: tuple[State, Plan],
    *,
    cap: Disruption,
    warn: Callable[[str], None],
) -> tuple[tuple[Action, ...], State]:
    """Carry plans out until nothing is left to do; return the actions and the state at the end.

    One is enough, unless something else changes the same at the same time: then the current state is read again.

    Args:
        cap: what plans may disrupt. To recreate containers twice is nothing that anybody asked for.
    """
    state, plan = first
    done: list[Action] = []
    for left in reversed(range(_ROUNDS)):
        try:
            for note in _applied(engine, task, plan):
                warn(note)
        except ApplyError as exc:
            done += exc.done
            if not (left and exc.retryable):
                raise ApplyError(str(exc), done, may_have_changed=exc.may_have_changed) from exc
        else:
            done += plan.actions
        try:
            state, following = _looked_again(engine, task, spec, (state, plan))
        except ApplyError as exc:
            raise ApplyError(str(exc), done, may_have_changed=exc.may_have_changed) from exc
        if not following.actions:
            break
        if any(action.disruption is Disruption.RECREATE for action in done):
            cap = min(cap, Disruption.RECONNECT)
        if not left or any(action.disruption > cap for action in following.actions):
            steps = "; ".join(f"{action.describe()}: {action.reason}" for action in following.actions)
            raise ApplyError(
                f"every change was made, but this is not as wanted (did something else change it?): {steps}", done
            )
        plan = following
    return tuple(done), state


def _applied(engine: Engine, task: Task[Spec, State], plan: Plan) -> Iterable[str]:
    """Carry a plan out; return what the user should know that only the changes brought to light."""
    if not plan.actions:
        # Whoever follows the progress learns that nothing is left.
        Done[Action](0)
        return ()
    # Not at the top, here as well as for the executors: what carries plans out takes its time to load, and most runs
    # have nothing to do.
    from .._apply.stages import apply

    try:
        with understood(engine):
            return apply(engine, plan, task.executors())
    except Unreachable as exc:
        raise ApplyError(f"{engine_message(exc)}. Which changes were made is not known", may_have_changed=True) from exc


def _looked_again(
    engine: Engine, task: Task[Spec, State], spec: Spec, before: tuple[State, Plan]
) -> tuple[State, Plan]:
    """Observe again where a plan was carried out or something was waited for; return that and what is left to do.

    Raises:
        ApplyError: something was done, and what came of it is not known.
    """
    state, plan = before
    acted = bool(plan.actions)
    try:
        with understood(engine):
            if acted:
                state = task.observe(engine, spec)
            waited = task.settle is not None and task.settle(engine, spec, state, plan)
            if waited:
                state = task.observe(engine, spec)
            return state, _plan(engine, task, spec, state) if acted or waited else Plan()
    except ApplyError:
        raise
    except LinklabError as exc:
        if not acted:
            raise LinklabError(f"{str(exc).rstrip('.')}. Nothing was changed.") from exc
        # A refusal says that it found out before any change, which is so for a plan that nobody carries out.
        why = str(exc).replace(" Nothing was changed.", "").rstrip(".")
        raise ApplyError(f"every change was made, but what came of it is not known: {why}.") from exc


def report(actions: t.Sequence[Json]) -> dict[str, Json]:
    """Return what every module returns about its actions."""
    return {
        "actions": [action.as_dict() for action in actions],
        "disruption": str(max((action.disruption for action in actions), default=Disruption.NONE)),
    }
