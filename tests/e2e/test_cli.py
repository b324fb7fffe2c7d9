"""`seal train` and `seal eval` from end to end, on toy checkpoints of three architectures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from checkpoints import TINY_RUN, save_squad, save_toy
from seal.cli import main

KINDS = [("qwen3", False), ("llama", True), ("gemma2", False)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return save_squad(tmp_path / "passages.json")


@pytest.mark.parametrize(("kind", "chat"), KINDS, ids=[kind for kind, _ in KINDS])
def test_train_then_eval(
    kind: str, chat: bool, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture
) -> None:
    model, out = save_toy(tmp_path / "model", kind, chat=chat), tmp_path / "run"
    assert main(["train", f"--model={model}", f"--data={data}", f"--out={out}", *TINY_RUN]) == 0
    told = capsys.readouterr().out
    assert "seal, round 1" in told and "random_selection, round 1" in told

    policy = out / "rounds/1/policy"
    loaded = AutoModelForCausalLM.from_pretrained(policy)
    base = AutoModelForCausalLM.from_pretrained(model)
    assert any(not torch.equal(a, b) for a, b in zip(loaded.parameters(), base.parameters(), strict=True))
    assert AutoTokenizer.from_pretrained(policy)("mill")["input_ids"]
    assert "from_pretrained" in (policy / "README.md").read_text()
    assert json.loads((policy / "seal.json").read_text())["style"] == ("chat" if chat else "base")

    rounds = json.loads((out / "results.json").read_text())["rounds"]
    assert [(r["arm"], r["n_self_edits"], r["n_kept"]) for r in rounds] == [
        ("seal", 6, 3),
        ("random_selection", 6, 3),
    ]

    examined = tmp_path / "eval"
    command = ["eval", f"--model={policy}", f"--data={data}", f"--out={examined}", "--n=2", *TINY_RUN]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "2 passages, 4 questions" in told
    results = json.loads((examined / "results.json").read_text())
    assert [m["name"] for m in results["methods"]] == ["base", "open_book", "passage", "self_edit"]
    assert results["methods"][0]["n_questions"] == 4
    events = [json.loads(line) for line in (examined / "metrics.jsonl").read_text().splitlines()]
    assert results["wall_s"] == round(events[-1]["wall_s"], 1)
    assert results["model"]["parameters"] == sum(p.numel() for p in loaded.parameters())

    # A finished run is not run again, and another method joins the ones that are there.
    before = (examined / "evaluation.jsonl").read_text()
    assert main([*command, "--methods=base"]) == 0
    assert (examined / "evaluation.jsonl").read_text() == before


def test_without_control(tmp_path: Path, data: Path) -> None:
    model, out = save_toy(tmp_path / "model"), tmp_path / "run"
    flags = [f"--model={model}", f"--data={data}", f"--out={out}", "--no-control", *TINY_RUN]
    assert main(["train", *flags]) == 0
    assert not (out / "rounds/1/random_selection").exists()


def test_everything_is_recorded(tmp_path: Path, data: Path) -> None:
    model, out = save_toy(tmp_path / "model"), tmp_path / "run"
    assert main(["train", f"--model={model}", f"--data={data}", f"--out={out}", "--seed=3", *TINY_RUN]) == 0
    assert (out / "config.toml").read_text().startswith("# The whole configuration of a run of seal train\n")
    assert "seed = 3" in (out / "config.toml").read_text()
    assert set(json.loads((out / "inputs.json").read_text())) == {"passages", "prompt"}
    events = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert events[0]["event"] == "started" and "torch" in events[0]["software"]
    assert events[-1]["event"] == "finished"


@pytest.mark.parametrize("command", ["train", "eval"])
def test_dry_run_writes_nothing(
    command: str, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture
) -> None:
    model = save_toy(tmp_path / "model")
    before = sorted(tmp_path.rglob("*"))
    assert main([command, f"--model={model}", f"--data={data}", "--dry-run", f"--out={tmp_path}/run"]) == 0
    told = capsys.readouterr().out
    for word in ("passages", "adapters to train", "training tokens", "memory: adapters", "time", "assumed"):
        assert word in told
    assert "tokens/s" in told
    assert sorted(tmp_path.rglob("*")) == before


def test_dry_run_of_a_model_that_is_not_here(data: Path, capsys: pytest.CaptureFixture) -> None:
    recipe = Path(__file__).parents[2] / "recipes/knowledge_single/run.toml"
    assert main(["train", f"--config={recipe}", f"--data={data}", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "Qwen/Qwen2.5-7B" in told and "cannot be told" in told


def test_long_self_edits_are_cut_with_a_notice(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture
) -> None:
    model, out = save_toy(tmp_path / "model", context_tokens=448), tmp_path / "run"
    flags = [f"--model={model}", f"--data={data}", f"--out={out}", *TINY_RUN, "--n-train=1"]
    assert main(["train", *flags, "--set=self_edit.max_new_tokens=1024"]) == 0
    told = capsys.readouterr().out
    assert "note: self-edits are cut at" in told and "instead of 1024" in told


def test_help_of_every_command(capsys: pytest.CaptureFixture) -> None:
    for command in ([], ["demo"], ["train"], ["eval"]):
        assert main([*command, "--help"]) == 0
    assert "--dry-run" in capsys.readouterr().out


@pytest.mark.slow
def test_quick_demo(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "demo"
    assert main(["demo", "--quick", f"--out={out}"]) == 0
    told = capsys.readouterr().out
    assert "after RL, it wrote:" in told and "The report:" in told
    names = {m["name"] for m in json.loads((out / "results.json").read_text())["methods"]}
    assert {"base", "open_book", "passage", "self_edit", "seal", "random_selection", "gold"} <= names
    assert (out / "report.html").stat().st_size > 10_000
