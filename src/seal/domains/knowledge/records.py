"""JSON records to contexts, with errors that name the place: file, line and column, or record and key.

Knows the two shapes of `load.load_contexts`. Knows nothing about files beyond the name it puts in messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from seal.errors import InputError, InputFileError
from seal.types import Context, Question

_RECORD_HINT: Final = (
    'A record is {"title": "...", "context": "...", "questions": [{"question": "...", "answer": "..."}]}.'
)
_SQUAD_HINT: Final = (
    'SQuAD is {"data": [{"title": "...", "paragraphs": [{"context": "...", "qas": [{"question": "...", '
    '"answers": [{"text": "..."}]}]}]}]}.'
)
_NAMES: Final = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def json_contexts(text: str, path: Path) -> list[Context]:
    """Return the contexts of a `.json` file: SQuAD, a list of records, or one record; ids are left empty.

    Raises:
        InputFileError: the JSON is broken.
        InputError: it has the wrong shape, or something in it is empty.
    """
    value = _parse(text, f"{path}")
    if isinstance(value, Mapping) and "data" in value:
        return list(_squad(value, f"{path}"))
    if isinstance(value, Mapping):
        return [_record(value, f"{path}: record")]
    if isinstance(value, list):
        return [_record(item, f"{path}: record [{index}]") for index, item in enumerate(value)]
    raise InputError(f"{path}: expected an object or a list, found {_name(value)}.", _RECORD_HINT)


def json_lines_contexts(text: str, path: Path) -> list[Context]:
    """Return the contexts of a `.jsonl` file: a record a line, blank lines passed over; ids are left empty.

    Raises:
        InputFileError: the JSON of a line is broken.
        InputError: a record has the wrong shape, or something in it is empty.
    """
    # Only a line feed ends a record: U+2028 and the like may stand inside JSON text.
    return [
        _record(_parse(line, f"{path}", number), f"{path}: line {number}")
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]


def _parse(text: str, where: str, line: int | None = None) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno if line is None else line}, column {error.colno}"
        hint = "Correct it there." if line is None else "Correct it there; every line is a record of its own."
        raise InputFileError(f"{where}: broken JSON at {at}: {error.msg}.", hint) from error
    except (RecursionError, ValueError) as error:
        at = "" if line is None else f" at line {line}"
        raise InputFileError(f"{where}: the JSON cannot be read{at}: {error}.", _RECORD_HINT) from error


def _squad(value: Mapping[str, Any], where: str) -> Iterator[Context]:
    for a, article in enumerate(_list(value, "data", where, _SQUAD_HINT)):
        at = f"{where}: data[{a}]"
        article = _object(article, at, _SQUAD_HINT)
        # SQuAD writes its titles as in an address: "New_York%2C_New_York"
        title = unquote(_text(article, "title", at, _SQUAD_HINT).replace("_", " "))
        for p, paragraph in enumerate(_list(article, "paragraphs", at, _SQUAD_HINT)):
            inner = f"{at}.paragraphs[{p}]"
            paragraph = _object(paragraph, inner, _SQUAD_HINT)
            text = _passage(paragraph, "context", inner, _SQUAD_HINT)
            questions = [
                _question(item, f"{inner}.qas[{q}]", _SQUAD_HINT)
                for q, item in enumerate(_list(paragraph, "qas", inner, _SQUAD_HINT))
                if not (isinstance(item, Mapping) and item.get("is_impossible") is True)
            ]
            yield Context(id="", title=title.strip(), text=text, questions=tuple(questions))


def _record(value: Any, where: str) -> Context:
    record = _object(value, where, _RECORD_HINT)
    title = _text(record, "title", where, _RECORD_HINT).strip()
    text = _passage(record, "text" if "text" in record and "context" not in record else "context", where)
    if "question" in record and "questions" not in record:
        raise InputError(f'{where}: the key "question" stands in the record itself.', _RECORD_HINT)
    items = [] if record.get("questions") is None else _list(record, "questions", where, _RECORD_HINT)
    questions = [_question(item, f"{where}, questions[{q}]", _RECORD_HINT) for q, item in enumerate(items)]
    return Context(id="", title=title, text=text, questions=tuple(questions))


def _question(value: Any, where: str, hint: str) -> Question:
    item = _object(value, where, hint)
    text = _text(item, "question", where, hint).strip()
    if not text:
        raise InputError(f"{where}: the question is empty.", "Write the question, or take it out.")
    given = item.get("answers", item.get("answer"))
    if given is None:
        raise InputError(f'{where}: the question "{_short(text)}" has no answer.', hint)
    answers: dict[str, None] = {}  # keeps the order, drops repetitions
    for n, answer in enumerate(given if isinstance(given, list) else [given]):
        answer = answer.get("text") if isinstance(answer, Mapping) else answer
        if isinstance(answer, int | float) and not isinstance(answer, bool):
            answer = str(answer)
        if not isinstance(answer, str):
            raise InputError(f"{where}: answer [{n}] must be a text, found {_name(answer)}.", hint)
        if not answer.strip():
            raise InputError(f'{where}: an answer to "{_short(text)}" is empty.', "Write it, or take it out.")
        answers[answer.strip()] = None
    if not answers:
        raise InputError(f'{where}: the question "{_short(text)}" has no answer.', hint)
    name = item.get("id", "")
    return Question(text=text, answers=tuple(answers), id=str(name) if isinstance(name, str | int) else "")


def _passage(record: Mapping[str, Any], key: str, where: str, hint: str = _RECORD_HINT) -> str:
    text = _text(record, key, where, hint).strip()
    if not text:
        raise InputError(f'{where}: the passage is empty (key "{key}").', "Write it, or take the record out.")
    return text


def _object(value: Any, where: str, hint: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: expected an object, found {_name(value)}.", hint)
    return value


def _list(record: Mapping[str, Any], key: str, where: str, hint: str) -> list[Any]:
    if key not in record:
        raise InputError(f'{where}: the key "{key}" is missing{_present(record)}.', hint)
    if not isinstance(record[key], list):
        raise InputError(f'{where}: the key "{key}" must hold a list, found {_name(record[key])}.', hint)
    return record[key]


def _text(record: Mapping[str, Any], key: str, where: str, hint: str) -> str:
    if key not in record:
        raise InputError(f'{where}: the key "{key}" is missing{_present(record)}.', hint)
    if not isinstance(record[key], str):
        raise InputError(f'{where}: the key "{key}" must hold a text, found {_name(record[key])}.', hint)
    return record[key]


def _present(record: Mapping[str, Any]) -> str:
    keys = ", ".join(f'"{_short(str(key))}"' for key in list(record)[:6])
    return f" (there are {keys})" if keys else ""


def _name(value: Any) -> str:
    return _NAMES.get(type(value), "a number")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
