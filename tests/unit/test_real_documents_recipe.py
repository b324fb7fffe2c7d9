"""The recipe on real documents: it goes on where it was stopped, and counts what it says it counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import tomli_w

from learners import CONFIG, Gates, fake, hand_in_everywhere
from recipes.real_documents import poison
from recipes.real_documents import run as recipe
from recipes.real_documents.command import RUN, ended
from recipes.real_documents.experiment import WAYS, RealRun
from recipes.real_documents.figures import figures, wilson
from recipes.real_documents.halves import Asked, RealDocument, load_half
from recipes.real_documents.records import Records
from recipes.real_documents.tables import markdown
from seal.errors import InputError
from seal.learner import Learned, Learner, Text
from seal.registry import Line, document_key
from seal.types import Question


def _document(name: str, *pairs: tuple[str, str], **more: Any) -> RealDocument:
    asked = tuple(
        Asked(f"{name}.md/{n}", Question(q, (a,), f"{name}.md/{n}")) for n, (q, a) in enumerate(pairs)
    )
    return RealDocument(f"{name}.md", "notice", "en", name, f"This is all about {name}.", asked, **more)


OLD = RealDocument(
    "old.md",
    "notice",
    "en",
    "old",
    "It is on Monday in the hall.",
    (
        Asked("old.md/0", Question("When is it?", ("Monday",)), ("no name",), "new.md", ("Friday",)),
        Asked("old.md/1", Question("Where is it?", ("in the hall",)), ("no name",)),
    ),
)
NEW = _document("new", ("On what day is it really?", "Friday"))
OTHER = _document("other", ("Who baked it?", "Vreni"), ("How many eggs?", "4"))
DOCUMENTS = (OLD, NEW, OTHER)


class FakeLearner:
    """Answers from a list, and stops once after so many answers or documents."""

    def __init__(self, said: dict[str, dict[str, str]], stop_after: int = -1) -> None:
        self.said, self.stop_after = said, stop_after
        self.there: list[str] = []
        self.cut_off = ""
        self.asked: list[tuple[str, str]] = []
        self.outcomes: dict[str, str] = {}
        self.workspace = SimpleNamespace(lines=lambda _key: [Line("a"), Line("b", False, "no number of it")])
        self.parts = SimpleNamespace(bare_mind=lambda: SimpleNamespace(ask=self._bare))

    def _tick(self, what: str) -> None:
        self.stop_after -= 1
        if self.stop_after == 0:
            self.cut_off = what
            raise KeyboardInterrupt

    def _bare(self, questions: list[str]) -> list[Any]:
        return [self._answer(q, "base") for q in questions]

    def _answer(self, question: str, way: str) -> Any:
        self.asked.append((way, question))
        text = self.said[way].get(question, "I do not know.")
        return SimpleNamespace(text=text, document=None, probability=0.5, way=way)

    def ask(self, question: str, by: str = "auto") -> Any:
        self._tick("ask")
        return self._answer(question, by if self.there else "base")

    def live(self) -> Any:
        return SimpleNamespace(id=f"v{len(self.there)}") if self.there else None

    def documents(self) -> list[Any]:
        return [SimpleNamespace(id=document_key(text)) for text in self.there]

    def learn(self, texts: Sequence[Text]) -> list[Learned]:
        [one] = texts
        outcome = self.outcomes.get(one.title, "known" if one.text in self.there else "live")
        if outcome == "live":
            self.there.append(one.text)
        self._tick("learn")
        return [Learned(document_key(one.text), one.title, cast(Any, outcome), "so", lines_written=2)]


ALL = {q.question.text: q.now({"new.md"}).answers[0] for d in DOCUMENTS for q in d.asked}
SAID = {
    "base": {},
    "weights": {"Who baked it?": "Vreni", "When is it?": "Monday"},
    "reading": {**ALL, "How many eggs?": " ".join(["4", *["eggs"] * 40])},
    "auto": ALL,
}


def _run(folder: Path, learner: FakeLearner, documents: Sequence[RealDocument] = DOCUMENTS) -> RealRun:
    made = RealRun(folder, documents, lambda: cast(Learner, learner))
    made.ask_base()
    made.learn()
    made.ask_all()
    return made


def _figures(made: RealRun, learner: FakeLearner, documents: Sequence[RealDocument] = DOCUMENTS) -> Any:
    return figures(documents, made.learned.all, made.answers_of(learner.live()), [], "lexical")


@pytest.mark.parametrize("stop_after", range(1, 26))
def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(stop_after: int, tmp_path: Path) -> None:
    """Stopped once at every place where it can be."""
    learner = FakeLearner(SAID, stop_after)
    try:
        made = _run(tmp_path, learner)
    except KeyboardInterrupt:
        made = _run(tmp_path, learner)
    assert [r["file"] for r in made.learned.all if r["event"] == "learned"] == [
        "old.md",
        "new.md",
        "other.md",
    ]
    assert {r["outcome"] for r in made.learned.all if r["event"] == "learned"} == {"live"}
    keys = [(r["way"], r["id"]) for r in made.answers.all]
    assert sorted(keys) == sorted({(w, q.id) for w in ("base", *WAYS) for d in DOCUMENTS for q in d.asked})
    cut_off = [r["file"] for r in made.learned.all if r["event"] == "learned" and r["interrupted"]]
    assert len(cut_off) == (learner.cut_off == "learn")


def test_what_was_learned_later_is_asked_of_the_version_that_knows_it(tmp_path: Path) -> None:
    learner = FakeLearner(SAID)
    _run(tmp_path, learner, DOCUMENTS[:1])
    before = len(learner.asked)
    made = _run(tmp_path, learner)
    again = [way for way, question in learner.asked[before:] if question == "Where is it?"]
    assert sorted(again) == sorted(WAYS)  # but not the base, which did not change
    bare = [q for way, q in learner.asked[before:] if way == "base"]
    assert bare[1:] == ["On what day is it really?", "Who baked it?", "How many eggs?"]
    assert _figures(made, learner)["ways"]["auto"]["n"] == 5


def test_the_figures_are_counted_by_what_is_live(tmp_path: Path) -> None:
    learner = FakeLearner(SAID)
    learner.outcomes["other"] = "held"
    found = _figures(_run(tmp_path, learner), learner)
    assert found["live"] == {"n": 3, "live": 2, "held": 1, "wilson95": wilson(2, 3)}
    right = {way: one["right"] for way, one in found["ways"].items()}
    assert (right["base"], right["weights"], right["auto"]) == (0, 1, 5)  # "Monday" is superseded
    assert found["ways"]["reading"]["concise"]["right"] == 4  # one of 41 words is no answer
    assert found["superseded"]["auto"] == {"n": 1, "new": 1, "old": 0}
    assert found["superseded"]["weights"] == {"n": 1, "new": 0, "old": 1}
    assert found["by_tag"]["no name"]["weights"] == {"right": 0, "n": 2}
    [first] = [d for d in found["differences"] if (d["a"], d["b"]) == ("auto", "weights")]
    assert (first["won"], first["lost"], first["n"]) == (4, 0, 3)
    assert first["mean"] == pytest.approx((1 + 1 + 0.5) / 3)  # each document counts once
    other = FakeLearner(SAID)
    other.outcomes["new"] = "rejected"
    without = _figures(_run(tmp_path / "b", other), other)
    assert without["superseded"] == {}
    # Nothing newer is live, so that the old answer is right.
    assert without["ways"]["weights"]["right"] == 2 and without["ways"]["auto"]["right"] == 4


def test_a_document_that_a_kill_cut_off_has_no_time(tmp_path: Path) -> None:
    learner = FakeLearner(SAID, stop_after=8)  # the warm-ups, five questions, and the first document
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path, learner)
    assert learner.cut_off == "learn"
    found = _figures(_run(tmp_path, learner), learner)
    assert found["seconds"]["learn"]["n"] == 2 and found["live"]["live"] == 3
    assert [d["seconds"] is None for d in found["documents"]] == [True, False, False]


def test_the_table_says_who_was_stopped_and_why(tmp_path: Path) -> None:
    learner = FakeLearner(SAID)
    learner.outcomes["other"] = "rejected"
    found = _figures(_run(tmp_path, learner), learner)
    text = markdown({"model": "m", "half": "development"}, found)
    assert "Documents: 3, 2 live, 1 rejected" in text and "- other.md: rejected: so" in text
    assert "| auto | 5 of 5 | 100 |" in text and "| the bare base | 0 of 5 | 0 |" in text


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    Records(path).add({"n": 1})
    path.write_bytes(path.read_bytes() + b'{"n": ')
    again = Records(path)
    assert again.all == [{"n": 1}]
    again.add({"n": 2})
    assert Records(path).all == [{"n": 1}, {"n": 2}]


def test_documents_are_chosen_by_name() -> None:
    names = [d.file for d in load_half("development", ["orsolya-tennant", "garden-meeting-notes.txt"])]
    assert names == ["orsolya-tennant.md", "garden-meeting-notes.txt"]
    with pytest.raises(InputError, match="no document 'orsolya-tenant'"):
        load_half("development", ["orsolya-tenant"])
    with pytest.raises(InputError, match="no set 'developement'"):
        load_half("developement")


def test_the_command_with_a_learner_that_is_one(
    tmp_path: Path,
    toy: Path,
    gates: Gates,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hand_in_everywhere(monkeypatch)
    documents = [fake("recipe a"), fake("recipe b"), fake("recipe c")]
    records = [
        {
            "title": one.name,
            "context": one.text,
            "questions": [{"question": one.question(what), "answers": [v]} for what, v in one.values.items()],
        }
        for one in documents
    ]
    half, out, settings = tmp_path / "half.json", tmp_path / "run", tmp_path / "learner.toml"
    half.write_text(json.dumps(records), encoding="utf-8")
    settings.write_text(tomli_w.dumps(CONFIG.model_dump(mode="json", exclude_none=True)), encoding="utf-8")
    begun = ["--out", str(out), "--model", str(toy), "--half", str(half), "--cold", "0"]
    assert recipe.main([*begun, "--settings", str(settings), "--documents", documents[1].name]) == 0
    assert recipe.main(["--out", str(out), "--questions-only", "--cold", "0"]) == 0
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert [d["file"] for d in results["documents"]] == [documents[1].name], "those that were learned"
    assert recipe.main(["--out", str(out), "--table"]) == 0 and "not yet" in capsys.readouterr().out
    gates.tell(documents[2], "held")
    assert recipe.main([*begun, "--settings", str(settings)]) == 0
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert [d["outcome"] for d in results["documents"]] == ["live", "live", "held"]
    assert results["run"]["model"] == str(toy) and results["run"]["settings"]["max_answer_tokens"] == 2
    assert set(results["ways"]) == {"base", "weights", "auto"}  # this one cannot be asked by reading
    assert all(one["n"] == 9 for one in results["ways"].values())
    assert capsys.readouterr().out.endswith((out / "results.md").read_text(encoding="utf-8"))
    assert recipe.main(["--out", str(out), "--model", "another"]) == 2
    assert f"is a run with model {str(toy)!r}" in capsys.readouterr().err


@pytest.mark.parametrize("main", [recipe.main, poison.main], ids=["run", "poison"])
def test_a_start_that_failed_refuses_no_other_model(
    main: Callable[[list[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("no/such-model", "nor/this-one"):
        assert main(["--model", name, "--out", str(tmp_path / "run")]) == 2
        told = capsys.readouterr().err
        assert name in told and "is a run with" not in told and "Traceback" not in told
        assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize(("begun", "told"), [(True, "is saved in"), (False, "nothing was written yet")])
def test_who_stops_a_run_is_told_what_is_kept(
    begun: bool, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if begun:
        (tmp_path / RUN).write_text("{}")

    def stopped(_: object) -> str:
        raise KeyboardInterrupt

    assert ended("run.py", tmp_path, stopped) != 0
    assert told in " ".join(capsys.readouterr().err.split())
