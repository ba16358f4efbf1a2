# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""A connection through which an engine is changed."""

from __future__ import annotations

import threading
import typing as t
from contextlib import nullcontext
from urllib.parse import quote

from .._errors import MOST_SECONDS
from .reader import Reader

if t.TYPE_CHECKING:
    from collections.abc import Mapping

# Engines can lose count of a network's endpoints while several containers leave it at the same moment, and then refuse
# to remove it, "has active endpoints", until they are restarted. Seen on 20.10 with 8 at once; 26.1 counts well.
_COUNTS_ENDPOINTS_WELL = "1.45"
_disconnects, _stops = threading.BoundedSemaphore(1), threading.BoundedSemaphore(2)

Json = t.Any


class Engine(Reader):
    """One connection to an engine."""

    def post(self, path: str, body: Json = None, **params: Json) -> Json:
        """Return the JSON answer to a POST, or None where the engine has nothing to say."""
        answer = self.request("POST", path, params=params, body=body)
        return self.read(answer, f"POST {path}") if answer.content else None

    def order(self, path: str, body: Json = None, timeout: float | None = None, **params: Json) -> None:
        """POST; whatever a successful answer says. Podman has a word here where Docker has nothing."""
        self.request("POST", path, params=params, body=body, timeout=timeout)

    def delete(self, path: str, **params: Json) -> None:
        self.request("DELETE", path, params=params)

    # -- networks ---------------------------------------------------------------------------------------------------

    def create_network(self, config: Mapping[str, Json]) -> Json:
        # CheckDuplicate: without it, engines before API 1.44 make a second network of the same name.
        return self.post("/networks/create", {"CheckDuplicate": True, **config})

    def remove_network(self, network: str) -> None:
        self.delete(f"/networks/{quote(network, safe='')}")

    def connect(self, network: str, container: str, config: Mapping[str, Json]) -> None:
        self.order(
            f"/networks/{quote(network, safe='')}/connect", {"Container": container, "EndpointConfig": dict(config)}
        )

    @property
    def loses_count(self) -> bool:
        """Whether containers that leave a network should do so one by one: see above."""
        return not self.info.has(_COUNTS_ENDPOINTS_WELL)

    def disconnect(self, network: str, container: str, force: bool = False) -> None:
        with _disconnects if self.loses_count else nullcontext():
            self.order(f"/networks/{quote(network, safe='')}/disconnect", {"Container": container, "Force": force})

    # -- containers -------------------------------------------------------------------------------------------------

    def create_container(self, name: str, config: Mapping[str, Json]) -> Json:
        """Create a container; the answer holds C(Id) and C(Warnings)."""
        return self.post("/containers/create", dict(config), name=name)

    def start(self, container: str) -> None:
        self.order(f"/containers/{container}/start")

    def stop(self, container: str, grace: int = 10) -> None:
        """Stop a container; it is killed if it has not ended by itself after I(grace) seconds."""
        # The engine answers when the container is down. That can last for long, so one at a time would be too few.
        with _stops if self.loses_count else nullcontext():
            longest = min(self.connection.timeout + grace, MOST_SECONDS)
            self.order(f"/containers/{container}/stop", timeout=longest, t=str(grace))

    def rename(self, container: str, name: str) -> None:
        self.order(f"/containers/{container}/rename", name=name)

    def remove_container(self, container: str, *, force: bool = False, volumes: bool = False) -> None:
        """Remove a container; I(volumes) takes its anonymous volumes with it."""
        self.delete(f"/containers/{container}", force=str(force).lower(), v=str(volumes).lower())

    def remove_link(self, container: str, alias: str) -> None:
        """Remove a legacy link of a container; its processes keep running."""
        self.delete(f"/containers/{quote(container, safe='')}/{quote(alias, safe='')}", link="1")
