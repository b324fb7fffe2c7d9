"""`seal models`: which models are at hand, and which suits this machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from seal.cli.console import Display, table
from seal.cli.workspace import JsonFlag, print_json, say

if TYPE_CHECKING:
    from seal.models.at_hand import ModelAtHand
    from seal.models.speed import Speed


def models(*, json: JsonFlag = False) -> None:
    """List the models at hand, which of them suits this machine's memory and speed, and the presets.

    At hand are the embedded models, those that installed packages carry, those that were fetched from the
    hub, and GGUF files that were used before. Any folder, GGUF file, PEFT adapter or hub name will do too.
    The machine's speed is measured, which takes a second.
    """
    from seal.models.at_hand import missing_models, models_at_hand, recommend
    from seal.models.speed import measure_speed

    listed, speed = models_at_hand(), measure_speed()
    best = recommend(listed, speed)
    if json:
        print_json(
            {
                "models": [
                    {**asdict(m), "memory_bytes": m.memory_bytes, "page_s": round(m.page_s(speed), 1)}
                    for m in listed
                ],
                "recommended": asdict(best),
                "machine": asdict(speed),
                "presets": presets(),
            }
        )
        return
    columns = ["model", "kind", "parameters", "on disk", "memory", "a page", "licence", "where"]
    rows = [_row(model, speed) for model in listed]
    Display().console.print(table("Models", columns, rows, words=True))
    gflops = f"{speed.float32_flops / 1e9:.0f} (float32) and {speed.bfloat16_flops / 1e9:.0f} (bfloat16)"
    say(
        f"\nThis machine: {speed.memory_bytes / 1e9:.1f} GB of memory; {gflops} billion operations a second "
        f"on {speed.device}. Memory, and the time for a page of 200 words, are estimates."
    )
    say(f"Recommended: {best.name}   ({best.reason})")
    for one in missing_models(listed):
        say(f"To have {one.name}:  {one.install}   ({one.about}; {one.licence})")
    say(f"Presets: {'; '.join(f'{name} ({about})' for name, about in presets().items())}")


def presets() -> dict[str, str]:
    """The presets of settings, and whom each is for."""
    from importlib.resources import files

    there = sorted(
        file.name.removesuffix(".toml") for file in files("seal.learner").iterdir() if _is_preset(file)
    )
    return {name: _FOR.get(name, f"models of the kind {name}") for name in there}


_FOR = {
    "tiny": "the embedded models",
    "real": "all others",
    "small": "what differs below 250 million parameters",
}


def _is_preset(file: object) -> bool:
    return str(getattr(file, "name", "")).endswith(".toml")


def _row(model: ModelAtHand, speed: Speed) -> list[str]:
    real = model.kind != "built-in"
    return [
        model.name,
        model.kind if model.chat or not real else f"{model.kind}, base",
        f"{model.parameters / 1e6:,.0f} M",
        f"{model.disk_bytes / 1e6:,.0f} MB",
        f"{model.memory_bytes / 1e9:.1f} GB" if real else "–",
        f"{model.page_s(speed):.0f} s" if real else "–",
        model.licence or "see its card",
        model.place if model.installed else "not installed",
    ]
