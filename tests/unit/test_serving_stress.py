"""Answers while versions are promoted, rolled back, loaded and unloaded: none is another version's.

The long run with the embedded model is `python benchmarks/serving_stress.py`.
"""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.serving_stress import PROMPTS, Aliases, Callers, known_versions
from seal.engine.serving import DecodingLoop, ServingSettings
from toys import toy_model, toy_tokenizer


def test_no_answer_is_another_version_s(tmp_path: Path) -> None:
    model, tokenizer = toy_model(), toy_tokenizer()
    versions = known_versions(model, tokenizer, 6, tmp_path, PROMPTS[:6])
    aliases = Aliases(versions, random.Random(0))
    settings = ServingSettings(adapter_slots=2, rows=8, cache_tokens=1024)
    with DecodingLoop(model, tokenizer, settings) as loop:
        callers = Callers(loop, tokenizer, aliases, 250, prompts=PROMPTS[:6])
        callers.run(8, seed=0)
        assert callers.wrong == [] and callers.counts["answers"] >= 250
        assert loop.figures().adapters_evicted > 5
    assert min(aliases.moves[what] for what in ("promoted", "rolled back", "unloaded")) > 0
