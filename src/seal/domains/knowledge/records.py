"""JSON records to contexts, with errors that name the place: file, line and column, or record and key.

Knows the shapes that `load.load_contexts` lists. Questions that have no answer are left out, and how many is
told. Knows nothing about how values are written (cells.py).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from seal.domains.knowledge.cells import is_missing, is_true, records_in, said
from seal.domains.knowledge.sources import Source
from seal.errors import InputError, InputFileError
from seal.types import Context, Question

_RECORD_HINT: Final = (
    'A record is {"title": "...", "context": "...", "questions": [{"question": "...", "answer": "..."}]}.'
)
_SQUAD_HINT: Final = (
    'SQuAD is {"data": [{"title": "...", "paragraphs": [{"context": "...", "qas": [{"question": "...", '
    '"answers": [{"text": "..."}]}]}]}]}.'
)
_QUESTION_HINT: Final = 'A question is {"question": "...", "answer": "..."}.'
_IMPOSSIBLE: Final = "question{} that the passage does not answer"
_UNASKED: Final = "record{} without a question"
_TEXTS: Final = ("context", "text", "passage")
_ANSWERS: Final = ("answers", "answer", "answers.text")  # the last as a flattened table has it
_NO_PASSAGE: Final = "record{} without a passage"
_NAMES: Final = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def json_contexts(source: Source) -> list[Context]:
    """Return the contexts of a `.json` file: SQuAD, a list of records, a table of them as pandas writes it,
    or one record; ids are left empty.

    Raises:
        InputFileError: the JSON is broken.
        InputError: it has the wrong shape, or something in it is empty.
    """
    value = _parse(source.text(), source.where)
    left_out: Counter[str] = Counter()
    if (records := records_in(value)) is not None:
        return contexts_of(records, source, "record")
    if isinstance(value, Mapping) and "data" in value:
        contexts = list(_squad(value, source.where, left_out))
    elif isinstance(value, Mapping):
        contexts = [_record(value, f"{source.where}: record", left_out)]
    else:
        raise InputError(f"{source.where}: expected an object or a list, found {_name(value)}.", _RECORD_HINT)
    _tell(left_out, source)
    return [context for context in contexts if context is not None]


def json_lines_contexts(source: Source) -> list[Context]:
    """Return the contexts of a `.jsonl` file: a record a line, blank lines passed over; ids are left empty.

    Raises:
        InputFileError: the JSON of a line is broken.
        InputError: a record has the wrong shape, or something in it is empty.
    """
    left_out: Counter[str] = Counter()
    contexts = [_record(value, f"{source.where}: line {at}", left_out) for at, value in _lines(source)]
    _tell(left_out, source)
    return [context for context in contexts if context is not None]


def contexts_of(records: Sequence[Any], source: Source, unit: str, *, first: int = 0) -> list[Context]:
    """Records as contexts. A message calls the nth of them "record [n]" or "row n" by `unit`, from `first`.

    Raises InputError if one has the wrong shape.
    """
    left_out: Counter[str] = Counter()
    contexts: list[Context] = []
    for at, value in enumerate(records, first):
        place = f"record [{at}]" if unit == "record" else f"{unit} {at}"
        context = _record(value, f"{source.where}: {place}", left_out)
        if context is not None:
            contexts.append(context)
    _tell(left_out, source)
    return contexts


def json_questions(source: Source) -> list[Question]:
    """The questions of a `.json` or `.jsonl` file that has no passages. Raises InputFileError, InputError."""
    if source.where.lower().endswith((".jsonl", ".ndjson")):
        return questions_of([value for _, value in _lines(source)], source)
    value = _parse(source.text(), source.where)
    if isinstance(value, Mapping) and isinstance(value.get("questions"), list):
        return questions_of(value["questions"], source)
    if isinstance(value, Mapping) and "question" not in value and (told := _mapped(value)):
        return questions_of(told, source)
    records = records_in(value)
    return questions_of([value] if records is None else records, source)


def _mapped(value: Mapping[str, Any]) -> list[Any]:
    """The questions of an object that has them as its keys, or a list of them under the one title that it
    names; empty for any other."""
    [first, *others] = value.values() or [None]
    if not others and isinstance(first, list) and first and isinstance(first[0], Mapping):
        return first
    asks = all(key.rstrip().endswith(_QUESTION_MARKS) for key in value)
    return [{"question": key, "answer": answer} for key, answer in value.items()] if asks else []


_QUESTION_MARKS: Final = ("?", "？", "؟", ";")


def questions_of(values: Sequence[Any], source: Source) -> list[Question]:
    """A plain list of questions with answers. Raises InputError if one has the wrong shape."""
    left_out: Counter[str] = Counter()
    found = [
        _question(value, f"{source.where}: question [{at}]", _QUESTION_HINT, left_out)
        for at, value in enumerate(values)
    ]
    _tell(left_out, source)
    return [question for question in found if question is not None]


def _lines(source: Source) -> Iterator[tuple[int, Any]]:
    # Only a line feed ends a record: U+2028 and the like may stand inside JSON text.
    for number, line in enumerate(source.text().split("\n"), start=1):
        if line.strip():
            yield number, _parse(line, source.where, number)


def _tell(left_out: Counter[str], source: Source) -> None:
    for what, n in left_out.items():
        verb = "was" if n == 1 else "were"
        source.notice(f"{source.where}: {n} {what.format('' if n == 1 else 's')} {verb} left out")


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


def _squad(value: Mapping[str, Any], where: str, left_out: Counter[str]) -> Iterator[Context | None]:
    for a, article in enumerate(_list(value, "data", where, _SQUAD_HINT)):
        at = f"{where}: data[{a}]"
        article = _object(article, at, _SQUAD_HINT)
        # SQuAD writes its titles as in an address: "New_York%2C_New_York"
        title = unquote(_title(article, at, _SQUAD_HINT).replace("_", " "))
        for p, paragraph in enumerate(_list(article, "paragraphs", at, _SQUAD_HINT)):
            inner = f"{at}.paragraphs[{p}]"
            paragraph = _object(paragraph, inner, _SQUAD_HINT)
            text = _passage(paragraph, "context", inner, _SQUAD_HINT)
            if text is None:
                left_out[_NO_PASSAGE] += 1
                continue
            items = _list(paragraph, "qas", inner, _SQUAD_HINT)
            yield Context("", title.strip(), text, _questions(items, f"{inner}.qas", _SQUAD_HINT, left_out))


def _record(value: Any, where: str, left_out: Counter[str]) -> Context | None:
    """A passage with its questions, or the one question that stands beside it; None without a passage."""
    record = _object(value, where, _RECORD_HINT)
    title = _title(record, where, _RECORD_HINT).strip()
    text = _passage(record, next((key for key in _TEXTS if key in record), "context"), where)
    if text is None:
        left_out[_NO_PASSAGE] += 1
        return None
    asks = "qas" if "qas" in record and "questions" not in record else "questions"
    if not is_missing(record.get("question")) and asks not in record:
        question = _question(record, where, _RECORD_HINT, left_out)
        return Context("", title, text, () if question is None else (question,))
    items = [] if is_missing(record.get(asks)) else _list(record, asks, where, _RECORD_HINT)
    return Context("", title, text, _questions(items, f"{where}, {asks}", _RECORD_HINT, left_out))


def _questions(items: list[Any], where: str, hint: str, left_out: Counter[str]) -> tuple[Question, ...]:
    found = (_question(item, f"{where}[{n}]", hint, left_out) for n, item in enumerate(items))
    return tuple(question for question in found if question is not None)


def _question(value: Any, where: str, hint: str, left_out: Counter[str]) -> Question | None:
    """A question with its answers; None for one that has none, which is counted."""
    item = _object(value, where, hint)
    if is_true(item.get("is_impossible")):
        left_out[_IMPOSSIBLE] += 1
        return None
    if "question" in item and is_missing(item["question"]):
        left_out[_UNASKED] += 1
        return None
    text = _text(item, "question", where, hint).strip()
    if not text:
        raise InputError(f"{where}: the question is empty.", "Write the question, or take it out.")
    key = next((key for key in _ANSWERS if key in item), None)
    if key is None:
        raise InputError(f'{where}: the question "{_short(text)}" has no answer.', hint)
    answers: dict[str, None] = {}  # keeps the order, drops repetitions
    for n, answer in enumerate(_given(item[key])):
        if isinstance(answer, bool):  # of a question with yes or no: either wording is right
            answers |= dict.fromkeys(("yes", "true") if answer else ("no", "false"))
            continue
        told = said(answer)
        if told is None:
            raise InputError(f"{where}: answer [{n}] must be a text, found {_name(answer)}.", hint)
        if not told.strip():
            raise InputError(f'{where}: an answer to "{_short(text)}" is empty.', "Write it, or take it out.")
        answers[told.strip()] = None
    if not answers:
        left_out[_IMPOSSIBLE] += 1
        return None
    name = said(item.get("id", ""))
    return Question(text=text, answers=tuple(answers), id=name or "")


def _given(value: Any) -> list[Any]:
    """The answers of a question, in any of their forms: one, a list, a list of {"text": ...}, the hub's
    {"text": [...], "answer_start": [...]}. Missing ones are left out."""
    if isinstance(value, Mapping):
        value = value.get("text", value.get("value"))
    told = value if isinstance(value, list | tuple) else [value]
    inner = [one.get("text", one.get("value")) if isinstance(one, Mapping) else one for one in told]
    return [one for one in inner if not is_missing(one)]


def _title(record: Mapping[str, Any], where: str, hint: str) -> str:
    """A title; a missing one is empty, and a number may be one."""
    if "title" in record and not isinstance(record["title"], str):
        if is_missing(record["title"]):
            return ""
        if (number := said(record["title"])) is not None:
            return number
    return _text(record, "title", where, hint)


def _passage(record: Mapping[str, Any], key: str, where: str, hint: str = _RECORD_HINT) -> str | None:
    """A passage; None for a missing one."""
    if key in record and is_missing(record[key]):
        return None
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
