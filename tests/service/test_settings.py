"""The settings of a service: what is wrong is told by its key, and the page has all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from seal.errors import ConfigError, InputFileError
from seal.service.settings import OidcSettings, ServiceSettings, read_settings

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "serve.md"


def rows(form: type[BaseModel], before: str = "") -> Iterator[str]:
    for name, field in form.model_fields.items():
        value = field.default
        if isinstance(value, BaseModel):
            yield from rows(type(value), f"{before}{name}.")
        else:
            told = str(value).lower() if isinstance(value, bool) else value
            default = "needed" if field.is_required() else "–" if value is None else f"`{told}`"
            yield f"| `{before}{name}` | {default} | {field.description} |"


def test_the_page_has_every_setting_with_its_default() -> None:
    page = PAGE.read_text(encoding="utf-8")
    table = [line for line in page.splitlines() if line.startswith("| `") and line.count(" | ") == 2]
    told = [*rows(ServiceSettings), *rows(OidcSettings, "access.oidc.")]
    assert [row for row in told if row not in table] == []


def test_flags_come_before_the_file_and_mistakes_are_named(tmp_path: Path) -> None:
    file = tmp_path / "service.toml"
    file.write_text("port = 9\n[limits]\nrequests = 3\n")
    read = read_settings(file, port=7, host=None)
    assert (read.port, read.host, read.limits.requests) == (7, "127.0.0.1", 3)
    file.write_text("[limits]\nreqests = 3\n")
    with pytest.raises(ConfigError, match=r"limits\.reqests"):
        read_settings(file)
    file.write_text("[limits\n")
    with pytest.raises(ConfigError, match="TOML"):
        read_settings(file)
    with pytest.raises(InputFileError):
        read_settings(tmp_path / "none.toml")
