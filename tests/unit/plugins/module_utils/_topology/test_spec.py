# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired state of a topology: what is taken, what is refused and how, and the argument spec made for it."""

from __future__ import annotations

import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import Link
from ansible_collections.linklab.docker.plugins.module_utils._model.labels import TOPOLOGY_LABEL
from ansible_collections.linklab.docker.plugins.module_utils._topology.options import options_for
from ansible_collections.linklab.docker.plugins.module_utils._topology.spec import TopologySpec, parse_topology

Json = t.Any


def parse(containers: Json = None, networks: Json = None, **params: Json) -> TopologySpec:
    named = {name: {"image": "bb", **(options or {})} for name, options in (containers or {}).items()}
    return parse_topology({"name": "lab", "networks": networks, "containers": named, **params})


# -- what is taken ----------------------------------------------------------------------------------------------------


def test_networks_get_the_label_but_for_external_ones() -> None:
    spec = parse(
        networks={"front": None, "back": {"internal": True, "labels": {"a": "b"}}, "theirs": {"external": True}}
    )
    assert spec.networks["front"].labels == {TOPOLOGY_LABEL: "lab"}
    assert spec.networks["back"].labels == {"a": "b", TOPOLOGY_LABEL: "lab"}
    assert spec.external == {"theirs"}


def test_networks_as_a_list_and_with_settings() -> None:
    spec = parse(
        {"one1": {"networks": ["front", "bridge"]}, "two2": {"networks": {"front": {"aliases": ["a"]}, "back": None}}},
        {"front": {}, "back": {}},
    )
    assert list(spec.containers["one1"].networks or ()) == ["front", "bridge"]
    assert (spec.containers["two2"].networks or {})["front"].aliases == ("a",)


def test_links_are_legacy_links_on_the_bridge_and_network_links_elsewhere() -> None:
    spec = parse(
        {
            "db": {"networks": ["front", "bridge"]},
            "web": {"networks": ["front", "back"], "links": ["db:d"]},
            "old": {"links": ["db"]},
        },
        {"front": {}, "back": {}},
    )
    web, old = spec.containers["web"], spec.containers["old"]
    assert (web.networks or {})["front"].links == (Link("db", "d"),)
    assert (web.networks or {})["back"].links == ()
    assert web.legacy_links == ()
    assert old.legacy_links == (Link("db", "db"),)


@pytest.mark.parametrize(
    "given,expected",
    [
        (["db"], {"db": "started"}),
        ("db", {"db": "started"}),
        ({"db": "healthy"}, {"db": "healthy"}),
        ({"db": {"condition": "service_healthy", "restart": False}}, {"db": "healthy"}),
        ({"db": None}, {"db": "started"}),
    ],
)
def test_conditions(given: Json, expected: dict[str, str]) -> None:
    assert parse({"db": {}, "app": {"depends_on": given}}).containers["app"].depends_on == expected


def test_levels_follow_dependencies_links_and_shared_networks() -> None:
    spec = parse(
        {
            "web": {"depends_on": ["app"]},
            "app": {"links": ["db"]},
            "sidecar": {"network_mode": "container:app"},
            "db": {},
            "other": {"networks": ["front"], "links": ["late"]},
            "late": {"networks": ["front"], "depends_on": ["other"]},
        },
        {"front": {}},
    )
    # Network links are resolved when somebody asks, so they make no order.
    assert spec.levels == (("db", "other"), ("app", "late"), ("web", "sidecar"))


def test_a_port_of_the_host_can_be_had_once_on_each_address_and_by_each_protocol() -> None:
    ports = ["127.0.0.1:53:53", "127.0.0.2:53:53", "127.0.0.1:53:53/udp", "54", "54"]
    spec = parse({f"box{number}": {"ports": [port]} for number, port in enumerate(ports)})
    assert len(spec.containers) == 5


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "containers,networks,message",
    [
        ({"web": {"networks": ["frnot"]}}, {"front": {}}, r"no network 'frnot' .*did you mean front\?"),
        ({"web": {"networks": []}}, {}, "must not be empty"),
        ({"web": {"networks": "front"}}, {"front": {}}, "must be a list of names"),
        ({"web": {"networks": {"front": {"alias": []}}}}, {"front": {}}, r"no option 'alias' \(did you mean aliases"),
        ({"web": {"networks": ["front"], "network_mode": "host"}}, {"front": {}}, "exclude each other"),
        ({"web": {"network_mode": "service:db"}}, {}, "write container:db"),
        ({"web": {"network_mode": "front"}}, {"front": {}}, "name networks under networks"),
        ({"web": {"network_mode": "host", "ports": ["80"]}}, {}, "excludes ports"),
        ({"web": {"network_mode": "container:db", "hostname": "x"}, "db": {}}, {}, "excludes hostname"),
        ({"web": {"image": None}}, {}, "containers.web: image is missing"),
        ({"w": {}}, {}, "cannot be the name of a container"),
        ({"web": {"depends_on": ["databse"]}, "database": {}}, {}, r"no container 'databse' .*did you mean database\?"),
        ({"web": {"depends_on": {"db": "ready"}}, "db": {}}, {}, "write started or healthy"),
        (
            {"web": {"depends_on": ["db"]}, "db": {"depends_on": ["web"]}},
            {},
            "in a circle: (web -> db -> web|db -> web)",
        ),
        ({"web": {"links": ["db"]}, "db": {"links": ["web"]}}, {}, "in a circle"),
        ({"web": {"depends_on": ["web"]}}, {}, "in a circle: web -> web"),
        ({"web": {"links": ["web"]}}, {}, "leads to the container itself"),
        ({"web": {"links": ["db"]}, "db": {"networks": ["front"]}}, {"front": {}}, "would be a legacy link"),
        (
            {"web": {"networks": ["front"], "links": ["db"]}, "db": {"networks": ["back"]}},
            {"front": {}, "back": {}},
            r"leads nowhere.*none of its networks \(front\)",
        ),
        (
            {name: {"networks": {"front": {"ipv4_address": "10.0.0.5"}}} for name in ("one1", "two2")},
            {"front": {}},
            "10.0.0.5 is wanted for two containers: one1 and two2",
        ),
        ({}, {"front": {"drivr": "x"}}, r"networks.front: there is no option 'drivr' \(did you mean driver"),
        (
            {"one1": {"ports": ["80:80"]}, "two2": {"ports": ["127.0.0.1:80:8080"]}},
            {},
            "80/tcp of the host is wanted twice",
        ),
        ({}, {"bridge": {}}, "the engine has a network of this name of its own"),
        ({}, {"fr ont": {}}, "cannot name a network"),
        ({}, {"theirs": {"external": True, "internal": True}}, "takes no internal"),
        ({"web": {"restrat": "no"}}, {}, r"no option 'restrat' \(did you mean restart\?\)"),
    ],
)
def test_errors_say_where_and_what_to_do(containers: Json, networks: Json, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse(containers, networks)


@pytest.mark.parametrize("params", [{"name": "a/b"}, {"name": ""}, {"wait_timeout": 0}, {"wait_timeout": 10**400}])
def test_bad_parameters(params: dict[str, Json]) -> None:
    with pytest.raises(SpecError, match=next(iter(params))):
        parse(**params)


# -- the argument spec ------------------------------------------------------------------------------------------------


def test_one_message_has_all_mistakes_each_with_its_place() -> None:
    containers = {
        "one": {"networks": {"nett": {}, "net": {"ipv4_address": "x", "aliases": ["a b"]}}, "cpus": "no", "user": ""},
        "two": {"optoin": 1, "depends_on": ["none"]},
        "three": {"depends_on": ["one", "nobody"]},
    }
    with pytest.raises(SpecError) as refusal:
        parse(containers, {"net": {}, "b d": {}}, wait_timeout=0)
    assert [".".join(map(str, one.place)) for one in refusal.value.each] == [
        "wait_timeout",
        "networks.b d",
        "containers.one.cpus",
        "containers.one.user",
        "containers.one.networks",
        "containers.one.networks.net.aliases",
        "containers.one.networks.net.ipv4_address",
        "containers.two",
        "containers.three.depends_on",
    ]
    assert str(refusal.value) == "; ".join(map(str, refusal.value.each))


def test_secrets_below_any_name_are_known_before_anything_is_logged() -> None:
    params = {"name": "lab", "containers": {"web": {"image": "bb", "secret_environment": {"P": "hunter2"}}}}
    result = ArgumentSpecValidator(options_for(params)).validate(params)
    assert result.error_messages == []
    assert result._no_log_values == {"hunter2"}


def test_a_mistyped_option_is_said_by_the_parser() -> None:
    params = {"name": "lab", "containers": {"web": {"image": "bb", "secret_enviroment": {"P": "hunter2"}}}}
    result = ArgumentSpecValidator(options_for(params)).validate(params)
    with pytest.raises(SpecError, match="did you mean secret_environment"):
        parse_topology({"name": "lab", **{k: v for k, v in result.validated_parameters.items() if k == "containers"}})


def test_types_are_checked_all_the_way_down() -> None:
    params = {
        "name": "lab",
        "networks": {"front": {"internal": "maybe"}},
        "containers": {"web": {"image": "bb", "init": "maybe", "networks": {"front": {"gw_priority": "x"}}}},
    }
    errors = " ".join(ArgumentSpecValidator(options_for(params)).validate(params).error_messages)
    for option in ("internal", "init", "gw_priority"):
        assert option in errors


def test_ansible_looks_at_no_options_that_are_not_given() -> None:
    params = {"name": "lab", "networks": {"front": {"ipam": {"config": [{"subnet": "10.0.0.0/24"}]}}, "back": {}}}
    params["containers"] = {"web": {"image": "bb", "networks": {"front": {"aliases": ["www"]}}}}
    found = ArgumentSpecValidator(options_for(params)).validate(params).validated_parameters
    assert {name: found[name] for name in ("networks", "containers")} == {
        name: params[name] for name in ("networks", "containers")
    }


def test_options_may_be_given_as_text() -> None:
    params = {"name": "lab", "containers": {"web": "image=bb init=yes"}}
    result = ArgumentSpecValidator(options_for(params)).validate(params)
    assert result.error_messages == []
    assert parse_topology(result.validated_parameters).containers["web"].spec.init is True


def test_what_ansible_makes_of_a_task_can_be_parsed() -> None:
    params = {
        "name": "lab",
        "networks": {"front": None},
        "containers": {
            "web": {"image": "bb", "ports": ["80"], "networks": {"front": {"aliases": "www"}}, "restart": False},
            "db": {"image": "bb", "networks": ["front"], "healthcheck": {"retries": "3"}},
        },
    }
    result = ArgumentSpecValidator(options_for(params)).validate(params)
    assert result.error_messages == []
    spec = parse_topology(result.validated_parameters)
    assert (spec.containers["web"].networks or {})["front"].aliases == ("www",)
    assert str(spec.containers["web"].spec.restart) == "no"


@pytest.mark.parametrize(
    "containers,networks,message",
    [
        (
            {},
            {"front": {"ipam": {"confg": []}}},
            "networks.front.ipam: there is no option 'confg' (did you mean config?)",
        ),
        (
            {},
            {"front": {"ipam": {"config": [{"subnet": "10.0.0.0/24"}, {"subnett": "10.0.1.0/24"}]}}},
            "networks.front.ipam.config[1]: there is no option 'subnett' (did you mean subnet?)",
        ),
        (
            {},
            {"front": {"ipam": {"config": [{"gateway": "10.0.0.1"}]}}},
            "networks.front.ipam.config[0]: subnet is missing",
        ),
        (
            {"web": {"healthcheck": {"intervall": "1s"}}},
            {},
            "containers.web.healthcheck: there is no option 'intervall' (did you mean interval?)",
        ),
        (
            {"web": {"networks": {"front": {"aliasses": ["w"]}}}},
            {"front": None},
            "containers.web.networks.front: there is no option 'aliasses' (did you mean aliases or aliases_mode?)",
        ),
    ],
)
def test_an_unknown_option_is_reported_with_what_may_have_been_meant_however_deep_it_is(
    containers: Json, networks: Json, message: str
) -> None:
    named = {name: {"image": "bb", **options} for name, options in containers.items()}
    params = {"name": "lab", "networks": networks, "containers": named}
    result = ArgumentSpecValidator(options_for(params)).validate(params)
    assert result.error_messages == []
    with pytest.raises(SpecError) as caught:
        parse_topology(result.validated_parameters)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["host", "none"])
def test_a_network_that_only_a_network_mode_gives_is_asked_to_be_one(name: str) -> None:
    with pytest.raises(SpecError, match=f"write network_mode: {name}"):
        parse({"web": {"networks": [name]}}, {name: {"external": True}})


@pytest.mark.parametrize("options", [{"required": False}, {"restart": True}])
def test_what_compose_can_do_about_a_dependency_and_a_topology_cannot_is_refused(options: Json) -> None:
    with pytest.raises(SpecError, match=r"containers\.web\.depends_on\.db: "):
        parse({"db": {}, "web": {"depends_on": {"db": {"condition": "started", **options}}}})


def test_what_compose_writes_out_about_a_dependency_is_taken() -> None:
    options = {"condition": "service_started", "required": True, "restart": False}
    assert parse({"db": {}, "web": {"depends_on": {"db": options}}}).containers["web"].depends_on == {"db": "started"}
