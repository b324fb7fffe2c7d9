"""The benchmark: operations are counted rightly, contenders do the same work, figures follow from times."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from seal.bench.inner_loop import BenchSettings
from seal.bench.inner_loop.clock import peak_bytes
from seal.bench.inner_loop.contender import do
from seal.bench.inner_loop.contenders import Engine, PeftContender, make_contender
from seal.bench.inner_loop.figures import Measurement, Peak, ProductTimes, summarise
from seal.bench.inner_loop.memory import Need
from seal.bench.inner_loop.operations import (
    Anatomy,
    LayerShape,
    exam_products,
    products_of,
    total,
    train_products,
)
from seal.bench.inner_loop.peft_loop import PeftLoop, sharing_weights
from seal.bench.inner_loop.processes import Spread, time_products
from seal.bench.inner_loop.profile import part_of
from seal.bench.inner_loop.rates import products_s
from seal.bench.inner_loop.shapes import SHAPES, Subject, load_subject
from seal.bench.inner_loop.tables import check_out, figure, read_results, si
from seal.bench.inner_loop.workload import FIRST_ID, QUICK, IdTokenizer, Load, make_tasks
from seal.errors import ConfigError, InputFileError, OutputError
from seal.training import AdapterBank, train
from seal.types import Hyperparameters
from toys import VOCABULARY, distance, relative, toy_model

H = Hyperparameters(rank=4, alpha=8.0, epochs=3)
SMALL = replace(QUICK, hyperparameters=H)


def subject(kind: str = "llama") -> Subject:
    model = toy_model(kind)
    model.generation_config.eos_token_id = None
    return Subject(model, "toy", model)


def by_part(products: list) -> dict[str, float]:
    parts: dict[str, float] = dict.fromkeys(("base", "lora", "head", "attention"), 0.0)
    for product in products:
        parts[product.part] += product.operations
    return parts


def test_operations_by_hand() -> None:
    first = LayerShape("first", n_in=3, n_out=5, adapted=True, input_gradient=False)
    second = LayerShape("second", n_in=5, n_out=3, adapted=True, input_gradient=True)
    anatomy = Anatomy((first, second), head=(3, 11), n_attentions=1, n_heads=2, head_size=4)
    found = train_products(
        anatomy, n_adapters=2, n_turns=10, example_tokens=7, turn_tokens=14, turn_labels=12, rank=2
    )
    assert by_part(found) == {
        "base": 10 * (2 * 14 * 3 * 5 + 2 * 14 * 5 * 3 + 2 * 14 * 3 * 5),
        # Six products of two adapters, but for the gradient of the first input.
        "lora": 10 * 2 * 2 * 7 * 2 * ((3 + 5) * 3 + (5 + 3) * 3 - 3),
        "head": 10 * 2 * (2 * 12 * 3 * 11),
        "attention": 10 * 6 * (2 * 2) * (2 * 7 * 7 * 4),
    }
    exam = exam_products(
        anatomy, n_batches=3, batch_adapters=2, n_questions=5, question_tokens=6, answer_tokens=4, rank=2
    )
    tokens = 3 * 2 * 5 * (6 + 3)
    assert by_part(exam) == {
        "base": tokens * 2 * (3 * 5 + 5 * 3),
        "lora": tokens * 2 * 2 * (3 + 5 + 5 + 3),
        "head": 3 * 2 * 5 * 4 * (2 * 3 * 11),
        "attention": 3 * 2 * 5 * 2 * (2 * 2 * 4) * (6 * 6 + 3 * 8),
    }


@pytest.mark.parametrize("name", ["engine", pytest.param("peft_parallel", marks=pytest.mark.slow)])
def test_work_shared_out_among_processes(name: str, toy: Path) -> None:
    given = {"model": str(toy), "shape": None, "device": "cpu", "dtype": "float32"}
    one = load_subject(**given)
    inner = make_contender(name, one, SMALL, trainer_steps=1)
    spread = Spread(inner, SMALL, given, 2, name=name)
    tasks = make_tasks(5, SMALL, vocabulary=one.vocabulary, seed=0)
    try:
        together, alone = spread.do(tasks), do(inner, tasks)
        # PEFT draws its first weights from the process's random state, the engine from the task's seed.
        same = together.answers == alone.answers
        assert same if name == "engine" else [len(a) for a in together.answers] == [SMALL.n_questions] * 5
        assert together.train_s > 0 < together.exam_s
        if name == "engine":
            found = spread.products(tasks, quick=True)
            assert isinstance(inner, Engine)
            whole = time_products(inner, tasks, True)
            assert found.train_operations == pytest.approx(whole.train_operations, rel=0.1)
    finally:
        spread.close()


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gpt2"])
def test_operations_against_torchs_own_count(kind: str) -> None:
    model = toy_model(kind)
    model.set_attn_implementation("eager")
    loop = PeftLoop(model, H)
    n = 9
    ids = torch.arange(2, 2 + n).unsqueeze(0)
    with FlopCounterMode(display=False) as counter:
        loop.wrapped(input_ids=ids, labels=ids, use_cache=False).loss.backward()
    found = train_products(
        Anatomy.of(model),
        n_adapters=1,
        n_turns=1,
        example_tokens=n,
        turn_tokens=n,
        turn_labels=n,  # the plain loop computes logits at every place
        rank=H.rank,
    )
    assert counter.get_total_flops() == total(found)


def test_a_short_pass_finds_what_needs_a_gradient() -> None:
    model = toy_model("llama")
    needs = {layer.name: layer.input_gradient for layer in Anatomy.of(model).layers}
    without = [name for name, needed in needs.items() if not needed]
    assert without == [f"model.layers.0.self_attn.{x}_proj" for x in "qkv"]
    assert not any("forward_hooks" in vars(m) and m._forward_hooks for m in model.modules())
    assert all(p.requires_grad for p in model.parameters())
    assert Anatomy.of(model, ("down_proj",)).layers[0].adapted is False


def test_tasks_are_of_equal_size_and_follow_from_the_seed() -> None:
    tasks = make_tasks(6, Load(), vocabulary=VOCABULARY, seed=3)
    assert tasks[:2] == make_tasks(2, Load(), vocabulary=VOCABULARY, seed=3)
    assert tasks[0] != make_tasks(1, Load(), vocabulary=VOCABULARY, seed=4)[0]
    for task in tasks:
        lengths = [len(example.input_ids) for example in task.plan.examples]
        assert len(lengths) == 12 and min(lengths) >= 20 and max(lengths) <= 60
        assert abs(sum(lengths) / 12 - 40) < 1.5
        assert len(task.plan.steps) == 120 and len(task.questions) == 5
        assert all(FIRST_ID <= id < VOCABULARY for e in task.plan.examples for id in e.input_ids)


@pytest.mark.parametrize("kind", ["llama", "qwen3"])
def test_engine_and_peft_learn_the_same_and_answer_the_same(kind: str) -> None:
    given = subject(kind)
    tasks = make_tasks(3, SMALL, vocabulary=VOCABULARY, seed=0)
    engine, peft = Engine(given, SMALL), PeftContender(given, SMALL)
    untrained = train(given.model, IdTokenizer(), [replace(task.plan, steps=()) for task in tasks])
    engine.learn(tasks)
    _, answers = engine.examine(tasks)
    for task, start, ours, answered in zip(tasks, untrained, engine.adapters, answers, strict=True):
        losses = peft.loop.train(task.plan, start=start.factors)
        theirs = peft.loop.adapter(task.plan.plan.id, losses)
        assert distance(ours, theirs) < 1e-3
        assert distance(ours, start) > 0.1
        assert ours.losses == pytest.approx(losses, rel=1e-3)
        assert peft.examine([task])[1] == [answered]
        assert [len(text.split()) for text in answered] == [SMALL.answer_tokens] * SMALL.n_questions


def test_a_peft_adapter_starts_afresh_each_time_and_leaves_the_model_as_it_was() -> None:
    given = subject()
    before = {name: p.clone() for name, p in given.model.named_parameters()}
    loop = PeftLoop(given.model, H)
    [task] = make_tasks(1, SMALL, vocabulary=VOCABULARY, seed=0)
    loop.train(task.plan)
    assert any(b.abs().max() > 0 for _, b in loop.factors().values())
    loop.train(replace(task.plan, steps=()))
    assert all(b.abs().max() == 0 for _, b in loop.factors().values())
    assert all(torch.equal(p, before[name]) for name, p in given.model.named_parameters())
    with AdapterBank.of(given.model, [loop.adapter("peft", [])]):
        pass  # the module tree still is one that a bank fits


def test_a_second_tree_shares_the_weights() -> None:
    model = toy_model("qwen3")
    second = sharing_weights(model)
    assert second is not model and second.model.layers[0] is not model.model.layers[0]
    pairs = zip(model.parameters(), second.parameters(), strict=True)
    assert all(a is b for a, b in pairs)
    ids = torch.tensor([[5, 6, 7]])
    assert relative(second(ids).logits, model(ids).logits) == 0


def test_trainer_is_timed_on_a_few_steps_and_scaled_to_all() -> None:
    trainer = make_contender("trainer", subject(), SMALL, trainer_steps=2)
    tasks = make_tasks(1, SMALL, vocabulary=VOCABULARY, seed=0)
    learned = trainer.learn(tasks)
    assert learned.scaled_from_steps == 2 and learned.seconds > 0
    assert len(trainer.examine(tasks)[1][0]) == SMALL.n_questions


def test_products_are_those_of_all_tasks_and_can_be_timed() -> None:
    model = toy_model()
    tasks = make_tasks(4, SMALL, vocabulary=VOCABULARY, seed=0)
    anatomy = Anatomy.of(model)
    at_once = products_of(anatomy, tasks, SMALL, slots=4, exam_rows=8)
    in_turns = products_of(anatomy, tasks, SMALL, slots=2, exam_rows=4)
    for phase, products in at_once.items():
        assert total(products) == pytest.approx(total(in_turns[phase]), rel=0.05)
        assert products_s(products[:3], torch.device("cpu"), torch.float32) > 0
    tokens = sum(task.plan.n_tokens for task in tasks)
    q_proj = at_once["train"][0]
    assert q_proj.m * q_proj.count == pytest.approx(tokens, rel=0.05)


NEED = Need(
    adapter_parameters=10,
    state=160,
    handed_back=40,
    a_token=5,
    example_tokens=10.0,
    longest_tokens=20,
    pass_tokens=25,
)


def test_memory_is_counted_at_its_highest() -> None:
    assert NEED.total(1) == 160 + 20 * 5  # the longest example
    assert NEED.total(2) == 2 * 160 + 20 * 5
    assert NEED.total(3) == 3 * 160 + 25 * 5  # a full pass
    assert NEED.total(9) == 9 * 160 + 9 * 40  # adapters that have ended
    assert NEED.slope(1, 3) == (605 - 260) / 2


def test_figures_are_paired_by_round() -> None:
    def one(contender: str, round: int, n: int, seconds: float) -> Measurement:
        return Measurement(contender, 4, round, n, seconds * 0.75, seconds * 0.25, 120 * n, 80 * n)

    measured = [one("engine", 0, 4, 2.0), one("peft", 0, 1, 2.0), one("engine", 1, 4, 4.0),
                one("peft", 1, 1, 3.0)]  # fmt: skip
    products = [ProductTimes(4, r, 300.0, 100.0, 0.9, 0.1, 400.0) for r in (0, 1)]
    peaks = [Peak("engine", 1, 1000, 10), Peak("engine", 4, 1660, 20)]
    found = summarise(measured, products, peaks, NEED)
    [ratio] = found["ratios"]
    assert (ratio["over"], ratio["min"], ratio["max"]) == ("peft", 3.0, 4.0)
    engine = found["speed"][0]
    assert engine["self_edits_per_s"] == {"median": 1.5, "min": 1.0, "max": 2.0}
    assert engine["train_s"] == pytest.approx((1.5 / 4 + 3.0 / 4) / 2)
    assert engine["operations_per_s"] == pytest.approx(100 * 1.5)
    assert (engine["peak_train_bytes"], found["speed"][1]["peak_train_bytes"]) == (1660, None)
    [share] = found["shares"]
    assert share["of_products"] == {"median": 0.375, "min": 0.25, "max": 0.5}
    assert share["of_peak"]["max"] == pytest.approx(400 / 2.0 / 400.0)
    assert found["memory"]["per_adapter"]["measured_bytes"] == 220
    assert found["memory"]["per_adapter"]["counted_bytes"] == pytest.approx((4 * 200 - 260) / 3)


def test_peak_memory_is_that_of_the_work() -> None:
    n = 64 * 2**20
    used, made = peak_bytes(torch.device("cpu"), lambda: torch.ones(n, dtype=torch.uint8))
    assert 0.9 * n < used < 1.5 * n
    del made
    again, _ = peak_bytes(torch.device("cpu"), lambda: torch.ones(n, dtype=torch.uint8))
    assert 0.9 * n < again < 1.5 * n  # although the memory was there already


def test_settings_say_what_is_wrong() -> None:
    for wrong, said in (
        (BenchSettings(rounds=0), "--rounds"),
        (BenchSettings(adapters=(0,)), "--adapters"),
        (BenchSettings(contenders=()), "--contenders"),
        (BenchSettings(threads=0), "--threads"),
    ):
        with pytest.raises(ConfigError, match=said):
            wrong.check()


def test_peft_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "peft", None)
    BenchSettings(contenders=("engine",)).check()
    with pytest.raises(ConfigError, match="pip install peft"):
        BenchSettings().check()


def test_shapes() -> None:
    made = load_subject(shape="2x", device="cpu")
    assert made.dtype == torch.float32 and made.vocabulary == 1536
    assert not any(p.requires_grad for p in made.model.parameters())
    with torch.device("meta"):
        from transformers import AutoModelForCausalLM

        sizes = {
            name: Subject(AutoModelForCausalLM.from_config(SHAPES[name]()), name, None).n_parameters
            for name in ("qwen2.5-0.5b", "qwen2.5-7b")
        }
    # As the model cards say: 0.49 B and 7.61 B.
    assert sizes == {"qwen2.5-0.5b": 494_032_768, "qwen2.5-7b": 7_615_616_512}


def test_results_are_read_and_never_overwritten(tmp_path: Path) -> None:
    with pytest.raises(InputFileError):
        read_results(tmp_path)
    (tmp_path / "results.json").write_text(json.dumps({"methods": []}))
    with pytest.raises(InputFileError, match="no results of this benchmark"):
        read_results(tmp_path)
    with pytest.raises(OutputError, match="holds files already"):
        check_out(tmp_path)


def test_words() -> None:
    assert [si(x).strip() for x in (None, 12.0, 1234.0, 5.6e9)] == ["–", "12", "1.23 k", "5.6 G"]
    assert [figure(x) for x in (0.12345, 12345.0, 1e-5)] == ["0.123", "12,345", "1.0e-05"]
    parts = {"aten::baddbmm_": "matrix products", "aten::_fused_adamw_": "optimiser", "aten::copy_":
             "copies and indexing", "aten::_scaled_dot_product_flash_attention_for_cpu": "attention",
             "aten::silu": "elementwise and other operators"}  # fmt: skip
    assert {name: part_of(name) for name in parts} == parts
