# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What can go wrong, as types. Every one of them ends as one message of the task."""

from __future__ import annotations

import difflib
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class LinklabError(Exception):
    """Any failure that the user is told about in one message."""


class SpecError(LinklabError):
    """What the user asks for is not well-formed; found before the engine is asked anything."""


class Refusal(LinklabError):
    """What the user asks for cannot or must not be done here; found before anything is changed."""


class ApplyError(LinklabError):
    """A change failed; the message says what was put back and what stays.

    Attributes:
        done: the actions that were carried out and stay.
    """

    def __init__(self, message: str, done: Sequence[t.Any] = ()) -> None:
        super().__init__(message)
        self.done = tuple(done)


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


def near(name: str, known: Iterable[str]) -> str:
    """Return C( (did you mean X or Y?)) for names that look like I(name), else an empty string."""
    # Names that the engine gives to unnamed containers never help; callers pass only names that people chose.
    matches = difflib.get_close_matches(name, sorted(set(known)), n=3, cutoff=0.6)
    return f" (did you mean {' or '.join(matches)}?)" if matches else ""
