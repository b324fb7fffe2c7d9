"""How what is told is written on a page: times, sizes, shares, what happened, in plain words.

Knows nothing about where it stands. Texts that are not the program's own are escaped by the templates; what
would do something instead of being seen is shown by its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from seal.signs import visible

NOTHING = "–"
STATES: dict[str, tuple[str, str]] = {
    "live": ("live", "good"),
    "live-once": ("was live", "quiet"),
    "not live": ("not live", "quiet"),
    "stored": ("stored", "quiet"),
    "candidate": ("not decided", "quiet"),
    "held": ("held for a person", "warn"),
    "rejected": ("rejected", "bad"),
    "erased": ("erased", "quiet"),
    "queued": ("waiting", "quiet"),
    "running": ("under way", "busy"),
    "studying": ("being studied", "busy"),
    "leaving": ("being forgotten", "busy"),
    "forgotten": ("forgotten", "quiet"),
    "succeeded": ("done", "good"),
    "failed": ("failed", "bad"),
    "cancelled": ("cancelled", "quiet"),
    "pass": ("passed", "good"),
    "fail": ("failed", "bad"),
    "open": ("a person decides", "warn"),
    "right": ("right", "good"),
    "wrong": ("wrong", "bad"),
    "ungraded": ("ungraded", "quiet"),
    "not recorded": ("not recorded", "quiet"),
    "noted": ("noted", "quiet"),
    "taken": ("became a document", "good"),
    "refused": ("refused", "bad"),
    "gained": ("gained", "good"),
    "lost": ("lost", "bad"),
    "changed": ("changed", "warn"),
    "kept": ("learned", "good"),
    "dropped": ("dropped", "quiet"),
    "replaced": ("replaced", "warn"),
    "holds": ("holds", "good"),
    "expired": ("expired", "quiet"),
    "revoked": ("revoked", "bad"),
    "promoted": ("went live", "good"),
    "reverted": ("reverted", "bad"),
    "ended": ("ended", "quiet"),
    "loading": ("being loaded", "busy"),
    "loaded": ("loaded there", "good"),
    "unloading": ("to be unloaded", "warn"),
    "gone": ("gone", "quiet"),
}
"""What the states of documents, versions, jobs, findings, feedback and keys are called, and in which tone."""
_ACTIONS = {
    "workspace.init": "the workspace was begun",
    "document.add": "a document came",
    "document.retitle": "a document was retitled",
    "document.erase": "a document was forgotten",
    "lines.record": "lines were written about a document",
    "exam.record": "an exam was made",
    "build.add": "an adapter was trained",
    "version.add": "a version was made",
    "version.hold": "a version is held for a person",
    "version.approve": "a version was approved",
    "version.reject": "a version was rejected",
    "alias.move": "another version went live",
    "job.enqueue": "a job was queued",
    "job.claim": "a worker began a job",
    "job.finish": "a job is done",
    "job.fail": "a job failed",
    "job.cancel": "a job was cancelled",
    "key.add": "a key was made",
    "key.revoke": "a key was revoked",
    "webhook.add": "a webhook was added",
    "webhook.drop": "a webhook was removed",
    "brake.pull": "studying was stopped",
    "brake.release": "studying goes on",
    "rollout.begin": "a version is tried beside the live one",
    "rollout.promote": "a version that was tried went live",
    "rollout.revert": "a trial ended against its version",
    "rollout.end": "a trial ended",
    "rollout.judge": "a person said which answer is right",
    "push.load": "an adapter was loaded into another server",
    "push.refuse": "another server answered otherwise, and has the adapter no more",
    "push.unload": "another server let go of an adapter",
    "correction.hold": "a correction is held for a person",
    "correction.take": "a correction became a document",
    "correction.refuse": "a correction was refused",
}
VERDICTS = {
    "document": "It is from this document: with the document taken out, the answer is far less likely.",
    "read": "It was read in this document, in the lines below.",
    "unknown": "The documents do not say it, and the base model does not know it.",
    "base": "No document: it is what the base model says by itself.",
    "weak": "It may not be from there: with the document taken out, the answer stays as likely.",
}
WAYS = {
    "weights": "from what was learned",
    "reading": "by reading the text again",
    "base": "by the base model alone",
    "unknown": "the documents do not say",
}


def shown(value: Any) -> Any:
    """What an expression of a template comes to, before it is escaped: nothing in it acts by itself."""
    if value is None:
        return NOTHING
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value.replace("\r\n", "\n"))
    return value


def short(id: str | None) -> str:
    """The beginning of an id, by which it can be named."""
    return id[:12] if id else NOTHING


def at(time: str | int | None) -> str:
    """A time in UTC, to the minute; given as ISO 8601 or in seconds since 1970."""
    if time is None or time == "":
        return NOTHING
    moment = datetime.fromtimestamp(time, UTC) if isinstance(time, int) else datetime.fromisoformat(time)
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def percent(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.0f} %"


def number(value: float | None) -> str:
    """A figure in few digits."""
    if value is None:
        return NOTHING
    if value and abs(value) < 1e-4:
        return f"{value:.1e}"
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def size(n_bytes: float | None) -> str:
    """A number of bytes, with a unit."""
    if n_bytes is None:
        return NOTHING
    value, units = float(n_bytes), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    whole = value >= 100 or value == int(value) or units[0] == "B"
    return f"{value:.0f} {units[0]}" if whole else f"{value:.1f} {units[0]}"


def count(n: int, one: str, many: str = "") -> str:
    """ "1 document", "2 documents"."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values)) or NOTHING


def action(name: str) -> str:
    """What an action of the ledger is called."""
    return _ACTIONS.get(name, name.replace(".", " "))


def state(name: str) -> str:
    return STATES.get(name, (name, "quiet"))[0]


def tone(name: str) -> str:
    return STATES.get(name, (name, "quiet"))[1]
