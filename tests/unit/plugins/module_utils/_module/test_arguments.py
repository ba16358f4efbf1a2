# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands where no option is can be a secret: of it nothing is left; what options take stays as it is."""

from __future__ import annotations

import json
import math
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import ENDPOINT_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._compose.container import CONTAINER_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NETWORK_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import CHECK_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._errors import did_you_mean
from ansible_collections.linklab.docker.plugins.module_utils._model.words import meant
from ansible_collections.linklab.docker.plugins.module_utils._module.arguments import cover, misplaced, unknown_options
from ansible_collections.linklab.docker.plugins.module_utils._topology.options import strict_options_for
from hypothesis import given
from hypothesis import strategies as st

Json = t.Any

SECRET = "hunter2"
SPECS = {
    "connectivity": CHECK_OPTIONS,
    "container_link": {"container": {"type": "str"}, "create": {"type": "dict", "options": CONTAINER_OPTIONS}},
    "network_attach": {
        "containers": {"type": "list", "elements": "str"},
        "endpoints": {"type": "list", "elements": "dict", "options": {"container": {"type": "str"}}},
    },
}


def spec_of(module: str, params: Json) -> dict[str, Json]:
    return strict_options_for(params) if module == "topology" else SPECS[module]


@pytest.mark.parametrize(
    "module, params",
    [
        ("connectivity", {"login": {"passwort": SECRET}}),
        ("connectivity", {"logn": {"password": SECRET}}),
        ("connectivity", {"password": SECRET}),
        ("connectivity", {"login": [{"password": SECRET}]}),
        ("connectivity", {"login": f"root {SECRET}"}),
        ("connectivity", {"login": {"user": {"password": SECRET}}}),
        ("connectivity", {"checks": [{"source": ["a"], "login": {"passwd": SECRET}}]}),
        ("connectivity", {"checks": {"login": {"password": SECRET}}}),
        ("connectivity", {"checks": f"a,{SECRET}"}),
        ("connectivity", {"source": {"login": {"password": SECRET}}}),
        ("container_link", {"create": {"secret_enviroment": {"A": SECRET}}}),
        ("container_link", {"create": {"environment": {"secret_environment": {"A": SECRET}}}}),
        ("container_link", {"create": [{"secret_environment": {"A": SECRET}}]}),
        ("container_link", {"create": {"command": {"secret_environment": {"A": SECRET}}}}),
        ("network_attach", {"containres": [{"secret_environment": {"A": SECRET}}]}),
        ("network_attach", {"containers": [{"name": "a", "secret_environment": {"A": SECRET}}]}),
        ("network_attach", {"containers": {"a": {"secret_environment": {"A": SECRET}}}}),
        ("network_attach", {"endpoints": [{"container": "a", SECRET: None, "password": {SECRET: [SECRET, 5]}}]}),
        ("topology", {"containers": {"db": {"secret_enviroment": {"A": SECRET}}}}),
        ("topology", {"containers": [{"name": "db", "secret_environment": {"A": SECRET}}]}),
        ("topology", {"containers": {"secret_environment": {"A": SECRET}}}),
        ("topology", {"containers": {"db": {"networks": {"n": {"secret_environment": {"A": SECRET}}}}}}),
        ("topology", {"containers": {"db": {"depends_on": {"b": {"secret_environment": {"A": SECRET}}}}}}),
        ("topology", {"containers": {"db": f"image=x secret_enviroment=A={SECRET}"}}),
    ],
)
def test_nothing_is_left_of_what_no_option_takes(module, params):
    covered = cover(params, spec_of(module, params))
    # A key is a name: where it is not one of another unknown option, messages need it.
    assert SECRET not in json.dumps(covered).replace(f'"{SECRET}": null', "")
    assert covered.keys() == params.keys()


@pytest.mark.parametrize(
    "module, params",
    [
        ("connectivity", {"login": {"user": "root", "password": SECRET}, "port": 3306, "timeout": 0.5}),
        ("connectivity", {"checks": [{"source": "a,b", "target": ["c"], "port": 80, "login": None}]}),
        ("connectivity", {"timeout": 1e308, "interval": "0.5", "port": "80", "total_timeout": 10}),
        ("connectivity", {"_ansible_check_mode": True, "_ansible_version": "2.21"}),
        ("topology", {"containers": {"db": {"secret_environment": {"A": SECRET}, "environment": {"B": 5}}}}),
        ("topology", {"containers": {"db": {"networks": {"n": {"aliases": ["a"]}}, "depends_on": {"b": {"x": "y"}}}}}),
        ("topology", {"containers": {"db": {"networks": ["n"], "healthcheck": {"test": ["CMD", "x"]}}, "c": None}}),
        ("topology", {"networks": {"n": {"ipam": {"config": [{"aux_addresses": {"a": "10.0.0.1"}}]}}, "m": None}}),
    ],
)
def test_what_options_take_stays(module, params):
    assert cover(params, spec_of(module, params)) == params
    assert list(misplaced(params, spec_of(module, params))) == []


@pytest.mark.parametrize("text", [f"A={SECRET}", json.dumps({"A": SECRET})])
def test_secrets_that_are_given_as_text_are_known_one_by_one(text):
    params = {"create": {"secret_environment": text}}
    spec = SPECS["container_link"]
    assert ArgumentSpecValidator(spec).validate(cover(params, spec))._no_log_values == {SECRET}


@pytest.mark.parametrize("number", [float("inf"), "inf", 10**400, "9" * 400, float("-inf")])
@pytest.mark.parametrize("kind, finds", [("int", "cannot be converted to an int"), ("float", "")])
def test_a_number_that_ansible_cannot_look_at_is_no_traceback(number, kind, finds):
    spec = {"a": {"type": "list", "elements": "dict", "options": {"b": {"type": kind}}}}
    checked = ArgumentSpecValidator(spec).validate(cover({"a": [{"b": number}]}, spec))
    assert finds in "".join(checked.error_messages)
    assert finds or math.isinf(checked.validated_parameters["a"][0]["b"])


@pytest.mark.parametrize(
    "module, params, found",
    [
        ("connectivity", {"login": {"password": [SECRET], "user": {SECRET: 1}}}, ["login.password", "login.user"]),
        ("connectivity", {"checks": [{"login": {"database": [SECRET]}}]}, ["checks[0].login.database"]),
        ("connectivity", {"checks": [{"source": ["a", [SECRET]], "port": [{SECRET: 1}]}]}, None),
        ("connectivity", {"port": [SECRET], "host": [], "timeout": {}}, ["port", "host", "timeout"]),
        ("container_link", {"create": {"secret_environment": {"A": [SECRET], "B": "b"}}}, None),
        ("container_link", {"create": {"environment": {"A": {SECRET: SECRET}}}}, ["create.environment.A"]),
        ("network_attach", {"containers": ["a", [SECRET], {SECRET: 1}]}, ["containers[1]", "containers[2]"]),
        ("topology", {"containers": {"db": {"environment": {"A": [SECRET]}}}}, ["containers.db.environment.A"]),
        ("topology", {"containers": {"db": {"labels": {"A": {}}, "image": [SECRET]}}}, None),
        ("topology", {"containers": {"db": {"healthcheck": {"interval": [1]}, "dns": [[SECRET]]}}}, None),
        ("topology", {"containers": {"db": {"networks": {"n": {"aliases": [[SECRET]]}}}}}, None),
        ("topology", {"networks": {"n": {"driver": [SECRET], "driver_opts": {"a": {SECRET: 1}}}}}, None),
    ],
)
def test_a_list_or_a_dictionary_is_no_single_value(module, params, found):
    messages = list(misplaced(params, spec_of(module, params)))
    assert messages
    assert SECRET not in str(messages)
    assert found is None or [one.partition(":")[0] for one in messages] == found


@pytest.mark.parametrize(
    "params, found",
    [
        ({"login": "root"}, ["login: must be a dictionary, not a single value"]),
        ({"login": [SECRET]}, ["login: must be a dictionary, not a list"]),
        ({"login": '{"user": ["a"]}'}, ["login.user: must be a single value, not a list"]),
        ({"login": "user=root"}, []),
        ({"checks": ["x"]}, ["checks[0]: must be a dictionary, not a single value"]),
        ({"checks": "x"}, ["checks[0]: must be a dictionary, not a single value"]),
        ({"checks": [None, {"login": "root"}]}, ["checks[0]: must be a dictionary, and is empty", None]),
        ({"checks": {"source": "a"}}, ["checks: must be a list, not a dictionary"]),
    ],
)
def test_what_is_no_dictionary(params, found):
    messages = list(misplaced(params, CHECK_OPTIONS))
    assert [one if wanted else None for one, wanted in zip(messages, found)] == found
    assert len(messages) == len(found)


PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
ANY = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner), max_leaves=8
)
NAMES = st.sampled_from(["login", "checks", "source", "port", "password", "user", "x"])


@given(st.dictionaries(NAMES, ANY | st.dictionaries(NAMES, ANY)))
def test_whatever_is_given_covering_it_does_not_fail_and_covers_all_at_once(params):
    once = cover(params, CHECK_OPTIONS)
    assert once.keys() == params.keys()
    assert cover(once, CHECK_OPTIONS) == once
    assert len(list(misplaced(once, CHECK_OPTIONS))) == len(list(misplaced(params, CHECK_OPTIONS)))


def test_unknown_options_are_found_below_others_with_their_path():
    spec = {
        "network": {},
        "create": {"options": NETWORK_OPTIONS},
        "endpoints": {"options": {"container": {}, **ENDPOINT_OPTIONS}, "aliases": ["ends"]},
    }
    words = {
        "net": "x",
        "_ansible_check_mode": True,
        "create": {"subnet": "10.0.0.0/24", "ipam": {"config": [{"subnett": 1}]}, "labels": {"net": "a label"}},
        "ends": [{"container": "box", "ip": "10.0.0.2"}],
        "zzz": 1,
    }
    assert list(unknown_options(words, spec, meant)) == [
        "net (did you mean network?)",
        "create.subnet (did you mean ipam: {config: [{subnet: ...}]}?)",
        "create.ipam.config.subnett (did you mean subnet?)",
        "ends.ip (did you mean ipv4_address?)",
    ]
    assert "create.subnet" not in "".join(unknown_options(words, spec, did_you_mean))
