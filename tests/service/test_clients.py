"""Clients that others wrote, each run as its users run it, before a learner of the embedded model.

What `make test-all` installs for them is the extra `test-service`; one that is missing is skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seal.learner import Learner, Text
from seal.models import score_answers
from seal.service.hosting import Hosting, Tenant
from seal.training import AdapterBank
from seal.types import Question
from services import RunningService, running

pytestmark = pytest.mark.slow

TEXT = (
    "Petra Lund was born in Ostervik in 1961. She studied at Halden College and works as a glassblower. "
    "She is married to Tomas Berg and plays the harp."
)
QUESTION = "What does Petra Lund do for a living?"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    learner = Learner.init(tmp_path_factory.mktemp("clients") / "brain", model="tiny")
    [learned] = learner.learn(Text(TEXT, "Petra Lund"))
    assert learned.outcome == "live", learned
    with running(Hosting([Tenant("brain", learner)])) as made:
        yield made


def tenant(service: RunningService) -> Tenant:
    return service.hosting.tenants["brain"]


def cell_of(service: RunningService) -> str:
    """The id of the document's cell as a model."""
    live = tenant(service).learner.version("live")
    return f"{live.id}/{live.documents[0]}"


def program(name: str, *given: str, folder: Path, **environment: str) -> str:
    """What a client's program prints. It finds nothing of this user's, and asks nobody else."""
    made = subprocess.run(
        [str(Path(sys.executable).with_name(name)), *given],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ
        | {"HOME": str(folder), "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1"}
        | environment,
        timeout=600,
    )
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
    return made.stdout


# --- llm ----------------------------------------------------------------------------------------------------

LLM_MODELS = """\
- model_id: seal
  model_name: live
  api_base: {url}/v1
  api_key_name: here
- model_id: seal-base
  model_name: base
  api_base: {url}/v1
  api_key_name: here
  completion: true
"""


@pytest.mark.parametrize("how", [(), ("--no-stream",)])
def test_llm_asks_and_notes_what_was_used(
    service: RunningService, tmp_path: Path, how: tuple[str, ...]
) -> None:
    pytest.importorskip("llm", reason="the package llm is not installed")
    (tmp_path / "extra-openai-models.yaml").write_text(LLM_MODELS.format(url=service.url))
    (tmp_path / "keys.json").write_text(json.dumps({"here": service.key}))

    def llm(*given: str) -> str:
        return program("llm", *given, folder=tmp_path, LLM_USER_PATH=str(tmp_path))

    assert llm("-m", "seal", "-s", "Be brief.", QUESTION, *how).strip() == "glassblower"
    assert llm("-c", "What is her year of birth?", *how).strip()  # the conversation goes on
    first, second = json.loads(llm("logs", "list", "--json", "-n", "2"))
    assert first["response"] == "glassblower" and first["conversation_id"] == second["conversation_id"]
    assert first["input_tokens"] > 0 and first["output_tokens"] > 0
    assert llm("-m", "seal-base", "Once upon a time", "-o", "max_tokens", "8", *how).strip()


# --- LiteLLM ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def litellm() -> Any:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    made = pytest.importorskip("litellm", reason="the package litellm is not installed")
    made.telemetry = False
    return made


@pytest.fixture
def to(service: RunningService) -> dict[str, Any]:
    return {"api_base": f"{service.url}/v1", "api_key": service.key, "max_retries": 0}


def test_litellm_answers_streams_and_continues(
    litellm: Any, to: dict[str, Any], service: RunningService
) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    made = litellm.completion(model="openai/live", messages=messages, **to)
    assert made.choices[0].message.content == "glassblower" and made.choices[0].finish_reason == "stop"
    assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens > 0
    more = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(litellm.completion(model="openai/live", messages=messages, **more, **to))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "glassblower"
    used = [c.usage for c in chunks if getattr(c, "usage", None)]
    assert used and used[-1].total_tokens == made.usage.total_tokens
    prompt = {"prompt": "Petra Lund was born in", "max_tokens": 8, "temperature": 0}
    told = litellm.text_completion(model="text-completion-openai/" + cell_of(service), **prompt, **to)
    assert told.choices[0].text.strip()


def test_litellm_knows_our_errors(litellm: Any, to: dict[str, Any], service: RunningService) -> None:
    asked = [{"role": "user", "content": "What?"}]
    with pytest.raises(litellm.NotFoundError):
        litellm.completion(model="openai/gpt-4", messages=asked, **to)
    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(model="openai/live", messages=asked, **{**to, "api_key": "sk-wrong"})
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(model="openai/live", messages=asked, tools=[_TOOL], **to)
    with pytest.raises(litellm.ContextWindowExceededError):
        litellm.text_completion(model="text-completion-openai/base", prompt="a " * 5000, **to)


_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


# --- lm-evaluation-harness ----------------------------------------------------------------------------------

LOGLIKELIHOOD = """\
task: seal_exam
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: loglikelihood
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{target}}}}"
target_delimiter: ""
metric_list: [{{metric: acc}}]
"""
GENERATION = """\
task: seal_asked
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n"], max_gen_toks: 16}}
metric_list: [{{metric: exact_match, ignore_case: true}}]
"""


def evaluated(service: RunningService, folder: Path, model: str, route: str, *more: str) -> dict[str, Any]:
    """What lm-evaluation-harness makes of the document's exam: its results, and what it was answered."""
    pytest.importorskip("lm_eval", reason="the package lm_eval is not installed")
    here, task = tenant(service), "seal_exam" if model == "local-completions" else "seal_asked"
    adaptation = here.learner.parts.adaptation
    with (folder / "exam.jsonl").open("w") as file:
        for one in here.learner.exam("Petra Lund").questions:
            prompt = adaptation.exam_prompt(None, Question(one.question, ()))
            told = {"question": one.question, "answer": one.answers[0], "prompt": prompt}
            file.write(json.dumps({**told, "target": adaptation.answer_lead + one.answers[0]}) + "\n")
    form = LOGLIKELIHOOD if task == "seal_exam" else GENERATION
    (folder / f"{task}.yaml").write_text(form.format(file=folder / "exam.jsonl"))
    name = cell_of(service) if task == "seal_exam" else "live"
    arguments = f"model={name},base_url={service.url}/v1/{route},auth_token={service.key},num_concurrent=4"
    program(
        "lm_eval", "--model", model, "--tasks", task, "--include_path", str(folder), "--model_args",
        arguments, "--output_path", str(folder / "out"), "--log_samples", *more,
        folder=folder, OPENAI_API_KEY=service.key,
    )  # fmt: skip
    [results], [samples] = (list((folder / "out").rglob(f"{kind}_*")) for kind in ("results", "samples"))
    found = json.loads(results.read_text())["results"][task]
    return {**found, "samples": [json.loads(line) for line in samples.read_text().splitlines()]}


def test_lm_eval_measures_a_cell_as_the_learner_does(service: RunningService, tmp_path: Path) -> None:
    """Log-probabilities of the exam's right answers by token ids: each is that of the model with the cell on,
    and the share of those that are the likeliest words is that of the exam's right answers."""
    found = evaluated(service, tmp_path, "local-completions", "completions", "--batch_size", "3")
    here = tenant(service)
    exam = here.learner.exam("Petra Lund").questions
    right = sum(one.outcome == "right" for one in exam)
    assert right > 0 and found["acc,none"] == pytest.approx(right / len(exam))
    live = here.learner.version("live")
    cell = here.learner.parts.mind(live).cells[live.documents[0]]
    pairs = [(one["doc"]["prompt"], one["doc"]["target"]) for one in found["samples"]]

    def scored() -> list[Any]:
        with AdapterBank.of(here.loop.model, [cell.adapter]) as bank:
            slots = [0] * len(pairs)
            return score_answers(here.loop.model, here.tokenizer, pairs, adapters=bank, slots=slots)

    for one, score in zip(found["samples"], here.loop.alone(scored), strict=True):
        [(log, _)] = [one["filtered_resps"][0]]
        assert float(log) == pytest.approx(score.log_probability, rel=1e-3, abs=1e-3)


def test_lm_eval_asks_the_learner_as_its_users_do(service: RunningService, tmp_path: Path) -> None:
    found = evaluated(
        service, tmp_path, "local-chat-completions", "chat/completions", "--apply_chat_template"
    )
    learner = tenant(service).learner
    exam = learner.exam("Petra Lund").questions
    said = tenant(service).loop.alone(lambda: learner.ask([one.question for one in exam]))
    right = [a.text.lower() == one.answers[0].lower() for a, one in zip(said, exam, strict=True)]
    assert any(right) and found["exact_match,none"] == pytest.approx(sum(right) / len(right))


def test_lm_eval_takes_the_service_for_its_tokenizer(service: RunningService) -> None:
    """What it puts before a text that has no context is the token that begins or ends texts."""
    utils = pytest.importorskip("lm_eval.utils", reason="the package lm_eval is not installed")
    url = f"{service.url}/v1/completions"
    assert utils.check_remote_tokenizer_support(url, auth_token=service.key)
    remote, own = utils.RemoteTokenizer(url, auth_token=service.key), tenant(service).tokenizer
    assert remote.eos_token_id == own.eos_token_id
    assert remote.decode(remote.encode(TEXT)) == TEXT
    assert remote.encode(f"{own.eos_token} is written") != [own.eos_token_id]
