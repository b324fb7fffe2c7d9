"""How the embedded models are made: grown without changing what they compute, stopped and taken up again."""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
import torch
from transformers import LlamaForCausalLM

from recipes import pretraining
from recipes.pretraining import Pretraining, Recipe, Segments, Stage, grown, tiny_llama
from seal.models.model_names import builtin_path


def _documents(seed: int, shares: dict[str, float]) -> Iterator[tuple[str, Segments]]:
    rng = random.Random(seed)
    while True:
        kind = rng.choices(list(shares), list(shares.values()))[0]
        digits = "".join(rng.choice("123") for _ in range(rng.randint(4, 9)))
        yield kind, [(digits, 0.5), (digits[::-1] if kind == "back" else digits, 1.0)]


def _tokenizer(folder: Path, _seed: int) -> None:
    copytree(builtin_path("tiny-grid"), folder, dirs_exist_ok=True)


RECIPE = Recipe(
    (Stage(600, (1.0, 1.0), {"same": 1.0}, layers=1), Stage(1500, (0.5, 0.0), {"back": 1.0}, layers=2)),
    _documents,
    ends=lambda _kind: True,
    write_tokenizer=_tokenizer,
    probe=lambda _model, _tokenizer: {},
    report_tokens=300,
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretraining, "POOL_TOKENS", 300)
    monkeypatch.setattr(pretraining, "STEP_TOKENS", 100)


def _begun(out: Path) -> Pretraining:
    out.mkdir(exist_ok=True)
    torch.manual_seed(0)
    return Pretraining(RECIPE, argparse.Namespace(out=out, seed=3, device="cpu", compile=False))


class _Stopped(Exception):
    pass


@pytest.mark.parametrize(("layers", "more"), [(1, 2), (2, 3), (4, 6), (4, 8), (3, 3)])
def test_a_model_grows_without_changing(layers: int, more: int) -> None:
    torch.manual_seed(0)
    model = LlamaForCausalLM(tiny_llama(60, layers)).eval()
    bigger = grown(model, more).eval()
    ids = torch.randint(2, 60, (2, 9))
    with torch.no_grad():
        torch.testing.assert_close(bigger(input_ids=ids).logits, model(input_ids=ids).logits)
    assert len(bigger.model.layers) == more
    silent = [name for name, value in bigger.state_dict().items() if "layers." in name and not value.any()]
    assert len(silent) == 2 * (more - layers)


def test_a_new_layer_learns() -> None:
    torch.manual_seed(0)
    model = grown(LlamaForCausalLM(tiny_llama(60, 1)), 2)
    ids = torch.randint(2, 60, (2, 9))
    model(input_ids=ids, labels=ids).loss.backward()  # type: ignore[operator]
    gradient = model.get_parameter("model.layers.1.mlp.down_proj.weight").grad
    assert gradient is not None and gradient.abs().sum() > 0


@pytest.mark.parametrize("layers", [1, 5])
def test_a_model_neither_shrinks_nor_grows_beyond_twice(layers: int) -> None:
    with pytest.raises(ValueError, match=f"2 layers .* not to {layers}$"):
        grown(LlamaForCausalLM(tiny_llama(60, 2)), layers)


def test_a_run_stopped_in_either_stage_goes_on_as_if_it_had_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = Pretraining.report
    whole = _begun(tmp_path / "whole")
    whole.run()
    assert len(whole.model.model.layers) == 2
    assert whole.counters["switches"]
    for reports in (1, 4):  # the first of the first stage, and one after the model has grown
        out = tmp_path / f"stopped-{reports}"
        stopped, made = _begun(out), iter(range(1, 99))

        def once(self: Pretraining, made: Iterator[int] = made, reports: int = reports) -> None:
            report(self)
            if next(made) == reports:
                raise _Stopped

        with monkeypatch.context() as patched:
            patched.setattr(Pretraining, "report", once)
            with pytest.raises(_Stopped):
                stopped.run()
        again = _begun(out)
        again.resume("checkpoint.pt")
        assert again.counters["tokens"] < whole.counters["tokens"]
        again.run()
        assert again.counters["tokens"] == whole.counters["tokens"]
        assert again.stream.tokens_by_ability == whole.stream.tokens_by_ability
        for mine, theirs in zip(again.model.parameters(), whole.model.parameters(), strict=True):
            assert torch.equal(mine, theirs)
