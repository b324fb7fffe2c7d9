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
from typing import Any

from seal.domains.knowledge.markdown_tables import plain_cell
from seal.errors import InputError, OutputError, StateError, TrainingError
from seal.files import write_beside
from seal.grading.exact import comparable
from seal.learner.asking import anchors, prompts_of
from seal.learner.compiling import examples_of
from seal.learner.library import KnownDocument
from seal.learner.measuring import exam_items
from seal.learner.parts import Parts
from seal.learner.reference import ReferenceItem, is_right
from seal.models.adapter_folder import check_peft_loads
from seal.models.load import loadable_name
from seal.models.model_names import find_model
from seal.registry import Version
from seal.seeds import derive_seed
from seal.training import Adapter, AdapterBank, keeps_transposed, merge, save_peft, train
from seal.types import TrainingPlan

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

Lines that {writers} wrote and that their sources support, in the recipe below.

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
    parts: Parts, out: Path, *, version: Version, document: str | None = None, merged: bool = False
) -> Exported:
    """Writes a version, or one of its documents, by its id, to the folder `out`, which must not exist.

    `merged`: the whole model in Hugging Face format, instead of a PEFT adapter.

    Raises OutputError, StateError for a version that does not answer, InputError if it does not know the
    document, TrainingError, AdapterError if PEFT does not load what was learned.
    """
    if out.exists():
        raise OutputError(f"{out} exists already", "Choose another folder.")
    if version.state in ("held", "rejected"):
        raise StateError(f"the version {version.id[:12]} is {version.state}", "Export one that was live.")
    if not merged and find_model(parts.workspace.settings()["model"]).kind == "adapter":
        raise StateError(
            "the workspace's model is an adapter itself, and PEFT loads no adapter on top of one by its name",
            "Export the whole model: --merged.",
        )
    known = parts.library.of_version(version)
    if document is not None:
        if document not in known:
            raise InputError(
                f"the version {version.id[:12]} does not know document {document[:12]}",
                "See `seal documents`.",
            )
        known = {document: known[document]}
    if not known:
        raise InputError(f"the version {version.id[:12]} knows no document", "Learn one first.")
    adapter = _adapter(parts, list(known.values()))
    items = [item for one in known.values() for item in exam_items(one)]
    served = parts.mind(version).ask([i.question for i in items])
    answers = _answers(parts, adapter, items)
    right = sum(comparable(a) == comparable(i.answers[0]) for a, i in zip(answers, items, strict=True))
    before = sum(comparable(a.text) == comparable(i.answers[0]) for a, i in zip(served, items, strict=True))
    done = Exported(out, right, before, len(items), *_kept(parts, adapter))
    card = _card(parts, version, list(known.values()), done, merged)
    write_beside(out, lambda beside: _write(parts, adapter, beside, card, merged))
    return done


def _adapter(parts: Parts, known: Sequence[KnownDocument]) -> Adapter:
    """One document's cell, or one adapter on the lines of all of them."""
    if len(known) == 1:
        return parts.library.cell(known[0]).adapter
    examples = tuple(e for one in known for e in examples_of(one.document.title, one.active_lines))
    rng = random.Random(f"anchors/{parts.config.seed}")
    others = parts.reference[::2]
    held = rng.sample(others, min(len(others), _ANCHORS * len(examples)))
    examples += anchors(parts.adaptation, [i.question for i in held], [i.shown for i in held])
    consolidated = parts.config.consolidated.hyperparameters()
    seed = derive_seed("consolidated", parts.config.seed, *sorted(one.document.id for one in known))
    plan = TrainingPlan("consolidated", examples, consolidated, seed)
    made = train(
        parts.adaptation.model,
        parts.adaptation.tokenizer,
        [plan],
        on_progress=lambda done, n: parts.watch.progress("training one adapter on all documents", done, n),
    )[0]
    if made.failed:
        hint = "Lower consolidated.learning_rate in learner.toml."
        raise TrainingError(f"the adapter on all documents could not be trained: {made.failed}", hint)
    return made


def _answers(parts: Parts, adapter: Adapter, items: Sequence[ReferenceItem]) -> list[str]:
    prompts = prompts_of(parts.adaptation, [i.question for i in items], [i.shown for i in items])
    with AdapterBank.of(parts.adaptation.model, [adapter]) as bank:
        return parts.adaptation.answer(prompts, bank=bank, slots=[0] * len(items))


def _kept(parts: Parts, adapter: Adapter) -> tuple[int, int]:
    """Of the questions that no adapter is held to the base by, and that the base answers rightly: how many
    the adapter answers rightly too, and how many there are."""
    items = parts.reference[1::2]
    base = parts.bare_mind().ask([i.question for i in items], [i.shown for i in items])
    kept = [
        is_right(item, said, own.text, parts.adaptation) == 1
        for item, said, own in zip(items, _answers(parts, adapter, items), base, strict=True)
        if is_right(item, own.text, own.text, parts.adaptation) == 1
    ]
    return sum(kept), len(kept)


def _write(parts: Parts, adapter: Adapter, folder: Path, card: str, merged: bool) -> None:
    name = parts.workspace.settings()["model"]
    if not merged:
        base: Any = parts.adaptation.model
        named = replace(adapter, id=folder.name)
        save_peft(named, folder, loadable_name(name), transposed=keeps_transposed(base))
        check_peft_loads(folder, base)
    else:
        from seal.models.load import load_model, save_model

        model, tokenizer = load_model(name, dtype=parts.config.dtype)
        merge(model, adapter)
        save_model(model, tokenizer, folder)
    (folder / "README.md").write_text(card, encoding="utf-8")


def _card(
    parts: Parts, version: Version, known: Sequence[KnownDocument], done: Exported, merged: bool
) -> str:
    import seal

    rows = ["| document | id | learned (UTC) | trust |", "|---|---|---|---|"]
    for d in (one.document for one in known):
        title = plain_cell(d.title) or "(no title)"
        rows.append(f"| {title} | `{d.id[:12]}` | {(d.learned_at or '')[:19]} | {d.trust:g} |")
    figures = (
        f"{done.right} of {done.questions} questions of its documents' own exams are answered right, "
        f"closed-book; the workspace, with a cell for each document, answers {done.served}."
    )
    return _CARD.format(
        title=f"What a model learned from {len(known)} document{'' if len(known) == 1 else 's'}",
        what="A copy with the adapter merged in" if merged else "A LoRA adapter (PEFT format)",
        model=parts.workspace.settings()["model"],
        base=version.base,
        seal=seal.__version__,
        version=version.id,
        documents="\n".join(rows),
        figures=figures,
        kept=f"Of {done.known} other questions that the base answers rightly (known facts, passages to read, "
        f"private questions to decline), none of them used in training, they still answer {done.kept}.",
        writers=" and ".join(writers_of(parts, known)),
        recipe=json.dumps(_recipe(parts, known), indent=2),
    )


def writers_of(parts: Parts, known: Sequence[KnownDocument]) -> list[str]:
    """What wrote about the documents: the workspace's writer, or a model behind an endpoint."""
    writers = []
    for one in known:
        recipe = parts.workspace.build(one.build).recipe
        endpoint = recipe.get("units", {}).get("endpoint")
        own = f"the writer `{parts.workspace.settings()['writer']}`"
        writers.append(f"`{endpoint['model']}` at {endpoint['base_url']}" if endpoint else own)
    return list(dict.fromkeys(writers))


def _recipe(parts: Parts, known: Sequence[KnownDocument]) -> dict[str, Any]:
    """How the documents' cells were built, and the adapter on all of them. Where settings were changed in
    between, each recipe stands with its documents."""
    recipes: dict[str, list[str]] = {}
    for one in known:
        recipe = parts.workspace.build(one.build).recipe
        told = {name: value for name, value in recipe.items() if name not in ("document", "retired")}
        recipes.setdefault(json.dumps(told, sort_keys=True), []).append(one.document.id[:12])
    cells = [{"documents": keys, "recipe": json.loads(recipe)} for recipe, keys in recipes.items()]
    if len(known) == 1:
        return {"cells": cells}
    return {"cells": cells, "one_adapter": parts.config.consolidated.model_dump(mode="json")}
