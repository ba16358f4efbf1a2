# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Containers that the engine starts again and again, caught in the pause between two starts.

Such a container has no process, but is not stopped either. The engine (20.10) connects it in that pause, and its next
start makes the endpoint; but it lists endpoints then that it refuses to disconnect: "is not connected", also by force.
"""

from __future__ import annotations

import time
import typing as t

from .._errors import ApplyError, EngineError
from .._model.find import find_container

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .._engine.client import Engine
    from .._model.state import ContainerState

# The engine's pauses begin with a tenth of a second and double, up to a minute, while no run lasts ten seconds.
PATIENCE = 15.0
_LOOK_AGAIN = 0.1


def restarts(container: ContainerState) -> bool:
    """Whether a container is in the pause between two starts."""
    return container.status == "restarting"


def restarts_text(container: ContainerState) -> str:
    """Return a clause that says so, with the exit code and the count."""
    code, count = (container.raw.get("State") or {}).get("ExitCode"), container.raw.get("RestartCount")
    return f"{container.name} restarts again and again (exit code {code}, {count} restarts so far)"


def once_it_runs(engine: Engine, container: ContainerState, change: Callable[[], object]) -> None:
    """Make a change of a container's endpoints; wait for its next start if the engine refuses it in the pause before.

    Args:
        container: as it was seen before.
        change: raises EngineError if the engine refuses it; is then tried again.

    Raises:
        ApplyError: it did not start within PATIENCE.
        EngineError: the engine refused the change although the container is not in a pause.
    """
    deadline = time.monotonic() + PATIENCE
    # The count of restarts goes up at an end, so that it does not tell of the start after the pause.
    before = container.started_at
    while True:
        try:
            change()
        except EngineError as exc:
            now = find_container(engine, container.id)
            if now is None or not (restarts(now) or now.started_at != before):
                raise
            if time.monotonic() > deadline:
                raise ApplyError(
                    f"{restarts_text(now)}, and the engine detaches it from nothing in the pause between two starts."
                    f" It did not start within {PATIENCE:g} s. Put right what makes it end, or stop it first"
                ) from exc
            before = now.started_at
            time.sleep(_LOOK_AGAIN)
        else:
            return
