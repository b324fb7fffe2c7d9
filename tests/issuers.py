"""An issuer of OpenID Connect for tests: it has real keys, signs real tokens, and is asked over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Issuer:
    """`asked` counts what it was asked for by path. While it is `down` it answers 500."""

    def __init__(self, url: str) -> None:
        self.url, self.calls_itself = url, url
        self.keys: dict[str, Any] = {}
        self.asked: Counter[str] = Counter()
        self.down = False

    def new_key(self, kid: str, kind: str = "RSA", size: Any = 2048) -> None:
        from joserfc.jwk import ECKey, OKPKey, RSAKey

        made = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}[kind]
        self.keys[kid] = made.generate_key(size, {"kid": kid, "use": "sig"})

    def token(self, kid: str, alg: str = "RS256", key: Any = None, **claims: Any) -> str:
        """One that is right but for the claims that are given; None leaves one out."""
        from joserfc import jwt

        now = int(time.time())
        said = {"iss": self.url, "aud": "seal", "sub": "u1", "iat": now, "exp": now + 600} | claims
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode({"alg": alg, "kid": kid}, said, key or self.keys[kid], algorithms=[alg])

    def answer(self, path: str) -> tuple[int, Any]:
        self.asked[path] += 1
        if self.down:
            return 500, {}
        if path == "/.well-known/openid-configuration":
            return 200, {"issuer": self.calls_itself, "jwks_uri": f"{self.url}/keys"}
        unknown = {"kty": "XYZ", "kid": "odd"}
        return 200, {"keys": [unknown, *(key.as_dict(private=False) for key in self.keys.values())]}


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer on this machine, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, said = issuer.answer(self.path)
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
