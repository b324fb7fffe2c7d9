"""A live version on vLLM and LoRAX: loaded, compared there and here, and taken back; on doubles that answer
by the merged model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from learners import Gates, begin_knowing, fake, hand_in_everywhere, learn_all
from lora_servers import LoraServerDouble
from seal.cli import main
from seal.endpoint.lora_servers import lora_server
from seal.errors import ConfigError, EndpointError, InputError, StateError
from seal.learner import Learner
from seal.learner.pushing import PushTarget, settle
from seal.learner.settings import settings_text
from workspaces import SetClock

A, B = fake("pushed a"), fake("pushed b")


@pytest.fixture(params=["vllm", "lorax"])
def server(request: pytest.FixtureRequest, toy: Path) -> Iterator[LoraServerDouble]:
    double = LoraServerDouble(request.param, str(toy))
    yield double
    double.goes_away()


@pytest.fixture
def vllm(toy: Path) -> Iterator[LoraServerDouble]:
    double = LoraServerDouble("vllm", str(toy))
    yield double
    double.goes_away()


@pytest.fixture
def learner(tmp_path: Path, toy: Path, gates: Gates) -> Learner:
    gates.outcomes.clear()
    made = begin_knowing(tmp_path / "w", toy, [A])
    return made


def states(learner: Learner) -> list[str]:
    return [one.state for one in learner.pushes()]


def files(learner: Learner) -> list[str]:
    return sorted(path.name for path in (learner.path / "pushed").iterdir())


def test_a_version_is_loaded_and_answers_there_as_here(learner: Learner, server: LoraServerDouble) -> None:
    done = learner.push(PushTarget(server.url))
    assert (done.push.kind, done.push.state, states(learner)) == (server.kind, "loaded", ["loaded"])
    assert done.push.name.startswith("seal-") and files(learner) == [done.push.name]
    assert done.compared.difference_nats < 1e-4 < done.compared.base_nats and done.compared.texts > 1
    assert list(server.loaded.values()) == [done.push.path]
    again = learner.push(PushTarget(server.url))  # the same content has the same name
    assert again.push.name == done.push.name and files(learner) == [done.push.name]
    assert learner.settle_pushes() == [] and states(learner) == ["loaded", "loaded"]


def test_what_answers_otherwise_is_refused_and_unloaded(learner: Learner, server: LoraServerDouble) -> None:
    server.exchanges = True
    with pytest.raises(StateError, match="answers otherwise"):
        learner.push(PushTarget(server.url, tolerance_nats=100.0))  # as far as the base is none
    assert states(learner) == ["refused"] and files(learner) == []
    assert server.kind == "lorax" or server.loaded == {}
    server.exchanges, server.noise = False, 0.2
    with pytest.raises(StateError, match=r"differs by 0\.200 nats"):
        learner.push(PushTarget(server.url))
    assert learner.workspace.ledger()[-1].action == "push.refuse" and learner.audit().sound


def test_what_is_rolled_back_is_unloaded(learner: Learner, server: LoraServerDouble) -> None:
    first = learner.push(PushTarget(server.url), document=A.id).push
    learn_all(learner, [B])
    second = learner.push(PushTarget(server.url), document=B.id).push
    assert first.document == A.id and first.name != second.name
    learner.rollback(reason="wrong")
    assert states(learner) == ["loaded", "gone"] and files(learner) == [first.name]
    assert server.kind == "lorax" or list(server.loaded) == [first.name]
    with pytest.raises(StateError, match="is not live"):
        learner.push(PushTarget(server.url), version=second.version)


def test_a_cell_that_two_versions_have_stays_until_both_are_gone(
    learner: Learner, vllm: LoraServerDouble
) -> None:
    first = learner.push(PushTarget(vllm.url), document=A.id).push
    learn_all(learner, [B])
    assert learner.push(PushTarget(vllm.url), document=A.id).push.name == first.name
    learner.rollback(reason="of the second")
    assert states(learner) == ["loaded", "gone"] and list(vllm.loaded) == [first.name]
    vllm.noise = 1.0
    with pytest.raises(StateError, match="answers otherwise"):
        learner.push(PushTarget(vllm.url), document=A.id)
    assert states(learner) == ["refused", "gone", "refused"] and vllm.loaded == {}


def test_what_is_forgotten_goes_when_the_server_is_back(learner: Learner, vllm: LoraServerDouble) -> None:
    learn_all(learner, [B])
    pushed = learner.push(PushTarget(vllm.url), document=B.id).push
    vllm.goes_away()
    learner.forget(B.id)
    assert files(learner) == [] and states(learner) == ["unloading"]
    [left] = learner.settle_pushes()
    assert "does not answer" in left.problem and left.tries == 1
    vllm.comes_back()
    vllm.loaded[pushed.name] = pushed.path
    assert learner.settle_pushes() == [] and states(learner) == ["gone"] and vllm.loaded == {}
    assert learner.workspace.ledger()[-1].action == "push.unload"


def test_what_a_kill_left_half_loaded_is_unloaded(learner: Learner, vllm: LoraServerDouble) -> None:
    live, workspace = learner.live(), learner.workspace
    assert live is not None
    workspace.clock = clock = SetClock()
    row = workspace.add_push(
        vllm.url, "vllm", "seal-0", version=live.id, document=None, folder="none", path="none"
    )
    vllm.loaded[row.name] = row.path
    clock.time = "2026-01-01T00:05:00+00:00"
    assert settle(workspace) == [] and states(learner) == ["loading"]  # it may be at it still
    clock.time = "2026-01-01T00:11:00+00:00"
    assert settle(workspace) == [] and states(learner) == ["gone"] and vllm.loaded == {}


def test_what_a_server_may_say(learner: Learner, vllm: LoraServerDouble, tmp_path: Path) -> None:
    vllm.updating = False
    with pytest.raises(StateError, match="loads no adapters while it runs") as refused:
        learner.push(PushTarget(vllm.url))
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" in refused.value.hint
    vllm.updating, vllm.sees = True, tmp_path / "shared"
    with pytest.raises(StateError, match="does not find") as unseen:
        learner.push(PushTarget(vllm.url))
    assert "--seen-as" in unseen.value.hint
    target = PushTarget(vllm.url, folder=tmp_path / "shared", seen_as="/adapters")
    assert learner.push(target).push.path.startswith("/adapters/seal-")
    vllm.key = "secret"
    with pytest.raises(EndpointError, match="refuses the key"):
        learner.push(target)
    assert states(learner)[-1] == "unloading"  # it does not say whether it has it


def test_a_server_has_an_address_a_kind_and_a_key(
    vllm: LoraServerDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = vllm.url.removesuffix("/v1")
    assert lora_server(f"{root}/").kind == "vllm"
    with pytest.raises(InputError, match="no kind of server"):
        lora_server(root, "tgi")
    monkeypatch.delenv("NONE", raising=False)
    with pytest.raises(ConfigError, match="NONE"):
        lora_server(root, "vllm", "NONE")
    vllm.goes_away()
    with pytest.raises(EndpointError, match="does not answer"):
        lora_server(root)
    vllm.comes_back()


def test_the_command(
    learner: Learner,
    vllm: LoraServerDouble,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hand_in_everywhere(monkeypatch)
    (learner.path / "learner.toml").write_text(settings_text(learner.parts.config), encoding="utf-8")
    monkeypatch.setenv("SEAL_WORKSPACE", str(learner.path))
    monkeypatch.setenv("SERVER_KEY", "secret")
    vllm.key = "secret"
    assert main(["push", "--status"]) == 0 and "no server was given" in capsys.readouterr().out
    assert main(["push", "--to", vllm.url, "--key-env", "SERVER_KEY"]) == 0
    assert "as the model seal-" in capsys.readouterr().out
    assert main(["push", "--status", "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert told["state"] == "loaded" and told["key_env"] == "SERVER_KEY" and "secret" not in str(told)
    assert main(["push"]) == 2 and "no server is named" in capsys.readouterr().err
    vllm.exchanges = True
    assert main(["push", "--to", vllm.url, "--key-env", "SERVER_KEY"]) == 2
    assert "answers otherwise" in capsys.readouterr().err
