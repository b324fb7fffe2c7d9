"""Makes the pictures of the dashboard in docs/images/: a workspace of the embedded model learns some
documents, is served, and a browser looks at it.

    python docs/make_pictures.py [FOLDER]

In FOLDER, if one is named, each picture is also kept light and dark, narrow and wide, to be looked at. Takes
about a minute. Needs the extra `serve`, the package playwright, and a Chromium on PATH.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import httpx
from PIL import Image

from seal.domains.microworld.world import WorldItem, make_items
from seal.learner import Learner, Text
from seal.service.access.making import make_key
from seal.service.dashboard.frame import PLACES
from seal.service.hosting import Hosting, Tenant

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from dashboards import NO_BROWSER, browser_path, signed_in  # noqa: E402
from services import RunningService, running  # noqa: E402

IMAGES = ROOT / "docs" / "images"
N_DOCUMENTS = 8
MOST_BYTES = 60_000


def main() -> int:
    if browser_path() is None:
        print(NO_BROWSER, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner.init(Path(folder) / "handbook", model="tiny", actor="alice")
        items = make_items("eval", N_DOCUMENTS, seed=3)
        for item in items[:-1]:
            told = learner.learn([Text(item.context.text, item.context.title)])
            print(f"{told[0].title}: {told[0].outcome}, {told[0].reason}")
        learner.submit([Text(items[-1].context.text, items[-1].context.title)])
        known = [one for one in learner.versions() if one.state == "live-once" and "live" not in one.aliases]
        learner.try_out(known[-1].id, "shadow", share=1, reason="does it answer as the newer one does?")
        with running(Hosting([Tenant("handbook", learner)])) as service:
            key = str(make_key(learner.workspace, "handbook", name="bob", roles=["ask"])[1])
            answer = [_asked(service.url, key, item) for item in reversed(items[:-1])][-1]
            for name, path, width, height, dark in (
                ("overview", "/", 1280, 800, False),
                ("documents", "/documents", 1280, 640, False),
                ("why", f"/why?answer={answer}", 1280, 720, False),
                ("memory", "/memory", 1280, 780, True),
                ("release", "/release", 1280, 900, False),
                ("narrow", "/documents", 390, 844, True),
            ):
                with signed_in(service.url, service.key, width=width, height=height, dark=dark) as page:
                    page.goto(service.url + path)
                    _keep(f"dashboard-{name}.webp", page.screenshot())
            for to_look in sys.argv[1:2]:
                _look_at_all(service, Path(to_look), answer)
    return 0


def _look_at_all(service: RunningService, folder: Path, answer: str) -> None:
    """Every page of the menu, in both colours and at both widths, as a whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for width, dark in ((1280, False), (1280, True), (390, False), (390, True)):
        with signed_in(service.url, service.key, width=width, dark=dark) as page:
            for path in (*(place.path for place in PLACES), f"/why?answer={answer}", "/versions/live"):
                page.goto(service.url + path)
                name = path.partition("?")[0].strip("/").replace("/", "-") or "overview"
                shade = "dark" if dark else "light"
                page.screenshot(path=folder / f"{name}-{width}-{shade}.png", full_page=True)


def _asked(url: str, key: str, item: WorldItem) -> str:
    """Asks the first question of an item's exam, and votes; returns the answer's id."""
    question = item.context.questions[0].text
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=600) as client:
        asked = {"model": "live", "messages": [{"role": "user", "content": question}]}
        told = client.post("/v1/chat/completions", json=asked).raise_for_status().json()
        said = {"kind": "thumbs", "value": "up", "answer": told["id"]}
        client.post("/v1/seal/feedback", json=said).raise_for_status()
    return str(told["seal"]["answer_id"])


def _keep(name: str, png: bytes) -> None:
    """A picture as WebP, without loss as long as it is small."""
    path = IMAGES / name
    Image.open(io.BytesIO(png)).save(path, lossless=True, method=6)
    if path.stat().st_size > MOST_BYTES:
        Image.open(io.BytesIO(png)).save(path, quality=80, method=6)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    sys.exit(main())
