"""Every regular expression of the package, and texts that make a bad one slow."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path
from re import _constants as codes  # pyright: ignore[reportAttributeAccessIssue]
from re import _parser as parser  # pyright: ignore[reportAttributeAccessIssue]
from typing import Any

import seal

_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
_CATEGORIES = {codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " ", codes.CATEGORY_NOT_WORD: "-"}
_COMMON = ("a", " ", "\n", "1", "a ", "a\n", "1 ", "-", ". ", "'", "*", "#")
_FUNCTIONS = frozenset("compile match search fullmatch sub subn split findall finditer".split())


def every_pattern() -> dict[str, re.Pattern[str]]:
    """The compiled patterns of all modules and the literal ones in their code, each by where it stands."""
    found: dict[tuple[str, int], str] = {}
    for module in pkgutil.walk_packages(seal.__path__, "seal."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                for pattern in _patterns_in(value):
                    found.setdefault((pattern.pattern, pattern.flags), f"{module.name}.{name}")
    for file in sorted(Path(seal.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (text := _literal(node)) is not None:
                pattern = re.compile(text)
                found.setdefault((pattern.pattern, pattern.flags), f"{file.name}:{node.lineno}")
    return {f"{place} {text[:40]!r}": re.compile(text, flags) for (text, flags), place in found.items()}


def _patterns_in(value: object, depth: int = 0) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif depth < 3 and isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            yield from _patterns_in(one, depth + 1)
    elif depth < 3 and isinstance(value, dict):
        yield from _patterns_in(tuple(value.values()), depth)


def _literal(call: ast.Call) -> str | None:
    is_re = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
    if not is_re or call.func.value.id != "re" or call.func.attr not in _FUNCTIONS or not call.args:  # type: ignore[union-attr]
        return None
    first = call.args[0]
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def attacks(pattern: re.Pattern[str]) -> list[tuple[str, str, str]]:
    """Beginnings, units to be repeated and ends, made of what the pattern itself is made of."""
    tree = parser.parse(pattern.pattern, pattern.flags)
    sample = _sample(tree)
    repeated = list(dict.fromkeys(one for one in _repeated(tree) if one))[:12]
    units = list(
        dict.fromkeys([*repeated, *(a + b for a in repeated[:5] for b in repeated[:5]), sample, *_COMMON])
    )
    begins = ("", sample[: len(sample) // 2], sample[:-1])
    return [(begin, unit, "\0") for begin in dict.fromkeys(begins) for unit in units if unit]


def _sample(tree: Any) -> str:
    """A text that the pattern matches, or nearly."""
    text = ""
    for code, value in tree:
        if code is codes.LITERAL:
            text += chr(value)
        elif code is codes.IN:
            text += _member(value)
        elif code in (codes.ANY, codes.NOT_LITERAL):
            text += "a"
        elif code in _REPEATS:
            text += _sample(value[2]) * min(max(value[0], 1 if value[1] else 0), 40)
        elif code is codes.SUBPATTERN:
            text += _sample(value[3])
        elif code is codes.BRANCH:
            text += _sample(value[1][0])
        elif code is codes.ATOMIC_GROUP:
            text += _sample(value)
    return text


def _member(members: Any) -> str:
    code, value = members[0]
    if code is codes.NEGATE:
        return "a"
    if code is codes.CATEGORY:
        return _CATEGORIES.get(value, "a")
    return chr(value if code is codes.LITERAL else value[0])


def _repeated(tree: Any) -> Iterator[str]:
    """What may be repeated without end in the pattern."""
    for code, value in tree:
        if code in _REPEATS:
            if value[1] > 40:
                yield _sample(value[2])
            yield from _repeated(value[2])
        elif code is codes.SUBPATTERN:
            yield from _repeated(value[3])
        elif code is codes.BRANCH:
            for one in value[1]:
                yield from _repeated(one)
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            yield from _repeated(value[1])
        elif code is codes.ATOMIC_GROUP:
            yield from _repeated(value)


def seconds(pattern: re.Pattern[str], text: str) -> float:
    """Of this process alone, so that others on the machine do not count."""
    started = time.process_time()
    for _ in pattern.finditer(text):
        pass
    return time.process_time() - started


def slow_on(pattern: re.Pattern[str], least_chars: int = 400) -> str:
    """A text on which the pattern takes far more than ten times as long if it is ten times as long; "" for
    none."""
    for begin, unit, end in attacks(pattern):
        texts = [begin + (unit * n)[:n] + end for n in (24, least_chars, 10 * least_chars)]
        if seconds(pattern, texts[0]) > 0.2:  # exponential: the longer ones would never end
            return repr(texts[0])
        if seconds(pattern, texts[2]) > 0.005:
            short, long = (min(seconds(pattern, text) for _ in range(3)) for text in texts[1:])
            if long > 0.005 and long > 30 * short:
                return repr((begin, unit, end))
    return ""
