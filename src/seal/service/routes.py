"""All routes of the service, in the order in which its documentation lists them."""

from __future__ import annotations

from fastapi import APIRouter

from seal.service import operations
from seal.service.openai import chat, completions, models, tokenize

ROUTERS: tuple[APIRouter, ...] = (
    chat.router,
    completions.router,
    models.router,
    tokenize.router,
    operations.router,
)
