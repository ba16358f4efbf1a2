# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Tell how far a task is, in a file that the action plugin on the control node reads."""

from __future__ import annotations

import os
import typing as t
from contextlib import suppress

if t.TYPE_CHECKING:
    from collections.abc import Iterable

T = t.TypeVar("T")

# The environment variable with the path of the file. Without it nothing is written.
PROGRESS_FILE = "LINKLAB_DOCKER_PROGRESS_FILE"


class Done(list[T]):
    """What is done already, as a list that writes its length and that of the whole to the file.

    Nobody fails for want of a progress report: a file that cannot be written is left alone.
    """

    def __init__(self, total: int) -> None:
        super().__init__()
        self._total = total
        self._file = -1
        path = os.environ.get(PROGRESS_FILE)
        if path:
            with suppress(OSError):
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        self._tell()

    def extend(self, some: Iterable[T]) -> None:
        super().extend(some)
        self._tell()

    def _tell(self) -> None:
        if self._file >= 0:
            with suppress(OSError):
                # Of one length, and in one call, so that whoever reads meanwhile reads all of it.
                os.pwrite(self._file, f"{len(self):9d} {self._total:9d}\n".encode(), 0)
