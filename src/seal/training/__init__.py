"""Training: self-edits in, adapters out. Knows nothing about domains, formats or outer loops."""

from seal.training.adapter import Adapter, keeps_transposed, load_peft, merge, save_peft
from seal.training.bank import AdapterBank
from seal.training.batching import TokenizedExample, TokenizedPlan, tokenize_plan
from seal.training.trainer import takes_layers_whole, train

__all__ = [
    "Adapter",
    "AdapterBank",
    "TokenizedExample",
    "TokenizedPlan",
    "keeps_transposed",
    "load_peft",
    "merge",
    "save_peft",
    "takes_layers_whole",
    "tokenize_plan",
    "train",
]
