"""How well a base reads, with its skills on: every question of a set with the passages that are found for it.

    python -m recipes.real_documents.reading --model smollm2
    python -m recipes.real_documents.reading --model smollm2 --skills OLD_DIR --passages 1
    python -m recipes.real_documents.reading --model smollm2 --passages 3 --apart --reranked

Nothing is learned. All documents of the set are searched at once, as those of a workspace are. With another
adapter (`--skills`, one that recipes/skills made) both read the same, and the difference is paired.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import partial
from itertools import combinations, product
from pathlib import Path
from typing import Any

from recipes.real_documents.command import ended
from recipes.real_documents.figures import by_group, difference, languages_of, marked, share, tags_of
from recipes.real_documents.halves import Asked, RealDocument, load_half
from recipes.real_documents.tables import differences_table, groups_table, interval, percent, rows
from seal.domains.knowledge.units import units_of
from seal.engine.adapt import Adaptation
from seal.engine.start import Watch
from seal.errors import InputError
from seal.grading import GRADERS
from seal.learner.answer_ways import UNKNOWN, ShownQuestion, read_passages
from seal.learner.reranking import WriterReranker
from seal.learner.settings import preset
from seal.learner.skills import ReadAnswer, Skills, skills_of
from seal.models.sentence_encoder import SentenceEncoder, sentence_model_folder
from seal.retention import DocumentPage, Finder, PageText, Reranker
from seal.text import sentences
from seal.training import load_peft


@dataclass(frozen=True)
class ReadingWay:
    """How a set is read: with which skills, how many passages, and whether each by itself."""

    skills: str
    passages: int
    apart: bool
    reranked: bool = False

    def __str__(self) -> str:
        how = (", apart" if self.apart else "") + (", reranked" if self.reranked else "")
        return f"{self.skills}, {self.passages} shown{how}"

    def compares_with(self, other: ReadingWay) -> bool:
        """Whether as much is shown, and one other thing differs."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return self.passages == other.passages and sum(one != two for one, two in pairs) == 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", required=True, help="as for `seal init`")
    parser.add_argument("--half", default="development", help="a set of questions, or a .json file")
    parser.add_argument("--skills", type=Path, metavar="DIR", help="compare with this adapter")
    parser.add_argument("--passages", type=int, nargs="+", default=[1, 3], metavar="K", help="shown")
    parser.add_argument("--apart", action="store_true", help="several passages each by itself, too")
    parser.add_argument("--reranked", action="store_true", help="passages ranked by the model, too")
    given = parser.parse_args(arguments)

    def run(watch: Watch) -> str:
        ways = (given.skills, given.passages, given.apart, given.reranked)
        return read_set(given.model, load_half(given.half), *ways, watch)

    return ended("reading.py", Path(), run)


def read_set(
    model: str,
    documents: Sequence[RealDocument],
    other: Path | None,
    passages: Sequence[int],
    apart: bool,
    reranked: bool,
    watch: Watch,
) -> str:
    """Reads with the base's own skills and with those of `other`; Markdown. Raises InputError."""
    if min(passages) < 1:
        raise InputError(f"{min(passages)} passages cannot be read", "Show one at least: --passages 1")
    config = preset(model)
    base = Adaptation.load(config.engine_config(model))
    skills = {"own": skills_of(base, watch.progress)}
    if other is not None:
        skills[str(other)] = Skills(base, load_peft(other, base.model))
    rerankers = {False: None} | ({True: WriterReranker(lambda: skills["own"])} if reranked else {})
    finders = {ranked: finder_of(documents, reranker) for ranked, reranker in rerankers.items()}
    marks: dict[ReadingWay, dict[str, float | None]] = {}
    sent: dict[ReadingWay, set[str]] = {}
    asked = [q for d in documents for q in d.asked]
    for k, ranked in product(passages, finders):
        found = []
        for at, q in enumerate(asked):
            found.append(finders[ranked].find(q.question.text, k))
            watch.progress("finding", at + 1, len(asked))
        shown = [ShownQuestion(q.question.text, one.passages) for q, one in zip(asked, found, strict=True)]
        for name, own in skills.items():
            for separately in (False, True) if apart and k > 1 else (False,):
                told = partial(watch.progress, "reading")
                read = read_passages(own, shown, apart=separately, on_progress=told)
                way = ReadingWay(name, k, separately, ranked)
                marks[way] = _marked(asked, [one.answer for one in read], config.grader)
                sent[way] = {q.id for q, one in zip(asked, found, strict=True) if one.documents}
    return _told(documents, marks, sent)


def finder_of(documents: Sequence[RealDocument], reranker: Reranker | None = None) -> Finder:
    """Finds passages of the documents as a new workspace would: by meaning too where that is installed."""
    encoder = SentenceEncoder() if sentence_model_folder() else None
    pages = []
    for number, one in enumerate(documents):
        text = PageText(one.file, one.title, one.text, units_of(one.title, one.text), sequence=number)
        pages.append((DocumentPage(one.file, one.title, tuple(sentences(one.text)), number), text))
    return Finder(pages, encoder=encoder, reranker=reranker)


def _marked(asked: Sequence[Asked], read: Sequence[ReadAnswer], grader: str) -> dict[str, float | None]:
    """By question: 1 right, 0 wrong, None ungraded."""
    questions, said = [one.question for one in asked], [one.text or UNKNOWN for one in read]
    marks = marked(GRADERS.get(grader)(), questions, said)
    return {one.id: mark for one, mark in zip(asked, marks, strict=True)}


def _told(
    documents: Sequence[RealDocument],
    by_way: dict[ReadingWay, dict[str, float | None]],
    sent: dict[ReadingWay, set[str]],
) -> str:
    marks = {str(way): own for way, own in by_way.items()}
    body: list[list[Any]] = []
    for way, own in by_way.items():
        one = share(own)
        told = f"{sum(bool(own[key]) for key in sent[way])} of {len(sent[way])}"
        body.append(
            [str(way), f"{one['right']} of {one['n']}", percent(one["share"]), interval(one["ci95"]), told]
        )
    head = ["skills", "right", "%", "95 % over documents", "of those sent to a document"]
    tables = [rows(head, body)]
    names = list(marks)
    pairs = [(str(b), str(a)) for a, b in combinations(by_way, 2) if a.compares_with(b)]
    tables.append(differences_table([d for b, a in pairs if (d := difference(marks, b, a))]))
    for what, groups in (("tag", tags_of(documents)), ("language", languages_of(documents))):
        tables.append(groups_table(what, by_group(marks, groups), names))
    return "\n\n".join(table for table in tables if table) + "\n"


if __name__ == "__main__":
    sys.exit(main())
