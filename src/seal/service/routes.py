"""All routes of the service, in the order in which its documentation lists them."""

from __future__ import annotations

from fastapi import APIRouter

from seal.service import operations
from seal.service.openai import chat, completions, models, tokenize
from seal.service.teaching import (
    admin_routes,
    document_routes,
    feedback_routes,
    job_routes,
    version_routes,
)

ROUTERS: tuple[APIRouter, ...] = (
    chat.router,
    completions.router,
    models.router,
    tokenize.router,
    document_routes.router,
    job_routes.router,
    version_routes.router,
    feedback_routes.router,
    admin_routes.router,
    operations.router,
)
