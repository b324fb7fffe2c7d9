"""`/tokenize`, `/detokenize`, `/tokenizer_info`: a model's tokenizer, in the forms of vLLM.

Programs that score texts (lm-evaluation-harness) need the tokens of the model that they score by.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter
from pydantic import Field

from seal.models.tokens import encode_completion, encode_prompt
from seal.service.access import Caller, Role, needs
from seal.service.hosting import Tenant
from seal.service.openai.decoding_requests import context_tokens, vocabulary
from seal.service.openai.forms import Form, Message, TokenIds
from seal.service.openai.messages import plain
from seal.service.openai.model_ids import target_of
from seal.service.problems import invalid

router = APIRouter(tags=["tokenizer"])
_SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token")


class TokenizeText(Form):
    """A text; `add_special_tokens` puts the token before it that begins a text, if the model has one."""

    model: str = "base"
    prompt: str
    add_special_tokens: bool = True
    return_token_strs: bool = False


class TokenizeChat(Form):
    """The messages of a chat, as the model's chat template has them."""

    model: str = "base"
    messages: list[Message] = Field(min_length=1)
    add_special_tokens: bool = False
    return_token_strs: bool = False


TokenizeForm: TypeAlias = TokenizeText | TokenizeChat


class DetokenizeForm(Form):
    model: str = "base"
    tokens: TokenIds


@router.post("/tokenize")
@router.post("/v1/tokenize", include_in_schema=False)
async def tokenize(form: TokenizeForm, caller: Annotated[Caller, needs(Role.ASK)]) -> dict[str, Any]:
    """The ids of a text's tokens; those of special ones that begin a text by default."""
    caller.tenant.check_ready()
    return await caller.tenant.read(_tokenize, form, caller.tenant)


def _tokenize(form: TokenizeForm, tenant: Tenant) -> dict[str, Any]:
    target_of(tenant.learner, form.model)
    tokenizer = tenant.tokenizer
    if isinstance(form, TokenizeText):
        text = form.prompt
    elif tenant.chats:
        text = tenant.base_prompt(plain(form.messages)).text
    else:
        raise invalid("the model has no chat template", "messages")
    if (marked := _special(tenant, text)) is not None:
        ids = [marked]
    elif form.add_special_tokens:
        ids = encode_prompt(tokenizer, text)
    else:
        ids = encode_completion(tokenizer, text, append_eos=False)
    return {
        "count": len(ids),
        "max_model_len": context_tokens(tenant),
        "tokens": list(ids),
        "token_strs": [tenant.texts.of(token) for token in ids] if form.return_token_strs else None,
    }


def _special(tenant: Tenant, text: str) -> int | None:
    """The id of the special token that the whole text is: so programs ask for the id of a name that they have
    from `/tokenizer_info`. Within a text no special token is read."""
    named = {getattr(tenant.tokenizer, n, None): getattr(tenant.tokenizer, f"{n}_id", None) for n in _SPECIAL}
    return named.get(text)


@router.post("/detokenize")
@router.post("/v1/detokenize", include_in_schema=False)
async def detokenize(form: DetokenizeForm, caller: Annotated[Caller, needs(Role.ASK)]) -> dict[str, str]:
    """The text of tokens."""
    caller.tenant.check_ready()
    return await caller.tenant.read(_detokenize, form, caller.tenant)


def _detokenize(form: DetokenizeForm, tenant: Tenant) -> dict[str, str]:
    target_of(tenant.learner, form.model)
    most = vocabulary(tenant)
    if any(token >= most for token in form.tokens):
        raise invalid(f"there are {most} tokens, with the ids 0 to {most - 1}", "tokens")
    return {"prompt": tenant.tokenizer.decode(form.tokens)}


@router.get("/tokenizer_info")
@router.get("/v1/tokenizer_info", include_in_schema=False)
async def tokenizer_info(caller: Annotated[Caller, needs(Role.ASK)]) -> dict[str, Any]:
    """The tokenizer's special tokens and chat template."""
    caller.tenant.check_ready()
    tokenizer = caller.tenant.tokenizer
    return {
        "tokenizer_class": type(tokenizer).__name__,
        "model_max_length": context_tokens(caller.tenant),
        **{name: getattr(tokenizer, name, None) for name in (*_SPECIAL, "chat_template")},
    }
