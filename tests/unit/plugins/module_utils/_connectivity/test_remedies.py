# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks as YAML that can be pasted."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.linklab.docker.plugins.module_utils._connectivity import remedies
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.diagnose import diagnose
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import Check, Login
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import Link
from diagnosis_cases import CASES, evidence_of
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
    one = remedies.task(name, "linklab.docker.network_attach", options)
    assert yaml.safe_load(remedies.to_yaml([one])) == [one]


def test_how_a_task_looks():
    assert remedies.to_yaml([remedies.attach("test_network", "client")]) == (
        "- name: Attach client to test_network\n"
        "  linklab.docker.network_attach:\n"
        "    network: test_network\n"
        "    containers:\n"
        "      - client"
    )
    assert "create: {}" in remedies.to_yaml([remedies.attach("db-net", "a", "b", new=True)])
    assert '- "db:database"' in remedies.to_yaml([remedies.set_links("net", "a", [Link("db", "database")])])
    two = remedies.to_yaml([remedies.detach("none", "a"), remedies.attach("net", "b", "a", alias="db")])
    assert [list(one) for one in yaml.safe_load(two)] == [["name", "linklab.docker.network_attach"]] * 2
    assert yaml.safe_load(two)[1]["linklab.docker.network_attach"] == {
        "network": "net",
        "endpoints": [{"container": "b"}, {"container": "a", "aliases": ["db"]}],
    }


def test_a_check_that_is_made_again_keeps_what_was_given():
    login = Login("clerk", "hush", "shop", "disabled")
    check = Check("a", "b", "db", 3307, login=login, expect="unreachable", cause="no_answer", timeout=5)
    shown = remedies.check_again(check, probe_image="busybox", timeout=9)["linklab.docker.connectivity"]
    assert shown == {
        "source": "a",
        "target": "b",
        "host": "db",
        "port": 3307,
        "login": {
            "user": "clerk",
            "password": "{{ database_password }}",
            "database": "shop",
            "ssl_mode": "disabled",
        },
        "timeout": 9,
        "probe_image": "busybox",
    }
    # Without a password there is no variable, and without MySQL no login.
    assert remedies.check_again(Check("a", "b"))["linklab.docker.connectivity"] == {"source": "a", "target": "b"}
    tcp = remedies.check_again(check, protocol="tcp")["linklab.docker.connectivity"]
    assert "login" not in tcp
    assert tcp["protocol"] == "tcp"
    # The certificates are those of the file.
    proven = replace(login, ssl_mode="verify_ca", ssl_ca="/ca.pem", authorities="-----BEGIN CERTIFICATE-----")
    shown = remedies.check_again(replace(check, login=proven))["linklab.docker.connectivity"]["login"]
    assert (shown["ssl_mode"], shown["ssl_ca"]) == ("verify_ca", "/ca.pem")
    assert "authorities" not in shown


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_hint_is_a_task_that_the_modules_take(case, capsys):
    """Pasted, with an engine that is not there: what is wrong with the options is said before."""
    login = {"login": Login("root", "hush-hush")}
    finding = diagnose(evidence_of(replace(case, check={**case.check, **login}), "20.10"))
    assert finding is not None
    for one in yaml.safe_load(finding.as_dict()["task"] or "[]"):
        (name, options) = next((key, value) for key, value in one.items() if key != "name")
        if name == "ansible.builtin.command":
            assert options["argv"][0] == "docker"
            assert all(isinstance(word, str) for word in options["argv"])
            continue
        module = importlib.import_module(f"ansible_collections.linklab.docker.plugins.modules.{name.split('.')[-1]}")
        with patch_module_args({**options, "docker_host": "unix:///nowhere.sock"}), pytest.raises(SystemExit):
            module.main()
        assert "unix:///nowhere.sock" in json.loads(capsys.readouterr().out)["msg"]
