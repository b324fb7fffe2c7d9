"""What is written beside a policy's weights, so that another can load it. Knows nothing about training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seal.errors import InputFileError

_FACTS = "seal.json"
_CARD = """\
# A writer of self-edits

`{base}`, fine-tuned by `seal` in round {round} of its outer loop ({arm}) on its own self-edits in the format
`{format}`; seed {seed}. The run's folder holds its configuration (`config.toml`), its samples, rewards and
decisions (`rounds/`).

These are whole weights in Hugging Face format, the adapter merged in. They load without `seal`:

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("path/to/this/folder")
tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")
```

and with it, for another examination or for more rounds:

```sh
seal eval --model path/to/this/folder --data passages.json
seal train --model path/to/this/folder --data passages.json
```

`{facts}` tells `seal` in which style the model is prompted ("{style}").
"""


def write_card(folder: Path, *, base: str, arm: str, round: int, format: str, style: str, seed: int) -> None:
    """Writes README.md and the few facts that `seal` itself needs."""
    facts: dict[str, Any] = {"base": base, "arm": arm, "round": round, "format": format, "style": style}
    facts["seed"] = seed
    (folder / _FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_CARD.format(facts=_FACTS, **facts), encoding="utf-8")


def stored_style(folder: Path) -> str | None:
    """The prompt style that a policy's folder asks for; None if it asks for none."""
    path = folder / _FACTS
    if not path.is_file():
        return None
    try:
        style = json.loads(path.read_text(encoding="utf-8")).get("style")
    except (OSError, ValueError, AttributeError) as error:
        raise InputFileError(f"{path} cannot be read: {error}", "Remove it, or restore it.") from error
    return style if style in ("base", "chat", "short") else None
