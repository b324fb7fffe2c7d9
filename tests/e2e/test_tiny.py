"""The embedded model: it loads with transformers alone, fits its size, has the abilities the method needs.

Bounds are well below the figures of the model card: these tests find a broken file, the card measures.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from seal.domains.microworld.generator import gold_self_edit
from seal.domains.microworld.world import known_world, make_items
from seal.engine.adapt import Adaptation, Trial
from seal.grading.statistics import mean
from seal.models import builtin_path
from seal.research.data import load_source
from seal.research.demo import demo_config, run_experiment
from seal.research.outer import OuterLoop, n_contexts
from seal.research.run_folder import RunFolder
from seal.types import Question, Score

MAX_BYTES = 12_000_000


@pytest.fixture(scope="module")
def adaptation() -> Adaptation:
    return Adaptation.load(demo_config())


def accuracy(scores: list[Score]) -> float:
    outcomes = [a.outcome for score in scores for a in score.answers]
    assert "ungraded" not in outcomes
    return outcomes.count("right") / len(outcomes)


def test_it_is_small_and_loads_with_transformers_alone() -> None:
    folder = builtin_path("tiny")
    assert sum(p.stat().st_size for p in folder.iterdir()) <= MAX_BYTES
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "Łukasz O'Brien & Söhne — 48,300\n"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    ids = tokenizer("Question: Who are you?\nAnswer:", return_tensors="pt")
    assert model(**ids).logits.shape[-1] == len(tokenizer)


def test_card_and_record_are_there() -> None:
    folder = builtin_path("tiny")
    facts = json.loads((folder / "pretraining.json").read_text())
    assert f"{facts['tokens']:,}" in (folder / "README.md").read_text()


def test_it_reads_unseen_passages(adaptation: Adaptation) -> None:
    contexts = [i.context for i in make_items("dev", 20, seed=50)]
    assert accuracy(adaptation.examine([(c, c) for c in contexts])) > 0.8


def test_it_knows_its_world_and_nothing_of_others(adaptation: Adaptation) -> None:
    unseen = [i.context for i in make_items("dev", 20, seed=50)]
    known = [
        replace(
            unseen[0],
            questions=tuple(
                Question(a.exam[0].replace("{S}", e.name), (e.values[a.name],)) for a in e.attributes
            ),
        )
        for e in known_world()[:40]
    ]
    assert accuracy(adaptation.examine([(c, None) for c in known])) > 0.8
    assert accuracy(adaptation.examine([(c, None) for c in unseen])) < 0.1


def test_it_learns_from_true_statements(adaptation: Adaptation) -> None:
    items = make_items("dev", 10, seed=51)
    trials = [Trial(i.context, gold_self_edit(i), 0) for i in items]
    before = accuracy(adaptation.examine([(i.context, None) for i in items]))
    after = accuracy(adaptation.learn_and_examine(trials, answers=True))
    assert after > 0.75 > 0.1 > before


def test_sampling_and_training_repeat_exactly(adaptation: Adaptation) -> None:
    contexts = [i.context for i in make_items("dev", 3, seed=52)]
    first, second = (adaptation.write(contexts, 2, seed="x") for _ in range(2))
    assert first == second and first != adaptation.write(contexts, 2, seed="y")
    trials = [Trial(c, e[0], 7) for c, e in zip(contexts, first, strict=True)]
    scores = [adaptation.learn_and_examine(trials, answers=True) for _ in range(2)]
    assert scores[0] == scores[1]


def test_the_experiment_end_to_end(tmp_path) -> None:
    data = demo_config(seed=3, quick=True).model_dump(mode="json", exclude_none=True)
    data["data"] |= {"n_train": 3, "n_evaluation": 3}
    data["self_edit"]["samples"] = 2
    config = type(demo_config()).model_validate(data)
    folder = RunFolder.open(tmp_path / "run", config)
    results = run_experiment(config, folder)
    names = [m["name"] for m in results["methods"]]
    assert {"base", "open_book", "passage", "self_edit", "seal", "random_selection", "gold"} <= set(names)
    for method in results["methods"]:
        assert method["n_contexts"] == 3 and method["n_questions"] == 21 and method["coverage"] == 1
        own = [r.accuracy for r in folder.evaluation.read() if r.method == method["name"]]
        accuracy, ci95 = method["accuracy"], method["ci95"]
        assert accuracy is not None and ci95 is not None
        assert accuracy == pytest.approx(mean(own))
        assert ci95[0] <= accuracy <= ci95[1]
    assert results["seed"] == 3 and results["wall_s"] > 0 and (results["peak_memory_bytes"] or 0) > 0
    assert set(results["model"]) == {"name", "parameters", "sha256"}
    treated = folder.round("seal", 1).decisions or []
    chance = folder.round("random_selection", 1).decisions or []
    assert len(treated) == 3 and [len(one.kept) for one in treated] == [len(one.kept) for one in chance]
    for one in treated:
        assert one.rewards[one.kept[0]] == max(reward for reward in one.rewards if reward is not None)
    assert run_experiment(config, RunFolder.open(tmp_path / "run", config)) == results


def test_a_round_after_a_policy_from_the_folder_equals_one_without_a_stop(tmp_path: Path) -> None:
    data = demo_config(seed=4, quick=True).model_dump(mode="json", exclude_none=True)
    data["data"] |= {"n_train": 2}
    data["self_edit"]["samples"] = 2
    data["outer"]["rounds"] = 2
    config = type(demo_config()).model_validate(data)
    contexts = load_source(config, config.data.train, n_contexts(config)).contexts
    whole, cut = (RunFolder.open(tmp_path / name, config) for name in ("whole", "cut"))
    list(OuterLoop(Adaptation.load(config), whole, contexts, "seal").policies())
    next(OuterLoop(Adaptation.load(config), cut, contexts, "seal").policies())
    assert not cut.round("seal", 2).self_edits.read()
    list(OuterLoop(Adaptation.load(config), cut, contexts, "seal").policies())
    files = [
        {path.relative_to(run.path): path.read_bytes() for path in run.path.glob("rounds/**/*.*")}
        for run in (whole, cut)
    ]
    assert len(files[0]) > 10 and files[0] == files[1]
