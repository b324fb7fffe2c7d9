"""What a key looks like, how its secret is made, and how it is told from a wrong one.

    seal_<tenant>_<id>_<secret>

The tenant and the id say where to look; the secret has 190 bits. It is shown once, and kept as its argon2
hash. Knows nothing about roles.
"""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_LETTERS = string.ascii_letters + string.digits
_SECRET_CHARS = 32
_KEY = re.compile(rf"seal_([a-z0-9-]{{1,32}})_([0-9a-f]{{12}})_([A-Za-z0-9]{{{_SECRET_CHARS}}})")
# OWASP's least for argon2id. A secret of 190 bits cannot be guessed at any speed; a server that hashes with
# more memory could be brought down by wrong keys.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODYS = _hasher.hash("".join(secrets.choice(_LETTERS) for _ in range(_SECRET_CHARS)))
"""The hash of a secret that no key has. A key that is not there takes as long to be refused as a wrong
secret."""


@dataclass(frozen=True)
class KeySecret:
    """A key in the parts that it is written of."""

    tenant: str
    id: str
    secret: str

    def __str__(self) -> str:
        return f"seal_{self.tenant}_{self.id}_{self.secret}"

    def __repr__(self) -> str:
        return f"KeySecret({self.tenant!r}, {self.id!r})"

    @property
    def hash(self) -> str:
        """The argon2 hash of the secret, to be stored; takes tens of milliseconds."""
        return _hasher.hash(self.secret)

    def fits(self, hash: str) -> bool:
        """Whether the secret is that of a hash; takes tens of milliseconds."""
        try:
            return _hasher.verify(hash, self.secret)
        except (VerificationError, InvalidHashError):
            return False


def new_secret(tenant: str) -> KeySecret:
    """A key that nobody has yet."""
    secret = "".join(secrets.choice(_LETTERS) for _ in range(_SECRET_CHARS))
    return KeySecret(tenant, secrets.token_hex(6), secret)


def parsed(text: str) -> KeySecret | None:
    """A key as it is written, in its parts; None if it is none."""
    found = _KEY.fullmatch(text.strip())
    return KeySecret(*found.groups()) if found else None
