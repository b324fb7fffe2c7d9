"""Which model this is: its name, its size and the digest of its weights. Knows nothing about what it does."""

from __future__ import annotations

import hashlib
from typing import Any


def model_record(name: str, model: Any) -> dict[str, Any]:
    """Name, number of parameters, and the SHA-256 of all weights in the order of their names."""
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return {
        "name": name,
        "parameters": sum(p.numel() for p in model.parameters()),
        "sha256": digest.hexdigest(),
    }
