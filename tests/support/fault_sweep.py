# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a task once for each request that it sends, and let something go wrong with that request.

After each run, nothing of the user's may be lost, and the message must be clear; the same task run again must leave
what it leaves where nothing goes wrong, and a third run must change nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import secrets
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ansible_collections.linklab.docker.plugins.module_utils._errors import Conflict, NotFound
from kept import Expected, Picture, lost, take_picture, unsettled
from module_server import ModuleRun, ModuleServer
from socket_proxy import FAULT_TEXT, FAULTS, Fault, Request, SocketProxy
from watch import HELPER_LABEL

if t.TYPE_CHECKING:
    import ipaddress
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine

Json = t.Any

WORKERS = 4
# How many points of a scenario are tried, spread evenly, unless all are.
SAMPLE = 14
# Shorter than what C(late) takes; for all modules, by the environment variable that they share.
PATIENCE = 3
LATE = PATIENCE + 1.5

# Tried at every request that changes something.
ALWAYS = ("error", "cut-after", "kill-after")
# Tried at every such request in a full sweep, else in turn.
IN_TURN = ("cut-before", "error-after", "sent-twice", "answered-twice", "late", "kill-before", "cut-within")
# Of requests that only read.
READING = ("error", "cut-within", "cut-before", "answered-twice", "kill-before")

# What a message says of the state that it leaves.
_STATE = re.compile(
    r"[Nn]othing was changed|Nothing of it stays|nothing of it stays|is back|as before|as it was|and stay|every change"
    r" was made|all the same|is done|is made|run again"
)
# What a message says of the engine.
_SAID = {
    "error": FAULT_TEXT,
    "error-after": FAULT_TEXT,
    "late": "did not answer",
    "cut-before": "no answer",
    "cut-within": "",
    "cut-after": "no answer",
}
# What belongs into a bug report and into no message.
_INNARDS = re.compile(r"Traceback|Error\(|Exception|<[a-z_.]+ object|None\b|\n")


@dataclass(frozen=True)
class Scenario:
    """A task, and what is there before it.

    Attributes:
        build: makes what is there in a lab, with a function that runs a module, and returns the task's options.
        expected: what the task may do to what was there.
        changes: whether the task changes anything, so that a message has to say what the outcome was.
        only: faults to try, if not all.
        most: how many points a sample has, if not SAMPLE; for what takes long.
        proof: looks for data that no picture shows; yields what is lost.
    """

    module: str
    name: str
    build: Callable[[Json, Callable[..., ModuleRun]], dict[str, Json]]
    expected: Expected = field(default_factory=Expected)
    changes: bool = True
    only: tuple[str, ...] = ()
    most: int = 0
    proof: Callable[[Json], Iterable[str]] = lambda _lab: ()

    def __str__(self) -> str:
        return f"{self.module}: {self.name}"


@dataclass(frozen=True)
class Point:
    """A request, and what happens to it.

    Attributes:
        changes: how many requests that can change something come before it.
        kind: that of the request if it only reads, the first of this kind; else empty.
        about: that of the request.
    """

    changes: int
    fault: str
    kind: str = ""
    about: str = ""

    def __str__(self) -> str:
        return f"{self.changes}:{self.fault}{f':{self.kind}' if self.kind else f' ({self.about})'}"

    @classmethod
    def parse(cls, text: str) -> Point:
        """Read C(CHANGES:FAULT) or C(CHANGES:FAULT:KIND)."""
        changes, fault, kind = [*text.split(":", 2), ""][:3]
        return cls(int(changes), fault, kind)


@dataclass
class Outcome:
    """What one point brought to light. hit: whether the request came at all."""

    scenario: Scenario
    point: Point
    hit: bool = False
    lost: list[str] = field(default_factory=list)
    not_converged: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)

    def problems(self) -> Iterator[str]:
        for what, texts in (("LOST", self.lost), ("NOT CONVERGED", self.not_converged), ("UNCLEAR", self.unclear)):
            for text in texts:
                yield f"{self.scenario} at {self.point}: {what}: {text}"


def points_of(requests: Sequence[Request], *, everything: bool) -> list[Point]:
    """Return where to make which fault: of requests that read, the first of each kind after each change."""
    found = []
    turn, reading = itertools.cycle(IN_TURN), itertools.cycle(READING)
    changes, seen = 0, set[str]()
    for request in requests:
        if request.changes:
            faults = (*ALWAYS, *(IN_TURN if everything else (next(turn),)))
            found += [Point(changes, fault, "", request.kind) for fault in faults if _can_be(fault, request)]
            changes, seen = changes + 1, set()
        elif request.kind not in seen:
            seen.add(request.kind)
            faults = READING if everything else (next(reading),)
            found += [Point(changes, fault, request.kind) for fault in faults if _can_be(fault, request)]
    return found


def _can_be(kind: str, request: Request) -> bool:
    """Whether a fault makes sense: a stream cannot come twice."""
    stream = any(part in request.path for part in ("/events", "/exec/", "/archive", "/attach"))
    return not (stream and kind.endswith("-twice"))


class Worker:
    """What one thread of a sweep has for itself."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine.clone()
        self.folder = folder
        folder.mkdir()
        self.modules = ModuleServer(folder, {"DOCKER_TIMEOUT": str(PATIENCE)})
        # Runs that nobody disturbs may take their time.
        self.undisturbed = ModuleServer(folder, {"DOCKER_TIMEOUT": "60"})

    def proxy(self) -> SocketProxy:
        path = self.folder / secrets.token_hex(4)
        return SocketProxy(path, self.engine.connection.docker_host.partition("://")[2])

    def run(self, name: str, params: Mapping[str, Json]) -> ModuleRun:
        """Run a module that nothing disturbs."""
        return self.undisturbed.run(name, {"docker_host": self.engine.connection.docker_host, **params})

    def close(self) -> None:
        for one in (self.modules, self.undisturbed, self.engine):
            one.close()


class Sweep:
    """Runs scenarios at many points.

    Args:
        new_lab: makes a lab with a prefix of its own for an engine's client.
        subnets: what labs take their networks from.
        everything: whether all points are tried, and not a sample.
        only: points to try alone, as they are reported, separated by commas.
        extra: further faults by name; they are then the only ones, and tried at requests that change something.
        afterwards: called after each run that something happened to.
    """

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        new_lab: Callable[[Engine], Json],
        subnets: ipaddress.IPv4Network,
        *,
        everything: bool = False,
        only: str = "",
        extra: Mapping[str, Fault] | None = None,
        workers: int = WORKERS,
        afterwards: Callable[[], object] = lambda: None,
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._engine, self._folder, self._new_lab, self._subnets = engine, folder, new_lab, subnets
        self.everything, self._only = everything, only
        self.engine_version = engine.info.version
        self._extra, self._afterwards = extra or {}, afterwards
        self._workers: list[Worker] = []
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(workers, initializer=self._begin)

    def _begin(self) -> None:
        self._local.worker = Worker(self._engine, self._folder / secrets.token_hex(2))
        self._workers.append(self._local.worker)

    def close(self) -> None:
        self._pool.shutdown()
        for worker in self._workers:
            worker.close()

    def __call__(self, scenario: Scenario) -> list[Outcome]:
        """Run a scenario at all of its points; return the outcomes of those that were hit."""
        requests, reference = self._pool.submit(self._rehearse, scenario).result()
        points = [Point.parse(text) for text in self._only.split(",") if text]
        if self._extra:
            kinds = [request.kind for request in requests if request.changes]
            points = points or [Point(n, name, "", kind) for n, kind in enumerate(kinds) for name in self._extra]
        points = points or points_of(requests, everything=self.everything)
        points = [point for point in points if not scenario.only or point.fault in scenario.only]
        if not (self.everything or self._only or self._extra):
            points = points[:: -(-len(points) // (scenario.most or SAMPLE))]
        found = self._pool.map(lambda point: self._try(scenario, point, reference), points)
        outcomes = [outcome for outcome in found if outcome.hit]
        self.outcomes += outcomes
        return outcomes

    def check(self, scenario: Scenario) -> None:
        """Run a scenario at all of its points; fail with all that came to light."""
        outcomes = self(scenario)
        assert outcomes, f"no point of {scenario} was hit"
        problems = [problem for outcome in outcomes for problem in outcome.problems()]
        assert not problems, f"{len(problems)} problems:\n" + "\n".join(problems)

    def _rehearse(self, scenario: Scenario) -> tuple[list[Request], Json]:
        """Run the task where nothing goes wrong; return its requests and what it leaves."""
        worker = self._local.worker
        lab, proxy = self._new_lab(worker.engine), worker.proxy()
        try:
            params = scenario.build(lab, worker.run)
            done = worker.run(scenario.module, {**params, "docker_host": proxy.url})
            assert not done.failed, done
            requests = list(proxy.requests)
            again = worker.run(scenario.module, params)
            assert again.result and not again.result["changed"], again
            return requests, take_picture(worker.engine, lab.prefix).portable(self._subnets)
        finally:
            proxy.close()
            clear_lab(lab)

    def _try(self, scenario: Scenario, point: Point, reference: Json) -> Outcome:
        worker = self._local.worker
        lab, proxy = self._new_lab(worker.engine), worker.proxy()
        outcome = Outcome(scenario, point)
        try:
            params = scenario.build(lab, worker.run)
            before = take_picture(worker.engine, lab.prefix)
            fault = self._extra.get(point.fault) or _fault(point.fault, worker)
            happened = proxy.spoil(fault, point.changes, point.kind)
            first = worker.modules.run(scenario.module, {**params, "docker_host": proxy.url})
            outcome.hit = happened()
            self._afterwards()
            after = take_picture(worker.engine, lab.prefix)
            outcome.lost += lost(before, after, scenario.expected)
            if not first.killed:
                outcome.unclear += unclear(scenario, point, lab.prefix, first, (before, after))
                # Without an engine, nobody can put anything right before the second run.
                outcome.lost += (
                    [] if self._extra else unsettled(before, after, reference["containers"], scenario.expected)
                )
            outcome.not_converged += self._repeat(scenario, params, worker, lab, reference)
            final = take_picture(worker.engine, lab.prefix)
            outcome.lost += [f"after the second run: {text}" for text in lost(before, final, scenario.expected)]
            outcome.lost += scenario.proof(lab)
        finally:
            proxy.close()
            clear_lab(lab)
        return outcome

    def _repeat(self, scenario: Scenario, params: Json, worker: Worker, lab: Json, reference: Json) -> Iterator[str]:
        """Run the task again, twice, and say what is wrong with that."""
        second = worker.run(scenario.module, params)
        if second.failed:
            yield f"the second run failed: {_message_of(second)}"
            return
        left = take_picture(worker.engine, lab.prefix).portable(self._subnets)
        yield from _differences(reference, left)
        yield from (f"{stray} is left over" for stray in _strays(lab).values())
        third = worker.run(scenario.module, params)
        if third.result is None or third.failed or third.result["changed"]:
            yield f"the third run changed something: {(third.result or {}).get('actions') or _message_of(third)}"


def _strays(lab: Json) -> dict[str, str]:
    """Return ID and name of what modules made for themselves: it has the lab's names or IDs in its labels alone."""
    own = [lab.prefix, *(one["Id"] for one in lab.engine.containers() if _name(one).startswith(lab.prefix))]
    return {
        one["Id"]: _name(one)
        for one in lab.engine.containers()
        if not _name(one).startswith(lab.prefix)
        and any(text in str(one["Labels"]) for text in own)
        and not _is_unborn_helper(one)
    }


def _name(summary: Json) -> str:
    return next((name.lstrip("/") for name in summary["Names"] or () if name.count("/") == 1), "")


def _is_unborn_helper(summary: Json) -> bool:
    """Whether a check was killed before it started its helper, which any later check removes after five minutes."""
    return HELPER_LABEL in summary["Labels"] and summary["State"] == "created"


def clear_lab(lab: Json) -> None:
    """Remove all that is in a lab, volumes and what modules made for themselves too."""
    own = {one["Id"] for one in lab.engine.containers() if _name(one).startswith(lab.prefix)}
    helpers = [one["Id"] for one in lab.engine.containers() if one["Labels"].get(HELPER_LABEL) in own]
    for stray in {*_strays(lab), *helpers}:
        with contextlib.suppress(NotFound, Conflict):
            lab.engine.remove_container(stray, force=True, volumes=True)
    lab.clear()
    for volume in take_picture(lab.engine, lab.prefix).volumes:
        lab.engine.delete(f"/volumes/{volume}")


def _fault(name: str, worker: Worker) -> Fault:
    if name == "late":
        return Fault("delay", after=True, seconds=LATE)
    if name.startswith("kill-"):
        return replace(FAULTS[name.replace("kill", "cut")], strike=worker.modules.kill)
    return FAULTS[name]


def unclear(
    scenario: Scenario, point: Point, prefix: str, done: ModuleRun, pictures: tuple[Picture, Picture]
) -> Iterator[str]:
    """Say what is wrong with what a run told its user."""
    if done.result is None or "Traceback" in done.stderr:
        yield f"no result: {done.stdout} {done.stderr}"
        return
    if not done.failed:
        return
    message = str(done.result.get("msg"))
    reasons = [*_unclear_text(scenario, point, prefix, message), *_untrue(done.result, message, *pictures)]
    if reasons:
        yield f"{'; '.join(reasons)}: {message}"


def _unclear_text(scenario: Scenario, point: Point, prefix: str, message: str) -> Iterator[str]:
    if _INNARDS.search(message):
        yield "shows innards or has several lines"
    if not re.search(rf"{re.escape(prefix)}|unix://|could not read what is there|every change was made", message):
        yield "does not name what was wanted"
    wording = _SAID.get(point.fault, "")
    if wording not in message:
        yield f"does not say {wording!r}"
    # Before the engine's version is known, there is nothing to say about.
    if scenario.changes and not _STATE.search(message) and "Docker Engine" not in message:
        yield "does not say what the outcome was"


def _untrue(result: Json, message: str, before: Picture, after: Picture) -> Iterator[str]:
    if before != after:
        if re.search(r"[Nn]othing was changed(?! by that)", message):
            yield "says that nothing was changed, and something was"
        if not result.get("changed"):
            yield "has changed: false, and something was changed"


def _message_of(done: ModuleRun) -> str:
    return str((done.result or {}).get("msg") or f"{done.status} {done.stdout} {done.stderr}")


def _differences(wanted: Json, found: Json, path: str = "") -> Iterator[str]:
    """Yield where two pictures differ."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted({*wanted, *found}):
            yield from _differences(wanted.get(key), found.get(key), f"{path}/{key}")
    elif wanted != found:
        yield f"{path} is {found!r}, not {wanted!r}"
