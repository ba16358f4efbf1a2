# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was meant by words of other tools."""

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import ENDPOINT_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._compose.container import CONTAINER_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NETWORK_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._model.words import _FOREIGN, meant
from ansible_collections.linklab.docker.plugins.module_utils._topology.options import (
    TOPOLOGY_CONTAINER_OPTIONS,
    TOPOLOGY_NETWORK_OPTIONS,
    TOPOLOGY_OPTIONS,
)

ATTACH = {
    "network": {},
    "create": {"options": NETWORK_OPTIONS},
    "containers": {},
    "endpoints": {"options": {"container": {}, **ENDPOINT_OPTIONS}, "aliases": ["ends"]},
    "purge": {},
}


@pytest.mark.parametrize(
    "word,known,expected",
    [
        ("subnet", NETWORK_OPTIONS, "ipam: {config: [{subnet: ...}]}"),
        ("gateway", TOPOLOGY_NETWORK_OPTIONS, "ipam: {config: [{gateway: ...}]}"),
        ("ipam_config", NETWORK_OPTIONS, "ipam: {config: [...]}"),
        ("container_name", TOPOLOGY_CONTAINER_OPTIONS, "the name as the key under containers"),
        ("container_name", CONTAINER_OPTIONS, "container, next to create"),
        ("env_file", TOPOLOGY_CONTAINER_OPTIONS, "environment, with what is in the file"),
        ("env", CONTAINER_OPTIONS, "environment"),
        ("net", TOPOLOGY_CONTAINER_OPTIONS, "networks"),
        ("net", ATTACH, "network"),
        ("ip", ENDPOINT_OPTIONS, "ipv4_address"),
        ("ip", TOPOLOGY_CONTAINER_OPTIONS, "ipv4_address of a network under networks"),
        ("services", TOPOLOGY_OPTIONS, "containers"),
        ("connected", ATTACH, "containers"),
        ("restart_policy", CONTAINER_OPTIONS, "restart"),
        ("imag", CONTAINER_OPTIONS, "image"),
    ],
)
def test_a_word_of_another_tool_leads_to_ours(word, known, expected):
    assert meant(word, known) == f" (did you mean {expected}?)"


def test_a_word_that_means_nothing_here_leads_nowhere():
    assert meant("subnet", ENDPOINT_OPTIONS) == ""
    assert meant("zzz", CONTAINER_OPTIONS) == ""


def test_every_word_leads_to_an_option_that_there_is():
    ours = {*ATTACH, *TOPOLOGY_OPTIONS, *TOPOLOGY_NETWORK_OPTIONS, *TOPOLOGY_CONTAINER_OPTIONS, *ENDPOINT_OPTIONS}
    ours.add("container")
    for word, candidates in _FOREIGN.items():
        assert candidates, word
        assert {option for option, _text in candidates} <= ours, word
