"""The embedded grid model and the few-shot experiment on it, at a size that only shows that it works.

Bounds are well below the figures of the model card: these tests find a broken file, the card measures.
"""

from __future__ import annotations

import json
import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from seal.cli import main
from seal.domains.arc_agi import ArcAgi
from seal.domains.arc_agi.microgrid import tasks
from seal.engine.adapt import Adaptation, Trial
from seal.engine.check import check_fit
from seal.models import builtin_path
from seal.research.config import RunConfig, builtin_config, dump_config
from seal.research.data import load_source
from seal.research.few_shot.experiment import HAND_MADE, run_few_shot
from seal.research.reports.tasks import write_report
from seal.research.run_folder import RunFolder
from seal.self_edits.arc_grammar import directives, render
from seal.types import Directive

MAX_BYTES = 12_000_000
SMALL: dict[str, Any] = {
    "data.n_train": 3,
    "data.n_evaluation": 5,
    "self_edit.samples": 2,
    "outer.fixed_search": 12,
    "outer.max_steps": 4,
    "directive_space.num_train_epochs": [1, 2],
    "arc.max_examples": 6,
    "arc.votes": 3,
}


def _config(**changes: Any) -> RunConfig:
    return builtin_config("seal.research.few_shot", "arc.toml", SMALL | changes)


@pytest.fixture(scope="module")
def adaptation() -> Adaptation:
    return Adaptation.load(_config(**{"self_edit.constrained": False}))


def test_it_is_small_and_loads_with_transformers_alone() -> None:
    folder = builtin_path("tiny-grid")
    assert sum(p.stat().st_size for p in folder.iterdir()) <= MAX_BYTES
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    for directive in directives()[::31]:
        text = f"01.2>\n\nDirective: {render(directive)}"
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.decode(ids) == text and len(ids) == 22
    assert model.config.vocab_size == len(tokenizer)


def test_card_and_record_are_there() -> None:
    folder = builtin_path("tiny-grid")
    facts = json.loads((folder / "pretraining.json").read_text())
    assert f"{facts['tokens']:,}" in (folder / "README.md").read_text()


def test_it_solves_what_it_practised_in_context(adaptation: Adaptation) -> None:
    domain = adaptation.domain
    assert isinstance(domain, ArcAgi)
    found = islice(tasks("pretrain", seed=77, cells=(6, 16)), 60)
    scores = adaptation.examine([(domain.context(task), None) for task in found])
    assert sum(score.accuracy or 0 for score in scores) / len(scores) > 0.45


def test_it_writes_valid_directives_of_all_kinds(adaptation: Adaptation) -> None:
    domain = adaptation.domain
    assert isinstance(domain, ArcAgi)
    contexts = [domain.context(task) for task in islice(tasks("rl", seed=77, cells=(8, 16)), 20)]
    found = [Directive.of(edit) for own in adaptation.write(contexts, 10, seed=0) for edit in own]
    valid = [one for one in found if one is not None]
    assert len(valid) > 0.9 * len(found)
    assert {one.learning_rate for one in valid} == {1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2}
    assert len(set(valid)) > 100


def test_training_on_a_task_helps_to_solve_it(adaptation: Adaptation) -> None:
    domain = adaptation.domain
    assert isinstance(domain, ArcAgi)
    contexts = [domain.context(task) for task in islice(tasks("dev", seed=5, cells=(8, 16)), 12)]
    before = adaptation.examine([(c, None) for c in contexts], answers=False)
    trials = [Trial(c, adaptation.format.parse(c, render(HAND_MADE)), 0) for c in contexts]
    after = adaptation.learn_and_examine(trials, answers=False)
    gain = [(b.likelihood or 0) - (a.likelihood or 0) for a, b in zip(before, after, strict=True)]
    assert sum(gain) / len(gain) > 0.05


def test_answers_too_long_to_be_given_are_told() -> None:
    for n_tokens, told in ((20, ["12 of 12 answers are longer"]), (37, [])):
        config = _config(**{"arc.columns": 33, "grading.max_new_tokens": n_tokens})
        adaptation = Adaptation.load(config)
        contexts = load_source(config, "microgrid/dev", 12).contexts
        found = check_fit(adaptation, contexts, writes=False)
        assert [text[:27] for text in found] == told


@pytest.mark.slow
def test_the_experiment_resumes_to_the_same_records_and_its_report_is_written(tmp_path: Path) -> None:
    config = _config(**{"arc.choose_fixed": True})
    whole = RunFolder.open(tmp_path / "whole", config)
    results = run_few_shot(config, whole)
    names = {row["name"] for row in results["methods"]}
    arms = "base self_edit round_1 seal random_selection best_fixed hand_made".split()
    arms += ["seal_chosen", "fixed_chosen"]
    committees = ("seal_committee", "fixed_committee")
    assert names == {m + end for m in arms for end in ("", "_voting")} | set(committees)
    assert all(row["n_contexts"] == 5 and row["coverage"] == 1 for row in results["methods"])
    assert sum(row["n"] for row in results.get("families", [])) == 5
    page = write_report(tmp_path / "whole").read_text()
    assert "held-out tasks" in page
    choices = whole.records("choices.jsonl")
    assert len(choices) == 2 * 5
    trained = [r for r in choices if r["text"] is not None]
    assert trained and all(len(r["likelihoods"]) == 4 for r in trained if r["method"] != "fixed_chosen")

    asked = whole.records("committees.jsonl")
    assert [(r["method"], r["context"]) for r in asked] == [
        (m, c["context"]) for m in committees for c in asked[:5]
    ]
    assert any(r["directives"] for r in asked)
    for one in (grid for r in asked for grid in r["candidates"]):
        assert 1 <= len(one) <= 8 and 0 < sum(c["support"] for c in one) < 1 + 1e-6
        assert all(-30 <= c["log_probability"] <= 0 for c in one)

    cut = tmp_path / "cut"
    shutil.copytree(tmp_path / "whole", cut)
    kept = (cut / "choices.jsonl").read_bytes().splitlines(keepends=True)
    (cut / "choices.jsonl").write_bytes(b"".join(kept[:7]))
    for name in ("results.json", "best_fixed.json", "fixed_search.jsonl"):
        (cut / name).unlink()
    shutil.rmtree(cut / "rounds/2/policy")
    evaluation = RunFolder(cut, config).evaluation.path
    lines = evaluation.read_bytes().splitlines(keepends=True)
    evaluation.write_bytes(b"".join(lines[: len(lines) // 2]) + b'{"method": "se')
    run_few_shot(config, RunFolder.open(cut, config))
    both = [RunFolder(path, config).evaluation.read() for path in (tmp_path / "whole", cut)]
    keyed = [{(r.method, r.context): r.answers for r in records} for records in both]
    assert keyed[0] == keyed[1] and len(both[1]) == len(both[0])


@pytest.mark.slow
def test_tasks_from_a_file_by_train_and_eval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = {}
    for index, task in enumerate(islice(tasks("rl", seed=3, cells=(8, 12)), 3)):
        pairs = [[{"input": p.input, "output": p.output} for p in part] for part in (task.train, task.test)]
        record[f"task_{index}"] = {"train": pairs[0], "test": pairs[1]}
    data = tmp_path / "tasks.json"
    data.write_text(json.dumps(record))
    recipe = tmp_path / "run.toml"
    recipe.write_text(dump_config(_config(**{"outer.rounds": 1, "data.fresh": False})))
    flags = [f"--config={recipe}", f"--data={data}"]
    assert main(["train", *flags, "--dry-run"]) == 0
    assert "tasks" in capsys.readouterr().out
    assert main(["train", *flags, f"--out={tmp_path / 'run'}"]) == 0
    writer = f"--set=model.writer={tmp_path / 'run/rounds/1/policy'}"
    assert (
        main(
            [
                "eval",
                *flags,
                f"--out={tmp_path / 'eval'}",
                writer,
                "--methods=base,self_edit,chosen,committee",
            ]
        )
        == 0
    )
    results = json.loads((tmp_path / "eval/results.json").read_text())
    assert {row["name"] for row in results["methods"]} >= {
        "base",
        "self_edit",
        "self_edit_voting",
        "chosen",
        "committee",
    }
    capsys.readouterr()
    assert main(["eval", *flags, f"--out={tmp_path / 'no'}", "--methods=passage"]) == 2
    assert "unknown method 'passage' in the domain arc_agi" in capsys.readouterr().err


@pytest.mark.slow
def test_quick_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "demo"
    assert main(["demo", "arc", "--quick", f"--out={out}"]) == 0
    assert "Directive" in capsys.readouterr().out
    assert (out / "report.html").exists() and (out / "results.png").exists()


def test_examples_longer_than_the_context_are_left_out_and_said_so() -> None:
    adaptation = Adaptation.load(
        _config(**{"arc.columns": 33, "arc.max_examples": 40, "arc.leave_out": [1, 2]})
    )
    adaptation.model.config.max_position_embeddings = 240
    domain = adaptation.domain
    assert isinstance(domain, ArcAgi)
    [task] = islice(tasks("rl", seed=9, cells=(12, 16), demonstrations=(4, 4)), 1)
    context = domain.context(task)
    every = Directive(True, True, True, True, "train_using_output_tokens", 1e-3, 1)
    trial = Trial(context, adaptation.format.parse(context, render(every)), 0)
    plan, notes = adaptation.plan(trial)
    whole = domain.examples(context, trial.self_edit)
    assert 0 < len(plan.examples) < len(whole)
    n_left_out = len(whole) - len(plan.examples)
    [note] = notes
    assert note == f"{n_left_out} of {len(whole)} examples are longer than 240 tokens"
