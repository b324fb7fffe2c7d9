"""The figures of a run as Markdown. Knows nothing about how they came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recipes.real_documents.figures import MORE_WORDS, ORDER

NAMES = {"base": "the bare base", "weights": "weights", "reading": "reading", "auto": "auto"}


def _name(way: str) -> str:
    return NAMES.get(way, way)


def percent(value: float | None) -> str:
    return "n/a" if value is None else f"{100 * value:.0f}"


def interval(ends: Sequence[float] | None, factor: float = 100) -> str:
    return "n/a" if ends is None else f"[{factor * ends[0]:.0f}, {factor * ends[1]:.0f}]"


def rows(head: Sequence[str], body: Sequence[Sequence[object]], *, left: int = 1) -> str:
    """A Markdown table; the first `left` columns are text."""
    rule = "|---" * left + "|---:" * (len(head) - left) + "|"
    return "\n".join([f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(map(str, row))} |" for row in body)])


def markdown(run: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """All tables of a run."""
    ways = [way for way in ORDER if way in found["ways"]]
    parts = [_head(run, found), _shares(found, ways), differences_table(found["differences"])]
    parts += [_documents(found, ways)]
    parts += [groups_table(group, found[f"by_{group}"], ways) for group in ("tag", "language")]
    parts += [_chosen(found), _superseded(found, ways), _costs(found)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(run: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    live = found["live"]
    outcomes = ("live", "read", "held", "rejected")
    counts = ", ".join(f"{live[name]} {name}" for name in outcomes if live.get(name))
    return (
        f"`{run['model']}`, {run['half']}, grader `{found['grader']}`. "
        f"Documents: {live['n']}, {counts or 'none'} (live {interval(live['wilson95'])} %)."
    )


def _shares(found: Mapping[str, Any], ways: Sequence[str]) -> str:
    body = []
    for way in ways:
        one = found["ways"][way]
        body.append(
            [
                NAMES[way],
                f"{one['right']} of {one['n']}",
                percent(one["share"]),
                interval(one["ci95"]),
                interval(one["wilson95"]),
                percent(one["concise"]["share"]),
                one["ungraded"],
            ]
        )
    head = ["asked by", "right", "%", "95 % over documents", "95 % over questions (Wilson)"]
    table = rows([*head, f"right, at most {MORE_WORDS} words more than the answer, %", "not graded"], body)
    return "## Right answers\n\n" + table


def differences_table(found: Sequence[Mapping[str, Any]]) -> str:
    """Nothing if there is no difference."""
    body = [
        [
            f"{_name(d['a'])} − {_name(d['b'])}",
            f"{100 * d['mean']:+.0f}",
            interval(d["ci95"]),
            d["won"],
            d["lost"],
        ]
        for d in found
    ]
    head = ["difference, paired", "points", "95 % over documents", "questions won", "lost"]
    return rows(head, body) if body else ""


def _documents(found: Mapping[str, Any], ways: Sequence[str]) -> str:
    body = []
    for d in found["documents"]:
        kept = f"{d.get('lines_kept', '')} of {d['lines_written']}" if d.get("lines_written") else ""
        exam = f"{d['before']} → {d['after']} of {d['questions']}" if d.get("questions") else ""
        seconds = d.get("seconds")
        time = "" if seconds is None else f"{seconds:.0f}"
        right = [f"{d['right'][way]} of {d['n']}" for way in ways]
        body.append([d["file"], d["language"], d["words"], d["outcome"], kept, exam, time, *right])
    head = ["document", "language", "words", "became", "lines kept", "own exam", "s"]
    table = rows([*head, *(f"right by {NAMES[way]}" for way in ways)], body)
    stopped = [f"- {d['file']}: {d['outcome']}: {d['reason']}" for d in found["documents"] if _stopped(d)]
    return "\n\n".join(["## By document", table, *(["\n".join(stopped)] if stopped else [])])


def _stopped(document: Mapping[str, Any]) -> bool:
    return document["outcome"] not in ("live", "known", "not yet")


def groups_table(what: str, groups: Mapping[str, Mapping[str, Any]], ways: Sequence[str]) -> str:
    """The shares that are right of each group; nothing if there is but one."""
    if not ways:
        return ""
    body = [
        [name, own[ways[0]]["n"], *(percent(_ratio(own[way])) for way in ways)]
        for name, own in groups.items()
    ]
    return rows([what, "questions", *(f"{_name(way)}, %" for way in ways)], body) if len(body) > 1 else ""


def _ratio(one: Mapping[str, int]) -> float | None:
    return one["right"] / one["n"] if one["n"] else None


def _chosen(found: Mapping[str, Any]) -> str:
    body = [[by, one["n"], percent(one["right"])] for by, one in found["chosen"].items()]
    return rows(["`auto` answered by", "questions", "right, %"], body) if body else ""


def _superseded(found: Mapping[str, Any], ways: Sequence[str]) -> str:
    told = found["superseded"]
    body = [[NAMES[way], told[way]["n"], told[way]["new"], told[way]["old"]] for way in ways if way in told]
    head = ["of what a newer document says otherwise", "questions", "the new answer", "the old one"]
    return rows(head, body) if body else ""


def _costs(found: Mapping[str, Any]) -> str:
    seconds, memory = found["seconds"], found["memory"]
    learn, body = seconds["learn"], []
    if seconds["prepared"] is not None:
        body.append(["seconds to load the model, and to make it ready", f"{seconds['prepared']:.0f}"])
    if learn["n"]:
        body.append(["seconds a document, median", f"{learn['median']:.0f}"])
        body.append(["seconds a document, longest", f"{learn['longest']:.0f}"])
    if "for_200_words" in learn:
        body.append(["seconds for 200 words, over all texts with spaces", f"{learn['for_200_words']:.0f}"])
    for way, one in seconds["ask"].items():
        told = f"{one['median']:.2f}, {one['p90']:.2f}"
        body.append([f"seconds an answer by {NAMES[way]}, model loaded: median, nine in ten", told])
    if seconds["ask_from_start"]:
        told = ", ".join(f"{s:.1f}" for s in seconds["ask_from_start"])
        body.append(["seconds of `seal ask`, start included", told])
    names = {
        "process_bytes": "memory at most, learning",
        "child_bytes": "memory at most of one worker process",
        "cuda_bytes": "memory at most on the GPU",
        "ask_bytes": "memory at most, `seal ask`",
    }
    body += [[names[name], f"{value / 1e9:.2f} GB"] for name, value in memory.items() if value]
    return "## Cost\n\n" + rows(["", ""], body) if body else ""
