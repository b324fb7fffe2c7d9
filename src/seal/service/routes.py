"""All routes of the service, in the order in which its documentation lists them."""

from __future__ import annotations

from fastapi import APIRouter

from seal.service import operations

ROUTERS: tuple[APIRouter, ...] = (operations.router,)
