# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Start containers whose networks another run may be creating as well."""

from __future__ import annotations

import typing as t

from .._engine.polling import until
from .._errors import EngineError
from .._model.find import AGREE_SECONDS

if t.TYPE_CHECKING:
    from .._engine.client import Engine


def start(engine: Engine, ref: str) -> None:
    """Start a container, once each of its networks is the only one of its name.

    Engines before API 1.44 look its networks up by name at the start, and refuse it with 400 for as long as two runs
    that made a network at once have not settled which of the two stays.
    """
    try:
        return engine.start(ref)
    except EngineError as exc:
        if exc.status != 400 or engine.info.has("1.44"):
            raise
    until(lambda: not _has_namesakes(engine), AGREE_SECONDS)
    return engine.start(ref)


def _has_namesakes(engine: Engine) -> bool:
    names = [raw["Name"] for raw in engine.networks()]
    return len(names) > len(set(names))
