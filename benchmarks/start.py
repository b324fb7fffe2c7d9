"""How long a command takes from nothing: starting Python, importing, reading the model, answering.

    python benchmarks/start.py [--workspace DIR --question TEXT] [--times N] [--source DIR]

Runs commands of this checkout one after another and prints the median, the least and the most of their
seconds: by the clock, and of the processor (user and system together). Then what `seal ask` imports, by
library and by module. The clock needs a machine that does nothing else; the processor's seconds suffer less
from other work. Without --workspace, one is made with a document in it, which takes a minute. --source
measures other code: the `src` folder of another checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
SEAL = "import sys; from seal.cli import main; sys.exit(main(sys.argv[1:]))"
MODULES_SHOWN, LIBRARIES_SHOWN = 15, 12


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure how long commands take from their start.")
    parser.add_argument("--workspace", type=Path, default=None)
    parser.add_argument("--question", default="Who is the mayor of Bupand?")
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--source", type=Path, default=ROOT / "src")
    options = parser.parse_args(arguments)
    environment = {**os.environ, "PYTHONPATH": str(options.source.resolve())}
    with tempfile.TemporaryDirectory() as folder:
        workspace, question = options.workspace, options.question
        if workspace is None:
            workspace, question = make_workspace(Path(folder) / "brain", environment)
        ask = ["ask", question, "--workspace", str(workspace)]
        commands = {
            "`python -c pass`": ["-c", "pass"],
            "`python -c 'import torch'`, the limit": ["-c", "import torch"],
            "`seal --version`": ["-c", SEAL, "--version"],
            "an unknown command": ["-c", SEAL, "akss"],
            "a wrong flag": ["-c", SEAL, "ask", "--hepl"],
            "a workspace that is not there": ["-c", SEAL, "ask", "Who?", "--workspace", f"{folder}/nowhere"],
            "`seal ask`": ["-c", SEAL, *ask],
        }
        subprocess.run([sys.executable, "-c", SEAL, *ask], env=environment, check=True)  # files are in memory
        print(times_table({name: measure(own, environment, options.times) for name, own in commands.items()}))
        print(imports_tables(import_times(["-c", SEAL, *ask], environment)))
    return 0


def make_workspace(folder: Path, environment: dict[str, str]) -> tuple[Path, str]:
    """A workspace that has learned one of the examples, and a question about it."""
    passages = json.loads((ROOT / "examples" / "passages.json").read_text(encoding="utf-8"))
    document = folder.parent / "passage.json"
    document.write_text(json.dumps(passages[:1]), encoding="utf-8")
    for command in (
        ["init", str(folder), "--model", "tiny"],
        ["learn", str(document), "--workspace", str(folder)],
    ):
        subprocess.run([sys.executable, "-c", SEAL, *command], env=environment, check=False)
    return folder, passages[0]["questions"][0]["question"]


def measure(command: Sequence[str], environment: dict[str, str], n: int) -> list[tuple[float, float]]:
    """Seconds by the clock and of the processor, of each of `n` runs."""
    seconds = []
    for _ in range(n):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([sys.executable, *command], env=environment, capture_output=True)
        wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        seconds.append((wall_s, used_s))
    return seconds


def times_table(measured: dict[str, list[tuple[float, float]]]) -> str:
    lines = ["| command | s by the clock [least, most] | s of the processor [least, most] |", "|---|---|---|"]
    for name, seconds in measured.items():
        cells = [
            f"{statistics.median(own):.2f} [{min(own):.2f}, {max(own):.2f}]"
            for own in zip(*seconds, strict=True)
        ]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"


def import_times(command: Sequence[str], environment: dict[str, str]) -> dict[str, int]:
    """Microseconds that each module takes by itself, by `python -X importtime`."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command], env=environment, capture_output=True, text=True
    )
    times = {}
    for line in done.stderr.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        if line.startswith("import time:") and own.strip().isdecimal():
            times[rest.rpartition("|")[2].strip()] = int(own)
    return times


def imports_tables(times: dict[str, int]) -> str:
    libraries: Counter[str] = Counter()
    for module, microseconds in times.items():
        libraries[module.partition(".")[0]] += microseconds
    total = sum(libraries.values())
    counts = Counter(module.partition(".")[0] for module in times)
    lines = ["| library | modules | ms |", "|---|---|---|", f"| all | {len(times)} | {total / 1000:.0f} |"]
    lines += [
        f"| {name} | {counts[name]} | {own / 1000:.0f} |"
        for name, own in libraries.most_common(LIBRARIES_SHOWN)
    ]
    lines += ["", "| module | ms by itself |", "|---|---|"]
    lines += [f"| {name} | {own / 1000:.0f} |" for name, own in Counter(times).most_common(MODULES_SHOWN)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
