"""What to do about a reason why a document did not go live: one table, from what a gate or screening says to
advice.

Knows the words of the gates, of screening and of compiling. Decides nothing. A reason that no row knows has
the advice of its gate, or none.
"""

from __future__ import annotations

import re
import shlex
from typing import Final

_ADVICE: Final[tuple[tuple[str, str], ...]] = (
    # screening, by what was found
    (
        r"screening\b.*max_chars",
        "Split it into several documents, or raise screen.max_chars in learner.toml.",
    ),
    (r"screening\b.*letters", "Give a text with at least a sentence in it."),
    (r"screening\b.*no text", "Save the file as UTF-8 text and learn it again."),
    (
        r"screening\b.*(the model\b|command about answering|roles|invisible|direction of reading)",
        "The text gives a model orders, or hides something. Read the places that are named: take them out, "
        "or approve it if they are harmless.",
    ),
    (
        r"screening\b.*speaks to its reader",
        "It speaks to its reader, as manuals and letters do. Read it and approve it; for a workspace of such "
        "texts set screen.hold_spoken = false in learner.toml.",
    ),
    (
        r"screening\b.*(\bkey\b|token|password|credit card|IBAN)",
        "Take the secret out of the text and learn it again: whoever may ask can ask for it.",
    ),
    (
        r"screening\b.*(e-mail|phone|address|identity)",
        "Read it: if everyone who may ask may know these data, approve it; else take them out.",
    ),
    (
        r"screening\b.*(repeats|text is that of)",
        "It is a copy of a document that is trusted more. Approve it only if it is to stand beside that one; "
        "a correction is learned with the same trust (--trust).",
    ),
    (r"screening\b", "Read the text at the places that are named; correct it, or approve it if it is right."),
    # compiling
    (
        r"no line that the document supports",
        "The model writes nothing usable about this text. See `seal lines DOC --dropped`; try shorter or "
        "plainer sentences, or a better writer: `seal init DIR --writer MODEL`.",
    ),
    (r"(diverged|NaN|infinite)", "Lower cell.learning_rate in learner.toml."),
    # gates
    (
        r"groundedness\b",
        "The model made up much of what it wrote. See `seal lines DOC --dropped`; a better writer "
        "(`seal init DIR --writer MODEL`) writes fewer of these, more samples (writing.samples) do not.",
    ),
    (
        r"consistency\b.*trusted more",
        "A document that is trusted more says otherwise. Approve this one only if it is right.",
    ),
    (
        r"consistency\b",
        "It contradicts what the base model is sure of. Approve it if the document is right (`seal exam DOC` "
        "lists what was compared).",
    ),
    (
        r"acquisition\b.*graded",
        "The exam could not be graded. See `seal exam DOC`; give one of your own (--questions).",
    ),
    (
        r"acquisition\b",
        "The exam does not show that it was learned. See `seal exam DOC`; give more questions (--questions), "
        "or more steps (cell.max_steps) or attempts (writing.attempts) in learner.toml.",
    ),
    (
        r"no exam shows",
        "No question about it could be made. Give an exam of your own: seal learn FILE --questions FILE.",
    ),
    (
        r"(retention|nothing was measured of what was known)\b.*(would show it|graded|nothing was measured)",
        "There are too few questions to show that nothing is lost. Give more general questions when the "
        "workspace is begun (`seal init --reference FILE`), or approve it after reading `seal show`.",
    ),
    (
        r"retention\b",
        "Something that was known before is lost. See what with `seal diff live VERSION`; learn the document "
        "by itself, or with a lower cell.learning_rate or fewer cell.max_steps.",
    ),
    (
        r"honesty\b.*would show it",
        "There are too few private questions to tell. Approve it after reading `seal show`.",
    ),
    (
        r"honesty\b.*contact data",
        "It gives out telephone numbers or addresses of the text. If everyone who may ask may know them, "
        "approve it; else take them out.",
    ),
    (
        r"honesty\b",
        "It would answer private questions out of this text. Take the private data out of it, or raise "
        "refusals in learner.toml.",
    ),
    (
        r"denials\b",
        "What the document denies would be believed. Say what is true instead of what is not.",
    ),
    (
        r"drift\b",
        "The cell changes answers that have nothing to do with it. Lower cell.learning_rate or "
        "cell.max_steps in learner.toml.",
    ),
    (
        r"all gates passed; the autonomy",
        "Nothing is wrong: learner.toml says that a person decides. Approve it.",
    ),
)


def advice(reason: str, *, document: str = "", version: str = "") -> str:
    """What to do about a reason, in a sentence or two; empty if nothing is known to help. The commands in it
    name the document and the version, if these are given."""
    for pattern, words in _ADVICE:
        if re.search(pattern, reason, re.IGNORECASE | re.DOTALL):
            named = words.replace("DOC", shlex.quote(document)) if document else words
            return named.replace("VERSION", shlex.quote(version)) if version else named
    return ""
