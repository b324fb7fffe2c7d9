"""The dashboard: what each page shows, that its JSON says the same, and that nothing on it acts by itself."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboards import NO_BROWSER, browser_path, signed_in
from learners import Gates, begin, fake, learn_all, reopened
from seal.learner import Text
from seal.learner.answering import Answer
from seal.learner.rolling_out import compare
from seal.service.access import Role
from seal.service.access.making import make_key
from seal.service.dashboard.charts import line_chart
from seal.service.dashboard.frame import DONE, PLACES, asset, pages_of, part_of
from seal.service.dashboard.sessions import TOKEN, own_path
from seal.service.dashboard.wording import number, shown, size
from seal.service.hosting import Hosting, Tenant
from seal.service.settings import AccessSettings, ServiceSettings
from services import RunningService, running

pytestmark = pytest.mark.slow

KNOWN, OTHER, HELD = fake("dashboard known"), fake("dashboard other"), fake("dashboard held")
THEIRS = fake("dashboard theirs")
NASTY = "<script>alert(1)</script> {{ 7 * 7 }} \u202egnp.exe \"' &amp; <b>x"
WHAT = min(KNOWN.values)


class Seen(HTMLParser):
    """What a page is made of: its tags, its attributes, its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for one, attrs in self.tags if one == tag]

    def value(self, field: str) -> str:
        """What a field of a form holds."""
        return next(str(one["value"]) for one in self.all("input") if one.get("name") == field)


@dataclass
class Board:
    """A service, and a browser that is signed in as its admin."""

    service: RunningService
    tenant: Tenant
    client: httpx.Client

    def page(self, path: str, status: int = 200, **more: Any) -> Seen:
        answer = self.client.get(path, **more)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        return Seen(answer.text)

    def data(self, path: str) -> dict[str, Any]:
        answer = self.client.get(path)
        assert answer.status_code == 200 and answer.headers["content-type"] == "application/json", answer.text
        return answer.json()

    def token(self) -> str:
        return self.page("/why").value(TOKEN)

    def send(self, path: str, status: int = 303, **fields: Any) -> httpx.Response:
        answer = self.client.post(path, data={TOKEN: self.token(), **fields})
        assert answer.status_code == status, answer.text
        return answer

    def key(self, role: Role, **more: Any) -> str:
        name = f"{role}-{time.time()}"
        return str(
            make_key(self.tenant.learner.workspace, self.tenant.name, name=name, roles=[role], **more)[1]
        )

    def browser(self, key: str | None = None) -> httpx.Client:
        """Another browser, signed in with a key if one is given."""
        client = httpx.Client(base_url=self.service.url, timeout=30)
        if key is not None:
            assert client.post("/sign-in", data={"key": key}).status_code == 303
        return client


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, toy: Path, gates: Gates) -> Iterator[Board]:
    """Two documents live, one version held, a nasty title stored, and a worker that studies."""
    folder = tmp_path_factory.mktemp("dashboard")
    learner, other = begin(folder / "mine", toy), begin(folder / "theirs", toy)
    learn_all(learner, [KNOWN])
    learn_all(learner, [OTHER])
    gates.tell(HELD, "held")
    learner.learn([HELD.given()])
    learner.submit([Text(fake("nasty").text, NASTY)], study=False)
    learn_all(other, [THEIRS])
    empty = begin(folder / "empty", toy)
    tenant, stop = Tenant("mine", learner), threading.Event()
    worker = threading.Thread(target=reopened(learner.path).work, args=(stop,))
    worker.start()
    free = AccessSettings(key_rate="", tenant_rate="", write_rate="", failure_rate="")
    with running(
        Hosting([tenant, Tenant("theirs", other), Tenant("empty", empty)]), ServiceSettings(access=free)
    ) as service:
        with httpx.Client(base_url=service.url, timeout=30) as client:
            made = Board(service, tenant, client)
            assert client.post("/sign-in", data={"key": service.key}).status_code == 303
            yield made
        stop.set()
        worker.join()


def addresses(board: Board) -> list[str]:
    """Every page there is, with all documents, and the last jobs and versions."""
    learner = board.tenant.learner
    versions = [v.id for v in learner.versions() if not v.erased]
    return [
        *(place.path for place in PLACES),
        *(f"/documents/{d.id}" for d in learner.documents() if not d.erased),
        *(f"/jobs/ftjob-{job.id}" for job in learner.jobs()[-2:]),
        *(f"/versions/{version}" for version in versions[-2:]),
        f"/versions/live/diff?to={versions[-1]}",
    ]


def test_every_page_has_its_data_as_json(board: Board) -> None:
    """The same by its address and by what is accepted; each page has one heading, and a link to its twin."""
    for path in addresses(board):
        page = board.page(path)
        assert [tag for tag, _ in page.tags].count("h1") == 1, path
        place, asked, query = path.partition("?")
        twin = "/overview.json" if path == "/" else f"{place}.json{asked}{query}"
        assert twin in [a.get("href") for a in page.all("a")]
        accepted = board.client.get(path, headers={"Accept": "application/json"}).json()
        assert accepted == board.data(twin), path


def test_pages_say_what_is(board: Board) -> None:
    learner = board.tenant.learner
    live = learner.live()
    assert live is not None
    overview, told = board.page("/"), board.data("/overview.json")
    assert live.id[:12] in overview.text and told["live"]["id"] == live.id
    moved = [e for e in learner.ledger() if e.action == "alias.move"][-1]
    assert told["live"]["since"] == moved.time and len(told["held"]) == 1
    states = {d["title"]: d["state"] for d in board.data("/documents.json")["documents"]}
    assert states == {KNOWN.name: "live", OTHER.name: "live", HELD.name: "held", NASTY: "stored"}
    assert "told to be held" in board.page("/documents").text
    assert KNOWN.name not in board.page("/documents?state=held").text
    one = board.page(f"/documents/{KNOWN.id}")
    for value in KNOWN.values.values():
        assert value in one.text
    lines = board.data(f"/documents/{KNOWN.id}.json")["lines"]
    assert any(line["kept"] for line in lines) and all(
        line["text"].split("\n")[0] in one.text for line in lines
    )
    ledger = board.page("/ledger")
    assert f"The chain of {len(learner.ledger())} entries holds" in ledger.text
    assert "and so do all" in board.page("/ledger?everything=true").text
    assert "It does not hold" in board.page(f"/ledger?anchor={'0' * 63}1").text


def test_a_trial_is_begun_judged_and_ended_by_forms(board: Board) -> None:
    learner = board.tenant.learner
    held = next(v for v in learner.versions() if v.state == "held")
    assert held.id[:12] in board.page("/release").text
    board.send("/release/begin", 400, version=held.id, mode="sideways")
    board.send("/release/begin", version=held.id, mode="shadow", percent="25", reason="look first")
    tried = learner.rollout()
    assert tried is not None and (tried.version, tried.mode, tried.share) == (held.id, "shadow", 0.25)
    asked = Answer("What is <b>it</b>?", "red", 1.0, way="weights")
    compare(learner.workspace, tried, "live", None, asked, replace(asked, text="blue"), {}, "words")
    page = board.page("/release")
    assert "look first" in page.text and "25 % of the questions" in page.text
    assert "What is <b>it</b>?" in page.text and "blue" in page.text  # as text: the page has no such tag
    assert not page.all("b")
    [difference] = board.data("/release.json")["differences"]
    board.send(f"/release/differences/{difference['id']}", 400, better="both")
    board.send(f"/release/differences/{difference['id']}", better="candidate")
    assert "The new one is right" in board.page("/release").text
    board.send("/release/revert", reason="enough")
    assert learner.rollout() is None and "enough" in board.page("/release").text
    assert held.id == learner.version(held.id).id and learner.version(held.id).state == "held"


def test_what_servers_elsewhere_have(board: Board) -> None:
    workspace, live = board.tenant.learner.workspace, board.tenant.learner.version("live")
    told = {"version": live.id, "folder": "/nowhere", "path": "/nowhere"}
    there = workspace.add_push("https://gpu:8000", "vllm", "seal-1", document=None, **told)
    gone = workspace.add_push("https://gpu:8000", "vllm", "seal-2", document=KNOWN.id, **told)
    workspace.push_is(there.id, "loaded")
    workspace.push_is(gone.id, "unloading", problem="it does not answer")
    page = board.page("/pushes")
    assert "2 adapters are there now" in page.text and "it does not answer" in page.text
    assert KNOWN.name in page.text and "loaded there" in page.text and "to be unloaded" in page.text
    assert [one["name"] for one in board.data("/pushes.json")["pushes"]] == ["seal-2", "seal-1"]
    workspace.push_is(gone.id, "gone")


def test_memory_is_that_of_the_reports(board: Board) -> None:
    """Earlier exams are those of earlier documents only, beside how they were answered when learned."""
    steps = board.data("/memory.json")["steps"]
    assert [step["documents"] for step in steps][:2] == [1, 2] and steps[0]["earlier"] is None
    assert steps[1]["earlier"]["questions"] == len(KNOWN.values)
    stored = [m.size_bytes for m in _members(board, steps[0]["version"])]
    assert steps[0]["bytes"] == sum(stored) > 0 and steps[1]["adapters"] == 2
    page = board.page("/memory")
    assert len(page.all("svg")) >= 4 and all(svg["role"] == "img" for svg in page.all("svg"))


def _members(board: Board, version: str) -> list[Any]:
    workspace = board.tenant.learner.workspace
    builds = [workspace.build(key) for key in workspace.version(version).builds]
    return [member for build in builds for member in workspace.store.members(build.object)]


def test_what_others_wrote_is_text(board: Board) -> None:
    """A title with markup, a template's braces and a mark that turns the direction of reading."""
    for path in ("/documents", "/", *addresses(board)):
        answer = board.client.get(path)
        if "gnp.exe" not in answer.text:
            continue
        page = Seen(answer.text)
        assert [s.get("src") for s in page.all("script")] == [asset("dashboard.js")] and not page.all("b")
        assert "\u202e" not in answer.text and "\\u202egnp.exe" in page.text
        assert "<script>alert(1)</script> {{ 7 * 7 }}" in page.text
    assert shown("a\x00\ud800\r\nb") == "a\\x00\\ud800\nb"


def test_nothing_comes_from_elsewhere(board: Board) -> None:
    """Every page and its files: a policy that lets nothing else in, no style or script within a page."""
    for path in (*addresses(board), "/sign-in", "/nowhere", "/documents/ffff0000"):
        answer = board.client.get(path, headers={"Accept": "text/html"})
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert answer.headers["cache-control"] == "no-store"
        page = Seen(answer.text)
        assert not page.all("style") and "javascript:" not in answer.text
        for tag, attrs in page.tags:
            assert "style" not in attrs and not any(name.startswith("on") for name in attrs), (path, tag)
            for name in ("src", "href", "action", "formaction"):
                assert re.match(r"[/#]", attrs.get(name) or "/"), (path, tag, attrs)
    for name, kind in (("css", "text/css"), ("js", "text/javascript"), ("svg", "image/svg+xml")):
        file = httpx.get(board.service.url + asset(f"dashboard.{name}"))
        assert file.headers["content-type"].startswith(kind)
        assert "://" not in file.text.replace("http://www.w3.org/2000/svg", "")


def test_where_there_is_nothing(board: Board) -> None:
    """A person is told so by a page with the menu, a client of the API by its error."""
    page = board.client.get("/nowhere", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 404 and "Overview" in Seen(page.text).text
    for path, accepted in (("/nowhere", "*/*"), ("/v1/nowhere", "text/html"), ("/nowhere.json", "text/html")):
        told = board.client.get(path, headers={"Accept": accepted})
        assert told.status_code == 404 and told.json()["error"]["message"]


def test_signing_in(board: Board) -> None:
    """Without a key a page is the form for one; it leads on to where one wanted to go, and nowhere else."""
    new = board.browser()
    asked = new.get(f"/documents/{KNOWN.id}")
    assert asked.status_code == 401 and KNOWN.name not in asked.text
    then = Seen(asked.text).value("then")
    assert then == f"/documents/{KNOWN.id}"
    wrong = new.post("/sign-in", data={"key": "seal_mine_x", "then": then})
    assert wrong.status_code == 401 and "not valid" in wrong.text and not new.cookies
    for sent in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        assert new.post("/sign-in", data={"key": board.service.key}, headers=sent).status_code == 403
    right = new.post("/sign-in", data={"key": f" {board.service.key} ", "then": then})
    assert right.status_code == 303 and right.headers["location"] == then
    kept = right.headers["set-cookie"].lower()
    assert "httponly" in kept and "samesite=strict" in kept and "max-age" not in kept
    assert new.get(then).status_code == 200
    for elsewhere in ("https://elsewhere.example", "//elsewhere.example", "/\\elsewhere", "/a\nb", "x"):
        assert own_path(elsewhere) == "/"
    token = Seen(new.get("/why").text).value(TOKEN)
    assert new.post("/sign-out", data={TOKEN: token}).status_code == 303
    assert new.get(then).status_code == 401


def test_each_sees_what_its_roles_allow(board: Board) -> None:
    """The menu has the pages that a key may see; others are refused in words, with the menu."""
    for role in Role:
        client = board.browser(board.key(role))
        menu = {str(a["href"]) for a in Seen(client.get("/why").text).all("a")}
        allowed = {p.path for p in PLACES if role in (Role.ADMIN, p.role)}
        assert {p.path for p in PLACES if p.path != "/"} & menu == allowed - {"/"}
        for place in PLACES:
            answer = client.get(place.path)
            assert answer.status_code == (200 if place.path in allowed else 403)
            if place.path not in allowed:
                assert f"the role {place.role}" in answer.text
    first = httpx.post(f"{board.service.url}/sign-in", data={"key": board.key(Role.TEACH)})
    assert first.headers["location"] == "/documents"


def test_a_form_of_another_session_does_nothing(board: Board) -> None:
    """A form needs its session's token, whatever else the browser says; a key in the header needs none."""
    other = board.browser(board.key(Role.ADMIN))
    theirs = Seen(other.get("/why").text).value(TOKEN)
    for fields in ({}, {TOKEN: ""}, {TOKEN: theirs}, {TOKEN: "é"}):
        for headers in ({}, {"Sec-Fetch-Site": "same-origin"}):
            answer = board.client.post("/brake", data={"on": "true", **fields}, headers=headers)
            assert answer.status_code == 403 and "another session" in answer.text
    crossed = {"Sec-Fetch-Site": "cross-site"}
    answer = board.client.post("/brake", data={"on": "true", TOKEN: board.token()}, headers=crossed)
    assert answer.status_code == 403 and board.tenant.learner.brake() is None
    assert httpx.post(f"{board.service.url}/brake", data={"on": "true"}).status_code == 401
    own = httpx.post(f"{board.service.url}/brake", data={"on": "false"}, headers=board.service.headers)
    assert own.status_code == 303


def test_another_tenant_is_not_there(board: Board) -> None:
    hosted = board.service.hosting.tenant("theirs").learner
    live = hosted.live()
    assert live is not None
    for path in (f"/documents/{THEIRS.id}", f"/versions/{live.id}", f"/versions/{live.id}/diff"):
        assert board.client.get(path).status_code == 404
    board.send(f"/documents/{THEIRS.id}/forget", 404)
    for path in addresses(board):
        text = board.client.get(path).text
        assert not any(word in text for word in (THEIRS.id, live.id, *THEIRS.words)), path


def test_a_document_from_its_handing_in_to_its_forgetting(board: Board) -> None:
    new = fake("dashboard new")
    sent = board.send("/documents", title=new.name, text=new.text, study="true")
    job = sent.headers["location"].partition("?")[0]
    assert DONE["queued"] in board.page(sent.headers["location"]).text
    _ended(board, job)
    page = board.page(f"/documents/{new.id}")
    assert "live" in page.text and new.name in page.text
    assert board.send("/documents", text=new.text).headers["location"].endswith("?done=known")
    board.send(f"/documents/{new.id}/retitle", title="Another title")
    assert "Another title" in board.page(f"/documents/{new.id}").text
    gone = board.send(f"/documents/{new.id}/forget").headers["location"].partition("?")[0]
    _ended(board, gone)
    assert board.client.get(f"/documents/{new.id}").status_code == 404
    assert new.name not in board.page("/documents").text
    assert [d["state"] for d in board.data("/documents.json")["documents"] if d["id"] == new.id] == [
        "forgotten"
    ]


def test_files_and_refused_texts(board: Board) -> None:
    new = fake("dashboard file")
    files = {"file": ("notes.md", f"# {new.name}\n\n{new.text}\n".encode())}
    answer = board.client.post("/documents/files", data={TOKEN: board.token()}, files=files)
    assert answer.status_code == 303 and answer.headers["location"] == f"/documents/{new.id}?done=stored"
    assert new.name in board.page(f"/documents/{new.id}").text
    for name in ("x.exe", "../x.json"):
        files = {"file": (name, b"{]")}
        answer = board.client.post("/documents/files", data={TOKEN: board.token()}, files=files)
        assert answer.status_code == 400 and "It did not work" in answer.text
    assert "The document is refused" in board.send("/documents", 409, text="\x00" * 40).text
    board.send("/documents", 400, title="no text")


def _ended(board: Board, job: str) -> None:
    until = time.monotonic() + 60
    while board.data(f"{job}.json")["job"]["status"] in ("queued", "running"):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_person_decides(board: Board) -> None:
    """What is held is approved with a reason, rolled back, and the like rejected; the brake is pulled."""
    learner = board.tenant.learner
    [held] = [v for v in learner.versions() if v.state == "held"]
    listed = board.page("/versions").text
    assert HELD.name in listed and "told to be held" in listed, listed
    diff = board.data(f"/versions/{held.id}/diff.json?to={held.parent}")
    assert [d["id"] for d in diff["removed"]] == [HELD.id] and diff["changes"] is None
    board.send(f"/versions/{held.id}/approve", reason="seen")
    assert learner.version(held.id).state == "live-once" or any(j.kind == "approve" for j in learner.jobs())
    until = time.monotonic() + 60
    while HELD.id not in (live := learner.live()).documents:  # type: ignore[union-attr]
        assert time.monotonic() < until
        time.sleep(0.05)
    assert live is not None and live.parent is not None
    sent = board.send(f"/versions/{live.parent}/restore", reason="no")
    assert DONE["rolled-back"] in board.page(sent.headers["location"]).text
    board.send(f"/versions/{live.id}/reject", reason="no")
    board.send(f"/versions/{live.id}/approve", 409)
    states = {d["title"]: d["state"] for d in board.data("/documents.json")["documents"]}
    assert states[HELD.name] in ("not live", "rejected")
    assert (
        DONE["stopped"] in board.page(board.send("/brake", on="true", reason="look").headers["location"]).text
    )
    assert "Studying is stopped" in board.page("/jobs").text
    waiting = board.send("/documents", title="w", text=fake("waits").text, study="true").headers["location"]
    job = waiting.partition("?")[0]
    board.send(f"{job}/cancel")
    assert board.data(f"{job}.json")["job"]["status"] == "cancelled"
    board.send("/brake", on="false")
    assert board.data("/overview.json")["brake"] is None


def test_answers_that_differ(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are asked for in a process apart, and shown as text."""
    versions = [v.id for v in board.tenant.learner.versions() if not v.erased]
    asked: list[dict[str, Any]] = []

    def apart(folder: Path, verb: str, **told: Any) -> Any:
        asked.append({"verb": verb, **told})
        one = {"document": KNOWN.id, "title": NASTY, "question": "<b>?", "before": "", "after": NASTY}
        return [{"kind": "gained", **one}]

    monkeypatch.setattr("seal.service.apart.in_process", apart)
    page = board.page(f"/versions/{versions[0]}/diff?to={versions[-1]}&answers=true")
    assert asked == [{"verb": "diff", "before": versions[0], "after": versions[-1]}]
    assert "gained" in page.text and "<b>?" in page.text and not page.all("b")


def test_ask_see_why_and_correct(board: Board) -> None:
    question = KNOWN.question(WHAT)
    page = Seen(board.send("/why", 200, question=question).text)
    assert KNOWN.name in page.text and "The sentence" in page.text
    answer = page.value("answer")
    assert board.data(f"/why.json?answer={answer}")["why"]["document"] == KNOWN.id
    said = board.send("/feedback", answer=answer, kind="thumbs", value="down")
    assert DONE["noted"] in board.page(said.headers["location"]).text
    assert question in board.page("/feedback").text
    assert question in [w["question"] for w in board.data("/feedback.json")["wanted"]]
    asker = board.browser(board.key(Role.ASK, trust=0.1))
    assert asker.get(f"/why?answer={answer}").status_code == 404  # another's
    token = Seen(asker.get("/why").text).value(TOKEN)
    own = Seen(asker.post("/why", data={TOKEN: token, "question": question}).text)
    name = own.value("answer")
    fields = {TOKEN: token, "answer": name, "kind": "right_answer", "value": "Zandor"}
    assert asker.post("/feedback", data=fields).headers["location"] == "/why?done=held"
    [held] = board.data("/feedback.json")["held"]
    assert "Zandor" in board.page("/feedback").text
    board.send(f"/feedback/{held['id']}/refuse", reason="no")
    assert board.data("/feedback.json")["held"] == []


def test_feedback_is_read_page_by_page(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = board.tenant.learner
    for n in range(60):
        learner.give_feedback("comment", f"comment {n}", conversation="long")
    read, asked = learner.workspace.all_feedback, []

    def counted(**given: Any) -> Any:
        asked.append(given.get("newest"))
        return read(**given)

    monkeypatch.setattr(learner.workspace, "all_feedback", counted)
    newest, older = board.data("/feedback.json"), board.data("/feedback.json?page=2")
    assert [one["value"] for one in newest["feedback"]] == [f"comment {n}" for n in range(59, 9, -1)]
    assert [one["value"] for one in older["feedback"]][:10] == [f"comment {n}" for n in range(9, -1, -1)]
    assert (newest["page"], older["page"], older["total"]) == (1, 2, learner.n_feedback())
    assert asked and None not in asked
    page = board.page("/feedback?page=2").text
    assert "comment 9" in page and "comment 10" not in page and "page 2 of 2" in page


def test_keys_are_shown_once(board: Board) -> None:
    made = board.send("/keys", 201, name="Bob <i>", roles=["ask", "audit"], days="1")
    [secret] = re.findall(r"seal_mine_\w+", made.text)
    assert made.headers["cache-control"] == "no-store" and "<i>" not in made.text
    assert board.browser(secret).get("/ledger").status_code == 200
    listed = board.page("/keys")
    assert secret.rpartition("_")[2] not in listed.text and "Bob <i>" in listed.text
    record = next(k for k in board.data("/keys.json")["keys"] if k["name"] == "Bob <i>")
    used = board.browser(secret)
    board.send(f"/keys/{record['id']}/revoke")
    assert used.get("/ledger").status_code == 401
    board.send("/keys", 400, name="x", roles=["king"])
    board.send("/keys", 400, name="x", roles=["ask"], days="soon")
    own = next(k["id"] for k in board.data("/keys.json")["keys"] if k["own"])
    board.send(f"/keys/{own}/revoke", 409)


@pytest.mark.skipif(browser_path() is None, reason=NO_BROWSER)
def test_in_a_browser(board: Board) -> None:
    """Pages hold at 390 and 1,280 pixels, nothing is refused or fails, and what changes is brought up to
    date."""
    faults: list[str] = []
    with signed_in(board.service.url, board.service.key, width=390, dark=True) as page:
        page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        for path in (*(p.path for p in PLACES), f"/documents/{KNOWN.id}", "/versions/live"):
            page.goto(board.service.url + path)
            for width in (390, 1280):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert faults == []
        page.goto(board.service.url)
        page.get_by_label("Why").fill("look first")
        page.get_by_role("button", name="Stop all studying").click()
        page.get_by_text("Studying is stopped since").wait_for()
        board.tenant.learner.release_brake()
        page.get_by_text("Studying is stopped since").wait_for(state="detached", timeout=15_000)


@pytest.mark.skipif(browser_path() is None, reason=NO_BROWSER)
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_axe_finds_nothing(board: Board, width: int, dark: bool) -> None:
    """axe-core, which looks for what keeps people out: contrast, labels, order of headings, landmarks."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing"
    )
    found: list[str] = []
    places = (*(p.path for p in PLACES), f"/documents/{KNOWN.id}", f"/documents/{HELD.id}", "/versions/live")
    with signed_in(board.service.url, board.service.key, width=width, dark=dark) as page:
        for path in (*places, "/nowhere"):
            page.goto(board.service.url + path)
            told = axe.Axe().run(page)
            assert told.response["testEngine"]["name"] == "axe-core"
            found += [f"{path}: {told.generate_report()}"] if told.violations_count else []
    assert found == [], "\n".join(found)


def test_a_workspace_that_knows_nothing(board: Board) -> None:
    workspace = board.service.hosting.tenant("empty").learner.workspace
    client = board.browser(str(make_key(workspace, "empty", name="x", roles=[Role.ADMIN])[1]))
    for place in PLACES:
        assert client.get(place.path).status_code == 200, place
    page = Seen(client.get("/").text)
    assert "nothing was learned yet" in page.text
    token = Seen(client.get("/why").text).value(TOKEN)
    asked = client.post("/why", data={TOKEN: token, "question": "What is the height of Brenk?"})
    assert asked.status_code == 200 and "No document" in Seen(asked.text).text


def test_charts() -> None:
    """Every figure has its place; what is not there is a gap; the axis begins at nothing."""
    chart = line_chart("T", ["1", "2", "3", "4"], [("a", [0.0, None, 0.5, 1.0])], "share")
    assert chart is not None
    [line] = chart.lines
    assert [p.told for p in line.points] == ["1: a 0 %", "3: a 50 %", "4: a 100 %"]
    assert line.path.count("M") == 2 and [t for _, t in chart.ticks] == ["0 %", "50 %", "100 %"]
    assert line.points[0].y == chart.ticks[0][0] and line.points[-1].y == chart.ticks[-1][0]
    assert line_chart("T", ["1"], [("a", [None])]) is None
    one = line_chart("T", ["1"], [("a", [3e-7])])
    assert one is not None and one.lines[0].points[0].told == "1: a 3.0e-07"
    assert (size(999), size(123_456), number(1234), number(0.25)) == ("999 B", "123 kB", "1 234", "0.25")


def test_lists_by_pages() -> None:
    items = list(range(101))
    assert [pages_of(101, n)["page"] for n in (-5, 1, 3, 99)] == [1, 1, 3, 3]
    assert part_of(items, 3) == [100] and part_of([], 1) == [] and part_of(items[:50], 2) == items[:50]
