# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there before something goes wrong: containers with a lot to lose."""

from __future__ import annotations

import typing as t

from kept import KEPT_FILES

if t.TYPE_CHECKING:
    from collections.abc import Sequence

Json = t.Any

# Such a container exits at once when it is asked to.
AT_ONCE = {"StopSignal": "SIGKILL", "StopTimeout": 1}
# Writes into each of KEPT_FILES that there is a folder for what never comes again, once, and the last file last.
_KEEP = "; ".join(
    f"[ ! -d $(dirname {path}) ] || [ -e {path} ] || cat /proc/sys/kernel/random/uuid > {path}" for path in KEPT_FILES
)
KEEP_COMMAND = ("sh", "-c", f"{_KEEP}; exec sleep 100000")


def address(lab: Json, network: str, host: int) -> str:
    """Return an address on a network, by its full name."""
    base, _slash, _length = lab.engine.network(network)["IPAM"]["Config"][0]["Subnet"].partition("/")
    head, _dot, last = base.rpartition(".")
    return f"{head}.{int(last) + host}"


def pause(lab: Json, container: str) -> str:
    lab.engine.post(f"/containers/{container}/pause")
    return container


def loaded(lab: Json, name: str, *, links: Sequence[str] = ()) -> str:
    """Make a container on the bridge and on the lab's network C(net), which must be there.

    It has volumes with and without a name, a file of its own, and an endpoint with settings.
    """
    lab.engine.post("/volumes/create", {"Name": lab.name("volume")})
    network = lab.name("net")
    made = lab.run(
        name,
        *KEEP_COMMAND,
        links=links,
        host={"Binds": [f"{lab.name('volume')}:/named"], "RestartPolicy": {"Name": "unless-stopped"}},
        Volumes={"/anonymous": {}},
        Env=["A=1", "B=two words"],
        Labels={"of": "the user"},
        **AT_ONCE,
    )
    lab.connect(network, made, Aliases=["x", "y"], IPAMConfig={"IPv4Address": address(lab, network, 20)})
    wait_kept(lab, made)
    return str(made)


def wait_kept(lab: Json, container: str) -> None:
    """Wait until a container with KEEP_COMMAND has written all that it writes."""
    lab.wait(lambda: lab.exec(container, "test", "-s", KEPT_FILES[-1])[0] == 0)
