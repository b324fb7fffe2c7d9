"""The tenants that a service has: each is a workspace of its own, with an open learner.

Knows that tenants share nothing but a base's weights, and how a handler asks a learner without keeping the
others waiting. Knows nothing about HTTP.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from anyio import CapacityLimiter, to_thread

from seal.engine.serving import DecodingLoop, Request, ServingSettings, Stream
from seal.errors import InputError, SealError
from seal.learner import Learner
from seal.learner.served import (
    BaseKey,
    BasePrompt,
    LoadedBase,
    ask_in_conversation,
    base_prompt,
    cell_about,
    cell_in,
    drop_erased,
    load_base,
    make_ready,
    speak_by,
)
from seal.learner.speaking import LoopSpeaker
from seal.learner.ways import By
from seal.registry import Version
from seal.service.problems import not_found, overloaded
from seal.service.releasing import Releasing
from seal.service.settings import DecodingSettings, ServiceSettings
from seal.service.token_texts import TokenTexts
from seal.service.turns import TURNS

if TYPE_CHECKING:
    from seal.engine.adapt import Adaptation
    from seal.learner.answering import Answer, Cell

P = ParamSpec("P")
T = TypeVar("T")
_LOADING_S = 5.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answered:
    """An answer with the version that gave it (None: nothing was learned yet) and its documents' titles."""

    answer: Answer
    version: str | None
    titles: Mapping[str, str]


class Tenant:
    """A workspace that is served. What reads runs beside what writes; verbs that write take turns.

    `tokenizer`, `loop` and `texts` are there once its model is loaded.
    """

    tokenizer: Any
    loop: DecodingLoop
    texts: TokenTexts

    def __init__(self, name: str, learner: Learner, threads: CapacityLimiter | None = None) -> None:
        self.name, self.learner = name, learner
        self.releasing = Releasing(learner)
        self.writing = threading.Lock()
        self.failure: SealError | None = None
        """Why the model could not be loaded."""
        self._threads = threads
        self._loaded = threading.Event()
        self._loading = threading.Lock()
        self._asked: set[str] = set()

    @property
    def path(self) -> Path:
        return self.learner.path

    @property
    def ready(self) -> bool:
        """Whether its model is loaded."""
        return self._loaded.is_set()

    async def read(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a verb in a thread. One that is not waited for any more ends by itself."""

        def in_turn() -> T:
            with TURNS.taken():
                return verb(*args, **kwargs)

        return await to_thread.run_sync(in_turn, abandon_on_cancel=True, limiter=self._threads)

    async def write(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a verb in a thread, after those that were called before it."""

        def in_turn() -> T:
            with self.writing, TURNS.taken():
                return verb(*args, **kwargs)

        return await to_thread.run_sync(in_turn, abandon_on_cancel=True, limiter=self._threads)

    # The model

    def load(self, bases: Bases) -> None:
        """Loads its model, once; what fails is noted, and raised again by everyone who needs the model."""
        with self._loading:
            if self.ready:
                return
            try:
                base = load_base(self.learner, bases.find)
                bases.put(base)
                self.tokenizer, self.loop = base.tokenizer, bases.loop(base.model, base.tokenizer)
                self.texts = TokenTexts(self.tokenizer)
                speak_by(self.learner, bases.speaker)
                make_ready(self.learner, self.learner.live())
            except SealError as error:
                self.failure = error
                raise
            self.failure = None
            self._loaded.set()

    def check_ready(self) -> None:
        """Raises Problem while the model is not loaded."""
        if not self.ready:
            why = (
                f"the model could not be loaded: {self.failure.message}"
                if self.failure
                else "loading the model"
            )
            raise overloaded(why, _LOADING_S, code="not_ready")

    # Generation

    @property
    def chats(self) -> bool:
        """Whether the base reads conversations: whether it has a chat template."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    def base_prompt(self, messages: Sequence[Mapping[str, str]]) -> BasePrompt:
        """A conversation as the base reads it."""
        return base_prompt(self.learner, messages)

    def cell(self, version: Version | None, document: str | None, text: str) -> Cell | None:
        """What is to continue a text: a document's cell, or that of the version which the text is about;
        None: the base."""
        if version is None:
            return None
        if document is not None:
            return cell_in(self.learner, version, document)
        return cell_about(self.learner, version, text)

    def submit(self, request: Request, cell: Cell | None) -> Stream:
        """Has a cell, or the base, continue a prompt."""
        return self.loop.submit(request, None if cell is None else cell.adapter_source)

    # Answers

    async def ask(
        self, question: str, *, version: Version | None, by: By = "auto", earlier: Sequence[str] = ()
    ) -> Answered:
        """The answer of a version to a question, in the light of what was asked `earlier`; in a thread.

        Raises what `Learner.ask` does, Problem while the model is not loaded.
        """
        self.check_ready()
        return await self.read(self._ask, question, version, by, earlier)

    def _ask(self, question: str, version: Version | None, by: By, earlier: Sequence[str]) -> Answered:
        name = version.id if version else None
        self.refresh(version)
        answer = ask_in_conversation(self.learner, question, earlier, version, by)
        keys = dict.fromkeys(filter(None, (answer.document, *answer.candidates)))
        return Answered(answer, name, self.titles(keys))

    def titles(self, documents: Iterable[str]) -> dict[str, str]:
        """The titles of documents by their ids; one that was erased has none."""
        return {key: self.learner.workspace.document(key).title for key in documents}

    def remember(
        self, answer: Answer, version: str | None, conversation: Sequence[Mapping[str, str]], key: str
    ) -> str:
        """Keeps an answer so that it can be asked for by its id, which is returned."""
        with TURNS.given_up():  # it waits for the disk
            return self.learner.remember(answer, version=version, conversation=conversation, key=key)

    def refresh(self, version: Version | None) -> None:
        """Drops what is loaded of documents that were forgotten, here or by another process. A forgotten
        document leaves another version, so that it is looked for only when an unknown one is asked."""
        name = version.id if version else ""
        if name not in self._asked:
            self._asked.add(name)
            for key in drop_erased(self.learner):
                self.loop.forget(key)


class Bases:
    """The loaded bases, each with the loop that decodes for all of its tenants."""

    def __init__(self, decoding: DecodingSettings | None = None) -> None:
        self._settings = ServingSettings(**(decoding or DecodingSettings()).model_dump())
        self._bases: dict[BaseKey, LoadedBase] = {}
        self._loops: dict[int, DecodingLoop] = {}
        self._lock = threading.Lock()

    def find(self, key: BaseKey) -> LoadedBase | None:
        with self._lock:
            return self._bases.get(key)

    def put(self, base: LoadedBase) -> None:
        with self._lock:
            self._bases.setdefault(base.key, base)

    def loop(self, model: Any, tokenizer: Any) -> DecodingLoop:
        """The loop of a model, which is started for the first tenant that has it. Raises ConfigError."""
        with self._lock:
            if id(model) not in self._loops:
                self._loops[id(model)] = DecodingLoop(model, tokenizer, self._settings)
            return self._loops[id(model)]

    def speaker(self, adaptation: Adaptation) -> LoopSpeaker:
        """By what a learner's model answers."""
        loop = self.loop(adaptation.model, adaptation.tokenizer)
        return LoopSpeaker(adaptation, loop, TURNS.given_up)

    def close(self, timeout_s: float) -> None:
        with self._lock:
            for loop in self._loops.values():
                loop.close(timeout_s=timeout_s)
            self._loops.clear()


class Hosting:
    """The tenants of a service."""

    def __init__(self, tenants: Sequence[Tenant], bases: Bases | None = None) -> None:
        self.tenants = {tenant.name: tenant for tenant in tenants}
        self.bases = bases or Bases()

    @classmethod
    def open(cls, workspaces: Sequence[Path], settings: ServiceSettings) -> Self:
        """Opens workspaces; no model is loaded yet. Raises what `Learner.open` does, InputError for two that
        have one name."""
        threads = CapacityLimiter(settings.limits.threads)
        tenants: dict[str, Tenant] = {}
        for path in workspaces:
            name = tenant_name(path)
            if name in tenants:
                where = f"{tenants[name].path} and {path}"
                raise InputError(
                    f"two workspaces would be the tenant {name!r}: {where}", "Rename one folder."
                )
            tenants[name] = Tenant(name, Learner.open(path, actor="service"), threads)
        return cls(list(tenants.values()), Bases(settings.decoding))

    def tenant(self, name: str) -> Tenant:
        """Raises Problem (404)."""
        if name not in self.tenants:
            raise not_found(f"there is no tenant {name!r}")
        return self.tenants[name]

    def load(self) -> None:
        """Loads all models, one after the other; one that fails keeps none of the others from answering."""
        for tenant in self.tenants.values():
            try:
                tenant.load(self.bases)
            except SealError as error:
                _LOG.error("the model of the tenant %s could not be loaded: %s", tenant.name, error)

    @property
    def ready(self) -> bool:
        return all(tenant.ready for tenant in self.tenants.values())

    def close(self, timeout_s: float = 30.0) -> None:
        """Ends all loops once they have answered what they accepted."""
        self.bases.close(timeout_s)


def tenant_name(path: Path) -> str:
    """A folder's name as a tenant's, which stands in keys and metrics."""
    plain = re.sub(r"[^a-z0-9]+", "-", path.resolve().name.lower()).strip("-")[:32].strip("-")
    return plain or "workspace"
