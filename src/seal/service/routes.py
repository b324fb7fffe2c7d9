"""All routes of the service, in the order in which its documentation lists them."""

from __future__ import annotations

from fastapi import APIRouter

from seal.service import health
from seal.service.openai import chat, completions, model_cards, tokenize

ROUTERS: tuple[APIRouter, ...] = (
    chat.router,
    completions.router,
    model_cards.router,
    tokenize.router,
    health.router,
)
