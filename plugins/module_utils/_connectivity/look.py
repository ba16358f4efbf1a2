# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Run the probe script in a container, or in a helper container that shares its network."""

from __future__ import annotations

import typing as t

from .._engine.exec import Output, Program, explain, run_beside, run_in
from .._errors import EngineError, Unreachable
from .probe_answer import ProbeAnswer, is_begun, is_complete, parse_answer
from .probe_script import SCRIPT_SECONDS

if t.TYPE_CHECKING:
    from .._engine.client import Engine

# The script ends itself; the engine then needs a moment to say so.
PATIENCE = SCRIPT_SECONDS + 15


def look_from(engine: Engine, container: str, program: Program) -> ProbeAnswer:
    """Return what a program sees that runs in a container; I(failed) or I(missing) say why it could not."""
    try:
        output = run_in(engine, container, program)
    except (EngineError, Unreachable) as exc:
        return ProbeAnswer(failed=explain(exc))
    return _read(output)


def look_beside(engine: Engine, container: str, image: str, shown: str, program: Program) -> ProbeAnswer:
    """Return what a program sees that runs in a helper.

    Args:
        container: the ID of the container whose network the helper shares.
        image: an image that the engine has; I(shown) is its name.

    Raises:
        Unreachable: the engine itself does not answer.
    """
    try:
        output = run_beside(engine, container, image, program)
    except EngineError as exc:
        # 400: the image has no shell. Others: it is gone, or the container has stopped in the meantime.
        failed = "" if exc.status == 400 else exc.explanation
        return ProbeAnswer("helper", shown, missing="shell", failed=failed)
    return _read(output, "helper", shown)


def _read(output: Output, where: str = "source", image: str = "") -> ProbeAnswer:
    if is_complete(output.stdout):
        return parse_answer(output.stdout, where, image)
    if is_begun(output.stdout):
        return ProbeAnswer(where, image, failed=f"the probe did not end within {SCRIPT_SECONDS} seconds")
    return ProbeAnswer(where, image, missing="shell")
