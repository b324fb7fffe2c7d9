"""All routes of the service, in the order in which its documentation lists them."""

from __future__ import annotations

from fastapi import APIRouter

from seal.service import health
from seal.service.dashboard import (
    asking_pages,
    document_pages,
    overview_pages,
    record_pages,
    release_pages,
    version_pages,
)
from seal.service.openai import chat, completions, embeddings, model_cards, tokenize
from seal.service.teaching import (
    admin_routes,
    document_routes,
    feedback_routes,
    job_routes,
    release_routes,
    version_routes,
)

ROUTERS: tuple[APIRouter, ...] = (
    chat.router,
    completions.router,
    embeddings.router,
    model_cards.router,
    tokenize.router,
    document_routes.router,
    job_routes.router,
    version_routes.router,
    release_routes.router,
    feedback_routes.router,
    admin_routes.router,
    health.router,
    overview_pages.router,
    document_pages.router,
    version_pages.router,
    release_pages.router,
    asking_pages.router,
    record_pages.router,
)
