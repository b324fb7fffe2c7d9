"""`seal chat`: a conversation with the live version, here or behind an address.

Knows what is shown of an answer, and what may be said beside questions. A question that cannot be answered
does not end the conversation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from seal.cli.ask import ByFlag
from seal.cli.console import print_error, stderr, stdout
from seal.cli.talks import Talk, TalkHere, TalkThere
from seal.cli.why import rows_of
from seal.cli.workspace import WorkspaceFlag
from seal.errors import InputError, SealError
from seal.hints import did_you_mean

_HELP = {
    "/why": "the evidence for the last answer",
    "/sources": "the documents that it is from",
    "/correct TEXT": "the right answer: it becomes a document, and is studied as any other",
    "/good": "the last answer is good",
    "/bad": "it is not",
    "/new": "begin another conversation",
    "/help": "this",
    "/quit": "leave, as Ctrl-D does",
}


def chat(
    *,
    by: ByFlag = "auto",
    model: Annotated[
        str, Parameter(help="Who answers: live, another alias or a version; behind an address also base.")
    ] = "live",
    workspace: WorkspaceFlag = Path("."),
    url: Annotated[
        str | None,
        Parameter(
            help="The address of a service, or of another server that speaks OpenAI's API, as "
            "http://127.0.0.1:8000/v1, instead of a workspace."
        ),
    ] = None,
    key_env: Annotated[
        str | None,
        Parameter(help="The environment variable with the key for --url; by default SEAL_API_KEY, if set."),
    ] = None,
) -> None:
    """Talk with a learner: a question a line, until the end of the input (Ctrl-D).

    A question may refer to what was said before ("And who built it?"). Below each answer stands where it is
    from. Ctrl-C stops an answer. `/help` says what else can be typed: `/why`, `/sources`, `/correct TEXT`,
    `/good`, `/bad`, `/new`, `/quit`. In a pipe, each line of the output is an answer, and all else goes to
    stderr.
    """
    talk: Talk = TalkThere(url, key_env, model, by) if url else TalkHere(workspace, model, by)
    with closing(talk):
        _Conversation(talk, stdout(), stderr()).run()


class _Conversation:
    """Reads lines, shows answers, and remembers what was said."""

    def __init__(self, talk: Talk, out: Console, aside: Console) -> None:
        self.talk, self.out = talk, out
        self.live = out.is_terminal and sys.stdin.isatty()
        self.aside = out if out.is_terminal else aside
        self.messages: list[dict[str, str]] = []

    def run(self) -> None:
        if self.live:
            with suppress(ImportError):
                import readline  # noqa: F401  # with it, input() edits lines and remembers them
        while (line := self._line()) is not None:
            said = line.strip()
            if said == "/quit":
                return
            try:
                if said.startswith("/"):
                    self._do(said)
                elif said:
                    self._ask(said)
            except SealError as error:
                print_error("error", error.message, error.hint)

    def _line(self) -> str | None:
        while True:
            try:
                return input("> " if self.out.is_terminal else "")
            except EOFError:
                return None
            except UnicodeDecodeError as error:
                print_error("error", f"a line is no text: {error.reason}", "The input is read as UTF-8.")
            except KeyboardInterrupt:
                if not self.live:
                    raise
                self.aside.print(Text("\n  (Ctrl-D or /quit leaves)", style="dim"))

    def _ask(self, asked: str) -> None:
        self.messages.append({"role": "user", "content": asked})
        said = list[str]()
        pieces = self.talk.answer(list(self.messages))
        try:
            for piece in pieces:
                said.append(piece)
                if self.live:  # Text, so that no code in it reaches the terminal
                    self.out.print(Text(piece), end="")
        except KeyboardInterrupt:
            if not self.live:
                raise
            self._remember(said)
            self.aside.print(Text("\n  (stopped)", style="dim"))
            return
        except SealError:
            self._remember(said)
            raise
        finally:
            if (close := getattr(pieces, "close", None)) is not None:
                close()
        self._remember(said)
        text = "".join(said)
        self.out.print("" if self.live else Text(text if self.out.is_terminal else " ".join(text.split())))
        source = self.talk.source()
        self.aside.print(Text(f"  ({source.note})", style="yellow" if source.guessed else "dim"))

    def _remember(self, said: list[str]) -> None:
        """What was heard of an answer belongs to the conversation; without any, the question does not."""
        if text := "".join(said).strip():
            self.messages.append({"role": "assistant", "content": text})
        else:
            self.messages.pop()

    def _do(self, line: str) -> None:
        """Raises InputError for what is no command."""
        name, _, rest = line.partition(" ")
        commands: dict[str, Callable[[str], None]] = {
            "/why": self._why,
            "/sources": self._sources,
            "/correct": self._correct,
            "/good": lambda _: self._note(self.talk.say("thumbs", "up")),
            "/bad": lambda _: self._note(self.talk.say("thumbs", "down")),
            "/new": lambda _: self.messages.clear(),
            "/help": self._help,
        }
        if name not in commands:
            raise InputError(f"there is no {name!r}", f"{did_you_mean(name, commands)} /help names all.")
        commands[name](rest.strip())

    def _why(self, _: str) -> None:
        for label, text in rows_of(self.talk.why()):
            self.aside.print(Text.assemble((f"{label:<10}", "bold"), text))

    def _sources(self, _: str) -> None:
        source = self.talk.source()
        for document in source.documents:
            self._note(document)
        if source.passage:
            self._note(source.passage)
        if not source.documents:
            self._note("no document")

    def _correct(self, right: str) -> None:
        if not right:
            raise InputError("the right answer is missing", "Write it behind the command: /correct TEXT")
        self._note(self.talk.say("right_answer", right))

    def _help(self, _: str) -> None:
        for name, what in _HELP.items():
            self.aside.print(Text.assemble((f"  {name:<15}", "bold"), what))

    def _note(self, text: str) -> None:
        self.aside.print(Text(f"  {text}"))
