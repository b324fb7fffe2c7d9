"""Batching, schedules, adapter files and the bank's errors."""

from __future__ import annotations

import gc
import json
import weakref
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from seal.errors import AdapterError, ConfigError, InputError, OutputError
from seal.models.host import denormals_flushed
from seal.models.logits import logits_at, weighted_losses
from seal.models.packed import Batch, chunks
from seal.training import AdapterBank, load_peft, save_peft, tokenize_plan, train
from seal.training import bank as bank_module
from seal.training.batching import epoch_steps
from seal.training.grouped import Groups
from seal.training.optimizer import learning_rate
from seal.types import Example, Hyperparameters, TrainingPlan
from toys import toy_model, toy_plan, toy_tokenizer


def plan(*examples: Example, **hyperparameters) -> TrainingPlan:
    return TrainingPlan("p", examples, Hyperparameters(**hyperparameters), seed=1)


def test_loss_falls_on_the_completion_only() -> None:
    tokenizer = toy_tokenizer()
    [example] = tokenize_plan(
        plan(Example("Ostrava", prompt="Born in ", weight=2.0)), tokenizer, max_length=50
    ).examples
    n_prompt, n_answer = len(tokenizer("Born in ")["input_ids"]), len(tokenizer("Ostrava")["input_ids"]) + 1
    assert example.weights == (0.0,) * n_prompt + (2.0,) * n_answer
    assert example.input_ids[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(example.input_ids[:-1]) == "Born in Ostrava"
    [whole] = tokenize_plan(plan(Example("Ostrava")), tokenizer, max_length=50, append_eos=False).examples
    assert whole.weights[0] == 0 and all(whole.weights[1:])


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (plan(Example("the mill " * 40)), "example 0 of plan 'p' has 8. tokens"),
        (plan(Example("a b"), Example("")), "example 1 of plan 'p' has no token to learn"),
        (plan(Example("a b", weight=0.0)), "weight 0.0"),
        (plan(), "at least one example"),
        (plan(Example("a b"), rank=0), "rank of at least 1"),
        (plan(Example("a b"), learning_rate=float("nan")), "learning_rate"),
    ],
)
def test_a_plan_that_cannot_be_trained(bad: TrainingPlan, says: str) -> None:
    with pytest.raises(InputError, match=says):
        tokenize_plan(bad, toy_tokenizer(), max_length=64, append_eos=False)


@given(st.integers(1, 20), st.integers(0, 7), st.integers(0, 4), st.booleans(), st.integers(0, 2**40))
def test_every_epoch_has_every_example_once(n: int, size: int, epochs: int, shuffle: bool, seed: int) -> None:
    h = Hyperparameters(epochs=epochs, batch_size=size, shuffle=shuffle)
    steps = epoch_steps(h, [1] * n, seed)
    assert steps == epoch_steps(h, [1] * n, seed)
    flat = [i for step in steps for i in step]
    assert all(sorted(flat[at : at + n]) == list(range(n)) for at in range(0, epochs * n, n))
    assert len(steps) == epochs * -(-n // (size or n))


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=12),
    st.integers(1, 60),
    st.integers(1, 9),
    st.booleans(),
)
def test_steps_by_tokens_and_by_number(lengths: list[int], most: int, n_steps: int, shuffle: bool) -> None:
    h = Hyperparameters(epochs=1, batch_tokens=most, shuffle=shuffle)
    epoch = epoch_steps(h, lengths, seed=3)
    assert sorted(i for step in epoch for i in step) == list(range(len(lengths)))
    assert all(len(step) == 1 or sum(lengths[i] for i in step) <= most for step in epoch)
    steps = epoch_steps(replace(h, max_steps=n_steps), lengths, seed=3)
    assert len(steps) == n_steps and steps[: len(epoch)] == epoch[:n_steps]


def test_steps_can_be_given() -> None:
    tokens = tokenize_plan(toy_plan(0), toy_tokenizer(), max_length=None, steps=[[0], [1, 2]])
    assert tokens.steps == ((0,), (1, 2))
    [adapter] = train(toy_model(), toy_tokenizer(), [tokens])
    assert len(adapter.losses) == 2


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40)), min_size=1, max_size=40),
    st.integers(1, 300),
    st.booleans(),
)
def test_passes_hold_every_row_once(rows: list[tuple[int, int]], most: int, packed: bool) -> None:
    owners, lengths = [s for s, _ in rows], [n for _, n in rows]
    passes = chunks(owners, lengths, max_tokens=most, packed=packed)
    assert sorted(i for members in passes for i in members) == list(range(len(rows)))
    met: dict[int, int] = {}
    for n, members in enumerate(passes):
        own = [owners[i] for i in members]
        assert own == sorted(own)
        batch = Batch.of(
            [[owners[i] + 1] * lengths[i] for i in members], pad=0, packed=packed, device=torch.device("cpu")
        )
        assert batch.input_ids.numel() <= most or len(members) == 1
        assert batch.input_ids.numel() == sum(batch.shares)
        found = batch.input_ids.flatten()[batch.real()].tolist()
        assert found == [owners[i] + 1 for i in members for _ in range(lengths[i])]
        for owner in set(own):
            assert met.setdefault(owner, n) == n or len(set(own)) == 1


@given(
    st.lists(st.integers(0, 9) | st.just(400), min_size=1, max_size=6).filter(any),
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(0, 2**32),
)
def test_grouped_products(sizes: list[int], k: int, n: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    groups = Groups(tuple(sizes), torch.device("cpu"))
    x, y = (torch.randn(sum(sizes), width, generator=generator) for width in (k, n))
    w = torch.randn(len(sizes), k, n, generator=generator)
    found = groups.product(x, groups.tiles(x), w)
    torch.testing.assert_close(found, torch.cat([p @ m for p, m in zip(x.split(sizes), w, strict=True)]))
    sums = torch.stack([a.t() @ b for a, b in zip(x.split(sizes), y.split(sizes), strict=True)])
    into = torch.full_like(sums, 7.0)
    for add, expected in ((False, sums), (True, 2 * sums)):
        groups.outer(x, groups.tiles(x, zero=True), y, groups.tiles(y), into, add=add)
        torch.testing.assert_close(into, expected, atol=1e-3, rtol=1e-4)


def test_a_number_that_is_not_finite_stays_in_its_group() -> None:
    groups = Groups((3, 5, 1), torch.device("cpu"))
    x, y = torch.ones(9, 4), torch.ones(9, 4)
    x[:3] = float("nan")
    into = torch.zeros(3, 4, 4)
    groups.outer(y, groups.tiles(y, zero=True), x, groups.tiles(x), into, add=False)
    assert into[0].isnan().all() and torch.equal(into[1:, 0, 0], torch.tensor([5.0, 1.0]))


@pytest.mark.parametrize(("k", "n"), [(576, 16), (16, 576), (16, 1536), (7, 3)])
def test_a_row_alone_is_multiplied_as_beside_others_in_bf16(k: int, n: int) -> None:
    """By another way, which rounds once too: to the same number, or to its neighbour where the sum lies
    between the two."""
    draw = torch.Generator().manual_seed(k)
    x, w = (torch.randn(shape, generator=draw).bfloat16() for shape in ((1, k), (1, k, n)))
    alone, pair = Groups((1,), torch.device("cpu")), Groups((2,), torch.device("cpu"))
    twice = x.repeat(2, 1)
    one, beside = alone.product(x, alone.tiles(x), w), pair.product(twice, pair.tiles(twice), w)[:1]
    assert one.dtype == torch.bfloat16 and one.shape == beside.shape
    torch.testing.assert_close(one, beside, rtol=2**-7, atol=1e-3)
    assert (one == beside).double().mean() > 0.98


def test_schedules() -> None:
    linear = Hyperparameters(learning_rate=1.0, schedule="linear", final_lr_fraction=0.2)
    assert [learning_rate(linear, k, 4) for k in range(4)] == pytest.approx([1.0, 0.8, 0.6, 0.4])
    cosine = replace(linear, schedule="cosine", warmup_steps=1)
    assert [learning_rate(cosine, k, 3) for k in range(3)] == pytest.approx([0.5, 1.0, 0.6])
    assert learning_rate(Hyperparameters(learning_rate=0.3), 9, 10) == 0.3


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gemma2", "gpt2"])
def test_logits_where_wanted_are_the_models_own(kind: str) -> None:
    model, ids = toy_model(kind), torch.arange(24).view(3, 8) * 7 + 2
    positions = torch.tensor([0, 5, 17, 23])
    found, _ = logits_at(model, positions, input_ids=ids)
    torch.testing.assert_close(found, model(ids).logits.flatten(0, 1)[positions])
    assert not model.get_output_embeddings()._forward_pre_hooks


def test_weighted_losses_are_torchs_cross_entropy() -> None:
    logits = torch.randn(6, 11, generator=torch.Generator().manual_seed(0), requires_grad=True)
    targets, weights = torch.tensor([1, 0, 10, 4, 4, 7]), torch.tensor([1.0, 0.5, 2.0, 0.0, 3.0, 1.0])
    upstream = torch.arange(6.0)
    (weighted_losses(logits, targets, weights) * upstream).sum().backward()
    mine, logits.grad = logits.grad, None
    (
        torch.nn.functional.cross_entropy(logits, targets, reduction="none") * weights * upstream
    ).sum().backward()
    torch.testing.assert_close(mine, logits.grad)


def test_targets_that_match_nothing_name_what_there_is() -> None:
    with pytest.raises(ConfigError, match="qproj") as caught:
        AdapterBank(toy_model(), n_slots=1, rank=2, targets=[("qproj", "v_proj")])
    assert "q_proj" in str(caught.value) and "lm_head" not in str(caught.value)


def test_a_bank_refuses_a_batch_that_is_not_its_own() -> None:
    model = toy_model()
    with (
        AdapterBank(model, n_slots=2, rank=2) as bank,
        bank.route([0, 1], 2),
        pytest.raises(ConfigError, match="3 rows"),
    ):
        model(torch.ones(3, 4, dtype=torch.long))


@pytest.fixture
def saved(tmp_path):
    model = toy_model()
    [adapter] = train(model, toy_tokenizer(), [toy_plan(0, targets=("q_proj", "o_proj"))])
    return model, adapter, save_peft(adapter, tmp_path / "saved", "toy")


def test_saving_never_overwrites_and_leaves_nothing_behind(saved, tmp_path, monkeypatch) -> None:
    _, adapter, folder = saved
    with pytest.raises(OutputError, match="exists already"):
        save_peft(adapter, folder, "toy")

    def full(*_, **__) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seal.training.adapter.save_file", full)
    with pytest.raises(OutputError, match="No space left"):
        save_peft(adapter, tmp_path / "other", "toy")
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def _edit(folder, change) -> None:
    tensors = load_file(folder / "adapter_model.safetensors")
    change(tensors)
    save_file(tensors, folder / "adapter_model.safetensors")


KEY = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.pop(KEY), "lacks 1 keys"),
        (lambda t: t.update({KEY.replace("q_proj", "k_proj"): t[KEY].clone()}), "surplus 1 keys"),
        (lambda t: t.update({KEY: t[KEY][:, :5].contiguous()}), "A \\(4, 5\\)"),
        (lambda t: t.update({KEY: t[KEY][:2].contiguous()}), "A \\(2, 32\\)"),
        (lambda t: t[KEY].fill_(float("nan")), "not finite"),
    ],
)
def test_an_adapter_file_that_does_not_fit(saved, change, says: str) -> None:
    model, _, folder = saved
    _edit(folder, change)
    with pytest.raises(AdapterError, match=says):
        load_peft(folder, model)


@pytest.mark.parametrize(
    "config", ['{"r": 4', "{}", {"use_dora": True}, {"peft_type": "IA3"}, {"target_modules": ["c_attn"]}]
)
def test_an_adapter_configuration_that_does_not_fit(saved, config) -> None:
    model, _, folder = saved
    path = folder / "adapter_config.json"
    path.write_text(config if isinstance(config, str) else json.dumps(json.loads(path.read_text()) | config))
    with pytest.raises(AdapterError):
        load_peft(folder, model)


def test_a_failed_adapter_is_not_saved(saved, tmp_path) -> None:
    _, adapter, _ = saved
    with pytest.raises(AdapterError, match="nan"):
        save_peft(replace(adapter, failed="its loss is nan"), tmp_path / "no", "toy")


def test_progress_counts_steps() -> None:
    seen: list[tuple[int, int]] = []
    train(
        toy_model(),
        toy_tokenizer(),
        [toy_plan(0), toy_plan(1)],
        max_slots=1,
        on_progress=lambda *x: seen.append(x),
    )
    assert seen[-1][0] == seen[-1][1] and seen == sorted(seen)


def test_training_leaves_denormal_numbers_as_they_were() -> None:
    train(toy_model(), toy_tokenizer(), [toy_plan(0)])
    assert torch.tensor(1e-310, dtype=torch.float64).mul(1.0).item() > 0
    with denormals_flushed():
        assert torch.tensor(1e-310, dtype=torch.float64).mul(1.0).item() == 0


def test_nothing_of_a_pass_outlives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass that is held by what it computed is memory that grows with every step."""
    made: list[weakref.ref] = []
    original = bank_module.Route

    def watched(**fields):
        route = original(**fields)
        made.append(weakref.ref(route))
        return route

    monkeypatch.setattr(bank_module, "Route", watched)
    gc.disable()
    try:
        train(toy_model(), toy_tokenizer(), [toy_plan(0), toy_plan(1)])
        assert len(made) > 3 and not any(route() for route in made)
    finally:
        gc.enable()
