"""What a request to generate may hold. Fields that are not known are tolerated, as clients send many.

What would change the answer and cannot be done here is refused by name, not ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from seal.learner.ways import By

MAX_STOPS = 16
MAX_LOGPROBS = 20
MAX_CHOICES = 128
Stop: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Form(BaseModel):
    """A request's body: each field of the very type that the schema says, others tolerated."""

    model_config = ConfigDict(strict=True)


class StreamOptions(Form):
    include_usage: bool = False


class Generating(Form):
    """What chat and completions have in common."""

    model: str = Field(default="live", description="`live`, another alias, a version's id, or `base`.")
    n: int | None = Field(default=None, ge=1, le=MAX_CHOICES)
    max_tokens: int | None = Field(default=None, ge=0)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=-1, description="0 or -1: all tokens.")
    seed: int | None = Field(default=None, ge=-(1 << 63), lt=1 << 63)
    stop: Stop | list[Stop] | None = None
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
    ignore_eos: bool = False
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None

    @field_validator("stop")
    @classmethod
    def _few_stops(cls, given: Any) -> Any:
        if isinstance(given, list) and len(given) > MAX_STOPS:
            raise ValueError(f"at most {MAX_STOPS} stop strings")
        return given

    @property
    def stops(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def choices(self) -> int:
        return self.n or 1

    @property
    def tells_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


TokenIds: TypeAlias = list[Annotated[int, Field(ge=0)]]


class CompletionForm(Generating):
    """`/v1/completions`."""

    prompt: str | list[str] | TokenIds | list[TokenIds] = ""
    best_of: int | None = Field(default=None, ge=1)
    echo: bool | None = None
    logprobs: int | None = Field(default=None, ge=0, le=MAX_LOGPROBS)
    suffix: str | None = None


class TextPart(Form):
    type: Literal["text", "input_text"]
    text: str


class OtherPart(Form):
    """A picture, sound or file, which is refused with its name."""

    type: str


class Message(Form):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[TextPart | OtherPart] | None = None


class SealOptions(Form):
    """What only a learner knows: the way to answer."""

    by: By = "auto"


class ChatForm(Generating):
    """`/v1/chat/completions`."""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=MAX_LOGPROBS)
    tools: list[Any] | None = None
    tool_choice: Any = None
    response_format: dict[str, Any] | None = None
    seal: SealOptions = SealOptions()
