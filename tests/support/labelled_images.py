# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images that claim something by their labels, made of another image in a moment."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from ansible_collections.linklab.docker.plugins.module_utils._errors import NotFound

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Json = t.Any


@dataclass
class LabelledImages:
    """Makes images, and removes them."""

    lab: Json
    made: list[str] = field(default_factory=list)

    def __call__(self, labels: Mapping[str, str], **config: Json) -> str:
        """Return the name of a new image with these labels.

        Args:
            config: further fields of C(Config), such as Volumes.
        """
        name = self.lab.name(f"image-{len(self.made)}")
        source = self.lab.run(f"source-{len(self.made)}", start=False)
        body = {"Labels": dict(labels), **config}
        self.lab.engine.post("/commit", body, container=source, repo=name, tag="latest")
        self.lab.engine.remove_container(source)
        self.made.append(name)
        return name

    def clear(self) -> None:
        """Remove the images, and the containers that are made of them; nothing else uses any."""
        for name in self.made:
            for one in self.lab.engine.containers(ancestor=[name]):
                with contextlib.suppress(NotFound):
                    self.lab.engine.remove_container(one["Id"], force=True, volumes=True)
            with contextlib.suppress(NotFound):
                self.lab.engine.delete(f"/images/{name}", force="true")
