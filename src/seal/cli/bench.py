"""`seal bench`: what the parts of this package cost, beside what a user would pick instead."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from seal.cli.console import Display, default_out, table
from seal.errors import ConfigError

bench = App(name="bench", help="Measure speed, side by side with what a user would pick instead.")


def inner_loop(
    *,
    adapters: Annotated[
        str | None,
        Parameter(help="Numbers of adapters, separated by commas. By default 1,4,16,64 (1,2 with --quick)."),
    ] = None,
    rounds: Annotated[
        int | None, Parameter(help="Rounds in which the contenders alternate; 3 by default, 1 with --quick.")
    ] = None,
    contenders: Annotated[
        str,
        Parameter(
            help="Who takes part, separated by commas: engine (this package), peft (peft with a plain loop), "
            "peft_parallel (the same, one process a core), trainer (transformers.Trainer with peft, padded)."
        ),
    ] = "engine,peft,peft_parallel,trainer",
    model: Annotated[
        str | None,
        Parameter(help='The model: "tiny" (the default), a folder in Hugging Face format, or a hub name.'),
    ] = None,
    shape: Annotated[
        str | None,
        Parameter(
            help="Instead of a model, random weights of a shape: tiny, 2x, 4x, qwen2.5-0.5b, qwen2.5-7b."
        ),
    ] = None,
    device: Annotated[
        str, Parameter(help='"auto" (CUDA where there is one), "cpu", "cuda", "cuda:1".')
    ] = "auto",
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        Parameter(help="The type of the base weights; by default bfloat16 on CUDA, else float32."),
    ] = None,
    threads: Annotated[
        int | None,
        Parameter(help="Threads of every contender; by default each has as many as are fastest for it."),
    ] = None,
    processes: Annotated[
        int | None,
        Parameter(
            help="Processes of engine and peft_parallel; by default one a core for a small model on a CPU."
        ),
    ] = None,
    example_tokens: Annotated[
        str | None,
        Parameter(help="Shortest and longest example, 20-60 by default as published; to see cost grow."),
    ] = None,
    baseline_self_edits: Annotated[
        int,
        Parameter(help="Self-edits that a contender which takes one at a time is timed on in each round."),
    ] = 2,
    trainer_steps: Annotated[
        int, Parameter(help="Steps that trainer is timed on; its training time is scaled from them.")
    ] = 5,
    profile: Annotated[
        bool, Parameter(negative=(), help="Also say where the engine's time goes, by torch's profiler.")
    ] = False,
    seed: Annotated[int, Parameter(help="The lengths and tokens of the work follow from it.")] = 0,
    quick: Annotated[
        bool,
        Parameter(negative=(), help="A little work, in seconds, to see that all runs; no figures to keep."),
    ] = False,
    out: Annotated[
        Path | None,
        Parameter(
            help="The folder for results.json, table.md and plot.png; by default a new one under runs/."
        ),
    ] = None,
) -> None:
    """Time the inner loop: adapters trained and examined, by this engine and by what there is otherwise.

    All contenders do the same work, in turns: a self-edit of 12 examples of 20-60 tokens, 10 epochs, batch 1,
    LoRA r 32 on all linear layers, then 5 questions. Reports self-edits a second, ratios with their spread,
    memory, and the share of the rate at which the machine multiplies matrices of the same shapes.
    """
    folder = out or default_out("bench")
    display = Display()
    with display.running(folder):
        from seal.bench.inner_loop import BenchSettings, run_benchmark
        from seal.bench.inner_loop.tables import check_out, write_results

        check_out(folder)
        settings = BenchSettings(
            model=model,
            shape=shape,
            device=device,
            dtype=dtype,
            adapters=_numbers(adapters or ("1,2" if quick else "1,4,16,64")),
            rounds=(1 if quick else 3) if rounds is None else rounds,
            contenders=tuple(name.strip() for name in contenders.split(",") if name.strip()),
            baseline_self_edits=baseline_self_edits,
            example_tokens=_range(example_tokens) if example_tokens else None,
            trainer_steps=trainer_steps,
            threads=threads,
            processes=processes,
            seed=seed,
            quick=quick,
            profile=profile,
        )
        results = run_benchmark(settings, display)
        write_results(folder, results)
    _show(display, results, folder)


bench.command(inner_loop, name="inner-loop")


def generation(
    *,
    model: Annotated[
        str, Parameter(help="The model: a name, a folder in Hugging Face format, or a hub name.")
    ] = "tiny",
    samples: Annotated[int, Parameter(help="Samples of the one prompt, written together.")] = 16,
    tokens: Annotated[int, Parameter(help="Tokens of each sample.")] = 200,
    prompt_tokens: Annotated[int, Parameter(help="Tokens of the prompt.")] = 128,
    rounds: Annotated[int, Parameter(help="Rounds in which the contenders alternate.")] = 3,
    contenders: Annotated[
        str,
        Parameter(
            help="Who takes part, separated by commas: engine (this package), engine_adapters (the same, "
            "each sample by an adapter of its own), transformers (the model's own generate)."
        ),
    ] = "engine,engine_adapters,transformers",
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"],
        Parameter(help='The type of the weights of all; "auto" is what is faster here.'),
    ] = "auto",
    device: Annotated[
        str, Parameter(help='"auto" (CUDA where there is one), "cpu", "cuda", "cuda:1".')
    ] = "auto",
    threads: Annotated[
        int | None,
        Parameter(help="Threads of every contender; by default each has as many as are fastest for it."),
    ] = None,
    rank: Annotated[int, Parameter(help="The rank of the adapters of engine_adapters.")] = 16,
    out: Annotated[
        Path | None,
        Parameter(help="The folder for results.json and table.md; by default a new one under runs/."),
    ] = None,
) -> None:
    """Time writing: samples of one prompt, token by token, by this engine and by transformers.

    All write the same number of tokens at temperature 1 in the same type of numbers, in turns. Reports tokens
    a second, ratios with their spread, and the share of what the memory alone allows: to write a token, all
    weights have to be read.
    """
    folder = out or default_out("bench")
    display = Display()
    with display.running(folder):
        from seal.bench.generation import WritingSettings, run_writing
        from seal.bench.generation.tables import COLUMNS, about, rows, write_results
        from seal.bench.inner_loop.tables import check_out

        check_out(folder)
        settings = WritingSettings(
            model=model,
            samples=samples,
            tokens=tokens,
            prompt_tokens=prompt_tokens,
            rounds=rounds,
            contenders=tuple(name.strip() for name in contenders.split(",") if name.strip()),
            dtype=dtype,
            device=device,
            threads=threads,
            rank=rank,
        )
        results = run_writing(settings, display)
        write_results(folder, results)
    display.console.print(table("Writing", list(COLUMNS), rows(results)))
    display.console.print(f"\n{about(results)}\n\nAll figures: {folder}/results.json")


bench.command(generation, name="generate")


def retention(
    *,
    documents: Annotated[int, Parameter(help="Documents of the stream.")] = 100,
    seed: Annotated[int, Parameter(help="Which documents they are, and every random choice.")] = 0,
    split: Annotated[
        Literal["eval", "dev"], Parameter(help="Of which split of the micro-world they are.")
    ] = "eval",
    strategies: Annotated[
        str | None, Parameter(help="Which take part, separated by commas; by default all.")
    ] = None,
    out: Annotated[
        Path | None,
        Parameter(
            help="The run's folder; by default a new one under runs/. A stopped run goes on in its own."
        ),
    ] = None,
) -> None:
    """Learn a stream of documents by several strategies, and see what is left of each at the end.

    The learner goes first, gates and all, one document after another; the other strategies then train on the
    lines that it wrote: merging after each document (as published), the same with replay and a KL term, one
    adapter on all documents, and, without any training, retrieval with the passage in the context.
    """
    folder = out or default_out("retention")
    display = Display()
    with display.running(folder):
        from seal.bench.retention.stream import STRATEGIES, StreamSettings, run_stream
        from seal.bench.retention.tables import retention_rows

        names = STRATEGIES if strategies is None else tuple(s.strip() for s in strategies.split(","))
        unknown = [name for name in names if name not in STRATEGIES]
        if unknown or documents < 1:
            what = f"--strategies {unknown[0]}: there is none" if unknown else f"--documents {documents}"
            raise ConfigError(what, f"Strategies: {', '.join(STRATEGIES)}; and at least one document.")
        settings = StreamSettings(documents=documents, seed=seed, split=split, strategies=names)
        results = run_stream(settings, folder, display)
    columns = ["strategy", "after", "at the end [95 %]", "known", "reading", "s", "MB"]
    title = f"{documents} documents, seed {seed}: % right after each, and at the end; seconds a document"
    display.console.print(table(title, columns, retention_rows(results)))
    display.console.print(f"\nAll figures: {folder}/results.json")


bench.command(retention)


def _numbers(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ConfigError(f"--adapters {text}: these are not numbers of at least 1", "for instance 1,4,16,64")
    return tuple(map(int, parts))


def _range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    if not (low.strip().isdecimal() and high.strip().isdecimal()):
        raise ConfigError(f"--example-tokens {text}: not a shortest and a longest", "for instance 20-60")
    return int(low), int(high)


def _show(display: Display, results: dict[str, Any], folder: Path) -> None:
    from seal.bench.inner_loop import tables

    rows = [list(row[:6]) for row in tables.speed_rows(results)]
    columns = ["adapters", "contender", "self-edits/s [min, max]", "s a self-edit", "training", "exam"]
    display.console.print()
    display.console.print(table(f"{results['model']['name']}: the same work by each", columns, rows))
    if results["ratios"]:
        columns = ["adapters", "engine / peft [min, max]", "engine / trainer [min, max]"]
        display.console.print()
        display.console.print(
            table("Times as many self-edits a second", columns, list(map(list, tables.ratio_rows(results))))
        )
    if results["shares"]:
        rows = [[row[0], row[2], row[3], row[4], row[7]] for row in tables.share_rows(results)]
        columns = ["adapters", "all [min, max]", "training", "exam", "of a large square"]
        display.console.print()
        display.console.print(table("Share of the machine's matrix-product rate", columns, rows))
    for text in (tables.notes(results), tables.memory_text(results)):
        if text:
            display.console.print(f"\n{text}", markup=False)
    if results["settings"]["quick"]:
        display.notice("--quick: these figures are of a few steps and say nothing about speed")
    display.console.print(f"\nAll figures: {folder} ({results['wall_s']:.0f} s)")
