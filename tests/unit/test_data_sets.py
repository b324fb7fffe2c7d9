"""Data sets as pandas, the hub and spreadsheets write them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seal.domains.knowledge import load_contexts
from seal.errors import InputError
from seal.learner.documents import Text, with_questions
from seal.types import Question

TEXT = "Orlen Vask built the lighthouse of Tamsin Bay in 1871. It burned down nine years later."
NAN = float("nan")
ROW = {"title": "Bay", "context": TEXT, "question": "Who built it?", "answers": {"text": ["Orlen Vask"]}}


def load(
    path: Path, content: object, said: list[str] | None = None
) -> list[tuple[str, str, dict[str, tuple]]]:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    contexts = load_contexts(path, notice=(said if said is not None else []).append)
    return [(c.title, c.text, {q.text: q.answers for q in c.questions}) for c in contexts]


def test_the_hubs_form(tmp_path: Path) -> None:
    other = {
        **ROW,
        "id": "b",
        "question": "When?",
        "answers": {"text": ["1871", "in 1871"], "answer_start": [49, 46]},
    }
    told = [("Bay", TEXT, {"Who built it?": ("Orlen Vask",), "When?": ("1871", "in 1871")})]
    assert load(tmp_path / "a.json", [ROW, other]) == told
    assert load(tmp_path / "a.jsonl", f"{json.dumps(ROW)}\n{json.dumps(other)}\n") == told
    assert load(tmp_path / "a.ndjson", f"{json.dumps(ROW)}\n{json.dumps(other)}\n") == told
    assert load(tmp_path / "b.json", {"rows": [{"row": ROW}, {"row": other}]}) == told
    inside = [{**ROW, "questions": [{"question": "Who built it?", "answers": ROW["answers"]}]}]
    assert load(tmp_path / "c.json", inside)[0][2] == {"Who built it?": ("Orlen Vask",)}
    flat = {**{k: v for k, v in ROW.items() if k != "answers"}, "answers.text": ["Orlen Vask"]}
    assert load(tmp_path / "d.json", [flat])[0][2] == {"Who built it?": ("Orlen Vask",)}


@pytest.mark.parametrize(
    ("value", "answers"),
    [
        (1874.0, ("1874",)),
        (-3.0, ("-3",)),
        (3.5, ("3.5",)),
        (1874, ("1874",)),
        ("1874.0", ("1874.0",)),  # which somebody wrote
        ([1874.0, NAN, "x"], ("1874", "x")),
        ({"text": [1874.0]}, ("1874",)),
        ({"value": "Vask", "aliases": []}, ("Vask",)),
    ],
)
def test_answers_that_are_numbers(tmp_path: Path, value: Any, answers: tuple[str, ...]) -> None:
    [(_, _, asked)] = load(tmp_path / "a.json", [{**ROW, "answers": value}])
    assert asked == {"Who built it?": answers}


MISSING = [
    ({"answers": NAN}, "1 question that the passage does not answer was left out"),
    ({"answers": None}, "1 question that"),
    ({"answers": []}, "1 question that"),
    ({"answers": {"text": [], "answer_start": []}}, "1 question that"),
    ({"is_impossible": True, "answers": [{"text": "x"}]}, "1 question that"),
    ({"is_impossible": 1.0}, "1 question that"),
    ({"question": NAN}, ""),
    ({"question": None}, ""),
    ({"questions": NAN, "question": None}, ""),
]


@pytest.mark.parametrize(("change", "said"), MISSING)
def test_what_is_missing_is_left_out_and_counted(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    told: list[str] = []
    assert load(tmp_path / "a.json", [{**ROW, **change}], told) == [("Bay", TEXT, {})]
    assert (not said and not told) or (len(told) == 1 and said in told[0] and "a.json" in told[0])


def test_a_record_without_a_passage_is_left_out_and_counted(tmp_path: Path) -> None:
    told: list[str] = []
    assert len(load(tmp_path / "a.json", [ROW, {**ROW, "context": NAN}, {**ROW, "context": None}], told)) == 1
    assert "2 records without a passage were left out" in told[0]
    [(title, _, _)] = load(tmp_path / "b.json", [{**ROW, "title": 1984.0}])
    assert title == "1984"
    assert load(tmp_path / "c.json", [{**ROW, "title": NAN}])[0][0] == ""


def test_impossible_questions_of_squad_are_counted(tmp_path: Path) -> None:
    asked = [
        {"question": f"Number {n}?", "is_impossible": n > 0, "answers": [{"text": "x"}]} for n in range(4)
    ]
    told: list[str] = []
    squad = {"version": "v2.0", "data": [{"title": "A_B", "paragraphs": [{"context": TEXT, "qas": asked}]}]}
    assert load(tmp_path / "a.json", squad, told) == [("A B", TEXT, {"Number 0?": ("x",)})]
    assert told == [f"{tmp_path / 'a.json'}: 3 questions that the passage does not answer were left out"]


@pytest.mark.parametrize(
    "told",
    [
        [{"question": "When?", "answer": 1874}],
        {"questions": [{"question": "When?", "answer": 1874}]},
        {"Bay": [{"question": "When?", "answer": 1874}]},
        {"When?": 1874},
        {"When?": ["1874", None]},
    ],
)
def test_questions_of_one_document_in_any_form(tmp_path: Path, told: object) -> None:
    (tmp_path / "q.json").write_text(json.dumps(told), encoding="utf-8")
    [text] = with_questions([Text(TEXT, "Bay")], tmp_path / "q.json")
    assert [(q.text, q.answers) for q in text.questions] == [("When?", ("1874",))]


def test_what_is_wrong_in_records_is_said_of_them(tmp_path: Path) -> None:
    row = {"title": "Bay", "context": TEXT, "questions": [{"question": True, "answer": "so"}]}
    (tmp_path / "q.json").write_text(json.dumps([row]), encoding="utf-8")
    with pytest.raises(InputError, match="found true or false"):
        with_questions([Text(TEXT, "Bay")], tmp_path / "q.json")


@pytest.mark.parametrize("form", ["answer", "answers", "hub"])
def test_true_and_false_are_answers(tmp_path: Path, form: str) -> None:
    """As sets of questions with yes or no have them."""
    rows = []
    for text, value in (("Open?", True), ("Closed?", False)):
        told = {"answer": value} if form == "answer" else {"answers": [value]}
        rows.append({"question": text, **({"answers": {"text": [value]}} if form == "hub" else told)})
    (tmp_path / "q.json").write_text(json.dumps([{"title": "Bay", "text": TEXT, "questions": rows}]))
    [context] = load_contexts(tmp_path / "q.json")
    assert [q.answers for q in context.questions] == [("yes", "true"), ("no", "false")]


def test_research_says_what_its_file_left_out(tmp_path: Path) -> None:
    from seal.engine.start import Watch
    from seal.research.config import load_config
    from seal.research.examine import evaluation_source
    from seal.research.train import training_contexts

    class Said(Watch):
        def __init__(self) -> None:
            self.notices: list[str] = []

        def notice(self, text: str) -> None:
            self.notices.append(text)

    asked = [
        {"question": f"Number {n}?", "is_impossible": n > 0, "answers": [{"text": "x"}]} for n in range(4)
    ]
    squad = {"data": [{"title": "Bay", "paragraphs": [{"context": TEXT, "qas": asked}]}]}
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(squad), encoding="utf-8")
    config = load_config(None, {"data.train": str(path), "data.evaluation": str(path), "data.fresh": False})
    said = Said()
    [context] = training_contexts(config, said)
    assert [question.text for question in context.questions] == ["Number 0?"]
    assert evaluation_source(config, ["base"], said).contexts == [context]
    assert said.notices == [f"{path}: 3 questions that the passage does not answer were left out"] * 2


WORD = st.text(st.sampled_from("abcdefgh ,;'\"äß1\n|"), min_size=1, max_size=12).map(lambda t: f"w{t}w")
ANSWER = st.one_of(WORD, st.integers(-999, 9999), st.just(None))
RECORDS = st.lists(
    st.fixed_dictionaries({"title": WORD, "context": WORD, "question": WORD, "answer": ANSWER}),
    min_size=1,
    max_size=6,
)


def as_csv(records: list[dict[str, Any]]) -> str:
    raw = io.StringIO(newline="")
    writer = csv.DictWriter(raw, ["", *records[0]])  # the first column is pandas' index
    writer.writeheader()
    gaps = any(r["answer"] is None for r in records) and not any(
        isinstance(r["answer"], str) for r in records
    )
    for at, record in enumerate(records):
        answer = record["answer"]
        if gaps and answer is not None:
            answer = float(answer)
        writer.writerow({"": at, **record, "answer": answer})
    return raw.getvalue()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=RECORDS)
def test_a_data_set_is_the_same_in_any_form(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    floats = [
        {
            **r,
            "answer": float(r["answer"])
            if isinstance(r["answer"], int)
            else NAN
            if r["answer"] is None
            else r["answer"],
        }
        for r in records
    ]
    names = list(records[0])
    hub = [
        {**r, "answers": {"text": [r["answer"]] if r["answer"] is not None else [], "answer_start": []}}
        for r in records
    ]
    forms: dict[str, object] = {
        "records.json": floats,
        "nulls.json": records,
        "lines.jsonl": "\n".join(map(json.dumps, floats)),
        "columns.json": {name: {str(at): r[name] for at, r in enumerate(floats)} for name in names},
        "split.json": {"columns": names, "index": [], "data": [[r[name] for name in names] for r in floats]},
        "table.json": {"schema": {}, "data": records},
        "hub.json": [{k: v for k, v in r.items() if k != "answer"} for r in hub],
        "table.csv": as_csv(records),
    }
    expected: dict[tuple[str, str], dict[str, list[str]]] = {}
    for r in records:
        asked = expected.setdefault((r["title"].strip(), r["context"].strip()), {})
        if r["answer"] is not None:
            asked.setdefault(r["question"].strip(), []).append(str(r["answer"]).strip())
    n_missing = sum(r["answer"] is None for r in records)
    for name, content in forms.items():
        said: list[str] = []
        contexts = {}
        (tmp_path / name).write_text(
            content if isinstance(content, str) else json.dumps(content), encoding="utf-8", newline=""
        )
        for c in load_contexts(tmp_path / name, notice=said.append):
            asked = contexts.setdefault((c.title, c.text), {})
            for q in c.questions:
                asked.setdefault(q.text, []).extend(q.answers)
        assert {k: {q: sorted(set(a)) for q, a in v.items()} for k, v in contexts.items()} == {
            k: {q: sorted(set(a)) for q, a in v.items()} for k, v in expected.items()
        }, name
        assert bool(said) == bool(n_missing) and all(f"{n_missing} question" in text for text in said), name


def test_answers_as_pandas_writes_them_into_a_cell(tmp_path: Path) -> None:
    cells = [
        "{'text': array(['Orlen Vask', 'Vask'], dtype=object), 'answer_start': array([0, 6], dtype=int32)}",
        '{"text": ["Orlen Vask", "Vask"], "answer_start": [0, 6]}',
        "['Orlen Vask', 'Vask']",
    ]
    for cell in cells:
        raw = io.StringIO(newline="")
        csv.writer(raw).writerows([["Title", "Context", "Question", "Answers"], ["Bay", TEXT, "Who?", cell]])
        assert load(tmp_path / "a.csv", raw.getvalue()) == [("Bay", TEXT, {"Who?": ("Orlen Vask", "Vask")})]


def test_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    other = {**ROW, "question": "When?", "answers": {"text": ["1871"]}, "year": None}
    rows = [{**ROW, "year": 1871.0}, other, {**other, "question": "Why?", "answers": {"text": []}}]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    said: list[str] = []
    [context] = load_contexts(tmp_path / "a.parquet", notice=said.append)
    assert [q.text for q in context.questions] == ["Who built it?", "When?"] and "1 question" in said[0]
    parquet.write_table(
        arrow.table({"Plan": ["Pro", "Free"], "Seats": [3.0, None]}), tmp_path / "plans.parquet"
    )
    [context] = load_contexts(tmp_path / "plans.parquet")
    assert context.title == "plans" and "| Pro | 3 |" in context.text


ONE, TWO = Text("Anna Berg is a nurse.", "People"), Text("Jon Holt is a smith.", "People")
ASKED = [{"question": "Who is it?", "answer": "Anna Berg"}, {"question": "What?", "answer": 1874.0}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("q.json", json.dumps(ASKED)),
        ("q.json", json.dumps({"questions": ASKED})),
        ("q.jsonl", "\n".join(map(json.dumps, ASKED))),
        ("q.csv", "question,answer\nWho is it?,Anna Berg\nWhat?,1874\n"),
        ("q.json", json.dumps([{"title": "Other", "context": "x", "questions": ASKED}])),
    ],
)
def test_a_list_of_questions_is_the_exam_of_one_document(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    [text] = with_questions([ONE], tmp_path / name)
    assert [(q.text, q.answers) for q in text.questions] == [
        ("Who is it?", ("Anna Berg",)),
        ("What?", ("1874",)),
    ]
    with pytest.raises(InputError, match=r"2 documents|no questions for any"):
        with_questions([ONE, TWO], tmp_path / name)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(2, 5), order=st.randoms(use_true_random=False))
def test_paragraphs_under_one_title_keep_their_own_exams(tmp_path: Path, n: int, order: Any) -> None:
    texts = [Text(f"The {at}th person of the town is called Anna {at}.", "People") for at in range(n)]
    records = [
        {
            "title": "People",
            "context": text.text.replace(" ", "  "),
            "questions": [{"question": f"Which {at}?", "answer": f"{at}"}],
        }
        for at, text in enumerate(texts)
    ]
    order.shuffle(records)
    (tmp_path / "exam.json").write_text(json.dumps(records))
    told = with_questions(texts, tmp_path / "exam.json")
    assert [text.questions for text in told] == [
        (Question(f"Which {at}?", (f"{at}",), q.id),) for at, text in enumerate(told) for q in text.questions
    ]
    whole = Text("\n\n".join(text.text for text in texts), "People")
    [all_of_it] = with_questions([whole], tmp_path / "exam.json")
    assert len(all_of_it.questions) == n
