"""What `from seal import ...` offers: what its verbs take and give, and what they say to anything else."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import seal
from learners import Gates, begin, fake, learn_all
from seal import Learner, Text, load_documents
from seal.errors import InputError, InputFileError
from seal.learner.answering import Answer
from seal.learner.documents import documents_of
from seal.learner.explaining import Why

A, B, C = fake("face a"), fake("face b"), fake("face c")
WHAT = next(iter(A.values))


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory, toy: Path, gates: Gates) -> Learner:
    made = begin(tmp_path_factory.mktemp("w") / "w", toy)
    learn_all(made, [A, B])
    return made


def test_every_public_name_is_there_and_stated_for_type_checkers() -> None:
    stub = ast.parse((Path(seal.__file__).parent / "__init__.pyi").read_text(encoding="utf-8"))
    stated = {a.asname for one in stub.body if isinstance(one, ast.ImportFrom) for a in one.names}
    assert stated | {"__version__"} == set(seal.__all__) <= set(dir(seal))
    for name in seal.__all__:
        assert getattr(seal, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Lerner'"):
        seal.Lerner  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys; from seal import Learner, Text, load_documents, load_contexts;"
        "print([m for m in ('torch', 'transformers', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == "[]", done.stderr
    code = "import sys, seal; print(sorted(m for m in sys.modules if m.startswith('seal.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_what_needs_no_model_loads_no_torch(learner: Learner) -> None:
    code = (
        "import sys; from seal import Learner; one = Learner.open(sys.argv[1]);"
        "one.versions(), one.documents(), one.live(), one.show(), one.ledger(), one.audit();"
        "print([m for m in ('torch', 'transformers', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(learner.path)], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == "[]", done.stderr


def test_one_question_has_one_answer_and_a_list_has_a_list(learner: Learner) -> None:
    asked = A.question(WHAT)
    answer, answers = learner.ask(asked), learner.ask([asked, B.question(next(iter(B.values)))])
    assert isinstance(answer, Answer) and answer == answers[0] and len(answers) == 2
    why, reasons = learner.why(asked), learner.why((asked,))
    assert isinstance(why, Why) and [why] == reasons and why.document == A.id


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "None of type NoneType is no question"),
        (7, "7 of type int is no question"),
        (b"Who?", "of type bytes is no question"),
        ([b"Who?"], "of type bytes is no question"),
        (["Who?", 3], "3 of type int is no question"),
        ({"Who?": 1}, "of type dict is no question"),
        ([], "the list is empty"),
        ("  ", "a question is empty"),
        (["Who?", ""], "a question is empty"),
    ],
)
def test_what_is_no_question(learner: Learner, given: Any, said: str) -> None:
    for verb in (learner.ask, learner.why):
        with pytest.raises(InputError, match=said) as raised:
            verb(given)
        assert raised.value.hint


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "None of type NoneType is no document"),
        (7, "7 of type int is no document"),
        (b"A text.", "of type bytes is no document"),
        ([b"A text."], "of type bytes is no document"),
        ([1, 2], "1 of type int is no document"),
        ([["A text."]], "of type list is no document"),
        ([], "the list is empty"),
        (Text(None), "a Text of None of type NoneType"),  # pyright: ignore[reportArgumentType]
        (Text("A text.", trust=2), "the trust is 2"),
        (Path("no-such-folder"), "no such file"),
        ("no-such-file.txt", "no file or folder no-such-file.txt"),
        ("no/such/folder", "no file or folder no/such/folder"),
        (["A text.", "notes.jsonl"], "no file or folder notes.jsonl"),
    ],
)
def test_what_is_no_document(learner: Learner, given: Any, said: str) -> None:
    before = learner.documents()
    with pytest.raises(InputError, match=said) as raised:
        learner.learn(given)
    assert raised.value.hint and learner.documents() == before
    assert isinstance(raised.value, InputFileError) == ("no such" in said or "no file" in said)


def test_a_path_and_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "b.md").write_text("# Second\n\nTwo words.\n", encoding="utf-8")
    (folder / "a.txt").write_text("One word.\n", encoding="utf-8")
    (folder / "c.jsonl").write_text('{"title": "Third", "text": "Three words."}\n', encoding="utf-8")
    three = [Text("One word.", "a"), Text("Two words.", "Second"), Text("Three words.", "Third")]
    assert load_documents(folder) == load_documents(str(folder)) == three
    assert documents_of(folder) == documents_of("notes") == documents_of([folder]) == three
    assert documents_of("notes/b.md") == [three[1]]
    assert load_documents(folder / "a.txt", trust=0.5) == [Text("One word.", "a", 0.5)]
    for text in ("One word.", "Either/or is a book.", "See notes/b.md\nfor more", "word", "A" * 10_000):
        assert documents_of(text) == [Text(text)]
    given = Text("Four words.", "Fourth", 0.3)
    assert documents_of(given) == [given] == documents_of([given])
    assert documents_of(["One word.", folder / "b.md", given]) == [Text("One word."), three[1], given]


def test_texts_paths_and_documents_are_learned(learner: Learner, tmp_path: Path) -> None:
    (tmp_path / f"{C.name}.txt").write_text(C.text, encoding="utf-8")
    (told,) = learner.learn(tmp_path)
    assert (told.document, told.title, told.outcome) == (C.id, C.name, "live")
    (told,) = learner.learn(A.text)
    assert (told.document, told.outcome) == (A.id, "known")
    assert [one.outcome for one in learner.learn([B.given(), tmp_path / f"{C.name}.txt"])] == ["known"] * 2


def test_the_verbs_on_the_record(learner: Learner, tmp_path: Path) -> None:
    live = learner.live()
    assert live is not None and live == learner.version() == learner.versions()[-1]
    shown = learner.show()
    assert shown.version == live and {d.id for d in shown.documents} == set(live.documents)
    assert [b.key for b in shown.builds] == list(live.builds) and shown.report["decision"][
        "outcome"
    ] == "live"
    assert [e.action for e in shown.history] == ["version.add", "alias.move", "job.finish"]
    assert learner.audit().sound and learner.ledger()[-1].action == "job.finish"
    earlier = learner.rollback(reason="look")
    assert earlier.id == live.parent and learner.live() == earlier
    assert learner.rollback(live.id, reason="back").id == live.id
    done = learner.export(tmp_path / "out", document=A.name)
    assert done.folder.is_dir() and done.questions == len(A.values)
    learner.rollback()
    assert learner.reject(live.id, reason="test").state == "rejected"
