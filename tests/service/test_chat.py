"""`seal chat` says the same of an answer, whether the learner is here or behind a service."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from checkpoints import save_toy
from learners import CONFIG, HANDED_IN, Gates, begin, begin_knowing, fake, learn_all
from seal.cli import main
from seal.cli.chat import _Conversation
from seal.cli.plain_text import PlainConsole
from seal.cli.talks import AnswerSource, TalkHere, TalkThere
from seal.errors import StateError
from seal.learner import Learner
from seal.learner.parts import Parts
from service_documents import DOCUMENTS
from services import RunningService

A = DOCUMENTS[0]
SAID = [A.question(next(iter(A.values))), "", "And who told you so?", "Why?"]


def open_quickly(path: Path, **given: Any) -> Learner:
    """With the settings of the quick learners."""
    return Learner(Parts.open(path, config=CONFIG, **HANDED_IN, **given))


def typed(patch: pytest.MonkeyPatch, lines: list[str]) -> None:
    waiting: Iterator[str] = iter(lines)

    def read(prompt: str) -> str:
        for line in waiting:
            return line
        raise EOFError

    patch.setattr("builtins.input", read)


def test_a_conversation_here_is_that_behind_a_service(
    toy_service: RunningService,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    gates: Gates,
) -> None:
    monkeypatch.setattr(Learner, "open", open_quickly)
    path = toy_service.hosting.tenants["knowing"].path
    typed(monkeypatch, SAID)
    assert main(["chat", "--workspace", str(path)]) == 0
    here = capsys.readouterr()
    monkeypatch.setenv("KEY", toy_service.key)
    typed(monkeypatch, SAID)
    assert main(["chat", "--url", f"{toy_service.url}/v1", "--key-env", "KEY"]) == 0
    there = capsys.readouterr()
    notes = [line for line in there.err.splitlines() if line.startswith("  (")]
    assert there.out == here.out and len(here.out.splitlines()) == 3
    assert notes == here.err.splitlines() and all(A.name in note for note in notes[:2])


def test_what_cannot_be_answered_is_told_and_the_conversation_goes_on(
    toy_service: RunningService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEY", toy_service.key)
    typed(monkeypatch, ["What?", "What?"])
    assert main(["chat", "--url", f"{toy_service.url}/v1", "--key-env", "KEY", "--model", "gpt-4"]) == 0
    assert capsys.readouterr().err.count("does not exist") == 2
    typed(monkeypatch, ["What?", "/why"])
    assert main(["chat", "--url", toy_service.url, "--key-env", "KEY"]) == 0
    err = capsys.readouterr().err
    assert "with its path" in err and "nothing was answered yet" in err
    assert main(["chat", "--url", toy_service.url, "--key-env", "NONE"]) == 2
    assert "NONE" in capsys.readouterr().err


def test_what_may_be_said_beside_questions(
    toy_service: RunningService,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    toy: Path,
    gates: Gates,
) -> None:
    """Here and behind a service: evidence, sources, thumbs, and a correction that becomes a document."""
    gates.outcomes.clear()
    learner = begin_knowing(tmp_path / "w", toy, [A])
    monkeypatch.setattr(Learner, "open", open_quickly)
    monkeypatch.setenv("KEY", toy_service.key)
    own = toy_service.hosting.tenants["knowing"].learner
    lines = ["/why", SAID[0], "/why", "/sources", "/good", "/correct Zork", "/god", "/correct", "/quit", "x"]
    there = ["--url", f"{toy_service.url}/v1", "--key-env", "KEY"]
    for where, asked in (([f"--workspace={learner.path}"], learner), (there, own)):
        typed(monkeypatch, lines)
        before = len(asked.feedback())
        assert main(["chat", *where]) == 0
        out, err = capsys.readouterr()
        assert len(out.splitlines()) == 1  # answers and nothing else
        assert err.count("nothing was answered yet") == 1 and f"  {A.name}  {A.id[:12]}" in err
        assert "evidence  probability" in err and "did you mean" in err.lower() and "is missing" in err
        correction, thumb = asked.feedback()[: len(asked.feedback()) - before]
        assert (thumb.kind, thumb.value) == ("thumbs", "up")
        assert (correction.kind, correction.state, correction.question) == ("right_answer", "taken", SAID[0])
        assert "it is a document of its own now, and is studied" in err


class Fake:
    """A partner that says what it is told to, piece by piece; a piece that is an error is raised."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces, self.heard, self.ended = pieces, list[list[str]](), 0

    def answer(self, messages: Any) -> Iterator[str]:
        self.heard.append([one["content"] for one in messages])
        try:
            for piece in self.pieces:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            self.ended += 1

    def source(self) -> AnswerSource:
        return AnswerSource("from somewhere")


def conversation(partner: Any, live: bool) -> tuple[_Conversation, StringIO]:
    shown = StringIO()
    console = PlainConsole(
        file=shown, force_terminal=live, color_system=None, highlight=False, soft_wrap=True, width=200
    )
    made = _Conversation(partner, console, console)
    made.live = live
    return made, shown


def test_a_models_codes_do_nothing_and_ctrl_c_stops_an_answer_only(monkeypatch: pytest.MonkeyPatch) -> None:
    partner = Fake("Half \x1b[31mred", " [bold]text[/bold]", KeyboardInterrupt())
    typed(monkeypatch, ["Who?", "And when?"])
    talk, shown = conversation(partner, live=True)
    talk.run()
    assert "\x1b[31m" not in shown.getvalue() and "\\x1b[31mred [bold]text[/bold]" in shown.getvalue()
    assert shown.getvalue().count("(stopped)") == 2 and partner.ended == 2
    said = "Half \x1b[31mred [bold]text[/bold]"  # what was heard belongs to the conversation
    assert partner.heard == [["Who?"], ["Who?", said, "And when?"]]
    typed(monkeypatch, ["Who?"])
    with pytest.raises(KeyboardInterrupt):  # in a pipe it ends the command
        conversation(partner, live=False)[0].run()


def test_a_question_that_was_not_answered_is_no_part_of_the_conversation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    partner = Fake(KeyboardInterrupt())
    typed(monkeypatch, ["Who?", "/new", "And when?"])
    talk, _ = conversation(partner, live=True)
    talk.run()
    assert partner.heard == [["Who?"], ["And when?"]]


def test_a_base_that_chats_is_heard_as_it_speaks(tmp_path: Path, gates: Gates) -> None:
    """Here: in pieces, reading the whole conversation; one that is no longer heard is stopped."""
    gates.outcomes.clear()
    model = save_toy(tmp_path / "chatting", chat=True)
    learn_all(begin(tmp_path / "w", model), [fake("chat base")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "open", open_quickly)
        talk = TalkHere(tmp_path / "w", "live", "auto")
    asked = [{"role": "user", "content": "Tell me something of your own."}]
    pieces = talk.answer(asked)
    first = next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    whole = list(talk.answer(asked))
    assert len(whole) > 1 and "".join(whole).startswith(first) and talk.source().guessed
    talk.close()


def test_a_server_of_another_make_answers_too(
    toy_service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the field of ours nothing is known of the source, and nothing can be corrected."""
    monkeypatch.setenv("KEY", toy_service.key)
    talk = TalkThere(f"{toy_service.url}/v1", "KEY", "live", "auto")
    piece = talk._piece
    monkeypatch.setattr(talk, "_piece", lambda line: piece(line.replace('"seal"', '"other"')))
    assert "".join(talk.answer([{"role": "user", "content": SAID[0]}]))
    assert talk.source().note == f"live, at {toy_service.url}/v1"
    with pytest.raises(StateError, match="does not keep its answers"):
        talk.say("thumbs", "up")
    talk.close()
