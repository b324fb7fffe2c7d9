"""A model's writing to training lines, for the formats that are lists of statements or paragraphs.

Knows how lists, headings and paragraphs hang together, and where a list ends and drift begins. Knows
nothing about prompts or training. Never raises on any text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seal.self_edits import clean
from seal.self_edits.json_told import lines_of_json
from seal.self_edits.markup import plain_lists
from seal.thoughts import without_thoughts

_MAX_PASSES = 50
_FAR = 200  # lines: a list does not go on behind so many others
_TITLE_WORDS = 14  # a line of so few words before a much longer one is a title of it


@dataclass(frozen=True)
class _Line:
    """One line that is not blank, seen in its surroundings."""

    text: str
    number: int | None
    is_item: bool
    is_heading: bool
    is_indented: bool
    after_blank: bool


def parse_lines(
    text: str, *, title: str = "", paragraphs: bool = False, truncated: bool = False, max_chars: int = 4000
) -> tuple[str, ...]:
    """Return the training lines in `text`.

    Args:
        text: the completion as sampled.
        title: the passage's title; a line that only repeats it is dropped.
        paragraphs: whether the lines are whole paragraphs, which may have titles ("Title: text").
        truncated: the sample ended at its token limit; an unfinished last line is dropped.
        max_chars: longer lines are cut at the end of a sentence.
    """
    text = without_thoughts(text)
    if truncated and lines_of_json(text, pairs=False) is None:
        text = clean.drop_truncated(text)

    def once(current: str) -> list[str]:
        told = lines_of_json(current, pairs=False)
        return _lines_once(plain_lists(current) if told is None else told, title, paragraphs, max_chars)

    return settle(text, once)


def settle(text: str, once: Callable[[str], list[str]]) -> tuple[str, ...]:
    """Apply a parser to its own output until nothing changes, so that parsing is idempotent.

    What one pass uncovers (a label under a bullet, a repeated line after both lost their numbers) the next
    one sees. Passes only remove or join lines, so this ends; the limit is a guard.
    """
    lines = once(clean.plain_signs(text))
    for _ in range(_MAX_PASSES):
        again = once("\n".join(lines))
        if again == lines:
            break
        lines = again
    return tuple(lines)


def cut_drift(lines: list[str], *, label_repeats: bool = False) -> list[str]:
    """Return the lines before the model turned to another prompt.

    `label_repeats`: "Passage:" may stand before each of several rewritten passages; it then counts as a new
    prompt only where the words that end such a prompt come after it.
    """
    seen = False
    for index, line in enumerate(lines):
        bare = line.strip().casefold()
        is_prompt = bare == "passage:" and seen
        if is_prompt and label_repeats:
            below = (lines[at].strip().casefold() for at in range(index + 1, len(lines)))
            following = next((later for later in below if later in ("passage:", "rewritten passages:")), "")
            is_prompt = following == "rewritten passages:"
        if clean.is_drift(line) or is_prompt:
            return lines[:index]
        seen = seen or bool(bare)
    return lines


def _lines_once(text: str, title: str, paragraphs: bool, max_chars: int) -> list[str]:
    raw = cut_drift(text.splitlines(), label_repeats=paragraphs)
    lines = _read(raw, title)
    kept = _from_list(lines, paragraphs) if _is_list(lines) else _from_prose(lines, paragraphs)
    cleaned = [clean.shorten(clean.clean_line(line), max_chars) for line in kept]
    return clean.unique([line for line in cleaned if clean.has_letters(line)])


def _read(raw: list[str], title: str) -> list[_Line]:
    lines: list[_Line] = []
    after_blank = False
    for line in raw:
        if not line.strip() or clean.is_fence(line):
            after_blank = True
            continue
        _, number, is_item = clean.split_marker(line)
        if (alone := clean.bare_number(line)) is not None:
            line, number, is_item, is_heading = "", alone, True, True
        elif clean.is_label(line, title):
            # "1. Title": the item is the paragraph that follows, to which this line adds nothing
            line, is_heading = "", True
        elif clean.is_talk(line) or not clean.has_letters(clean.clean_line(line)):
            continue
        else:
            is_heading = clean.is_heading(line)
        lines.append(_Line(line, number, is_item, is_heading, line[:2].isspace(), after_blank))
        after_blank = False
    return lines


def _is_list(lines: list[_Line]) -> bool:
    items = [line for line in lines if line.is_item]
    content = [line for line in lines if not line.is_heading]
    starts = next((line.is_item for line in lines if line.is_item or not line.is_heading), False)
    return len(items) >= 2 and (starts or 2 * len(items) >= len(content))


def _from_list(lines: list[_Line], paragraphs: bool) -> list[str]:
    items: list[str] = []
    pending: str | None = None  # an item that is only a heading: it goes before its text
    last: _Line | None = None
    for index, line in enumerate(lines):
        if line.is_item:
            last = line
        if line.is_heading:
            pending = line.text if line.is_item or (pending is None and last is None) else pending
        elif paragraphs and _titles_next(lines, index):
            pending = line.text
        elif line.is_item:
            items.append(line.text)
            pending = None
        elif pending is not None:
            items.append(_titled(pending, line.text))
            pending = None
        elif not items:
            if last is not None or clean.ends_sentence(line.text):  # or else it is a heading of the list
                items.append(line.text)
        elif line.is_indented or not (line.after_blank or clean.ends_sentence(items[-1])):
            items[-1] = f"{items[-1].rstrip()} {line.text.strip()}"
        elif not line.text.rstrip().endswith("?") and (
            (paragraphs and not line.after_blank) or _continues(lines, index, last)
        ):
            items.append(line.text)
        else:
            break  # a question to the model, or what comes after the list: a summary, the next prompt
    return items


def _continues(lines: list[_Line], at: int, last: _Line | None) -> bool:
    """Whether the list goes on below a line that is none of its items."""
    below = (lines[index] for index in range(at + 1, min(at + _FAR, len(lines))))
    following = next((line for line in below if line.is_item), None)
    if following is None or last is None:
        return False
    if last.number is None or following.number is None:
        return last.number is None and following.number is None
    return following.number == last.number + 1


def _from_prose(lines: list[_Line], paragraphs: bool) -> list[str]:
    texts: list[str] = []
    pending: str | None = None
    for index, line in enumerate(lines):
        if line.is_heading or (paragraphs and _titles_next(lines, index)):
            pending = line.text
            continue
        texts.append(_titled(pending, line.text) if pending and paragraphs else line.text)
        pending = None
    return texts


def _titles_next(lines: list[_Line], index: int) -> bool:
    """Whether a line is a title in all but form: a few words, then a much longer text or the same again."""
    if index + 1 >= len(lines):
        return False
    text, following = lines[index].text, lines[index + 1]
    if len(text.split()) > _TITLE_WORDS or clean.ends_sentence(text):
        return False
    if following.is_heading or following.is_item:
        return False
    return len(following.text) > 3 * len(text) or _same(text, following.text)


def _same(one: str, other: str) -> bool:
    return len(clean.unique([clean.clean_line(one), clean.clean_line(other)])) == 1


def _titled(heading: str, text: str) -> str:
    name = clean.clean_line(heading).rstrip(":： ").strip()
    return f"{name}: {clean.clean_line(text)}" if name else text
