# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look from inside the source proves about a name."""

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.probe_answer import Connect, ProbeAnswer
from ansible_collections.linklab.docker.plugins.module_utils._migrate.proof import Name, judge
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState, Endpoint

TARGET = ContainerState(
    "t" * 64, "server", "running", endpoints={"net": Endpoint("net", ipv4="192.0.2.2", ipv6="2001:db8::2")}
)
NAME = Name(ContainerState("s" * 64, "client", "running"), "db", TARGET, port=3306)
BOTH = ("192.0.2.2", "2001:db8::2")


@pytest.mark.parametrize(
    "answer,resolves,reachable,message",
    [
        (
            ProbeAnswer(addresses=BOTH, connects=(Connect(BOTH[0], "refused"), Connect(BOTH[1]))),
            True,
            True,
            "client: db leads to 192.0.2.2, 2001:db8::2 (server), and port 3306 answers",
        ),
        (
            ProbeAnswer(addresses=BOTH[:1], connects=(Connect(BOTH[0], "refused"),)),
            True,
            False,
            "client: db leads to 192.0.2.2 (server), and port 3306 does not answer",
        ),
        (ProbeAnswer(addresses=BOTH[:1], missing="tcp"), True, None, "client: db leads to 192.0.2.2 (server)"),
        (
            ProbeAnswer(addresses=("192.0.2.2", "192.0.2.3"), connects=(Connect(BOTH[0]),)),
            False,
            None,
            "client: db leads to 192.0.2.2, 192.0.2.3; server is at 192.0.2.2, 2001:db8::2",
        ),
        (ProbeAnswer(), False, None, "client: db does not resolve"),
        (
            ProbeAnswer(missing="shell"),
            None,
            None,
            "not tried, since neither client nor an image of the two has a program to resolve db with",
        ),
        (ProbeAnswer(failed="no space"), False, None, "client: nothing can be run in its network: no space"),
    ],
)
def test_what_an_answer_proves(answer, resolves, reachable, message):
    proof = judge(NAME, TARGET, answer)
    assert (proof.resolves, proof.reachable, proof.message) == (resolves, reachable, message)
    assert proof.address == (answer.addresses[0] if answer.addresses else "")


def test_a_name_without_a_port_is_only_resolved():
    proof = judge(Name(NAME.source, "db", TARGET), TARGET, ProbeAnswer(addresses=BOTH))
    assert (proof.resolves, proof.reachable) == (True, None)
