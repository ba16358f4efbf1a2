# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""topology on the real engine: what a recreate cannot keep is told before it."""

from __future__ import annotations

RECREATE = {"disruption": "recreate"}


def test_a_container_that_becomes_read_only(topology):
    topology({"web": {"init": False}})

    # The engine puts a file of its own there, which is none that the container changed.
    topology({"web": {"init": True}}, **RECREATE)
    topology({"web": {"init": True, "read_only": True}}, **RECREATE)

    assert topology.raw("web")["HostConfig"]["ReadonlyRootfs"]
    assert topology.exec("web", "touch", "/x")[0] != 0


def test_changed_files_that_a_read_only_container_cannot_get(topology, proxy):
    topology({"web": None})
    topology.exec("web", "sh", "-c", "mkdir /data /cache; echo kept > /data/file; touch /cache/x /etc/own")
    topology.exec("web", "sh", "-c", "touch /etc/gone; rm /etc/gone /etc/own")
    wanted = {"web": {"read_only": True, "tmpfs": ["/cache"]}}
    ident = topology.id("web")

    told = {
        topology(wanted, check=check, docker_host=proxy.url, fails=True, **RECREATE)["msg"] for check in (True, False)
    }

    (message,) = told
    assert f"{topology.full('web')} cannot become read-only" in message
    assert "(/data/file)" in message
    assert proxy.changing == []
    assert topology.id("web") == ident
    # What the message says to do.
    volume = {"volumes": [f"{topology.full('data')}:/data"]}
    topology({"web": volume}, **RECREATE)
    topology({"web": volume | wanted["web"]}, **RECREATE)
    assert topology.exec("web", "cat", "/data/file")[1] == "kept\n"
