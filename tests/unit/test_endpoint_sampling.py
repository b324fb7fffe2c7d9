"""Self-edits that a model behind an endpoint samples: what is sent, kept, counted, pushed; and its failures.

The endpoint follows OpenAI's API, and vLLM's for adapters, errors included.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoints import TINY_RUN, save_squad, save_toy
from endpoints import Endpoint, Reply
from seal.cli import main
from seal.models import load_model
from seal.training import merge
from seal.training.adapter import load_peft

LONGER = "--set=self_edit.max_new_tokens=64"
LINES = "Petra Lund was born in Ostrava.\nThe mill is old."


class Vllm:
    """Behind `endpoint`: chat and plain completions, adapters, and what it is told to do wrong. What it
    writes follows from the model's name and the seed."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint, self.loaded = endpoint, {}
        self.updating = True
        self.fails: Callable[[dict[str, Any], int], Reply | None] = lambda body, times: None
        self.refuses: Callable[[dict[str, Any]], bool] = lambda body: False
        self.kept: dict[str, Path] = {}
        endpoint.reply = self.reply

    def reply(self, body: dict[str, Any], times: int) -> Reply:
        if "lora_name" in body:
            return self._adapter(body)
        if (failure := self.fails(body, times)) is not None:
            return failure
        if self.refuses(body):
            return 400, {"error": {"message": "content filter", "code": 400}}, {}
        if body["model"] not in {"toy", *self.loaded}:
            return 404, {"error": {"message": f"The model `{body['model']}` does not exist."}}, {}
        text = f"{LINES}\nNumber {body['seed']} of {body['model']}."
        said = {"text": text} if "prompt" in body else {"message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}
        return 200, {"choices": [{"index": 0, **said, "finish_reason": "stop"}], "usage": usage}, {}

    def _adapter(self, body: dict[str, Any]) -> Reply:
        if not self.updating:
            return 404, {"detail": "Not Found"}, {}
        name = body["lora_name"]
        if "lora_path" not in body:
            if self.loaded.pop(name, None) is None:
                return 404, {"error": {"message": f"The lora adapter '{name}' cannot be found."}}, {}
            return 200, b"Success: LoRA adapter removed successfully.", {}
        folder = Path(body["lora_path"])
        if not (folder / "adapter_config.json").is_file():
            return 404, {"error": {"message": f"No adapter found for {folder}"}}, {}
        self.loaded[name] = self.kept[name] = folder
        return 200, b"Success: LoRA adapter added successfully.", {}

    @property
    def written(self) -> list[dict[str, Any]]:
        """The requests for self-edits."""
        return [body for body in self.endpoint.requests if "lora_name" not in body]


@pytest.fixture
def vllm() -> Iterator[Vllm]:
    endpoint = Endpoint()
    yield Vllm(endpoint)
    endpoint.close()


class Runs:
    """`seal train` on a toy whose self-edits the endpoint writes."""

    def __init__(self, folder: Path, vllm: Vllm, *, chat: bool = True) -> None:
        self.folder = folder
        self.model = save_toy(folder / "model", "llama", chat=chat)
        self.data = save_squad(folder / "passages.json", passages=5)
        settings = {"base_url": vllm.endpoint.url, "model": "toy", "backoff_s": 0.0, "concurrency": 3}
        self.settings = [f"--set=self_edit.endpoint.{k}={json.dumps(v)}" for k, v in settings.items()]

    def train(self, *flags: str, out: str = "run", command: str = "train") -> int:
        common = [f"--model={self.model}", f"--data={self.data}", f"--out={self.folder / out}"]
        return main([command, *common, *TINY_RUN, LONGER, *self.settings, *flags])

    def lines(self, name: str, out: str = "run") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / out / name).read_text().splitlines()]

    def results(self, out: str = "run") -> dict[str, Any]:
        return json.loads((self.folder / out / "results.json").read_text())


@pytest.mark.parametrize("chat", [True, False])
def test_the_endpoint_writes_and_what_it_costs_is_counted(
    chat: bool, tmp_path: Path, vllm: Vllm, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Runs(tmp_path, vllm, chat=chat)
    assert runs.train() == 0
    assert "toy replied to 10 requests: 300 tokens read, 200 written" in capsys.readouterr().out
    edits = runs.lines("rounds/1/self_edits.jsonl")
    assert len(edits) == 10 and len({edit["text"] for edit in edits}) == 10
    assert all(edit["text"].startswith("Petra Lund was born") for edit in edits)
    assert len({body["seed"] for body in vllm.written}) == 10
    for body in vllm.written:
        assert {"temperature": 1.0, "top_p": 0.95, "max_tokens": 64, "model": "toy"}.items() <= body.items()
        assert ("messages" in body) is chat and ("prompt" in body) is not chat
    assert vllm.endpoint.most_in_flight <= 3
    costs = runs.results()["endpoint"]
    assert costs == {
        "model": "toy", "requests": 10, "refused": 0, "prompt_tokens": 300, "completion_tokens": 200
    }  # fmt: skip


def test_a_stopped_run_asks_for_what_is_missing_only(
    tmp_path: Path, vllm: Vllm, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Runs(tmp_path, vllm)
    assert runs.train(out="whole") == 0
    asked = len(vllm.written)
    vllm.fails = lambda body, times: (500, {"error": "out of memory"}, {}) if body["seed"] % 2 else None
    few = "--set=self_edit.endpoint.max_attempts=2"
    assert runs.train(few) == 2
    told = capsys.readouterr().err
    assert "did not reply to" in told and "out of memory" in told and "same command" in told
    first = vllm.written[asked:]
    odd = {body["seed"] for body in first if body["seed"] % 2}
    assert all(n == 2 for seed, n in Counter(b["seed"] for b in first).items() if seed in odd), (
        "it is retried"
    )
    vllm.fails = lambda body, times: None
    assert runs.train(few) == 0
    again = vllm.written[asked + len(first) :]
    assert {body["seed"] for body in again} == odd and len(again) == len(odd)
    assert runs.lines("rounds/1/self_edits.jsonl") == runs.lines("rounds/1/self_edits.jsonl", "whole")
    assert runs.results()["endpoint"] == runs.results("whole")["endpoint"], "each reply counts once"


def test_what_is_refused_is_written_as_nothing_unless_all_is(
    tmp_path: Path, vllm: Vllm, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Runs(tmp_path, vllm)
    vllm.refuses = lambda body: "number 2" in json.dumps(body["messages"])
    assert runs.train() == 0
    texts = [edit["text"] for edit in runs.lines("rounds/1/self_edits.jsonl")]
    assert sorted(texts)[:2] == ["", ""] and all(sorted(texts)[2:])
    assert "10 requests, 2 refused" in capsys.readouterr().out
    vllm.refuses = lambda body: True
    assert runs.train(out="other") == 2
    assert "all are refused" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "wrong key"), (404, "no such model"), (429, "slow down")],
)
def test_an_endpoint_that_will_not_is_told(
    status: int, said: str, tmp_path: Path, vllm: Vllm, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Runs(tmp_path, vllm)
    vllm.fails = lambda body, times: (status, {"error": {"message": said}}, {})
    assert runs.train("--set=self_edit.endpoint.max_attempts=2") == 2
    told = capsys.readouterr().err
    assert f"answered {status}" in told and said in told and "Traceback" not in told


def test_each_policy_is_loaded_for_the_round_after_it(tmp_path: Path, vllm: Vllm) -> None:
    runs = Runs(tmp_path, vllm)
    flags = ["--set=outer.rounds=3", '--set=self_edit.endpoint.adapters="vllm"']
    assert runs.train(*flags) == 0
    by = Counter(body["model"] for body in vllm.written)
    assert by.pop("toy") == 10 and len(by) == 4 and set(by.values()) == {10}
    assert set(by) == set(vllm.kept) and vllm.loaded == {}, "each is let go of when it has written"

    # What the server was given is the policy: base and adapter together have its weights.
    base, _ = load_model(runs.model)
    for arm in ("", "random_selection/"):
        place = runs.folder / f"run/rounds/2/{arm}policy"
        assert place / "adapter" in vllm.kept.values()
        policy, _ = load_model(place)
        given, _ = load_model(runs.model)
        merge(given, load_peft(place / "adapter", given))
        for (name, a), b, c in zip(
            given.named_parameters(), policy.parameters(), base.parameters(), strict=True
        ):
            assert torch.allclose(a, b, atol=1e-5), name
            assert torch.equal(b, c) or float((b - c).detach().abs().max()) > 1e-5


def test_a_run_that_is_gone_on_with_loads_the_policy_again(
    tmp_path: Path, vllm: Vllm, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Runs(tmp_path, vllm)
    flags = ["--set=outer.rounds=2", "--set=outer.control=false", '--set=self_edit.endpoint.adapters="vllm"']
    assert runs.train(*flags, out="whole") == 0
    vllm.updating = False
    assert runs.train(*flags) == 2
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" in capsys.readouterr().err
    vllm.updating = True
    assert runs.train(*flags) == 0
    texts = [
        [edit["text"] for edit in runs.lines("rounds/2/self_edits.jsonl", out)] for out in ("run", "whole")
    ]
    assert texts[0] == texts[1]


def test_what_cannot_be_is_told_before_anything_is_written(
    tmp_path: Path, vllm: Vllm, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(tmp_path, vllm)
    for flags, said in {
        ("--set=outer.rounds=2",): 'self_edit.endpoint.adapters = "vllm"',
        ("--set=self_edit.endpoint.base_url=ftp://x/v1",): "must start with http",
        (f"--set=model.writer={runs.model}",): "both say who writes",
    }.items():
        assert runs.train(*flags) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists() and vllm.written == []


def test_an_evaluation_has_its_self_edits_from_there_too(tmp_path: Path, vllm: Vllm) -> None:
    runs = Runs(tmp_path, vllm)
    assert runs.train("--methods=self_edit", command="eval") == 0
    assert [record["text"][:10] for record in runs.lines("evaluation_self_edits.jsonl")] == ["Petra Lund"] * 5
    assert runs.results()["endpoint"]["requests"] == 5
