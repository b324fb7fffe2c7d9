"""A toy checkpoint learns documents about which a model behind an endpoint writes: from `seal init` on, with
an endpoint that is a real HTTP server on this machine, and with one that fails. What the base reads again is
scripted, since a toy cannot read."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from checkpoints import save_toy
from commands import caller
from endpoints import Endpoint, Reply, says
from learners import REFERENCE
from seal.engine.adapt import Adaptation
from seal.errors import ConfigError, EndpointError
from seal.gates import Decision, Report
from seal.learner import Learner, Text
from seal.learner.exporting import writers_of
from seal.learner.replacing import rebuild
from seal.learner.settings import FILE, LearnerConfig, settings_text
from seal.learner.skills import ReadAnswer
from seal.registry import Line

MILL = Text("Alder Mill was built in 1844 by Tom Reed. It has three floors.", "Alder Mill")
BARN = Text("Elm Barn was sold in 1902 to Ada Fox.", "Elm Barn")
ANSWERS = {
    "When was Alder Mill built?": "in 1844",
    "In which year was Alder Mill built?": "1844",
    "Who built Alder Mill?": "Tom Reed",
    "How many floors does Alder Mill have?": "three",
    "When was Elm Barn sold?": "in 1902",
    "Who bought Elm Barn?": "Ada Fox",
}
KEY = "sk-not-to-be-kept-anywhere"


class ReadingSkills:
    """Reads what is in the table above, and must not be asked to write."""

    def __init__(self, base: Adaptation) -> None:
        self.base = base

    @contextmanager
    def on(self) -> Iterator[None]:
        yield

    def write(self, *_: Any, **__: Any) -> list[Any]:
        raise AssertionError("the endpoint writes")

    def read(self, prompts: Sequence[str], _on_progress: Any = None) -> list[ReadAnswer]:
        asked = [p.rpartition("\nQuestion: ")[2].removesuffix("\nAnswer:") for p in prompts]
        return [ReadAnswer(ANSWERS.get(question, ""), 0.9) for question in asked]


class OpenGates:
    """Lets everything through: a toy passes no gate."""

    def sound(self, report: Report) -> bool:
        return True

    def decide(self, report: Report) -> Decision:
        return Decision("live", "for this test", ())


def about(body: dict[str, Any]) -> str:
    return body["messages"][1]["content"].partition("\n")[0].removeprefix("Title: ")


def writes(body: dict[str, Any], times: int) -> Reply:
    """Thinks, and numbers its lines; each time that it is asked it words its first question otherwise."""
    own = [f"{q} | {a}" for q, a in ANSWERS.items() if about(body) in q]
    own.append(f"Number {times}, what is {about(body)}? | a mill")
    return says("<think>\nWell.\n</think>\n" + "".join(f"{n}. {one}\n" for n, one in enumerate(own, 1)))


@pytest.fixture(scope="module")
def toy_chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy(tmp_path_factory.mktemp("toy") / "toy", "qwen3", chat=True)


@pytest.fixture
def workspace(toy_chat: Path, tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with the toy and the endpoint, in which all that takes time is small."""
    monkeypatch.setenv("WRITER_KEY", KEY)
    endpoint.reply = writes
    Learner.init(
        tmp_path / "w", model=str(toy_chat), writer=f"{endpoint.url}#big-1", writer_key_env="WRITER_KEY"
    )
    settings = tomllib.loads((tmp_path / "w" / FILE).read_text(encoding="utf-8"))
    settings["cell"] |= {"rank": 2, "epochs": 1, "batch_tokens": 400}
    settings["units"] |= {"least_steps": 2, "anchors": 2, "samples": 1, "attempts": 1}
    settings["units"]["endpoint"] |= {"backoff_s": 0.001, "max_attempts": 2, "concurrency": 1}
    settings["max_answer_tokens"] = 4
    config = LearnerConfig.model_validate(settings)
    (tmp_path / "w" / FILE).write_text(settings_text(config), encoding="utf-8")
    return tmp_path / "w"


def opened(workspace: Path) -> Learner:
    learner = Learner.open(workspace, gates=OpenGates(), reference=REFERENCE)
    learner.parts.skills = ReadingSkills(learner.parts.adaptation)  # type: ignore[assignment]
    learner.parts.cell_start = None  # type: ignore[assignment]  # practice takes minutes
    return learner


def stored(learner: Learner, title: str) -> list[Line]:
    document = next((d for d in learner.documents() if d.title == title), None)
    return [] if document is None else learner.workspace.lines(document.id)


def jobs(learner: Learner) -> list[tuple[str, str]]:
    return [(job.state, job.reason) for job in learner.workspace.jobs()]


def test_what_the_endpoint_wrote_is_learned_and_the_build_names_it(
    workspace: Path, endpoint: Endpoint
) -> None:
    learner = opened(workspace)
    [learned] = learner.learn(MILL)
    assert learned.outcome == "live" and learned.questions
    assert len(endpoint.requests) == 2  # the sentences
    assert endpoint.headers[0]["Authorization"] == f"Bearer {KEY}"
    lines = stored(learner, "Alder Mill")
    kept = {line.text for line in lines if line.kept}
    assert "Question: Who built Alder Mill?\nAnswer: Tom Reed" in kept
    made_up = [line for line in lines if "a mill" in line.text]
    assert made_up and not any(line.kept for line in made_up), "the checks are those of the base's own lines"
    live = learner.live()
    assert live is not None
    recipe = learner.workspace.build(live.builds[0]).recipe
    assert recipe["units"]["endpoint"] == {
        "base_url": endpoint.url,
        "model": "big-1",
        "max_tokens": 2048,
        "extra_body": {},
    }
    known = list(learner.parts.library.of_version(live).values())
    assert writers_of(learner.parts, known) == [f"`big-1` at {endpoint.url}"], "the card of what is exported"


def test_the_key_is_kept_nowhere(workspace: Path) -> None:
    opened(workspace).learn(MILL)
    files = [path for path in workspace.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_a_cell_is_made_anew_from_what_was_written_without_asking(
    workspace: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = opened(workspace)
    learner.learn([MILL, BARN])
    before = stored(learner, "Alder Mill")
    live = learner.live()
    assert live is not None
    endpoint.close()  # what is written already needs neither the endpoint nor the key
    monkeypatch.delenv("WRITER_KEY")
    again = opened(workspace)
    [known] = [k for k in again.parts.library.of_version(live).values() if k.document.title == "Alder Mill"]
    _, cell = rebuild(again.parts, known, known.retired)
    object = again.workspace.build(known.build).object
    assert again.parts.library.put(cell) == object, "bit for bit the cell of before"
    assert stored(again, "Alder Mill") == before
    again.forget("Elm Barn")
    assert [d.title for d in again.documents() if not d.erased] == ["Alder Mill"]


FAILURES: dict[str, tuple[Reply, str]] = {
    "wrong key": ((401, {}, {}), "answered 401"),
    "broken": ((503, {}, {}), "answered 503"),
    "busy": ((429, {}, {"Retry-After": "3600"}), "more than max_retry_after_s"),
    "not a chat": ((200, b"<html>Alder Mill</html>", {}), "not a chat completion"),
}


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        pytest.param(*given, id=name, marks=pytest.mark.slow if name in ("broken", "not a chat") else ())
        for name, given in FAILURES.items()
    ],
)
def test_a_study_without_a_writer_is_a_failed_job_that_can_be_tried_again(
    workspace: Path, endpoint: Endpoint, reply: Reply, told: str
) -> None:
    learner = opened(workspace)
    endpoint.reply = lambda body, times: reply if about(body) == "Alder Mill" else writes(body, times)
    with pytest.raises(EndpointError, match=told):
        learner.learn([BARN, MILL])
    [(state, reason)] = jobs(learner)
    assert state == "failed" and told in reason and endpoint.url in reason
    assert "Alder" not in reason, "what is erased must not stay in the record of a job"
    assert learner.live() is None and not learner.versions()
    assert stored(learner, "Alder Mill") == [], "nothing by halves"
    barn = stored(learner, "Elm Barn")
    assert barn, "what was written is not paid for twice"
    endpoint.reply, asked = writes, len(endpoint.requests)
    again = opened(workspace)
    assert [one.outcome for one in again.learn([BARN, MILL])] == ["live", "live"]
    assert {about(body) for body in endpoint.requests[asked:]} == {"Alder Mill"}
    assert stored(again, "Elm Barn") == barn


def test_the_command_line_says_what_does_not_answer(
    workspace: Path,
    endpoint: Endpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("seal.learner.skills.skills_of", lambda base, *_: ReadingSkills(base))
    monkeypatch.setattr("seal.learner.skills.recall_of", lambda *_: None)
    (tmp_path / "mill.txt").write_text(MILL.text)
    endpoint.close()
    _, err = caller(capsys)("learn", str(tmp_path / "mill.txt"), "--workspace", str(workspace), status=2)
    said = " ".join(err.split())
    assert f"'big-1' at {endpoint.url}" in said and "cannot be reached" in said
    assert "run the same command again" in said and "no line that" not in said


def test_half_a_document_is_not_learned(workspace: Path, endpoint: Endpoint) -> None:
    learner = opened(workspace)

    def reply(body: dict[str, Any], times: int) -> Reply:
        last = "floors" in body["messages"][1]["content"].rpartition("Sentence: ")[2]
        return (500, {}, {}) if last else writes(body, times)

    endpoint.reply = reply
    with pytest.raises(EndpointError, match="1 of 2"):
        learner.learn(MILL)
    assert stored(learner, "Alder Mill") == []


def test_rubbish_is_no_failure_of_the_endpoint(workspace: Path, endpoint: Endpoint) -> None:
    """Its sentences are learned as they stand, as where the base writes nothing of use."""
    endpoint.reply = lambda body, times: says("I am sorry, I cannot do that.")
    learner = opened(workspace)
    learner.learn(MILL)
    assert [line.text for line in stored(learner, "Alder Mill")] == MILL.text.replace(". ", ".\n").split("\n")
    assert jobs(learner) == [("done", "")]


def test_a_key_that_is_missing_is_told_before_anything_is_asked(
    workspace: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WRITER_KEY")
    learner = opened(workspace)
    with pytest.raises(ConfigError, match="WRITER_KEY"):
        learner.learn(MILL)
    assert not endpoint.requests and stored(learner, "Alder Mill") == []


def test_seal_init_fills_the_table_in_and_says_where_texts_go(
    toy_chat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said, folder, mill = caller(capsys), str(tmp_path / "w"), str(tmp_path / "mill.txt")
    Path(mill).write_text(MILL.text)
    given = ["--writer", "http://127.0.0.1:9/v1#org/big:7b", "--writer-key-env", "WRITER_KEY"]
    out, _ = said("init", folder, "--model", str(toy_chat), *given)
    assert "are sent to http://127.0.0.1:9/v1" in " ".join(out.split())
    told = tomllib.loads((tmp_path / "w" / FILE).read_text(encoding="utf-8"))["units"]["endpoint"]
    assert (told["base_url"], told["model"]) == ("http://127.0.0.1:9/v1", "org/big:7b")
    assert told["api_key_env"] == "WRITER_KEY"
    out, _ = said("learn", mill, "--dry-run", "--json", "--workspace", folder)
    assert json.loads(out)["sent_to"] == "http://127.0.0.1:9/v1"
    out, _ = said("learn", mill, "--dry-run", "--workspace", folder)
    assert "would be sent to http://127.0.0.1:9/v1" in " ".join(out.split())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--writer", "http://127.0.0.1:9/v1"], "URL#MODEL"),
        (["--writer", "http://user:secret@127.0.0.1:9/v1#m"], "user name or password"),
        (["--writer", "http://127.0.0.1:9/v1?key=secret#m"], "api_key_env"),
        (["--writer", "http://127.0.0.1:9/v1#m", "--writer-key-env", "sk-secret"], "api_key_env"),
        (["--writer-key-env", "WRITER_KEY"], "no endpoint"),
    ],
)
def test_a_writer_that_cannot_be_is_refused_without_its_secrets(
    toy_chat: Path, tmp_path: Path, given: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = caller(capsys)("init", str(tmp_path / "w"), "--model", str(toy_chat), *given, status=2)
    assert told in " ".join(err.split()) and "secret" not in out + err
    assert not (tmp_path / "w").exists()


def test_the_embedded_model_takes_no_endpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--model", "tiny", "--writer", "http://127.0.0.1:9/v1#m"]
    _, err = caller(capsys)("init", str(tmp_path / "w"), *given, status=2)
    assert "real model" in err and not (tmp_path / "w").exists()
