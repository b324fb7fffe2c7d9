"""A BERT encoder straight from its files: hidden states as the class of `transformers` gives them, without
its import, which takes more than a second of each start.

Knows the usual BERT alone: learned positions, GELU, post-norms (arXiv 1810.04805). Knows nothing about how
states become a vector.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F


class BertEncoder:
    """The weights of a folder with config.json and model.safetensors, in fp32."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._n_layers, self._n_heads = config["num_hidden_layers"], config["num_attention_heads"]
        self._epsilon = config["layer_norm_eps"]
        self._weights = {name: each.float() for name, each in load_file(folder / "model.safetensors").items()}

    @torch.inference_mode()
    def hidden(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Last hidden states [n, t, d] of texts with `ids` and `mask` [n, t], which is 0 where a row is
        filled up."""
        n, t = ids.shape
        own = self._weights
        x = F.embedding(ids, own["embeddings.word_embeddings.weight"])
        x = x + own["embeddings.position_embeddings.weight"][:t]
        x = self._norm("embeddings.LayerNorm", x + own["embeddings.token_type_embeddings.weight"][0])
        seen = mask.bool()[:, None, None, :]
        for i in range(self._n_layers):
            layer = f"encoder.layer.{i}"
            queries, keys, values = (
                self._linear(f"{layer}.attention.self.{name}", x)
                .view(n, t, self._n_heads, -1)
                .transpose(1, 2)
                for name in ("query", "key", "value")
            )
            attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=seen)
            attended = attended.transpose(1, 2).reshape(n, t, -1)
            attended = self._linear(f"{layer}.attention.output.dense", attended)
            x = self._norm(f"{layer}.attention.output.LayerNorm", x + attended)
            fed = F.gelu(self._linear(f"{layer}.intermediate.dense", x))
            x = self._norm(f"{layer}.output.LayerNorm", x + self._linear(f"{layer}.output.dense", fed))
        return x

    def _linear(self, name: str, x: Tensor) -> Tensor:
        return F.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, name: str, x: Tensor) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return F.layer_norm(x, weight.shape, weight, bias, self._epsilon)
