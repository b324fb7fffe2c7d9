"""Jobs, and what happens in them, in the form of OpenAI's fine-tuning jobs.

What that form has no place for stands under `seal`. Knows no route.
"""

from __future__ import annotations

from typing import Any

from seal.learner import Learner
from seal.registry import LIVE, Job, LedgerEntry
from seal.service.teaching.wire import Json, job_id, seconds

_STATUSES = {"queued": "queued", "running": "running", "done": "succeeded", "failed": "failed"}
_SAID = {
    "job.enqueue": "the job was queued",
    "job.claim": "a worker began",
    "job.finish": "the job is done",
    "job.fail": "the job failed",
    "job.cancel": "the job was cancelled",
}


def status_of(job: Job) -> str:
    return "cancelled" if job.cancelled else _STATUSES[job.state]


def versions_of(job: Job) -> list[str]:
    """The versions that a job made, in the order in which its documents are told."""
    documents = dict(job.outputs.get("documents") or {})
    made = [str(one["version"]) for one in documents.values() if one.get("version")]
    return list(dict.fromkeys([*made, *filter(None, [job.outputs.get("approved")])]))


def job_json(learner: Learner, job: Job) -> Json:
    """A job. `fine_tuned_model` is the version with all that went live of it; null if nothing did."""
    status, documents = status_of(job), dict(job.outputs.get("documents") or {})
    live = [one["version"] for one in documents.values() if one.get("outcome") == LIVE]
    studied = list(job.inputs.get("documents", ()))
    then = job.outputs.get("then")
    failed = {"code": "job_failed", "message": job.reason, "param": None} if status == "failed" else None
    return {
        "id": job_id(job.id),
        "object": "fine_tuning.job",
        "created_at": seconds(job.created_at),
        "finished_at": seconds(job.ended_at) if job.ended_at and status == "succeeded" else None,
        "model": learner.workspace.settings()["model"],
        "fine_tuned_model": live[-1] if live else job.outputs.get("approved"),
        "organization_id": learner.workspace.settings()["id"],
        "result_files": [],
        "status": status,
        "training_file": studied[0] if studied else job.inputs.get("forget", ""),
        "validation_file": None,
        "hyperparameters": {},
        "trained_tokens": None,
        "error": failed,
        "seed": 0,
        "estimated_finish": None,
        "integrations": [],
        "metadata": None,
        "seal": {
            "kind": job.kind,
            "documents": documents,
            "studied": studied,
            "forgotten": job.inputs.get("forget"),
            "then": job_id(then) if then is not None else None,
            "attempts": job.attempts,
            "reason": job.reason,
            "ended_at": job.ended_at,
        },
    }


def events_of(learner: Learner, number: int) -> list[Json]:
    """All that happened in a job, in order: what the ledger has of it, and what its worker told."""
    told = [_of_entry(number, entry) for entry in learner.job_history(number)]
    told += [
        (one.at, _event(number, f"e{one.position}", one.at, "info", one.message, {}))
        for one in learner.job_events(number)
    ]
    return [event for _, event in sorted(told, key=lambda pair: (pair[0], pair[1]["id"]))]


def _of_entry(number: int, entry: LedgerEntry) -> tuple[str, Json]:
    level = "error" if entry.action == "job.fail" else "info"
    said = _SAID.get(entry.action, entry.action)
    message = f"{said}: {entry.reason}" if entry.reason else said
    data = {"actor": entry.actor, "ledger": entry.sequence}
    return entry.time, _event(number, f"l{entry.sequence}", entry.time, level, message, data)


def _event(number: int, name: str, at: str, level: str, message: str, data: dict[str, Any]) -> Json:
    return {
        "id": f"ftevent-{number}-{name}",
        "object": "fine_tuning.job.event",
        "created_at": seconds(at),
        "level": level,
        "message": message,
        "type": "message",
        "data": data,
    }


def checkpoints_of(learner: Learner, job: Job) -> list[Json]:
    """The versions that a job made, as checkpoints; those of which the document was forgotten since have no
    figures."""
    checkpoints = []
    for step, name in enumerate(versions_of(job), 1):
        version = learner.version(name)
        own = [one for one in (job.outputs.get("documents") or {}).values() if one.get("version") == name]
        asked = sum(one["questions"] for one in own)
        metrics = {"step": step} | ({"valid_mean_token_accuracy": _share(own, asked)} if asked else {})
        checkpoints.append(
            {
                "id": f"ftckpt-{job.id}-{version.id}",
                "object": "fine_tuning.job.checkpoint",
                "created_at": seconds(version.created_at),
                "fine_tuned_model_checkpoint": version.id,
                "fine_tuning_job_id": job_id(job.id),
                "step_number": step,
                "metrics": metrics,
                "seal": {"state": version.state, "documents": own},
            }
        )
    return checkpoints


def _share(own: list[dict[str, Any]], asked: int) -> float:
    return sum(one["after"] for one in own) / asked
