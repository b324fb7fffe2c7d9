"""The jobs of a workspace: each long operation is put into its queue, and done by whoever comes first.

Knows leases, failures and waiting: one job runs at a time, whatever its kind; what a killed process left is
taken up by the next. Knows nothing about what a job does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from seal.errors import BusyError, EndpointError, Interrupted, StaleLeaseError, StateError
from seal.learner.documents import Learned, Text
from seal.learner.job_watch import JobWatch
from seal.learner.parts import Parts
from seal.registry import LIVE, Job, Lease, Version
from seal.registry.braking import NOT_BRAKED
from seal.spans import span

LEASE_S = 20.0
ATTEMPTS = 5
_LOOK_AGAIN_S = 0.5


class Queue:
    """Puts jobs into a workspace's queue, and does what is there until its own are done."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.workspace = parts, parts.workspace
        self._stop = threading.Event()

    @property
    def _watch(self) -> JobWatch:
        """The parts' watch, behind one that tells the job as well."""
        watch = self.parts.watch
        if not isinstance(watch, JobWatch):
            self.parts.watch = watch = JobWatch(self.workspace, watch, self._stop)
        return watch

    def study(self, texts: Sequence[Text], replacing: Sequence[str] = ()) -> list[Learned]:
        """Stores the documents and studies them together, as if `replacing` were not known; what became of
        each, in order."""
        queued, keys = self.put(texts, replacing)
        job: int | None = queued.id
        learned: dict[str, Learned] = {}
        while job is not None:  # documents that contradict one another are studied in turn
            learned |= {one.document: one for one in self._until_done(job)}
            job = self.workspace.job(job).outputs.get("then")
        live = self.workspace.alias(LIVE)
        return [learned.get(key) or self._taken_up_elsewhere(key, live) for key in keys]

    def put(
        self,
        texts: Sequence[Text],
        replacing: Sequence[str] = (),
        *,
        supersedes: Sequence[str] = (),
        request: str | None = None,
        actor: str | None = None,
    ) -> tuple[Job, list[str]]:
        """Stores the documents and puts their study into the queue; the job, and their ids in order. If all
        of them go live, those that they supersede are then forgotten."""
        with self.workspace.transaction():
            keys = self.store(texts, actor=actor)
            left_out = list(dict.fromkeys([*replacing, *supersedes]))
            told = {"documents": keys} | ({"replacing": left_out} if left_out else {})
            told |= {"supersedes": list(supersedes)} if supersedes else {}
            return self.workspace.enqueue("study", told, request=request, actor=actor), keys

    def store(self, texts: Sequence[Text], *, actor: str | None = None) -> list[str]:
        """Stores documents with the exams that they come with; their ids in order."""
        keys = []
        with self.workspace.transaction():
            for given in texts:
                trust = self.parts.config.trust if given.trust is None else given.trust
                document = self.workspace.add_document(
                    given.text, title=given.title, trust=trust, distinct=True, actor=actor
                )
                if given.questions:
                    self.workspace.record_exam(document.id, given.questions, origin="given", actor=actor)
                keys.append(document.id)
        return keys

    def work(self, stop: threading.Event, idle_s: float | None = None) -> None:
        """Does what is in the queue, and what comes into it, until it is told to stop, or nothing came for
        `idle_s`: a job that is being done then is left to whoever comes next."""
        self._stop = self._watch.stop = stop
        last = time.monotonic()
        while not stop.is_set() and (idle_s is None or time.monotonic() - last < idle_s):
            lease = self.workspace.claim(lease_s=LEASE_S)
            if lease is None:
                stop.wait(_LOOK_AGAIN_S)
                continue
            with suppress(StaleLeaseError, Interrupted):  # it was cancelled, braked, or we are to stop
                self._do(lease, ours=False)
            last = time.monotonic()

    def forget(self, document: str) -> None:
        """Takes a document out."""
        self._until_done(self.workspace.enqueue("forget", {"forget": document}).id)

    def approve(self, version: str, reason: str, actor: str) -> Version:
        """Puts what a held version adds on top of what is live; returns the version that is then live."""
        job = self.workspace.enqueue("approve", {"approve": version, "reason": reason, "actor": actor})
        self._until_done(job.id)
        return self.workspace.version(self.workspace.job(job.id).outputs["approved"])

    def _taken_up_elsewhere(self, key: str, live: Version | None) -> Learned:
        """What became of a document that another study took up before ours came to it."""
        title = self.workspace.document(key).title
        if live is not None and key in live.documents:
            return Learned(key, title, "known", "another study learned it meanwhile", live.id)
        return Learned(key, title, "rejected", "it was forgotten meanwhile")

    def _until_done(self, job: int) -> list[Learned]:
        """Does the jobs in the queue until `job` is done: one that a killed process left comes first."""
        waited = False
        while True:
            lease = self.workspace.claim(lease_s=LEASE_S)
            if lease is None:
                if self.workspace.job(job).state in ("done", "failed"):
                    return self._done_elsewhere(job)
                self._refuse_if_braked(job)
                if not waited:
                    self.parts.watch.notice("another study is at work on this workspace; waiting for it")
                    waited = True
                time.sleep(_LOOK_AGAIN_S)
                continue
            learned = self._do(lease, ours=lease.job == job)
            if lease.job == job:
                return learned

    def _refuse_if_braked(self, job: int) -> None:
        brake, waiting = self.workspace.brake(), self.workspace.job(job)
        if brake is not None and waiting.kind not in NOT_BRAKED:
            raise StateError(
                f"studying is stopped since {brake.since[:16]} by {brake.actor}; job {job} waits",
                "Let it go on with: seal brake --release",
            )

    def _do(self, lease: Lease, *, ours: bool) -> list[Learned]:
        """Does one job. If it is not `ours` but was left by another process, its failure is only told."""
        watch = self._watch
        traced = span("seal.job", seal__job=lease.job, seal__kind=lease.kind, seal__attempt=lease.attempt)
        with traced, watch.of_job(lease), self._renewing(lease):
            try:
                learned = self._run(lease)
            except StaleLeaseError:
                raise
            except Interrupted:
                self.workspace.give_back(lease)
                raise
            except Exception as error:
                # Fault-tolerance point: a study that fails must not block the next. The reason has the kind
                # of the error only: its message may have words of the document in it. That of an endpoint
                # that does not answer has none.
                told = f": {error.message}" if isinstance(error, EndpointError) else ""
                self.workspace.fail(lease, reason=f"it failed with {type(error).__name__}{told}")
                if ours:
                    raise
                watch.notice(f"job {lease.job}, which an earlier process had left, failed: {error}")
                return []
            except BaseException:
                self.workspace.give_back(lease)
                raise
        if not ours:
            watch.notice(f"finished job {lease.job}, which an earlier process had left")
        return learned

    def _run(self, lease: Lease) -> list[Learned]:
        """The work of a job, by its kind."""
        from seal.learner.approving import approve_on_top
        from seal.learner.forgetting import forget
        from seal.learner.study import Study

        if lease.attempt > ATTEMPTS:
            raise StateError(
                f"job {lease.job} was begun {ATTEMPTS} times, and ended its process each time",
                "Was memory short? Run the command again with fewer documents.",
            )
        told = lease.inputs
        if lease.kind == "study":
            fresh = self._still_to_learn(told["documents"])
            return Study(self.parts, fresh, told.get("replacing", ())).run(lease)
        if lease.kind == "forget":
            forget(self.parts, told["forget"], lease)
            if self.workspace.pushes():
                from seal.learner.pushing import settle

                settle(self.workspace)
        elif lease.kind == "approve":
            approve_on_top(self.parts, told["approve"], told["reason"], told["actor"], lease)
        else:
            raise StateError(
                f"job {lease.job} is of the kind {lease.kind!r}, which this version of seal does not know",
                "Install a newer seal: pip install --upgrade seal-lm.",
            )
        return []

    def _still_to_learn(self, documents: Sequence[str]) -> list[str]:
        """Those of a job's documents that are not live by now, and were not erased since."""
        live = self.workspace.alias(LIVE)
        known = set(live.documents) if live else set()
        fresh = [key for key in documents if key not in known]
        return [key for key in fresh if not self.workspace.document(key).erased]

    def _done_elsewhere(self, job: int) -> list[Learned]:
        """What another process made of a job of ours."""
        done = self.workspace.job(job)
        if done.state == "failed":
            raise StateError(f"the study failed in another process: {done.reason}", "Run the command again.")
        learned = done.outputs.get("documents", {})
        return [
            Learned(
                **{**one, "title": self.workspace.document(key).title, "supersedes": tuple(one["supersedes"])}
            )
            for key, one in learned.items()
        ]

    @contextmanager
    def _renewing(self, lease: Lease) -> Iterator[None]:
        """Keeps a lease while its work goes on; work that is stopped gives the job back at once."""
        stop = threading.Event()

        def keep() -> None:
            while not stop.wait(LEASE_S / 4):
                try:
                    self.workspace.renew(lease)
                except (BusyError, OSError):  # tried again; the commit checks the lease in any case
                    continue
                except Exception:  # it was cancelled, or has passed to another worker
                    self._watch.lost = True
                    return

        thread = threading.Thread(target=keep, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
