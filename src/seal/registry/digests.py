"""By which digest a document, a build and a version are known. Each is computed here only.

Knows what each of them is made of. Knows nothing about tables.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from seal.registry.canonical import digest_of, sha256
from seal.registry.records import Build, Version


def plain(text: str) -> str:
    """A text as far as it tells it from others: without its line ends and the width of its gaps."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def text_key(text: str) -> str:
    """The sha256 of a text: the name of its object in the store."""
    return sha256(text.encode("utf-8", "surrogatepass"))


def normal_key(text: str) -> str:
    """The same for texts that differ in nothing but line ends and white space."""
    return text_key(plain(text))


def document_key(text: str, title: str = "", *, distinct: bool = False) -> str:
    """The key of a document: of a text that itself names what its title says, the title is but a label, and
    the key is the sha256 of the text; of others, of title and text together. So it depends on nothing but the
    document, and a learner that forgot one of a text's two titles knows the other by the same key as one that
    never saw the first. `distinct`: with the title in any case, for one of two labels that are kept apart."""
    bare = not distinct and is_label(title, text)
    return text_key(text) if bare or not title else text_key(f"{title}\0{text}")


def is_label(title: str, text: str) -> bool:
    """Whether a text itself names what its title says."""
    return plain(title).casefold() in plain(text).casefold()


def build_parts(
    *, base: str, writer: str, sources: Sequence[str], recipe: Mapping[str, Any], seed: int, environment: str
) -> dict[str, Any]:
    """All that a build is made of."""
    return {
        "base": base,
        "writer": writer,
        "sources": list(sources),
        "recipe": dict(recipe),
        "seed": seed,
        "environment": environment,
    }


def build_key(made_of: Mapping[str, Any]) -> str:
    """The key of a build: the digest of what it is made of (`build_parts`)."""
    return digest_of(dict(made_of))


def key_of(build: Build) -> str:
    """The key that a build's record gives."""
    return build_key(
        build_parts(
            base=build.base,
            writer=build.writer,
            sources=build.sources,
            recipe=build.recipe,
            seed=build.seed,
            environment=build.environment,
        )
    )


def version_content(base: str, objects: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """The digest of what a version knows. `objects` has the object of each build by its key."""
    return digest_of({"base": base, "builds": dict(objects), "settings": dict(settings)})


def version_id(content: str, parent: str | None, report: str | None) -> str:
    """The id of a version: its content, the version that it was made from, and its report."""
    return digest_of({"content": content, "parent": parent, "report": report})


def gives_its_id(version: Version, objects: Mapping[str, str]) -> bool:
    """Whether a version's record, with these objects of its builds, gives the id and the content that it
    states."""
    content = version_content(version.base, objects, version.settings)
    return content == version.content and version_id(content, version.parent, version.report) == version.id
