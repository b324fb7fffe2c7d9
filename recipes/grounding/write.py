"""Writes lines about the documents, for a reader to judge: questions with the skills, statements by prompts.

    python -m recipes.grounding.write --model smollm2 --out lines.jsonl

Nothing is dropped but repetitions. Documents that the file has already are left out, so that it can be ended
and begun again. Knows nothing about what is supported.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from recipes.grounding.documents import GroundedDocument, load_documents, run_program
from seal.domains.knowledge.units import Unit, units_of
from seal.engine.adapt import Adaptation
from seal.learner.practice import shown, writing_prompt, written_pairs
from seal.learner.settings import preset
from seal.learner.skills import Skills, skills_of
from seal.seeds import derive_seed
from seal.self_edits import FORMATS
from seal.self_edits.pair_lines import line_of
from seal.types import Context

_TEMPERATURE = 0.5  # of statements; questions have the preset's
_TOKENS = 72
_TOGETHER = 4  # units that a writer of facts is shown at once
_MOST_UNITS = {"self-qa": 7, "facts": 2, "paraphrases": 3}  # of a document that are written about
_MOST_LINES = {"self-qa": 14, "facts": 8, "paraphrases": 5}


def main() -> None:
    """Raises what loading a model does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", required=True, help="a name that `seal init --model` takes")
    parser.add_argument("--out", type=Path, required=True, help="the file of lines")
    parser.add_argument("--only", nargs="*", metavar="ID", help="these documents, in this order")
    parser.add_argument("--no-questions-of", nargs="*", default=[], metavar="ID", help="documents")
    given = parser.parse_args()
    base = Adaptation.load(preset(given.model).engine_config(given.model))
    base.edit_tokens = _TOKENS
    skills = skills_of(base, _show)
    there = given.out.read_text(encoding="utf-8").splitlines() if given.out.exists() else []
    done = {json.loads(line)["document"] for line in there}
    documents = {document.id: document for document in load_documents()}
    for name in given.only or documents:
        document = documents[name]
        if document.id in done:
            continue
        written = {name: list(_statements(base, name, document)) for name in ("facts", "paraphrases")}
        if document.id not in given.no_questions_of:
            written["self-qa"] = list(_questions(given.model, skills, document))
        with given.out.open("a", encoding="utf-8") as file:
            for format, lines in written.items():
                for unit, line in _some(lines, _MOST_LINES[format], derive_seed(document.id, format)):
                    record = {"document": document.id, "language": document.language}
                    record |= {"model": Path(given.model).name, "format": format, "unit": unit, "line": line}
                    file.write(json.dumps(record, ensure_ascii=False) + "\n")
        print(f"\n{document.id}: { {name: len(lines) for name, lines in written.items()} }", flush=True)


def _questions(model: str, skills: Skills, document: GroundedDocument) -> Iterator[tuple[str, str]]:
    config = preset(model).units
    units = units_of(document.title, document.text)
    chosen = _spread([at for at, unit in enumerate(units) if unit.kind != "row"], _MOST_UNITS["self-qa"])
    before = [
        units[at - 1].text if at and units[at - 1].heading == units[at].heading else "" for at in chosen
    ]
    written = skills.write(
        [
            writing_prompt(document.title, units[at].heading, above, units[at].text)
            for at, above in zip(chosen, before, strict=True)
        ],
        seeds=[derive_seed("grounding", document.id, at) for at in chosen],
        temperature=config.temperature,
        top_p=config.top_p,
        max_new_tokens=config.max_new_tokens,
    )
    for at, one in zip(chosen, written, strict=True):
        for question, answer in written_pairs(one.text, truncated=one.truncated):
            yield units[at].text, line_of(question, answer)


def _statements(base: Adaptation, name: str, document: GroundedDocument) -> Iterator[tuple[str, str]]:
    units = units_of(document.title, document.text)
    size = _TOGETHER if name == "facts" else 1
    places = [at for at in range(0, len(units), size) if size > 1 or units[at].kind == "sentence"]
    contexts = [
        Context(f"{document.id}/{at}", document.title, _text(units[at : at + size]))
        for at in _spread(places, _MOST_UNITS[name])
    ]
    sampling = base.config.self_edit.model_copy(update={"temperature": _TEMPERATURE, "top_p": 1.0})
    config = base.config.model_copy(update={"self_edit": sampling})
    writer = replace(base, format=FORMATS.get(name)(), style="base", config=config)
    for context, [edit] in zip(contexts, writer.write(contexts, 1, seed=name), strict=True):
        yield from ((context.text, line) for line in edit.lines)


def _text(units: Sequence[Unit]) -> str:
    return shown([(unit.heading, unit.text) for unit in units])


def _spread(places: Sequence[int], most: int) -> list[int]:
    """So many of the places, as far apart as they can be."""
    n = min(most, len(places))
    return [places[i * len(places) // n] for i in range(n)]


def _some(lines: Sequence[tuple[str, str]], most: int, seed: int) -> list[tuple[str, str]]:
    """So many of the lines by chance, in their order, none twice."""
    once = list({line: (unit, line) for unit, line in lines}.values())
    chosen = sorted(random.Random(seed).sample(range(len(once)), min(most, len(once))))
    return [once[at] for at in chosen]


def _show(stage: str, done: int, n: int) -> None:
    print(f"\r{stage}: {done} of {n}   ", end="", flush=True)


if __name__ == "__main__":
    run_program(main)
