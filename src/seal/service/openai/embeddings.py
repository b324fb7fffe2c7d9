"""`/v1/embeddings`: texts as vectors, by the sentence encoder that an installed package carries.

A learner's own model is no encoder: its states are made to continue a text, and say little of what two texts
have in common. So the one model here is the encoder by which passages are found by meaning, under its own
name; where it is not installed, there is none, and the error says what to install.
"""

from __future__ import annotations

import base64
import functools
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from seal.models.sentence_encoder import ENCODER, INSTALL, SentenceEncoder, sentence_model_folder
from seal.service.access import Caller, Role, needs
from seal.service.openai.forms import Form, TokenIds
from seal.service.openai.model_ids import unknown
from seal.service.problems import Problem, invalid
from seal.service.settings import LimitSettings
from seal.service.state import ServiceDep

router = APIRouter(tags=["embeddings"])


class EmbeddingForm(Form):
    """A text, or several, as vectors of length one."""

    model: str = Field(description=f"`{ENCODER}`")
    input: str | list[str] | TokenIds | list[TokenIds]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None, ge=1)
    user: str | None = None


@router.post("/v1/embeddings")
async def embeddings(
    form: EmbeddingForm, service: ServiceDep, caller: Annotated[Caller, needs(Role.ASK)]
) -> dict[str, Any]:
    """The vectors of texts, by the model all-MiniLM-L6-v2: texts of like meaning have vectors with a large
    product. A text has at most 256 tokens."""
    return await caller.tenant.read(_embedded, form, service.settings.limits)


@functools.cache
def _encoder() -> SentenceEncoder:
    return SentenceEncoder()


def _embedded(form: EmbeddingForm, limits: LimitSettings) -> dict[str, Any]:
    if sentence_model_folder() is None:
        raise _absent(form.model)
    if form.model != ENCODER:
        raise unknown(form.model, f"The model that embeds texts is {ENCODER}.")
    texts, encoder = _texts(form, limits), _encoder()
    lengths = encoder.lengths_tokens(texts)
    for place, n_tokens in enumerate(lengths):
        if n_tokens > encoder.most_tokens:
            raise invalid(
                f"This model's maximum context length is {encoder.most_tokens} tokens. However, the text "
                f"{place} has {n_tokens}.",
                param="input",
                code="context_length_exceeded",
            )
    rows = encoder.encode(texts)
    if form.dimensions not in (None, rows.shape[1]):
        raise invalid(f"the vectors have {rows.shape[1]} dimensions, and cannot be cut", "dimensions")
    data = [
        {"object": "embedding", "index": place, "embedding": _written(row, form)}
        for place, row in enumerate(rows)
    ]
    usage = {"prompt_tokens": sum(lengths), "total_tokens": sum(lengths)}
    return {"object": "list", "data": data, "model": form.model, "usage": usage}


def _texts(form: EmbeddingForm, limits: LimitSettings) -> list[str]:
    """The texts of a form. Raises Problem (400)."""
    given = [form.input] if isinstance(form.input, str) else form.input
    texts = [one for one in given if isinstance(one, str) and one.strip()]
    if any(not isinstance(one, str) for one in given):
        raise invalid("give texts: the ids of tokens are another model's, not the encoder's", "input")
    if not texts or len(texts) < len(given):
        raise invalid("a text that is empty has no vector", "input")
    if len(texts) > limits.choices:
        raise invalid(f"more than {limits.choices} texts are given at once", "input")
    return texts


def _written(row: Any, form: EmbeddingForm) -> str | list[float]:
    if form.encoding_format == "base64":
        return base64.b64encode(row.astype("<f4").tobytes()).decode()
    return [float(x) for x in row]


def _absent(model: str) -> Problem:
    return unknown(model, f"No model that embeds texts is installed: {INSTALL}, then start the service anew.")
