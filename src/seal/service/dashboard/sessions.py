"""Who looks at a page: signed in with a key, which a cookie keeps; and that a form was sent from a page of
ours.

The cookie is the session: it goes to this site alone (HttpOnly, SameSite=Strict), and ends with the browser
or with the key. A form carries a token that only who has the key can make, so that no other site can send
one. Nothing of a session is stored, so that every server of a workspace knows it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import urlsplit

from fastapi import Request, Response

from seal.service.access.keyring import COOKIE
from seal.service.problems import forbidden

TOKEN = "form_token"
"""The field of a form that holds the token."""
_OWN_PATH = re.compile(r"/(?:[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*)?")


def token_of(request: Request) -> str:
    """The token of this session's forms; empty if nobody is signed in."""
    key = request.cookies.get(COOKIE, "")
    return hmac.new(key.encode(), b"a form of seal's dashboard", hashlib.sha256).hexdigest() if key else ""


async def check_form(request: Request) -> None:
    """Raises Problem (403) for a form that did not come from a page of this session. A request that brings
    its key itself (Authorization) is no browser's; one that has no key at all is refused by its role."""
    if request.headers.get("authorization"):
        return
    if not _from_here(request):
        raise forbidden("this form was sent by another site")
    if wanted := token_of(request):
        given = (await request.form()).get(TOKEN, "")
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), wanted.encode()):
            raise forbidden("this form is of another session: load its page again")
        request.state.own_form = True


def sign_in(request: Request, response: Response, key: str) -> None:
    """Keeps a key, which was compared, in the browser until it is closed."""
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, key, httponly=True, samesite="strict", secure=secure, path="/")


def sign_out(response: Response) -> None:
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/")


def own_path(path: str) -> str:
    """A path of this site; "/" in place of anything else."""
    return path if _OWN_PATH.fullmatch(path) else "/"


def _from_here(request: Request) -> bool:
    """What browsers say of where a request is from. One that says nothing is let pass, and needs the
    token."""
    if site := request.headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
