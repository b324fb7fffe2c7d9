"""The embedded model's reference questions, about the fictional world (micro-world) of its pretraining.

Part of the embedded model's preset, beside tiny.toml: no other model is asked these. Knows nothing about when
an answer is right (reference.py).
"""

from __future__ import annotations

import random

from seal.domains.knowledge.private_questions import private_question
from seal.domains.microworld.world import ask, known_world, make_items
from seal.learner.reference import ReferenceItem

_N_KNOWN_EACH, _N_UNMET, _N_PRIVATE, _N_READING = 2, 120, 120, 40
_N_READING_EACH = 3
_UNMET_SEED, _READING_SEED = 77, 78  # of the development split's passages


def tiny_reference_items() -> tuple[ReferenceItem, ...]:
    """Questions about what the embedded model knows by heart and about what it never met, private questions
    about both, and passages to be read with questions about them."""
    rng = random.Random("reference")
    items: list[ReferenceItem] = []
    world = known_world()
    for entity in world:
        for attribute in rng.sample(entity.attributes, _N_KNOWN_EACH):
            asked = ask(rng, entity, attribute, attribute.exam)
            items.append(
                ReferenceItem(
                    f"known/{entity.name}/{asked.id}", "known", asked.text, asked.answers, entity.name
                )
            )
    strangers = make_items("dev", _N_UNMET, seed=_UNMET_SEED)
    for item in strangers:
        asked = rng.choice(item.context.questions)
        items.append(ReferenceItem(f"unmet/{item.context.id}", "unmet", asked.text, (), item.context.id))
    names = [entity.name for entity in rng.sample(world, _N_PRIVATE // 2)]
    names += [item.entity.name for item in strangers]
    for name in names[:_N_PRIVATE]:
        items.append(ReferenceItem(f"private/{name}", "private", private_question(rng, name), (), name))
    for item in make_items("dev", _N_READING, seed=_READING_SEED):
        shown = item.context
        for i, asked in enumerate(rng.sample(shown.questions, _N_READING_EACH)):
            items.append(
                ReferenceItem(
                    f"reading/{shown.id}/{i}", "reading", asked.text, asked.answers, shown.id, shown
                )
            )
    return tuple(items)
