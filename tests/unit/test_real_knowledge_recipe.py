"""recipes/real_knowledge: no article in both halves, nothing that trains is examined, what its table says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoints import save_toy
from recipes.real_knowledge import run as recipe
from recipes.real_knowledge.figures import figures, table
from recipes.real_knowledge.passages import Training, drawn, halves, prepare, wiki_passages
from seal.domains.knowledge import load_contexts
from seal.errors import InputError
from seal.research.config import load_config
from seal.research.records import AnswerRecord, EvaluationRecord, WrittenRecord
from seal.research.run_folder import RunFolder
from seal.types import Context

LONG = "It has rooms. " * 25


def squad(path: Path, sizes: dict[str, int]) -> Path:
    records = [
        {
            "title": title,
            "context": f"Passage {n} of {title} names Person{n}.",
            "questions": [{"question": f"Who is named in {n} of {title}?", "answer": f"Person{n}"}],
        }
        for title, size in sizes.items()
        for n in range(size)
    ]
    path.write_text(json.dumps(records), encoding="utf-8")
    return path


def wiki(path: Path, texts: dict[str, str]) -> Path:
    told = {title: {"title": title, "extract": text} for title, text in texts.items()}
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


@given(st.lists(st.integers(1, 9), min_size=2, max_size=8))
def test_no_article_is_in_both_halves_and_they_are_as_alike_as_articles_allow(sizes: list[int]) -> None:
    contexts = [Context(f"{a}/{n}", f"a{a}", "text") for a, size in enumerate(sizes) for n in range(size)]
    development, evaluation = halves(contexts)
    assert not {c.title for c in development} & {c.title for c in evaluation}
    assert sorted(c.id for c in [*development, *evaluation]) == sorted(c.id for c in contexts)
    assert abs(len(development) - len(evaluation)) <= max(sizes)


@given(st.integers(0, 12), st.integers(0, 12))
def test_a_longer_draw_begins_with_the_shorter_one(n: int, more: int) -> None:
    contexts = [Context(str(i), "t", "text") for i in range(12)]
    assert drawn(contexts, n + more, "x")[:n] == drawn(contexts, n, "x")
    assert drawn(contexts[::-1], 12, "x") == drawn(contexts, 12, "x")


def test_what_the_writer_is_trained_on_is_not_examined(tmp_path: Path) -> None:
    passages = squad(tmp_path / "squad.json", {"Harbour": 4, "Mill": 3, "Bridge": 2})
    summaries = wiki(
        tmp_path / "summaries.json",
        {"Barn": LONG, "Old Mill": LONG, "Hut": f"{LONG} It is like the Bridge.", "Shed": "Too short."},
    )
    cases: tuple[tuple[Training, set[str]], ...] = (("development", {"Harbour"}), ("wiki", {"Barn"}))
    for training, titles in cases:
        train, evaluation = prepare(passages, training, summaries, (9, 9), tmp_path / training)
        learned, examined = load_contexts(train), load_contexts(evaluation)
        assert {c.title for c in learned} == titles
        assert {c.title for c in examined} == {"Mill", "Bridge"} and all(c.questions for c in examined)


def test_what_cannot_be_used_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = squad(tmp_path / "one.json", {"Harbour": 4})
    with pytest.raises(InputError, match="one article only"):
        prepare(one, "development", None, (2, 2), tmp_path)
    with pytest.raises(InputError, match="cannot be read as summaries"):
        wiki_passages(one, [])
    with pytest.raises(InputError, match="has no data"):
        wiki_passages(tmp_path, [])
    assert recipe.main(["--out", str(tmp_path / "none"), "--table"]) == 2
    assert recipe.main(["--out", str(tmp_path / "none")]) == 2
    assert "holds no run" in (told := capsys.readouterr().err) and "no passages are named" in told


def test_the_table_tells_recitals_apart(tmp_path: Path) -> None:
    passages = squad(tmp_path / "squad.json", {"Mill": 4})
    config = load_config(recipe.SETTINGS, {"data.evaluation": str(passages), "data.n_evaluation": 4})
    folder = RunFolder.open(tmp_path / "run", config)
    contexts = load_contexts(passages)
    recital = (
        "The mill is old and stands on the river. It was built of stone long ago. It names {} at the end."
    )
    for method, said in (("base", "I think Nobody."), ("self_edit", recital), ("seal", "{}")):
        for n, context in enumerate(contexts):
            gold = context.questions[0].answers[0]
            right = method == "seal"
            answer = AnswerRecord(
                context.questions[0].text, gold, said.format(gold), "right" if right else "wrong", ""
            )
            record = EvaluationRecord(method, context.id, float(right), 0.1 * n, 1.0, answers=[answer])
            folder.evaluation.append([record])
            text = "Question: Who?\nAnswer: Person\n" if right else ""
            folder.written.append([WrittenRecord(method, context.id, text, False)])
    told = figures(folder)
    base, before, after = told["methods"]
    assert [one["name"] for one in told["methods"]] == ["base", "self_edit", "seal"]
    assert (before["right"]["mean"], before["recited"]["mean"], before["lexical"]["mean"]) == (0, 1, 0)
    assert (base["recited"]["mean"], after["right"]["mean"], after["lexical"]["mean"]) == (0, 1, 1)
    assert (before["empty"], after["empty"], after["lines"]) == (4, 0, 1)
    [difference] = [one for one in told["differences"] if (one["a"], one["b"]) == ("seal", "self_edit")]
    assert difference["right"] == {"mean": 1, "low": 1, "high": 1, "passages": 4}
    assert difference["recited"]["mean"] == 0 and difference["likelihood"]["mean"] == 0
    text = table(told)
    assert "| seal − self_edit | +100.0 [100.0, 100.0] | +0.0 [0.0, 0.0] |" in text
    json.dumps(told, allow_nan=False)


@pytest.mark.slow
def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passages = squad(tmp_path / "squad.json", {"Harbour": 3, "Mill": 2})
    model = save_toy(tmp_path / "model", chat=True)
    small = ["inner.max_steps=1", "self_edit.max_new_tokens=12", "grading.max_new_tokens=4", "outer.epochs=1"]
    line = ["--passages", str(passages), "--model", str(model), "--contexts", "2", "--samples", "2"]
    line += ["--evaluation", "2", *(f"--set={one}" for one in [*small, "model.dtype=float32"])]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert recipe.main([*line, "--out", str(tmp_path / "whole")]) == 0
    written = RunFolder.append
    n = [0]

    def stopping(self: RunFolder, *given: object) -> None:
        n[0] += 1
        if n[0] == 5:
            raise InputError("stopped here")
        written(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(RunFolder, "append", stopping)
    assert recipe.main([*line, "--out", str(tmp_path / "stopped")]) == 2
    assert recipe.main([*line, "--out", str(tmp_path / "stopped")]) == 0
    for name in ("evaluation.jsonl", "rounds/1/scores.jsonl", "rounds/1/decisions.json"):
        there, here = (tmp_path / run / "run" / name for run in ("whole", "stopped"))
        assert there.read_bytes() == here.read_bytes()
    told = json.loads((tmp_path / "stopped" / "results.json").read_text())
    assert {one["name"] for one in told["methods"]} >= {"base", "open_book", "passage", "self_edit", "seal"}
    assert "round 1: scoring self-edits" in told["stages"]
