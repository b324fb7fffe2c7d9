"""Measures the judged lines by every check, and the lines made from each document's own text by likelihood.

    python -m recipes.grounding.measure --model smollm2 --out runs/grounding/smollm2.jsonl

One record a document is appended; documents that the file has already are left out, so that it can be ended
and begun again. Knows nothing about thresholds, or what is kept: tables.py.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from recipes.grounding.documents import GroundedDocument, JudgedLine, load_documents, load_judged, run_program
from seal.domains.knowledge.units import Unit, units_of
from seal.engine.adapt import Adaptation
from seal.grading.meaning import contains_answer, same_answer
from seal.learner.passage_support import ShownLine, token_supports
from seal.learner.practice import reading_prompt, shown
from seal.learner.settings import preset
from seal.learner.skills import Skills, skills_of
from seal.seeds import derive_seed
from seal.self_edits.exact_checks import unsupported
from seal.self_edits.exchanges import exchanged
from seal.self_edits.pair_lines import question_of

_STATEMENTS = 5  # of the sentences of a document, about so many are shown with a value exchanged


def main() -> None:
    """Raises what loading a model does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", required=True, help="a name that `seal init --model` takes")
    parser.add_argument("--out", type=Path, required=True, help="the file of records")
    parser.add_argument("--only", nargs="*", metavar="ID", help="these documents, in this order")
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    there = given.out.read_text(encoding="utf-8").splitlines() if given.out.exists() else []
    done = {json.loads(line)["document"] for line in there}
    base = Adaptation.load(preset(given.model).engine_config(given.model))
    skills = skills_of(base, lambda stage, n, of: print(f"\r{stage}: {n} of {of}", end="", flush=True))
    judged = [one for one in load_judged() if one.model == Path(given.model).name]
    by_id = {one.id: one for one in load_documents() if any(line.document == one.id for line in judged)}
    documents = [by_id[name] for name in given.only or by_id if name not in done]
    for n, document in enumerate(documents):
        started = time.perf_counter()
        about = [one for one in judged if one.document == document.id]
        record = _measured(skills, document, about)
        with given.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
        seconds = time.perf_counter() - started
        print(f"{document.id}: {len(about)} lines, {seconds:.0f} s ({n + 1} of {len(documents)})", flush=True)


def _measured(skills: Skills, document: GroundedDocument, judged: Sequence[JudgedLine]) -> dict[str, Any]:
    units = list(units_of(document.title, document.text))
    texts = [unit.text for unit in units]
    windows = [_window(units, one.unit) for one in judged]
    lines = [ShownLine(document.title, window, one.line) for one, window in zip(judged, windows, strict=True)]
    others = [
        exchanged(one.line, [one.unit, *texts], derive_seed("exchanged", one.line))
        if question_of(one.line)
        else ""
        for one in judged
    ]
    places = range(0, len(units), max(1, len(units) // _STATEMENTS))
    made = [(at, texts[at], exchanged(texts[at], [texts[at], *texts], at)) for at in places]
    made = [(at, true, false) for at, true, false in made if false]
    shown_made = [
        ShownLine(document.title, _around(units, at, at), line)
        for at, true, false in made
        for line in (true, false)
    ]
    false_lines = [replace(one, line=other) for one, other in zip(lines, others, strict=True) if other]
    measured = token_supports(skills, [*lines, *shown_made, *false_lines])
    tokens = [[astuple(token) for token in of_line] for of_line in measured]
    after = iter(tokens[len(lines) + len(shown_made) :])
    read = _read_again(skills, document, judged, windows)
    return {
        "document": document.id,
        "judged": [
            {
                "line": one.line,
                "tokens": tokens[i],
                "exchanged": next(after) if others[i] else [],
                "exact": unsupported(one.line, windows[i], document.title)
                or _unstated(document, one, windows[i]),
                **read[i],
            }
            for i, one in enumerate(judged)
        ],
        "made": [
            {"line": one.line, "is_true": n % 2 == 0, "tokens": tokens[len(lines) + n]}
            for n, one in enumerate(shown_made)
        ],
    }


def _read_again(
    skills: Skills, document: GroundedDocument, judged: Sequence[JudgedLine], windows: Sequence[str]
) -> list[dict[str, Any]]:
    """Of each question whether it is answered so again, and how probably."""
    asked = [i for i, one in enumerate(judged) if question_of(one.line)]
    pairs = [question_of(judged[i].line) or ("", "") for i in asked]
    prompts = [reading_prompt(document.title, windows[i], q) for i, (q, _) in zip(asked, pairs, strict=True)]
    found: list[dict[str, Any]] = [{"again": None, "probability": None}] * len(judged)
    if not asked:
        return found
    for i, (question, answer), read in zip(asked, pairs, skills.read(prompts), strict=True):
        again = bool(read.text) and same_answer(question, answer, read.text)
        found[i] = {"again": again, "probability": read.probability}
    return found


def _unstated(document: GroundedDocument, one: JudgedLine, window: str) -> str:
    pair = question_of(one.line)
    stated = pair is None or contains_answer(f"{document.title}\n{window}", pair[1])
    return "" if stated else "its sentence does not state the answer"


def _window(units: Sequence[Unit], text: str) -> str:
    """What the writer was shown, with the units beside it, as a reader is shown them."""
    within = [at for at, unit in enumerate(units) if unit.text in text]
    if not within:
        raise SystemExit(f"no unit of the document is in {text!r}: judged.jsonl does not fit documents.json")
    return _around(units, within[0], within[-1])


def _around(units: Sequence[Unit], first: int, last: int) -> str:
    return shown([(unit.heading, unit.text) for unit in units[max(0, first - 1) : last + 2]])


if __name__ == "__main__":
    run_program(main)
