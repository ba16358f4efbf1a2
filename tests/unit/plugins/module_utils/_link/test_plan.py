# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for links: what holds for all of them, on a model of the engine, and what single ones look like."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement_checks import Dependencies
from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement_config import Sources
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import parse_link
from ansible_collections.linklab.docker.plugins.module_utils._compose.container import ContainerSpec
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.module_utils._link.observe import LinkState, lacks_a_link, link_result
from ansible_collections.linklab.docker.plugins.module_utils._link.plan import plan_link
from ansible_collections.linklab.docker.plugins.module_utils._link.spec import LinkSpec
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from ansible_collections.linklab.docker.plugins.module_utils._model.legacy_links import LegacyLink, engine_release
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState, Endpoint, Network
from ansible_collections.linklab.docker.plugins.module_utils._plan.container_actions import (
    CreateContainer,
    FinishUnlink,
    PullImage,
    RecreateContainer,
    RemoveLink,
    StartContainer,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import (
    Attach,
    Detach,
    Disruption,
    EndpointAction,
    Plan,
    Reattach,
)
from ansible_collections.linklab.docker.plugins.module_utils._recovery.journal import Journal, Left, Recover
from ansible_collections.linklab.docker.plugins.module_utils._recovery.names import (
    Before,
    Interrupted,
    Leftover,
    Verdict,
)
from hypothesis import given
from hypothesis import strategies as st

BRIDGE = Network("b" * 64, "bridge", options={"com.docker.network.bridge.default_bridge": "true"})
NET = Network("d" * 64, "net")
OLD = EngineInfo("1.41", "20.10.24")
SOURCE = "client"
TARGETS = ("first", "second", "third")


def ident(name: str) -> str:
    return name.encode().hex().ljust(64, "0")


def container(name: str, status: str = "running", **fields: t.Any) -> ContainerState:
    raw = {"Config": {"Env": fields.pop("env", [])}, "HostConfig": fields.pop("host", {})}
    endpoints = {"bridge": Endpoint("bridge", ipv4="192.0.2.1")}
    return ContainerState(ident(name), name, status, endpoints=endpoints, raw=raw, **fields)


@dataclass
class Model:
    """An engine with one source, what it is linked to, and what can be a target."""

    source: ContainerState | None = field(default_factory=lambda: container(SOURCE))
    legacy: tuple[LegacyLink, ...] = ()
    targets: tuple[ContainerState, ...] = tuple(container(name) for name in TARGETS)
    network: Network | None = BRIDGE
    info: EngineInfo = OLD

    def state(self, **fields: t.Any) -> LinkState:
        known = {key: one for one in self.targets for key in (one.name, one.id, one.short_id)}
        if self.source is not None:
            known[self.source.id] = self.source
        dependencies = Dependencies(
            engine_release(self.info), Sources({}), frozenset({"bridge", "net"}), (), self.legacy
        )
        state = LinkState(self.info, self.network, self.source, self.legacy, known, dependencies=dependencies)
        return replace(state, **fields)

    def apply(self, plan: Plan) -> None:
        for action in plan.actions:
            if isinstance(action, RemoveLink):
                assert any(link.alias == action.alias for link in self.legacy)
                self.legacy = tuple(link for link in self.legacy if link.alias != action.alias)
            elif isinstance(action, RecreateContainer):
                assert not any(link.stale for link in self.legacy), "the old one could not come back"
                by_id = {one.id: one for one in self.targets}
                made = {alias: LegacyLink(alias, by_id[key].name, by_id[key]) for key, alias in action.links}
                there = {} if action.purge else {link.alias: link for link in self.legacy}
                self.legacy = tuple({**there, **made}.values())
            else:
                assert isinstance(action, (Attach, Reattach)), action
                self._connect(action)

    def _connect(self, action: Attach | Reattach) -> None:
        def joined(one: ContainerState) -> ContainerState:
            endpoint = Endpoint(action.network, NET.id, "end", settings=action.settings)
            return replace(one, endpoints={**one.endpoints, action.network: endpoint})

        if self.source is not None and action.container.id == self.source.id:
            self.source = joined(self.source)
        self.targets = tuple(joined(one) if one.id == action.container.id else one for one in self.targets)


def spec(*links: str, **fields: t.Any) -> LinkSpec:
    return LinkSpec(SOURCE, tuple(parse_link(link) for link in links), **fields)


def linked(alias: str, target: str, *, stale: bool = False, status: str = "running") -> LegacyLink:
    return LegacyLink(alias, target, None if stale else container(target, status))


def names(plan: Plan) -> list[str]:
    return [action.name for action in plan.actions]


def refusal(asked: LinkSpec, state: LinkState) -> str:
    with pytest.raises(Refusal) as refused:
        plan_link(asked, state)
    return str(refused.value)


# -- what holds for every task ----------------------------------------------------------------------------------------


ALIASES = st.sampled_from(["a", "b", "c"])
REFS = st.sampled_from([*TARGETS, ident("first"), ident("second")[:12]])


@st.composite
def desired_endpoints(draw: t.Any, network: str) -> LinkSpec:
    links = draw(st.dictionaries(ALIASES, REFS, max_size=3))
    return LinkSpec(
        SOURCE,
        tuple(Link(target, alias) for alias, target in links.items()),
        network,
        present=draw(st.booleans()),
        purge=draw(st.booleans()),
    )


@st.composite
def legacy_models(draw: t.Any) -> Model:
    there = draw(st.dictionaries(ALIASES, st.tuples(st.sampled_from([*TARGETS, "gone"]), st.booleans()), max_size=3))
    legacy = tuple(linked(alias, target, stale=stale or target == "gone") for alias, (target, stale) in there.items())
    return Model(container(SOURCE, draw(st.sampled_from(["running", "exited", "paused"]))), legacy)


@given(desired_endpoints("bridge"), legacy_models())
def test_after_a_plan_for_legacy_links_nothing_is_left_to_do(asked, model):
    before = model.legacy
    plan = plan_link(asked, model.state())
    model.apply(plan)

    assert plan_link(asked, model.state()).actions == ()
    there = {link.alias: link for link in model.legacy}
    wanted = {link.alias: model.state().containers[link.target].id for link in asked.links}
    if asked.present:
        assert all(there[alias].target.id == target for alias, target in wanted.items())
    if asked.purge:
        assert set(there) == (set(wanted) if asked.present else set())
    else:
        # A link that the task does not name stays, or leads to the container that has its target's name now.
        kept = [link for link in before if link.alias not in wanted]
        known = [link for link in kept if not link.stale or not asked.present or link.name in TARGETS]
        assert {link.alias for link in known} <= set(there)


@given(desired_endpoints("bridge"), legacy_models())
def test_a_source_is_recreated_for_a_link_that_is_lacking_alone(asked, model):
    plan = plan_link(asked, model.state())
    recreates = [action for action in plan.actions if isinstance(action, RecreateContainer)]
    assert bool(recreates) == (asked.present and lacks_a_link(asked, model.state()))
    assert len(recreates) <= 1
    for action in plan.actions:
        assert action.disruption is Disruption.RECREATE or isinstance(action, RemoveLink)


@st.composite
def network_models(draw: t.Any) -> Model:
    def with_links(one: ContainerState) -> ContainerState:
        if not draw(st.booleans()):
            return one
        refs = st.sampled_from([*TARGETS, ident("first")[:12], "nobody"])
        links = draw(st.dictionaries(ALIASES, refs, max_size=3)) if one.name == SOURCE else {}
        settings = EndpointSettings(
            aliases=("kept",), links=tuple(sorted(Link(target, alias) for alias, target in links.items()))
        )
        endpoint = Endpoint("net", NET.id, "end", settings=settings)
        return replace(one, endpoints={**one.endpoints, "net": endpoint})

    source = with_links(container(SOURCE, draw(st.sampled_from(["running", "exited"]))))
    return Model(source, targets=tuple(with_links(container(name)) for name in TARGETS), network=NET)


@given(desired_endpoints("net"), network_models())
def test_after_a_plan_for_network_links_nothing_is_left_to_do(asked, model):
    assert model.source is not None
    before = dict(model.source.endpoints)
    plan = plan_link(asked, model.state())
    assert all(isinstance(action, EndpointAction) and not isinstance(action, Detach) for action in plan.actions)
    assert all(action.disruption <= Disruption.RECONNECT for action in plan.actions)
    model.apply(plan)

    assert plan_link(asked, model.state()).actions == ()
    after = model.source.endpoints
    assert set(after) >= set(before)
    if "net" in before:
        assert after["net"].settings.aliases == ("kept",)
    if asked.present:
        aliases = {link.alias for link in model.state().network_links}
        assert {link.alias for link in asked.links} <= aliases
        assert all("net" in model.state().containers[link.target].endpoints for link in asked.links)


# -- legacy links -----------------------------------------------------------------------------------------------------


def test_a_source_that_is_missing_is_created_with_its_links():
    create = ContainerSpec.parse({"image": "img"}, ("create",))
    model = Model(source=None)

    plan = plan_link(spec("first:a", create=create), model.state(image_is_there=False))

    pull, made = plan.actions
    assert isinstance(pull, PullImage)
    assert isinstance(made, CreateContainer)
    assert made.config["HostConfig"]["Links"] == [f"{ident('first')}:a"]
    assert names(plan_link(spec("first:a", create=create), model.state())) == ["create_container"]
    never = ContainerSpec.parse({"image": "img", "pull": "never"}, ("create",))
    assert "pull is never" in refusal(spec("first:a", create=never), model.state(image_is_there=False))


def test_a_source_that_is_missing_is_created_on_its_network_after_its_targets_joined():
    create = ContainerSpec.parse({"image": "img"}, ("create",))
    plan = plan_link(spec("first:a", network="net", create=create), Model(source=None, network=NET).state())

    attach, made = plan.actions
    assert isinstance(attach, Attach)
    assert isinstance(made, CreateContainer)
    assert made.endpoints[0].settings.links == (Link("first", "a"),)


def test_the_reason_of_a_recreate_says_what_changes():
    model = Model(legacy=(linked("a", "first"), linked("b", "second"), linked("c", "third", stale=True)))
    plan = plan_link(spec("second:a", "third:c", purge=True), model.state())

    assert names(plan) == ["remove_link", "recreate_container"]
    assert plan.actions[0].subject == "third:c of client"
    assert plan.actions[1].reason == (
        "links: +second:a -first:a -second:b; the target of third:c was replaced, so that the link leads nowhere;"
        " the engine makes a legacy link only together with its source"
    )


@pytest.mark.parametrize(
    "status, create, clause",
    [
        ("exited", False, "; it is exited, so its successor is only created, not started"),
        ("exited", True, "; it is exited, so its successor is started"),
        ("created", True, ""),
        ("running", True, ""),
    ],
)
def test_the_reason_of_a_recreate_says_what_becomes_of_a_source_that_has_exited(status, create, clause):
    given = ContainerSpec.parse({"image": "img"}, "create") if create else None
    (action,) = plan_link(spec("first:a", create=given), Model(container(SOURCE, status)).state()).actions
    assert action.reason == f"links: +first:a; the engine makes a legacy link only together with its source{clause}"
    assert action.start == (create and status != "running")


def test_a_stopped_source_notices_nothing_of_a_removal():
    model = Model(container(SOURCE, "exited"), (linked("a", "first"),))
    (action,) = plan_link(spec("first:a", present=False), model.state()).actions
    assert action.disruption is Disruption.NONE


def test_a_container_that_never_ran_is_started_only_where_create_says_how():
    model = Model(container(SOURCE, "created"), (linked("a", "first"),))
    create = ContainerSpec.parse({"image": "img"}, ("create",))
    (action,) = plan_link(spec("first:a", create=create), model.state()).actions
    assert isinstance(action, StartContainer)
    assert plan_link(spec("first:a"), model.state()).actions == ()


def test_links_that_are_there_and_do_not_work_are_reported():
    model = Model(legacy=(linked("a", "first", status="exited"), linked("b", "gone", stale=True)))
    targets = (container("first", "exited"),)
    warnings = plan_link(spec("first:a"), replace_targets(model, *targets).state()).warnings
    assert any("the target of its link gone:b was removed" in text for text in warnings)
    assert any("first is exited: until it runs" in text for text in warnings)


def replace_targets(model: Model, *targets: ContainerState) -> Model:
    return replace(model, targets=targets)


def test_a_source_that_cannot_be_replaced_is_refused_with_its_reason():
    model = Model(container(SOURCE, host={"AutoRemove": True}))
    assert "--rm" in refusal(spec("first:a"), model.state())


def test_the_source_may_be_the_target_of_nobody():
    other = replace(container("other"), legacy_links=(Link(SOURCE, "c"),))
    state = Model().state()
    assert state.dependencies is not None
    state = replace(state, dependencies=replace(state.dependencies, others=(other,)))
    assert "other has a legacy link to it" in refusal(spec("first:a"), state)


def test_a_removed_link_may_come_back_with_the_daemon():
    model = Model(legacy=(linked("a", "first"), linked("b", "second")))
    for asked in (spec("first:a", present=False), spec("second:b", purge=True)):
        assert "the engine keeps first:a in its files" in plan_link(asked, model.state()).warnings[0]
    assert plan_link(spec("third:c", present=False), model.state()).warnings == ()


# -- engines ----------------------------------------------------------------------------------------------------------


SECRETS = ("MYSQL_ROOT_PASSWORD", "API_KEY", "GITHUB_TOKEN", "DB_PASS", "db_pwd", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD")
HARMLESS = ("LANG", "MYSQL_VERSION", "COMPASS_MODE", "KEYBOARD", "BYPASSED")


def warnings(version: str, *env: str, network: Network = BRIDGE) -> str:
    target = container("first", env=[f"{name}=geheim" for name in env])
    model = Model(targets=(target,), info=EngineInfo("1.41", version), network=network)
    return " ".join(plan_link(spec("first:a", network=network.name), model.state()).warnings)


def test_the_names_of_secrets_are_reported_and_no_value():
    text = warnings("20.10.24", "PATH", *SECRETS, *HARMLESS)
    assert all(name in text for name in SECRETS)
    assert not any(name in text for name in (*HARMLESS, "PATH", "geheim"))
    assert "hands the environment of first" in warnings("28.5.2", "LANG")
    assert warnings("28.5.2", "PATH", "HOME") == ""
    assert warnings("28.5.2", *SECRETS, network=NET) == ""


def test_an_engine_without_the_environment_hands_nothing_over_and_says_so():
    for version in ("29.0.0", "29.5.1-rc.1"):
        text = warnings(version, *SECRETS)
        assert "DOCKER_KEEP_DEPRECATED_LEGACY_LINKS_ENV_VARS=1" in text
        assert SECRETS[0] not in text
        assert "announced" not in text
    assert "Engine 30 is announced to have none" in warnings("29.6.0")


def test_an_engine_without_legacy_links_is_not_asked_for_one():
    model = Model(info=EngineInfo("1.60", "30.0.1"), legacy=())
    text = refusal(spec("first:a"), model.state())
    assert "Docker Engine 30.0.1 has no legacy links any more" in text
    assert "option network" in text
    assert plan_link(spec("first:a", present=False), model.state()).actions == ()


@pytest.mark.parametrize(
    "version, release",
    [("20.10.24+dfsg1", (20, 10)), ("29.6.0-rc.1", (29, 6)), ("30", (30, 0)), ("", (0, 0)), ("dev", (0, 0))],
)
def test_the_release_is_read_from_the_version(version, release):
    assert engine_release(EngineInfo("1.41", version)) == release


# -- refused ----------------------------------------------------------------------------------------------------------


def test_all_that_is_missing_is_reported_at_once():
    state = replace(Model(source=None).state(), known_containers=("clients", "first", "caches"))
    text = refusal(spec("cache:x", "nobody:y", "first:z"), state)
    assert "container client does not exist (did you mean clients?)" in text
    assert "container cache does not exist (did you mean caches?)" in text
    assert "container nobody does not exist;" in f"{text};".replace(".", ";")
    assert "option create" in text


def test_a_missing_network_is_refused_with_the_task_that_makes_it():
    state = replace(Model(network=None).state(), known_networks=("nets", "bridge"))
    text = refusal(spec("first:a", network="net"), state)
    assert "network net does not exist (did you mean nets?)" in text
    assert "linklab.docker.network_attach with network: net and create: {}" in text
    assert plan_link(spec("first:a", network="net", present=False), state).actions == ()


# -- what an interrupted run left -------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [Verdict.BACK, Verdict.FINISH, Verdict.ADOPT])
@pytest.mark.parametrize("network", [BRIDGE, NET, None])
def test_what_was_left_is_put_right_first(verdict, network):
    left = Interrupted(SOURCE, "1", "2", Before.RUNNING, verdict, "client.linklab-old.x")
    state = Model(network=network, legacy=(linked("a", "first"),)).state(journal=Journal({SOURCE: Left(left)}))
    absent = plan_link(spec("first:a", present=False, network=network.name if network else "x"), state)
    assert isinstance(absent.actions[0], Recover)
    assert "client.linklab-old.x is there" in absent.actions[0].reason


def test_what_belongs_to_nobody_is_left_alone():
    left = Interrupted(SOURCE, "1", "", Before.RUNNING, Verdict.LEAVE, "client.linklab-old.x")
    text = refusal(spec("first:a"), Model().state(journal=Journal({SOURCE: Left(left)})))
    assert "client.linklab-old.x is left of an interrupted replacement" in text
    assert "Nothing was changed" in text


def test_a_removal_that_was_interrupted_is_finished_first():
    mark = Leftover("f" * 64, "x", "created", "unlink", "0" * 12, Before.STOPPED)
    state = Model(legacy=(linked("a", "first"),)).state(journal=Journal({SOURCE: Left(mark=mark)}))
    plan = plan_link(spec("first:a", present=False), state)
    assert [type(action) for action in plan.actions] == [FinishUnlink, RemoveLink]


# -- results ----------------------------------------------------------------------------------------------------------


def test_results_of_legacy_links():
    model = Model(legacy=(linked("a", "first"), linked("b", "gone", stale=True)))
    result = link_result(spec("first:a"), model.state())
    assert result["container"] == {"id": ident(SOURCE), "name": SOURCE, "status": "running"}
    assert result["links"] == [
        {
            "kind": "legacy",
            "target": "first",
            "target_id": ident("first"),
            "alias": "a",
            "address": "192.0.2.1",
            "stale": False,
        },
        {"kind": "legacy", "target": "gone", "target_id": "", "alias": "b", "address": "", "stale": True},
    ]
    assert link_result(spec("first:a"), Model(source=None).state()) == {"container": {"name": SOURCE}, "links": []}
