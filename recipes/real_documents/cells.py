"""How well a cell learns what it is taught: the cells of a run, trained again on the lines that were written.

    python -m recipes.real_documents.cells --run runs/real-smollm2
    python -m recipes.real_documents.cells --run runs/real-smollm2 --settings other.toml

Writing takes its time and differs by what is written; so settings of training (`[cell]`, and `units.cues`,
`anchors`, `anchor_weight`, `least_steps`, `most_steps`) are compared on the same lines. Each cell is asked
the questions that it was taught, its own exam, and what users ask, whether or not a question would be sent to
it. Documents that are not in the live version are left out. Goes on after a stop; the run itself is not
changed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from recipes.real_documents.command import RUN, WORKSPACE, ended
from recipes.real_documents.halves import RealDocument, load_half, named
from recipes.real_documents.records import Records
from recipes.real_documents.tables import rows
from seal.engine.start import Watch
from seal.errors import InputError
from seal.grading import GRADERS
from seal.learner import Learner
from seal.learner.fluency import perplexities
from seal.learner.library import KnownDocument
from seal.learner.parts import Parts
from seal.learner.settings import settings_at
from seal.learner.writing import SourceDocument
from seal.registry import document_key
from seal.registry.canonical import digest_of
from seal.self_edits.pair_lines import question_of
from seal.types import Question

ASKED = ("taught", "exam", "users")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="a run of run.py")
    parser.add_argument("--settings", type=Path, metavar="TOML", help="train by this learner.toml instead")
    parser.add_argument("--documents", default="", metavar="A,B", help="these only, by their files' names")
    given = parser.parse_args(arguments)

    def run(watch: Watch) -> str:
        return _told(train_again(given.run, given.settings, named(given.documents), watch))

    return ended("cells.py", given.run, run)


def train_again(
    folder: Path, settings: Path | None, only: Sequence[str], watch: Watch
) -> list[dict[str, Any]]:
    """Trains and asks; the records, one a document, in the order of the set. Raises InputError."""
    if not (folder / RUN).exists():
        raise InputError(f"{folder} holds no run", "Begin one: python -m recipes.real_documents.run --help")
    run = json.loads((folder / RUN).read_text(encoding="utf-8"))
    config = None if settings is None else settings_at(settings, run["model"])
    learner = Learner.open(folder / WORKSPACE, watch=watch, config=config)
    parts = learner.parts
    taught = parts.config.model_dump(mode="json", include={"seed", "cell", "units", "refusals"})
    records = Records(folder / f"cells-{digest_of(taught)[:8]}.jsonl")
    done = {record["file"]: record for record in records.all}
    known = {one.document.id: one for one in parts.library.of_version(learner.live()).values()}
    found = []
    for document in load_half(run["half"], only):
        key = document_key(document.text, document.title)
        if key in known and document.file not in done:
            records.add(_again(parts, known[key], document) | {"settings": taught})
            done[document.file] = records.all[-1]
        found += [done[document.file]] if document.file in done else []
    return found


def _again(parts: Parts, known: KnownDocument, document: RealDocument) -> dict[str, Any]:
    source = SourceDocument(known.document.id, known.document.compiled_title, known.text)
    started = time.process_time()
    adapter = parts.compiler.train(source, known.active_lines)
    seconds = time.process_time() - started
    if adapter is None or adapter.failed:
        return {"file": document.file, "failed": "nothing to learn" if adapter is None else adapter.failed}
    cell = parts.library.cell_of(known, f"again/{known.document.id}", adapter)
    mind = parts.bare_mind().with_cells({known.document.id: cell})
    record: dict[str, Any] = {"file": document.file, "seconds": seconds}
    for name, questions in zip(ASKED, _asked(known, document), strict=True):
        answers = mind.answer([known.document.id] * len(questions), [q.text for q in questions])
        outcomes = GRADERS.get(parts.config.grader)().grade(questions, [a.text or "-" for a in answers])
        record[name] = [
            {"question": q.text, "right": g.outcome == "right", "said": a.text, "recited": a.passage}
            for q, g, a in zip(questions, outcomes, answers, strict=True)
        ]
    [drift] = perplexities(parts.adaptation, parts.asked_base.neutral, [cell])
    return record | {"perplexity_rise": drift.candidate / drift.base - 1}


def _asked(known: KnownDocument, document: RealDocument) -> Iterator[list[Question]]:
    taught = [pair for line in known.active_lines if (pair := question_of(line.text))]
    yield [Question(question, (answer,)) for question, answer in taught]
    yield list(known.active_exam)
    yield [one.question for one in document.asked]


def _told(records: Sequence[Mapping[str, Any]]) -> str:
    learned = [one for one in records if "failed" not in one]
    body: list[list[object]] = []
    for one in learned:
        rise, seconds = f"{100 * one['perplexity_rise']:+.0f}", f"{one['seconds']:.0f}"
        body.append([one["file"], *(_share([one], name) for name in ASKED), rise, seconds])
    total = sum(one["seconds"] for one in learned)
    body.append(["all", *(_share(learned, name) for name in ASKED), "", f"{total:.0f}"])
    head = ["document", "of what it was taught", "of its exam", "of users' questions"]
    failed = [f"- {one['file']}: {one['failed']}" for one in records if "failed" in one]
    table = rows([*head, "perplexity of neutral text, %", "training, s of processor"], body)
    return "\n\n".join([table, *(["\n".join(failed)] if failed else [])]) + "\n"


def _share(records: Sequence[Mapping[str, Any]], name: str) -> str:
    every = [one["right"] for record in records for one in record[name]]
    return f"{sum(every)} of {len(every)}"


if __name__ == "__main__":
    sys.exit(main())
