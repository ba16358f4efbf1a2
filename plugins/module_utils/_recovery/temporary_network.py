# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The network that keeps the members of another one reachable while that is replaced; known by its name and label.

A network's labels are its own: no image can bring them.
"""

from __future__ import annotations

import hashlib
import typing as t

from .._model.labels import TOPOLOGY_LABEL, owner

if t.TYPE_CHECKING:
    from .._model.state import Network

REPLACES_LABEL = "linklab.docker.replaces"


def temporary_name(network: str) -> str:
    """Return the name of the temporary network for I(network): it sorts before all names that begin with a letter.

    The engine's resolver answers with the address on the first of a container's networks, in the order of their names
    (tried on 20.10 and 28.5).
    """
    return f"0-linklab-{hashlib.sha256(network.encode()).hexdigest()[:12]}"


def temporary_labels(topology: str, network: str) -> dict[str, str]:
    return {TOPOLOGY_LABEL: topology, REPLACES_LABEL: network}


def replaced_by(network: Network, topology: str) -> str:
    """Return the name of the network that I(network) stands in for; empty if it is not one of this topology's."""
    replaces = network.labels.get(REPLACES_LABEL, "")
    own = replaces and owner(network.labels) == topology and network.name == temporary_name(replaces)
    return replaces if own else ""
