# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks as YAML that can be pasted."""

from __future__ import annotations

import yaml
from ansible_collections.linklab.docker.plugins.module_utils import _hints as hints
from ansible_collections.linklab.docker.plugins.module_utils._endpoint import Link
from hypothesis import given
from hypothesis import strategies as st

# Names of containers and networks are ASCII; what else a host may be is in the first plane of Unicode.
scalars = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])) | st.sampled_from(
    ["yes", "No", "null", "~", "1.0", "0x1", "1e5", "a b", "12:30", "-", "db"]
)
values = st.recursive(
    scalars | st.booleans() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3).filter(lambda one: not any(isinstance(item, list) for item in one))
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(scalars, st.dictionaries(st.sampled_from(["network", "containers", "create"]), values, min_size=1))
def test_what_is_written_is_read_back(name, options):
    one = hints.task(name, "linklab.docker.network_attach", options)
    assert yaml.safe_load(hints.to_yaml(one)) == [one]


def test_how_a_task_looks():
    assert hints.to_yaml(hints.attach("test_network", "client")) == (
        "- name: Attach client to test_network\n"
        "  linklab.docker.network_attach:\n"
        "    network: test_network\n"
        "    containers:\n"
        "      - client"
    )
    assert "create: {}" in hints.to_yaml(hints.attach_to_new("db-net", "a", "b"))
    assert '- "db:database"' in hints.to_yaml(hints.set_links("net", "a", [Link("db", "database")]))
