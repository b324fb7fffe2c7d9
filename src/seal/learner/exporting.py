"""A version out of the workspace, for servers that know nothing of it: a PEFT adapter, or a merged model.

A version is many cells and a router. What is exported is one set of weights: one document's cell as it is, or
one adapter trained from the base on the lines of all documents together, held to the base on other questions.
One adapter holds less than the cells do, and moves the base more; how much is measured, and in its card.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seal.errors import InputError, OutputError, StateError, TrainingError
from seal.files import write_beside
from seal.grading.exact import comparable
from seal.learner.compiling import anchors, examples_of, prompts_of
from seal.learner.library import KnownDocument
from seal.learner.measuring import exam_items
from seal.learner.reference import ReferenceItem, is_right
from seal.registry import LIVE, Version
from seal.seeds import derive_seed
from seal.training import Adapter, AdapterBank, merge, save_peft, train
from seal.types import TrainingPlan

if TYPE_CHECKING:
    from seal.learner.learner import Learner

_ANCHORS = 2  # questions by which one adapter is held to the base, for each line that it learns
_CARD = """\
# {title}

{what} of the model `{model}` (SHA-256 of its weights: `{base}`), exported by `seal` {seal} from version
`{version}` of a workspace.

## What it knows

{documents}

## How well

{figures}

{kept}

Every document passed the workspace's gates; the ledger of the workspace says when and why. These weights
answer without the workspace's router, which would leave other questions to the base.

## How it was made

Lines that the writer `{writer}` wrote and that their sources support, in the recipe below.

```json
{recipe}
```
"""


@dataclass(frozen=True)
class Exported:
    """What was written, and how many of the documents' exam questions it answers; `served` is what the
    version itself answers, with its cells. Of `known` other questions, which the base answers rightly and
    which are in no training, it still answers `kept`."""

    folder: Path
    right: int
    served: int
    questions: int
    kept: int
    known: int


def export(
    learner: Learner, out: Path, *, version: str = LIVE, document: str | None = None, merged: bool = False
) -> Exported:
    """Writes a version, or one of its documents, to the folder `out`, which must not exist.

    `merged`: the whole model in Hugging Face format, instead of a PEFT adapter.

    Raises OutputError, UnknownNameError, StateError for a version that does not answer, TrainingError.
    """
    if out.exists():
        raise OutputError(f"{out} exists already", "Choose another folder.")
    found = learner.workspace.version(version)
    if found.state in ("held", "rejected"):
        raise StateError(f"the version {found.id[:12]} is {found.state}", "Export one that was live.")
    known = learner.library.of_version(found)
    if document is not None:
        key = learner.document(document).id
        if key not in known:
            raise InputError(
                f"the version {found.id[:12]} does not know document {key[:12]}", "See `seal documents`."
            )
        known = {key: known[key]}
    if not known:
        raise InputError(f"the version {found.id[:12]} knows no document", "Learn one first.")
    adapter = _adapter(learner, list(known.values()))
    items = [item for one in known.values() for item in exam_items(one)]
    served = learner.mind(found).ask([i.question for i in items])
    answers = _answers(learner, adapter, items)
    right = sum(comparable(a) == comparable(i.answers[0]) for a, i in zip(answers, items, strict=True))
    before = sum(comparable(a.text) == comparable(i.answers[0]) for a, i in zip(served, items, strict=True))
    done = Exported(out, right, before, len(items), *_kept(learner, adapter))
    card = _card(learner, found, list(known.values()), done, merged)
    write_beside(out, lambda beside: _write(learner, adapter, beside, card, merged))
    return done


def _adapter(learner: Learner, known: Sequence[KnownDocument]) -> Adapter:
    """One document's cell, or one adapter on the lines of all of them."""
    if len(known) == 1:
        return learner.library.cell(known[0]).adapter
    examples = tuple(e for one in known for e in examples_of(one.document.title, one.active_lines))
    rng = random.Random(f"anchors/{learner.config.seed}")
    others = learner.reference[::2]
    held = rng.sample(others, min(len(others), _ANCHORS * len(examples)))
    examples += anchors(learner.adaptation, [i.question for i in held], [i.shown for i in held])
    consolidated = learner.config.consolidated.hyperparameters()
    seed = derive_seed("consolidated", learner.config.seed, *sorted(one.document.id for one in known))
    plan = TrainingPlan("consolidated", examples, consolidated, seed)
    made = train(
        learner.adaptation.model,
        learner.adaptation.tokenizer,
        [plan],
        on_progress=lambda done, n: learner.watch.progress("training one adapter on all documents", done, n),
    )[0]
    if made.failed:
        hint = "Lower consolidated.learning_rate in learner.toml."
        raise TrainingError(f"the adapter on all documents could not be trained: {made.failed}", hint)
    return made


def _answers(learner: Learner, adapter: Adapter, items: Sequence[ReferenceItem]) -> list[str]:
    prompts = prompts_of(learner.adaptation, [i.question for i in items], [i.shown for i in items])
    with AdapterBank.of(learner.adaptation.model, [adapter]) as bank:
        return learner.adaptation.answer(prompts, bank=bank, slots=[0] * len(items))


def _kept(learner: Learner, adapter: Adapter) -> tuple[int, int]:
    """Of the questions that no adapter is held to the base by, and that the base answers rightly: how many
    the adapter answers rightly too, and how many there are."""
    items = learner.reference[1::2]
    base = learner.bare_mind().ask([i.question for i in items], [i.shown for i in items])
    found = [
        is_right(item, said, own.text, learner.adaptation) == 1
        for item, said, own in zip(items, _answers(learner, adapter, items), base, strict=True)
        if is_right(item, own.text, own.text, learner.adaptation) == 1
    ]
    return sum(found), len(found)


def _write(learner: Learner, adapter: Adapter, folder: Path, card: str, merged: bool) -> None:
    name = learner.workspace.settings()["model"]
    if not merged:
        save_peft(replace(adapter, id=folder.name), folder, name)
    else:
        from seal.models import load_model

        model, tokenizer = load_model(name, dtype=learner.config.dtype)
        merge(model, adapter)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(card, encoding="utf-8")


def _card(
    learner: Learner, version: Version, known: Sequence[KnownDocument], done: Exported, merged: bool
) -> str:
    import seal

    rows = ["| document | id | learned (UTC) | trust |", "|---|---|---|---|"]
    rows += [
        f"| {d.title or '(no title)'} | `{d.id[:12]}` | {(d.learned_at or '')[:19]} | {d.trust:g} |"
        for d in (one.document for one in known)
    ]
    figures = (
        f"{done.right} of {done.questions} questions of its documents' own exams are answered right, "
        f"closed-book; the workspace, with a cell for each document, answers {done.served}."
    )
    return _CARD.format(
        title=f"What a model learned from {len(known)} document{'' if len(known) == 1 else 's'}",
        what="A copy with the adapter merged in" if merged else "A LoRA adapter (PEFT format)",
        model=learner.workspace.settings()["model"],
        base=version.base,
        seal=seal.__version__,
        version=version.id,
        documents="\n".join(rows),
        figures=figures,
        kept=f"Of {done.known} other questions that the base answers rightly (known facts, passages to read, "
        f"private questions to decline), none of them used in training, they still answer {done.kept}.",
        writer=learner.workspace.settings()["writer"],
        recipe=json.dumps(_recipe(learner, known), indent=2),
    )


def _recipe(learner: Learner, known: Sequence[KnownDocument]) -> dict[str, Any]:
    """How the documents' cells were built, and the adapter on all of them. Where settings were changed in
    between, each recipe stands with its documents."""
    recipes: dict[str, list[str]] = {}
    for one in known:
        recipe = learner.workspace.build(one.build).recipe
        told = {name: value for name, value in recipe.items() if name not in ("document", "retired")}
        recipes.setdefault(json.dumps(told, sort_keys=True), []).append(one.document.id[:12])
    found: dict[str, Any] = {"cells": [{"documents": d, "recipe": json.loads(r)} for r, d in recipes.items()]}
    if len(known) > 1:
        found["one_adapter"] = learner.config.consolidated.model_dump(mode="json")
    return found
