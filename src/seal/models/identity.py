"""Which model this is: its name, its size, the digest of its weights, and a fingerprint that their precision
does not change. Knows nothing about what it does.
"""

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


_SAMPLED = 64


def weights_fingerprint(model: Any) -> str:
    """Names the weights of a model's layers whatever their precision: the signs of some of each matrix."""
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        if ".layers." in key or ".h." in key:
            flat = tensor.detach().flatten()
            some = flat[:: max(1, len(flat) // _SAMPLED)][:_SAMPLED]
            digest.update(key.encode() + bytes((some > 0).cpu().tolist()))
    return digest.hexdigest()
