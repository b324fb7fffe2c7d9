"""The torch-free parts stay so at run time, which a static check of imports cannot fully see."""

from __future__ import annotations

import subprocess
import sys

import pytest

TORCH_FREE = [
    "seal",
    "seal.types",
    "seal.errors",
    "seal.protocols",
    "seal.plugins",
    "seal.domains",
    "seal.self_edits",
    "seal.domains.arc_agi",
    "seal.domains.arc_agi.microgrid",
    "seal.self_edits.arc_directives",
    "seal.algorithms",
    "seal.config",
    "seal.registry",
    "seal.text",
    "seal.gates",
    "seal.self_edits.ground",
    "seal.domains.knowledge.screen",
    "seal.retention.router",
    "seal.domains.microworld.questions",
]


@pytest.mark.parametrize("module", TORCH_FREE)
def test_imports_without_torch(module: str) -> None:
    code = f"import sys, {module}; print([m for m in ('torch', 'transformers', 'peft') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
