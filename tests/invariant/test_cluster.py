"""A run on other machines is the run on this one, byte for byte: with Ray, and without it."""

from __future__ import annotations

import importlib.util
import json
import pickle
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from checkpoints import TINY_RUN, save_squad, save_toy
from ray_kills import digests
from seal.cli import main
from seal.errors import ClusterError
from seal.executors import Executor, ExecutorCall, WorkerNeeds, on_ray
from seal.executors.software import software, unlike
from seal.models import load_model
from seal.models.as_bytes import model_as_bytes, model_of_bytes

RECIPE = """
[model]
name = "tiny"
[data]
train = "microworld/rl"
n_train = 96
[self_edit]
format = "self-qa"
samples = 4
max_new_tokens = 24
[inner]
rank = 8
learning_rate = 1e-2
max_steps = 3
batch_tokens = 100
seeds = 1
workers = 2
learner = "base"
[outer]
rank = 8
epochs = 1
batch_size = 16
rounds = 1
reward = "likelihood"
reward_with_passage = false
"""


class ElsewhereHere(Executor):
    """Workers that are objects of this process, made of what was pickled for them; calls end in any order."""

    def __init__(self, maker: str, payload: Any, needs: WorkerNeeds, notice: Any = None) -> None:
        self.needs, self.rng = needs, random.Random(3)
        module, _, name = maker.partition(":")
        make, data = getattr(import_module(module), name), pickle.dumps(payload)
        self.workers = [make(pickle.loads(data), needs.cpus) for _ in range(2)]
        self.held: list[Any] = [None, None]
        self.n_puts = self.n_calls = 0

    def put(self, value: Any) -> Any:
        self.n_puts += 1
        return (value,)

    def each(self, calls: Sequence[ExecutorCall], *, held: Any = None) -> Iterator[tuple[int, Any]]:
        order = list(range(len(calls)))
        self.rng.shuffle(order)
        for at in order:
            which, self.n_calls = self.rng.randrange(2), self.n_calls + 1
            if self.held[which] is not held:
                self.held[which] = held
                self.workers[which].hold(held[0])
            method, arguments = pickle.loads(pickle.dumps(calls[at]))
            yield at, getattr(self.workers[which], method)(*arguments)

    def close(self) -> None:
        pass


@pytest.fixture
def executors(monkeypatch: pytest.MonkeyPatch) -> list[ElsewhereHere]:
    """Ray's place taken; the executors that are made."""
    made: list[ElsewhereHere] = []

    def executor(*given: Any) -> ElsewhereHere:
        made.append(ElsewhereHere(*given))
        return made[-1]

    monkeypatch.setattr(on_ray, "RayExecutor", executor)
    for name, value in {"connect": None, "disconnect": None, "has_gpus": False}.items():
        monkeypatch.setattr(on_ray, name, lambda *_, value=value: value)
    return made


@pytest.mark.parametrize(
    ("learner", "workers"), [("base", 1), pytest.param("policy", 2, marks=pytest.mark.slow)]
)
def test_a_run_elsewhere_is_the_run_here(
    learner: str,
    workers: int,
    tmp_path: Path,
    executors: list[ElsewhereHere],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    # Chunks of a few trials, so that there are several, some of them divided.
    model, data = save_toy(tmp_path / "model", "llama"), save_squad(tmp_path / "passages.json", passages=7)
    common = [
        f"--model={model}",
        f"--data={data}",
        *TINY_RUN,
        "--set=outer.rounds=2",
        "--set=inner.chunk_trials=6",
    ]
    for command in ("train", "eval"):
        flags = [command, *common, f"--set=inner.learner={learner}", f"--set=inner.workers={workers}"]
        assert main([*flags, f"--out={tmp_path / 'here' / command}"]) == 0
        assert main([*flags, f"--out={tmp_path / 'there' / command}", "--executor=ray"]) == 0
    here, there = digests(tmp_path / "here"), digests(tmp_path / "there")
    assert len(here) > 12 and here == there
    # the base, and the policy that wrote in round 2 of each arm: each sent once
    assert [one.n_puts for one in executors] == [3, 1] and all(one.n_calls > 8 for one in executors)


def test_a_stopped_run_goes_on_elsewhere_and_back_here(
    tmp_path: Path, executors: list[ElsewhereHere], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    model, data = save_toy(tmp_path / "model", "llama"), save_squad(tmp_path / "passages.json", passages=8)
    flags = ["train", f"--model={model}", f"--data={data}", *TINY_RUN, "--set=inner.chunk_trials=4"]
    assert main([*flags, f"--out={tmp_path / 'here'}"]) == 0
    each, done = ElsewhereHere.each, []

    def cut_short(self: ElsewhereHere, *given: Any, **named: Any) -> Iterator[tuple[int, Any]]:
        for result in each(self, *given, **named):
            done.append(result)
            if len(done) == 6:  # four chunks are written, and two of four are scored
                raise ClusterError("no machine had room for a worker")
            yield result

    monkeypatch.setattr(ElsewhereHere, "each", cut_short)
    there = [*flags, f"--out={tmp_path / 'there'}"]
    assert main([*there, "--executor=ray"]) == 2
    recorded = (tmp_path / "there/rounds/1/scores.jsonl").read_text().splitlines()
    assert 0 < len(recorded) < 16, "what came back is kept, in whatever order it came"
    assert main(there) == 0
    assert digests(tmp_path / "there") == digests(tmp_path / "here")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_model_comes_back_to_the_bit(dtype: str) -> None:
    model, _ = load_model("tiny", dtype=dtype)
    back = model_of_bytes(model_as_bytes(model))
    own, other = model.state_dict(), back.state_dict()
    assert list(own) == list(other) and all(torch.equal(own[name], other[name]) for name in own)
    assert not back.training and type(back) is type(model)
    tied = {name for name, p in model.named_parameters(remove_duplicate=False) if p.data_ptr()}
    assert len({p.data_ptr() for p in back.parameters()}) == len({p.data_ptr() for p in model.parameters()})
    assert tied == {name for name, _ in back.named_parameters(remove_duplicate=False)}


def fails(capsys: pytest.CaptureFixture[str], tmp_path: Path, *flags: str) -> str:
    data = save_squad(tmp_path / "passages.json")
    command = ["train", "--model=tiny", f"--data={data}", f"--out={tmp_path / 'run'}", *TINY_RUN, *flags]
    assert main(command) == 2
    assert not (tmp_path / "run").exists()
    return capsys.readouterr().err


def test_what_is_wrong_with_a_cluster_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert "Add --executor ray" in fails(capsys, tmp_path, "--address=auto")
    assert "worker-cpus" in fails(capsys, tmp_path, "--executor=ray", "--worker-cpus=0")

    monkeypatch.setitem(sys.modules, "ray", None)  # as where it is not installed
    assert "pip install 'seal-lm[ray]'" in fails(capsys, tmp_path, "--executor=ray")

    def init(**_: Any) -> None:
        raise RuntimeError("Version mismatch: The cluster was started with:\n  Ray: 2.1.0")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False, init=init))
    assert "no Ray cluster answers at 127.0.0.1:9" in fails(
        capsys, tmp_path, "--executor=ray", "--address=127.0.0.1:9"
    )
    assert "ray job submit" in fails(capsys, tmp_path, "--executor=ray", "--address=ray://host:10001")
    assert "Version mismatch" in fails(capsys, tmp_path, "--executor=ray", "--address=auto")


def test_a_machine_with_other_software_is_refused() -> None:
    host: Any = object.__new__(on_ray._RayHost)
    host._here = software()
    host.accept(("node-1", software(), ""))
    assert unlike(software(), software()) == ""
    with pytest.raises(ClusterError, match=r"node-2 .* torch 1\.0 there and"):
        host.accept(("node-2", {**software(), "torch": "1.0"}, ""))
    with pytest.raises(ClusterError, match=r"node-3 cannot work on this: No module named 'seal'"):
        host.accept(("node-3", {}, "No module named 'seal' (in /usr/bin/python3)"))


def test_how_many_workers_a_machine_takes() -> None:
    machine = {"CPU": 16.0, "GPU": 8.0}
    fit = on_ray.workers_that_fit
    assert [fit(machine, WorkerNeeds(cpus, gpus)) for cpus, gpus in [(1, 0), (1, 1), (4, 1), (1, 0.5)]] == [
        16,
        8,
        4,
        16,
    ]
    assert fit({"CPU": 4.0}, WorkerNeeds(1, 1.0)) == 0 and fit({}, WorkerNeeds()) == 0


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: seal-lm[ray]")
def test_a_node_dies_one_joins_and_the_driver_is_killed(tmp_path: Path) -> None:
    recipe = tmp_path / "run.toml"
    recipe.write_text(RECIPE)
    program = Path(__file__).parents[1] / "ray_kills.py"
    command = [sys.executable, str(program), str(tmp_path), str(recipe)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert found["here"] == found["there"] and len(found["here"]) > 8
    assert "a worker was lost" in found["told"]
    assert 0 < found["happened"]["scores then"] < 384
