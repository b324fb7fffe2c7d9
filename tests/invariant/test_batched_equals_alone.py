"""N adapters trained together are the N adapters trained one by one."""

from __future__ import annotations

import pytest
import torch

from seal.models import packed
from seal.models.packed_attention import TextGroup
from seal.training import AdapterBank, train, trainer
from seal.training.bank import padded_parts
from seal.training.trainer import _Trainer
from seal.types import Example, TrainingPlan
from toys import distance, mixed_plans, toy_model, toy_plan, toy_tokenizer

TOLERANCE = 1e-4


@pytest.fixture(params=[True, False], ids=["whole layers", "by modules"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways through a decoder layer."""
    if not request.param:
        monkeypatch.setattr(trainer, "can_fuse", lambda _model: False)


def alone(model, plans):
    return [train(model, toy_tokenizer(), [plan])[0] for plan in plans]


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "gemma2", "gpt2"])
def test_mixed_plans(kind: str) -> None:
    model, plans = toy_model(kind), mixed_plans()
    together = train(model, toy_tokenizer(), plans)
    for one, other in zip(together, alone(model, plans), strict=True):
        assert one.losses[-1] < one.losses[0] or one.hyperparameters.epochs == 1
        assert distance(one, other) < TOLERANCE
        assert one.losses == pytest.approx(other.losses, rel=1e-4)


@pytest.mark.parametrize(("max_slots", "max_tokens"), [(None, 24), (2, 2048), (1, 64), (3, 40)])
def test_any_slots_and_any_packing(max_slots: int | None, max_tokens: int) -> None:
    model, plans = toy_model(), mixed_plans()
    expected = train(model, toy_tokenizer(), plans)
    order = [3, 0, 4, 2, 1]
    found = train(
        model, toy_tokenizer(), [plans[i] for i in order], max_slots=max_slots, max_tokens=max_tokens
    )
    for adapter, i in zip(found, order, strict=True):
        assert adapter.id == plans[i].id
        assert distance(adapter, expected[i]) < TOLERANCE


def test_different_targets() -> None:
    plans = [
        toy_plan(0, targets=("q_proj", "v_proj"), dropout=0.1),
        toy_plan(1, dropout=0.1),
        toy_plan(2, targets=("down_proj",)),
    ]
    model = toy_model()
    for one, other in zip(train(model, toy_tokenizer(), plans), alone(model, plans), strict=True):
        assert distance(one, other) < TOLERANCE
        assert all(b.any() for _, b in one.factors.values())


def test_base_is_left_as_it_was() -> None:
    model = toy_model().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    forwards = {name for name, module in model.named_modules() if "forward" in vars(module)}
    train(model, toy_tokenizer(), mixed_plans()[:2])
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert all(module.training for module in model.modules())
    assert {name for name, module in model.named_modules() if "forward" in vars(module)} == forwards


def test_padded_ranks_and_other_targets_stay_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    finish = _Trainer._finish

    def look(self, run) -> None:
        parts = padded_parts(self.bank, run.slot, run.work.plan.hyperparameters)
        seen.append(max((part.abs().max().item() for part in parts.values() if part.numel()), default=0.0))
        seen.append(sum(part.numel() for part in parts.values()))
        finish(self, run)

    monkeypatch.setattr(_Trainer, "_finish", look)
    plans = [
        toy_plan(0, rank=2, weight_decay=0.1),
        toy_plan(1, rank=8),
        toy_plan(2, rank=8, targets=("o_proj",)),
    ]
    train(toy_model(), toy_tokenizer(), plans)
    assert seen[0::2] == [0.0] * 3
    assert sum(size > 0 for size in seen[1::2]) == 2


def test_an_adapter_that_diverges_is_left_out() -> None:
    model, plans = toy_model(), mixed_plans()
    sound = train(model, toy_tokenizer(), plans)
    wild = toy_plan(1, learning_rate=1e30, max_grad_norm=0.0, epochs=5)
    found = train(model, toy_tokenizer(), [*plans[:2], wild, *plans[2:]])
    assert "step" in found[2].failed and len(found[2].losses) < 15
    for one, other in zip([*found[:2], *found[3:]], sound, strict=True):
        assert not one.failed
        assert distance(one, other) < TOLERANCE


def test_the_seed_alone_sets_an_adapter() -> None:
    model, plan = toy_model(), toy_plan(1)
    again = TrainingPlan("other name", plan.examples, plan.hyperparameters, plan.seed)
    other = TrainingPlan(plan.id, plan.examples, plan.hyperparameters, plan.seed + 1)
    a, b, c = train(model, toy_tokenizer(), [plan, again, other])
    assert distance(a, b) < TOLERANCE < 0.1 < distance(a, c)


def test_bf16_base_has_fp32_adapters() -> None:
    model, plans = toy_model(dtype=torch.bfloat16), mixed_plans()
    for one, other in zip(train(model, toy_tokenizer(), plans), alone(model, plans), strict=True):
        assert all(factor.dtype == torch.float32 for pair in one.factors.values() for factor in pair)
        assert one.losses == pytest.approx(other.losses, rel=0.05)


def _swap_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slots take one another's shares of the row."""
    route = AdapterBank.route
    monkeypatch.setattr(
        AdapterBank, "route", lambda self, slots, shares, **k: route(self, slots, shares[::-1], **k)
    )


def _wrong_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every adapter's loss is divided by the weight of all adapters' targets."""
    _pass = _Trainer._pass

    def planted(self, rows, share, losses, **k) -> None:
        all_of_them = 1 / sum(1 / part for part in share.values())
        _pass(self, rows, dict.fromkeys(share, all_of_them), losses, **k)

    monkeypatch.setattr(_Trainer, "_pass", planted)


def _leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention sees from one text into the one before it, as by a wrong mask."""
    attention = packed._packed_attention
    monkeypatch.setattr(
        packed,
        "_packed_attention",
        lambda model, groups: attention(model, [TextGroup(0, (sum(g.n_tokens for g in groups),))]),
    )


def _stale_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gradients of the last step are added to those of this one."""
    route = AdapterBank.route
    monkeypatch.setattr(
        AdapterBank,
        "route",
        lambda self, slots, shares, *, fresh, **k: route(self, slots, shares, fresh=False, **k),
    )


@pytest.mark.parametrize("plant", [_swap_rows, _wrong_share, _leak, _stale_gradients])
def test_a_planted_fault_is_found(plant, monkeypatch: pytest.MonkeyPatch) -> None:
    model = toy_model()
    plans = [toy_plan(i, max_grad_norm=0.0, weight_decay=0.3) for i in range(3)]
    expected = alone(model, plans)
    plant(monkeypatch)
    found = train(model, toy_tokenizer(), plans)
    assert max(distance(a, b) for a, b in zip(found, expected, strict=True)) > 10 * TOLERANCE


def test_padding_bears_no_loss_unless_faithful() -> None:
    """One example padded by a longer neighbour's row trains as without; the faithful switch does not."""
    model = toy_model()
    short = TrainingPlan("short", (Example("the mill"),), toy_plan(0).hyperparameters, 5)
    long = TrainingPlan("long", (Example("the river " * 12),), toy_plan(0).hyperparameters, 6)
    [by_itself] = train(model, toy_tokenizer(), [short])
    beside, _ = train(model, toy_tokenizer(), [short, long])
    [faithful] = train(model, toy_tokenizer(), [short], faithful_length=64)
    assert distance(beside, by_itself) < TOLERANCE
    assert distance(faithful, by_itself) > 0.1
