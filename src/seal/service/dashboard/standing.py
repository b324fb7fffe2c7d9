"""Where each document stands, why, and what can be done about it, from the jobs and versions of a workspace.

Knows what a study tells of its documents. Knows nothing about pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from seal.learner import Learner
from seal.learner.advising import advice
from seal.registry import LIVE, Document, Job, Version
from seal.service.teaching.wire import Json, document_json, job_id

_AT_WORK = {"queued": "queued", "running": "studying"}


@dataclass(frozen=True)
class Standing:
    """Where a document stands. `reason` is what was said of it last, `advice` what helps; `version` the one
    with it that was judged last, `job` the one that it was told in; of its exam, `before` and `after` are the
    right answers of `questions`."""

    state: str
    reason: str = ""
    advice: str = ""
    version: str | None = None
    job: str | None = None
    before: int | None = None
    after: int | None = None
    questions: int | None = None


def standings(learner: Learner) -> dict[str, Standing]:
    """Of every document, by its id."""
    live, versions = learner.live(), {v.id: v for v in learner.versions()}
    told: dict[str, Standing] = {}
    for job in learner.jobs():
        told |= _of_job(job, told, versions)
    return {d.id: _now(d, told.get(d.id, Standing("stored")), live) for d in learner.documents()}


def documents_json(learner: Learner) -> list[Json]:
    """All documents with where they stand, the latest first."""
    live, found = learner.live(), standings(learner)
    return [document_json(d, live) | asdict(found[d.id]) for d in reversed(learner.documents())]


def titles(learner: Learner) -> dict[str, str]:
    """What documents are called, by their ids; those that were erased have no title."""
    return {d.id: d.title for d in learner.documents() if not d.erased}


def _of_job(job: Job, before: Mapping[str, Standing], versions: Mapping[str, Version]) -> dict[str, Standing]:
    """What a job says of documents, given what earlier ones said."""
    found = dict[str, Standing]()
    at_work = _AT_WORK.get(job.state)
    if job.kind == "forget" and at_work and (key := job.inputs.get("forget")):
        found[key] = replace(before.get(key, Standing("stored")), state="leaving", job=job_id(job.id))
    if job.kind == "study":
        for key in job.inputs.get("documents", ()):
            if at_work:
                found[key] = Standing(at_work, job=job_id(job.id))
            elif job.cancelled:
                found[key] = Standing("stored", job.reason, job=job_id(job.id))
            elif job.state == "failed":
                found[key] = Standing("failed", job.reason, advice(job.reason), job=job_id(job.id))
    for key, told in dict(job.outputs.get("documents") or {}).items():
        found[key] = _of_outcome(told, job, versions)
    return found


def _of_outcome(told: Mapping[str, Any], job: Job, versions: Mapping[str, Version]) -> Standing:
    made = versions.get(str(told.get("version")))
    state, reason = str(told["outcome"]), str(told["reason"])
    if state == "held" and made is not None and made.state != "held":
        state = "not live" if made.state == "live-once" else made.state
    helps = advice(reason, version=made.id[:12] if made else "") if state in ("held", "rejected") else ""
    asked = {name: told.get(name) for name in ("before", "after", "questions")}
    return Standing(state, reason, helps, made.id if made else None, job_id(job.id), **asked)


def _now(document: Document, told: Standing, live: Version | None) -> Standing:
    """What was told of a document, in the light of what is live."""
    if document.erased:
        return Standing("forgotten")
    if told.state == "leaving":
        return told
    if live is not None and document.id in live.documents:
        return replace(told, state=LIVE, advice="")
    return replace(told, state="not live") if told.state in (LIVE, "known") else told


def findings_json(report: Any, names: Mapping[str, str], version: str) -> list[Json]:
    """What each gate said of a version, those first that did not pass, with what can be done about these."""
    told = report.get("decision", {}) if isinstance(report, Mapping) else {}
    found = [dict(one) for one in told.get("findings", ())]
    for one in found:
        passed = one["judgement"] == "pass"
        said = f"{one['gate']}: {one['about']}: {one['reason']}"
        one["advice"] = "" if passed else advice(said, version=version[:12])
        one["about"] = names.get(one["about"], one["about"])
    return sorted(found, key=lambda one: one["judgement"] == "pass")


def exams_json(report: Any, names: Mapping[str, str]) -> Iterator[Json]:
    """The exams in a version's report, in figures: those of new documents, then of what was known before."""
    told = report.get("report", {}) if isinstance(report, Mapping) else {}
    for part in ("documents", "retained", "honesty"):
        for exam in told.get(part, ()):
            yield {
                "about": names.get(exam["name"], exam["name"]),
                "part": part,
                "compared_with": exam["reference_name"],
                "right": n_right(exam["candidate"]),
                "right_before": n_right(exam["reference"]),
                "questions": len(exam["candidate"]),
            }


def n_right(outcomes: Mapping[str, Any]) -> int:
    return sum(value == 1 for value in outcomes.values())
