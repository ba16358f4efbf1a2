# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Checks from start to end: observe, decide, probe, decide again, wait where that helps, and tell."""

from __future__ import annotations

import math
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from .._errors import LinklabError, one_line
from .causes import CAUSES, accepts
from .diagnose import band_results, diagnose
from .evidence import BRIDGE, only_internal, taken_path
from .observe import enrich, observe
from .probe import ProbeImages, probe

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._engine.client import Engine
    from .evidence import Evidence
    from .finding import Finding
    from .spec import Check

Json = t.Any

# A check that fails here has reached the target.
_REACHED = ("greeting", "login")
# Starting a process in a container is what takes the time, and the engine does a few at once.
_WORKERS = 8


@dataclass(frozen=True)
class Attempt:
    """One pass. seconds: when it ended, since the first one began."""

    seconds: float
    finding: Finding | None


@dataclass(frozen=True)
class Outcome:
    """How a check ended.

    Attributes:
        evidence: that of the last attempt; None if the check could not be made.
        finding: why the target is not reached; None if it is.
        error: why the check could not be made.
        tried: whether it was, or there was no time left for it.
    """

    check: Check
    evidence: Evidence | None = None
    finding: Finding | None = None
    attempts: tuple[Attempt, ...] = ()
    error: str = ""
    tried: bool = True

    @property
    def reachable(self) -> bool:
        return not self.error and self.finding is None

    @property
    def passed(self) -> bool:
        """Whether it is as the task expects."""
        if self.error or self.check.expect == "reachable":
            return self.reachable
        if self.finding is None:
            return False
        if self.check.cause:
            return accepts(self.check.cause, self.finding.cause)
        return CAUSES[self.finding.cause].isolates

    def message(self) -> str:
        """Return what happened, and what to do if it is not what the task expects, on one line."""
        return f"{self.problem()} {self.advice}".rstrip()

    @property
    def advice(self) -> str:
        """What to do about a check that is not as the task expects; empty if nothing is known."""
        finding = self.finding
        missed = finding is not None and not self.error and self.check.expect == "reachable"
        return one_line(finding.advice) if finding is not None and missed else ""

    def problem(self) -> str:
        """Return what happened, on one line."""
        return one_line(self._problem())

    def _problem(self) -> str:
        check, finding = self.check, self.finding
        what = check.describe()
        if self.error:
            return f"{what}: {self.error}"
        if finding is None:
            way = f"{what}: reached over {self.path()}"
            return way if self.passed else f"{way}, and the task expects that it is unreachable."
        if self.passed:
            return f"{what}: unreachable, as expected ({finding.cause}): {finding.message}"
        if check.expect == "reachable":
            tries = (
                f" ({len(self.attempts)} attempts in {self.attempts[-1].seconds:.0f} s)"
                if len(self.attempts) > 1
                else ""
            )
            return f"{what}: {finding.message}{tries}."
        wanted = f"because of {check.cause}" if check.cause else "for a reason that proves isolation"
        # An error without a cause of its own may be one of the client program.
        reached = finding.band in _REACHED and finding.cause != "mysql_error"
        return (
            f"{what}: the task expects it unreachable {wanted}, but found {finding.cause}"
            f"{' (the target was reached)' if reached else ''}: {finding.message}."
        )

    def warnings(self) -> list[str]:
        """Return what does not keep the check from passing, and should be known."""
        source = self.evidence.source if self.evidence else None
        unhealthy = [source.unhealthy] if source and source.health == "unhealthy" else []
        return [*unhealthy, *self._untried()]

    def _untried(self) -> Iterator[str]:
        """Warn of ways by an address where the lack of a way by a name passes for isolation."""
        check, evidence = self.check, self.evidence
        if not (self.passed and self.finding and self.finding.band == "path" and check.protocol in ("tcp", "mysql")):
            return
        if not (evidence and evidence.source and evidence.target) or only_internal(evidence):
            return
        source, target = evidence.ends
        # A task that expects this very cause says that it is about the name.
        if self.finding.cause == "default_bridge_only" and not check.cause:
            address = target.networks[BRIDGE].ipv4
            yield (
                f"{source.name} may reach {target.name} by its address, since both are on the default bridge. This was"
                f" not tried: check it with host {address}"
            )
        gateways = [end.gateway for end in source.networks.values() if end.gateway]
        for host, port in target.published_to_containers.items() if gateways else ():
            if check.port in (host, port):
                yield (
                    f"{target.name} publishes its port {port} as port {host} of the machine, where {source.name} may"
                    f" reach it. This was not tried: check it with host {gateways[0]} and port {host}"
                )

    def path(self) -> str | None:
        if not (self.evidence and self.evidence.source and self.evidence.target):
            return None
        answer = self.evidence.answer
        # A host that resolves to something else does not take a way to the target.
        if answer and answer.addresses:
            return _text(taken_path(self.evidence, answer.addresses[0]))
        return _text(taken_path(self.evidence)) if self.finding is None or self.finding.band != "path" else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@dataclass
class Run:
    """What the checks of a task share.

    Attributes:
        stop: set when the task is asked to stop.
        seconds: how long all checks may take together; 0 for as long as they take.
        end: when that time is over, on the monotonic clock.
    """

    images: ProbeImages = field(default_factory=ProbeImages)
    stop: threading.Event = field(default_factory=threading.Event)
    seconds: float = 0.0
    end: float = math.inf

    def begin(self, seconds: float) -> None:
        """Let the time run that all checks may take together."""
        self.seconds = seconds
        self.end = time.monotonic() + seconds if seconds else math.inf


def run_checks(engine: Engine, checks: Sequence[Check], run: Run) -> list[Outcome]:
    """Make all checks, several at once, and return their outcomes in the same order."""
    if len(checks) == 1:
        return [run_check(engine, checks[0], run)]
    own = threading.local()
    clones: list[Engine] = []

    def work(check: Check) -> Outcome:
        if not hasattr(own, "engine"):
            own.engine = engine.clone()
            clones.append(own.engine)
        return run_check(own.engine, check, run)

    try:
        with ThreadPoolExecutor(max_workers=min(_WORKERS, len(checks))) as pool:
            return list(pool.map(work, checks))
    finally:
        run.stop.set()
        for clone in clones:
            clone.close()


def run_check(engine: Engine, check: Check, run: Run) -> Outcome:
    """Make attempts until the answer stands, or the time is over."""
    begin = time.monotonic()
    if begin >= run.end:
        return Outcome(check, error=f"not tried: the total_timeout of {run.seconds:g} seconds was over", tried=False)
    seconds = min(check.timeout, run.end - begin)
    attempts: list[Attempt] = []
    while True:
        try:
            evidence, finding = attempt(engine, check, run.images)
        except LinklabError as exc:
            return Outcome(check, error=str(exc), attempts=tuple(attempts))
        passed = time.monotonic() - begin
        attempts.append(Attempt(passed, finding))
        if stands(check, finding) or passed + check.interval > seconds or run.stop.wait(check.interval):
            return Outcome(check, evidence, finding, tuple(attempts))


def stands(check: Check, finding: Finding | None) -> bool:
    """Whether waiting cannot change the answer, or need not."""
    return finding is None or finding.lasting or accepts(check.cause, finding.cause)


def attempt(engine: Engine, check: Check, images: ProbeImages) -> tuple[Evidence, Finding | None]:
    """Make one pass. A pair that is well costs two reads and one process in the source."""
    evidence = observe(engine, check)
    finding = diagnose(evidence)
    if finding is None:
        evidence = replace(evidence, answer=probe(engine, evidence, images), now=time.time())
        finding = diagnose(evidence)
    known: set[str] = set()
    while finding and finding.band not in known:
        known.add(finding.band)
        evidence = enrich(engine, evidence, finding.band, images)
        finding = diagnose(evidence)
    return evidence, finding


# -- results --------------------------------------------------------------------------------------------------------


def result_of(outcome: Outcome) -> dict[str, Json]:
    """Return what the module returns for one check."""
    check, evidence = outcome.check, outcome.evidence
    answer = evidence.answer if evidence else None
    row = answer.session.row if answer and answer.session else None
    return {
        "source": check.source,
        "target": check.target,
        "host": evidence.host if evidence else check.host or check.target,
        "port": None if check.protocol == "dns" else check.port,
        "protocol": check.protocol,
        "expect": check.expect,
        "passed": outcome.passed,
        "reachable": outcome.reachable,
        "path": outcome.path(),
        "address": answer.addresses[0] if answer and answer.addresses else None,
        "addresses": list(answer.addresses) if answer else [],
        "latency_ms": answer.ms if answer and outcome.reachable else None,
        "probe": _probe_of(evidence),
        "checks": band_results(evidence, outcome.finding) if evidence else [],
        "mysql": _mysql_of(row) if row else None,
        "diagnosis": outcome.finding.as_dict() if outcome.finding else None,
        "attempts": [
            {
                "seconds": round(one.seconds, 2),
                "cause": one.finding.cause if one.finding else None,
                "answer": one.finding.message if one.finding else "reached",
            }
            for one in outcome.attempts
        ],
        "msg": outcome.message(),
    }


def _probe_of(evidence: Evidence | None) -> dict[str, Json] | None:
    answer = evidence.answer if evidence else None
    if answer is None:
        return None
    return {"where": answer.where, "image": answer.image or None, "tools": dict(answer.tools)}


def _mysql_of(row: tuple[str, str, str, str]) -> dict[str, Json]:
    return {"connection_id": int(row[0]), "version": row[1], "hostname": row[2], "current_user": row[3]}
