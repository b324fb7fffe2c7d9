"""Loading contexts: every accepted shape, and every bad input with what its message must say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from seal.domains.knowledge import Knowledge, KnowledgeConfig, clean_answer, load_contexts, require_questions
from seal.errors import ConfigError, InputError, InputFileError
from seal.learner.room import shortened_title
from seal.types import Context, Question, SelfEdit

TEXT = "Orlen Vask built the lighthouse of Tamsin Bay in 1871. It burned down nine years later."
QUESTION = {"question": "Who built the lighthouse?", "answer": "Orlen Vask"}
RECORD = {"title": "Tamsin Bay", "context": TEXT, "questions": [QUESTION]}


def _squad(**question: object) -> dict:
    asked = {
        "id": "q1",
        "question": "When was it built?",
        "answers": [
            {"text": "1871", "answer_start": 49},
            {"text": "1871", "answer_start": 49},
            {"text": "in 1871"},
        ],
        **question,
    }
    return {"data": [{"title": "Tamsin_Bay%2C_Upper", "paragraphs": [{"context": TEXT, "qas": [asked]}]}]}


def _write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8", newline="")
    return path


def test_squad(tmp_path: Path) -> None:
    (context,) = load_contexts(_write(tmp_path, "squad.json", _squad()))
    assert (context.title, context.text) == ("Tamsin Bay, Upper", TEXT)
    assert context.questions == (Question("When was it built?", ("1871", "in 1871"), "q1"),)


def test_squad_leaves_unanswerable_questions_out(tmp_path: Path) -> None:
    (context,) = load_contexts(_write(tmp_path, "squad.json", _squad(is_impossible=True, answers=[])))
    assert context.questions == ()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.json", [RECORD]),
        ("one.json", RECORD),
        ("bom.json", "\ufeff" + json.dumps([RECORD])),
        ("lines.jsonl", json.dumps(RECORD) + "\n\n"),
        ("crlf.jsonl", json.dumps(RECORD) + "\r\n"),
        (
            "text.jsonl",
            {"title": "Tamsin Bay", "text": TEXT, "questions": [{**QUESTION, "answers": ["Orlen Vask"]}]},
        ),
    ],
)
def test_records(tmp_path: Path, name: str, content: object) -> None:
    (context,) = load_contexts(_write(tmp_path, name, content))
    assert (context.title, context.text) == ("Tamsin Bay", TEXT)
    assert [(q.text, q.answers) for q in context.questions] == [
        ("Who built the lighthouse?", ("Orlen Vask",))
    ]


def test_json_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    record = json.dumps({"title": "T", "text": "one\u2028two"}, ensure_ascii=False)
    (context,) = load_contexts(_write(tmp_path, "a.jsonl", record))
    assert context.text == "one\u2028two"


@pytest.mark.parametrize(
    ("name", "content", "title", "text"),
    [
        ("bay.txt", TEXT, "bay", TEXT),
        ("bay.md", f"# The Bay #\n\n{TEXT}\n\n## Later\nMore.", "The Bay", f"{TEXT}\n\n## Later\nMore."),
        ("bay.markdown", f"Before.\n## Second\n{TEXT}", "bay", f"Before.\n## Second\n{TEXT}"),
        ("code.md", "```\n# a comment\n```\n#hashtag", "code", "```\n# a comment\n```\n#hashtag"),
    ],
)
def test_documents(tmp_path: Path, name: str, content: str, title: str, text: str) -> None:
    (context,) = load_contexts(_write(tmp_path, name, content))
    assert (context.title, context.text, context.questions) == (title, text, ())


def test_folder_reads_known_files_in_order_and_passes_over_the_rest(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("b.txt", "a.md", "sub/c.txt", ".hidden/d.txt"):
        _write(tmp_path, name, f"Text of {name}.")
    _write(tmp_path, "picture.png", b"\x89PNG")
    assert [context.title for context in load_contexts(tmp_path)] == ["a", "b", "c"]


def test_ids_depend_on_title_and_text_only_and_twins_become_one(tmp_path: Path) -> None:
    other = {**RECORD, "questions": [QUESTION, {"question": "What burned down?", "answer": "the lighthouse"}]}
    (merged,) = load_contexts(_write(tmp_path, "a.json", [RECORD, other]))
    (alone,) = load_contexts(_write(tmp_path, "b.jsonl", {"title": "Tamsin Bay", "text": TEXT}))
    assert merged.id == alone.id and len(merged.id) == 16
    assert [q.text for q in merged.questions] == ["Who built the lighthouse?", "What burned down?"]
    assert len({q.id for q in merged.questions}) == 2


def test_questions_with_one_id_get_ids_of_their_own(tmp_path: Path) -> None:
    questions = [{"id": "q", "question": f"Number {n}?", "answer": f"{n}"} for n in range(3)]
    (context,) = load_contexts(_write(tmp_path, "a.json", [{**RECORD, "questions": questions}]))
    assert len({q.id for q in context.questions}) == 3


BAD_FILES = [
    ("a.json", b'[{"title": "caf\xc3\xa9"}]\n\xff', ["is UTF-8, but not", "0xff", "offset 21", "line 2"]),
    ("a.txt", b"\xff\xfeword\x00\xd8", ["says that it is UTF-16", "broken"]),
    ("a.json", '[\n {"title": "x",\n  "context" "y"}\n]', ["broken JSON", "line 3, column 13"]),
    ("a.jsonl", '{"title": "x", "text": "y"}\n{"title": }\n', ["broken JSON", "line 2, column 11"]),
    ("a.json", "[" * 100_000, ["a.json", "cannot be read"]),
    ("a.json", "", ["file is empty"]),
    ("a.md", " \n\t\n", ["file is empty"]),
    ("a.json", "[]", ["no passage in the file"]),
    ("a.jsom", "[]", ["unknown file suffix", ".jsom", "Did you mean .json?", ".txt"]),
    ("notes", "text", ["no suffix", ".txt"]),
]


@pytest.mark.parametrize(("name", "content", "said"), BAD_FILES)
def test_bad_file(tmp_path: Path, name: str, content: object, said: list[str]) -> None:
    path = _write(tmp_path, name, content)
    with pytest.raises(InputFileError) as caught:
        load_contexts(path)
    _says(caught.value, [str(path), *said])


BAD_RECORDS = [
    ("a.json", "3", ["expected an object or a list", "a number"]),
    ("a.json", [RECORD, "x"], ["record [1]", "expected an object", "a text"]),
    ("a.json", [{"context": TEXT}], ["record [0]", '"title" is missing', 'there are "context"']),
    ("a.json", [{"title": "x"}], ["record [0]", '"context" is missing']),
    ("a.json", [{"title": [4], "context": TEXT}], ['"title" must hold a text', "a list"]),
    ("a.json", [{"title": "x", "context": " \n"}], ["record [0]", "passage is empty"]),
    ("a.jsonl", '{"title": "x", "text": "y"}\n\n{"title": "x", "text": ""}', ["line 3", "passage is empty"]),
    ("a.json", [{**RECORD, "questions": "Who?"}], ['"questions" must hold a list', "a text"]),
    (
        "a.json",
        [{**RECORD, "questions": [QUESTION, {"question": " "}]}],
        ["questions[1]", "question is empty"],
    ),
    ("a.json", [{**RECORD, "questions": [{"question": "Who?"}]}], ["questions[0]", '"Who?" has no answer']),
    (
        "a.json",
        [{**RECORD, "questions": [{"question": "Who?", "answer": ""}]}],
        ['answer to "Who?" is empty'],
    ),
    (
        "a.json",
        [{**RECORD, "questions": [{"question": "Who?", "answers": [{"text": ["a"]}]}]}],
        ["answer [0]", "a list"],
    ),
    ("a.json", [{"title": "x", "context": TEXT, "question": "Who?"}], ["record [0]", '"Who?" has no answer']),
    ("a.json", {"data": {}}, ['"data" must hold a list', "an object", "SQuAD"]),
    ("a.json", {"data": [{"title": "x"}]}, ["data[0]", '"paragraphs" is missing']),
    ("a.json", _squad(answers=[{"text": " "}]), ["data[0].paragraphs[0].qas[0]", "is empty"]),
    (
        "a.json",
        {"data": [{"title": "x", "paragraphs": [{"context": ""}]}]},
        ["data[0].paragraphs[0]", "empty"],
    ),
    ("a.md", "# Only a heading\n", ["passage is empty", "heading"]),
]


@pytest.mark.parametrize(("name", "content", "said"), BAD_RECORDS)
def test_bad_record(tmp_path: Path, name: str, content: object, said: list[str]) -> None:
    path = _write(tmp_path, name, content)
    with pytest.raises(InputError) as caught:
        load_contexts(path)
    _says(caught.value, [str(path), *said])


def _says(error: InputError, said: list[str]) -> None:
    for words in said:
        assert words in str(error)
    assert error.hint


def test_missing_file_suggests_the_nearest(tmp_path: Path) -> None:
    near = _write(tmp_path, "passages.json", [RECORD])
    with pytest.raises(InputFileError, match="no such file") as caught:
        load_contexts(tmp_path / "pasages.json")
    assert str(near) in str(caught.value)
    with pytest.raises(InputFileError, match="no such file"):
        load_contexts(tmp_path / "nowhere" / "x.unknown")


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path, "a.txt", TEXT)

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)  # a superuser may read everything, whatever its mode
    with pytest.raises(InputFileError, match="cannot be read: Permission denied"):
        load_contexts(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(InputFileError, match="not a regular file"):
        load_contexts(tmp_path / "pipe.txt")


def test_folder_without_readable_files(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="no file that can be read"):
        load_contexts(tmp_path)


def test_require_questions_names_those_without() -> None:
    asked = Context("1", "Asked", TEXT, (Question("Who?", ("he",)),))
    require_questions([asked])
    silent = [Context(f"{n}", f"Silent {n}", TEXT) for n in range(7)]
    with pytest.raises(InputError, match=r'7 of 8 contexts have no questions.*"Silent 0".*and 2 more'):
        require_questions([asked, *silent])
    with pytest.raises(InputError, match="no contexts"):
        require_questions([])


CONTEXT = Context("1", "Tamsin Bay", TEXT)


def test_examples_are_titled_lines_and_then_the_passage() -> None:
    edit = SelfEdit("1", "implications", "", ("A.", "B.", "C."))
    texts = [example.completion for example in Knowledge().examples(CONTEXT, edit)]
    assert texts == [f"Tamsin Bay\n{line}" for line in ("A.", "B.", "C.", TEXT)]
    config = KnowledgeConfig(include_passage=False, title_prefix=False, lines_per_example=2)
    assert [e.completion for e in Knowledge(config).examples(CONTEXT, edit)] == ["A.\nB.", "C."]
    assert all(example.prompt == "" for example in Knowledge().examples(CONTEXT, edit))


def test_examples_of_questions_have_the_form_of_the_exam() -> None:
    line = "Question: Who?\nAnswer: Orlen Vask"
    edit = SelfEdit("1", "self-qa", "", (line,))
    first, last = Knowledge().examples(CONTEXT, edit)
    assert (first.completion, last.completion) == (line, f"Tamsin Bay\n{TEXT}")
    prompt = Knowledge().exam_prompt(Question("Who?", ("x",)), "short")
    assert isinstance(prompt, str) and first.completion.startswith(prompt)
    titled = Knowledge(KnowledgeConfig(title_on_questions=True)).examples(CONTEXT, edit)
    assert titled[0].completion == f"Tamsin Bay\n{line}"


def test_exam_prompts() -> None:
    domain, question = Knowledge(), Question("Who {built} it?", ("he",))
    base = "Let's answer a question directly and concisely.\nQuestion: Who {built} it?\nAnswer:"
    assert domain.exam_prompt(question, "base") == base
    assert domain.exam_prompt(question, "short") == "Question: Who {built} it?\nAnswer:"
    (message,) = domain.exam_prompt(question, "chat")
    assert isinstance(message, dict) and message["role"] == "user" and "Who {built} it?" in message["content"]
    opened = domain.open_book_prompt(CONTEXT, question, "short")
    assert opened == f"Tamsin Bay\n{TEXT}\n\nQuestion: Who {{built}} it?\nAnswer:"
    with pytest.raises(ConfigError, match='unknown prompt style "long"'):
        domain.exam_prompt(question, "long")


@pytest.mark.parametrize(
    ("text", "answer"), [(" 1871\nQuestion: x", "1871"), ("\n\n a b \n c", "a b"), ("", ""), (" \n", "")]
)
def test_clean_answer(text: str, answer: str) -> None:
    assert clean_answer(text) == Knowledge().clean_answer(text) == answer


@pytest.mark.parametrize("text_key", ["context", "text", "passage"])
@pytest.mark.parametrize("questions_key", ["questions", "qas"])
def test_a_record_by_either_of_its_names(tmp_path: Path, text_key: str, questions_key: str) -> None:
    path = _write(tmp_path, "own.json", [{"title": "Tamsin Bay", text_key: TEXT, questions_key: [QUESTION]}])
    [context] = load_contexts(path)
    assert (context.text, context.questions[0].answers) == (TEXT, ("Orlen Vask",))


def test_a_long_title_leaves_room() -> None:
    title = " ".join(f"word{n}" for n in range(200))
    short = shortened_title(title, lambda text: len(text.split()), 20)
    assert title.startswith(short) and len(short.split()) == 20
    assert shortened_title("Alder Mill", lambda text: len(text.split()), 20) == "Alder Mill"
