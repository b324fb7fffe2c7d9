"""What a model writes about a context: the formats, by name.

A new format is one file (or class) and one line here. It gets its `Config`, or nothing for the defaults:
`FORMATS.get("rewrite")()`.
"""

from collections.abc import Callable
from typing import Final

from seal.plugins import Registry
from seal.protocols import SelfEditFormat
from seal.self_edits import arc_directives, formats
from seal.self_edits.formats import FormatConfig

FORMATS: Final[Registry[Callable[..., SelfEditFormat]]] = Registry("self-edit format", "seal.self_edits")
FORMATS.register("implications", formats.Implications)
FORMATS.register("implications-long", formats.ImplicationsLong)
FORMATS.register("implications-very-long", formats.ImplicationsVeryLong)
FORMATS.register("rewrite", formats.Rewrite)
FORMATS.register("self-qa", formats.SelfQA)
FORMATS.register("facts", formats.Facts)
FORMATS.register("paraphrases", formats.Paraphrases)
FORMATS.register("none", formats.NoSelfEdit)
FORMATS.register("arc-directives", arc_directives.ArcDirectives)

__all__ = ["FORMATS", "FormatConfig"]
