# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What can go wrong, as types. Every one of them ends as one message of the task."""

from __future__ import annotations

import difflib
import sys
import typing as t
from contextlib import contextmanager, suppress
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

# The options, names and numbers that lead to a part of what a task was given.
Place = tuple[t.Union[str, int], ...]

# A day: nothing is worth waiting for longer, and sockets and clocks take no arbitrary numbers.
MOST_SECONDS = 86400


class LinklabError(Exception):
    """Any failure that is reported to the user in one message, on one line."""

    def __str__(self) -> str:
        return one_line(super().__str__())


class SpecError(LinklabError):
    """What the user asks for is not well-formed; found before the engine is asked anything.

    Attributes:
        problem: what is wrong.
        place: where. The message begins with it; empty for the task as a whole.
    """

    def __init__(self, problem: str, place: Place = ()) -> None:
        super().__init__(f"{spelled(place)}: {problem}" if place else problem)
        self.problem = problem
        self.place = place
        self.each: tuple[SpecError, ...] = (self,)


class Mistakes:
    """What is wrong with the parts of a task, collected so that one message has all of it."""

    def __init__(self) -> None:
        self.found: list[SpecError] = []

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Go on after a SpecError."""
        try:
            yield
        except SpecError as exc:
            self.found.extend(exc.each)

    def raise_any(self) -> None:
        """Raise SpecError with all that was found, if anything was."""
        if self.found:
            every = SpecError("; ".join(map(str, self.found)))
            every.each = tuple(self.found)
            raise self.found[0] if len(self.found) == 1 else every


class Refusal(LinklabError):
    """What the user asks for cannot or must not be done here; found before anything is changed."""


class ApplyError(LinklabError):
    """A change failed; the message says what was put back and what stays.

    Attributes:
        done: the actions that were carried out and stay.
        may_have_changed: whether something else may have been changed as well.
        retryable: whether it is worth observing and planning again, since something else changed the same at this
            moment.
        undone: actions that had been carried out before, and that the failure took back.
    """

    def __init__(
        self,
        message: str,
        done: Sequence[t.Any] = (),
        *,
        may_have_changed: bool = False,
        retryable: bool = False,
        undone: Sequence[t.Any] = (),
    ) -> None:
        super().__init__(message)
        self.done = tuple(done)
        self.undone = tuple(undone)
        self.may_have_changed = may_have_changed
        self.retryable = retryable


@dataclass(frozen=True)
class Rollback:
    """The outcome of a rollback, as sentences. complete: whether everything is as it was."""

    sentences: tuple[str, ...]
    complete: bool = True

    def __str__(self) -> str:
        return " ".join(self.sentences)


class EngineError(LinklabError):
    """The engine answered with an error status.

    Attributes:
        status: the HTTP status code.
        explanation: the engine's own words. For people only: the words change between engine versions.
        request: method and path, such as C(POST /networks/NAME/connect).
    """

    def __init__(self, status: int, explanation: str, request: str) -> None:
        super().__init__(f"the engine answered {status} to {request}: {explanation}")
        self.status = status
        self.explanation = explanation
        self.request = request


class NotFound(EngineError):
    """Status 404."""


class Conflict(EngineError):
    """Status 409: the name is taken, or the container's state does not allow it."""


class Unreachable(LinklabError):
    """The engine cannot be asked, or did not answer. Whether it acted on a request is then unknown."""


def spelled(place: Place) -> str:
    """Return a place as a text, such as C(networks.back.ipam.config[0].subnet)."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")


def one_line(text: str) -> str:
    """Return a text with line ends, and whatever else no terminal should act on, written as in a program's source."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def engine_message(exc: LinklabError) -> str:
    """Return an error as a clause for the message of what it kept from being done: the engine's own words, if any."""
    return one_line(exc.explanation if isinstance(exc, EngineError) else str(exc)).rstrip(".")


def tolerate_if(change: Callable[[], object], is_so: Callable[[], bool]) -> None:
    """Make a change. One that fails will do if what it is for is so: the answer may be lost, or another run faster."""
    try:
        change()
    except LinklabError:
        with suppress(LinklabError):
            if is_so():
                return
        raise


def some(paths: Sequence[str], most: int = 10) -> str:
    """Return the first of many for a message."""
    more = len(paths) - most
    return ", ".join(paths[:most]) + (f" and {more} more" if more > 0 else "")


def seconds_problem(option: str, seconds: float, least: float, what: str = "it is a number of seconds") -> str:
    """Return what is wrong with the seconds of an option, empty if nothing is; what is not a number is in no range."""
    if least <= seconds <= MOST_SECONDS:
        return ""
    # A whole number may be too large for a float.
    shown = f"{seconds:g}" if abs(seconds) < sys.float_info.max else str(seconds)[:20]
    return f"{option} {shown} cannot be used: {what} from {least:g} to {MOST_SECONDS}"


def agreeing(names: Sequence[str], one: str, several: str) -> str:
    """Return names with what is said of them, in the number that they have: C(a has it), C(a, b have it)."""
    return f"{', '.join(names)} {one if len(names) == 1 else several}"


def shape(value: object) -> str:
    """Return what a value is, for a message that must not show it."""
    if isinstance(value, dict):
        return "a dictionary"
    return "a list" if isinstance(value, (list, tuple)) else "a single value"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return C( (did you mean X or Y?)) for names that look like I(name), else an empty string."""
    # Names that the engine gives to unnamed containers never help; callers pass only names that people chose.
    matches = difflib.get_close_matches(name, sorted(set(known)), n=3, cutoff=0.6)
    return f" (did you mean {' or '.join(matches)}?)" if matches else ""


class BusyError(ApplyError):
    """Another run is replacing this container at the moment; nothing was changed."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


def refuse(problems: Iterable[str]) -> None:
    """Raise one Refusal that names all the problems, if there are any."""
    found = list(dict.fromkeys(problems))
    if found:
        raise Refusal("; ".join(found) + ". Nothing was changed.")
