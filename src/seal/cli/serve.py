"""`seal serve`: a learner over HTTP, for clients that speak OpenAI's API."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seal.cli.workspace import say
from seal.errors import InputError

_NEEDED = ("fastapi", "uvicorn", "argon2", "limits", "prometheus_client", "jinja2", "python_multipart")


def serve(
    *workspaces: Annotated[
        Path,
        Parameter(
            help="The workspaces to serve, each a tenant of its own; by default the one in the present "
            "folder, which is begun there if the folder is empty."
        ),
    ],
    host: Annotated[str | None, Parameter(help="The address to listen on; by default 127.0.0.1.")] = None,
    port: Annotated[int | None, Parameter(help="The port; by default 8000, and 0 takes a free one.")] = None,
    behind_proxy: Annotated[
        bool | None,
        Parameter(
            negative=(),
            help="A proxy in front adds TLS: the address may be one that other machines reach.",
        ),
    ] = None,
    settings: Annotated[
        Path | None, Parameter(help="A TOML file with settings; by default service.toml, if it is there.")
    ] = None,
) -> None:
    """Serve learners over HTTP: OpenAI's API, behind which a model keeps learning.

    At the first start an admin key is made and shown once. The models are loaded while the server is up
    already: `/readyz` says when it can answer. SIGTERM and Ctrl-C answer what is in flight, and then end.
    """
    folders = [path for path in workspaces] or [Path(".")]
    for folder in folders:
        _check_folder(folder, begin=not workspaces)
    _check_installed()
    from seal.service.access.keyring import Keyring
    from seal.service.app import create_app
    from seal.service.hosting import Hosting
    from seal.service.server import listen, server_of, url_of
    from seal.service.settings import FILE, read_settings
    from seal.service.studying import studying
    from seal.service.telling import telling
    from seal.service.tracing import trace_as_told

    told = settings or (Path(FILE) if Path(FILE).is_file() else None)
    trace_as_told("seal")
    read = read_settings(told, host=host, port=port, behind_proxy=behind_proxy)
    listening = listen(read)
    hosting = Hosting.open(folders, read)
    access, secrets = Keyring.of(hosting, read.access)
    app = create_app(hosting, read, access)
    app.state.service.background += [studying(hosting), telling(hosting, read.webhooks)]
    say(f"serving {', '.join(hosting.tenants)} on {url_of(listening)}/v1")
    for name, secret in secrets.items():
        say(f"the admin key of {name}, which is shown this once:  {secret}")
    server_of(app, read).run(sockets=[listening])


def _check_folder(folder: Path, *, begin: bool) -> None:
    """Sees that a folder is a workspace; `begin`s one where it is empty. Raises InputFileError and what
    `Learner.init` does."""
    from seal.registry.marker import read_marker

    if begin and all(path.name.startswith(".") for path in folder.iterdir()):
        from seal.cli.init import init

        init(folder)
    read_marker(folder)


def _check_installed() -> None:
    """Raises InputError where the extra is missing."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"seal serve needs packages that are not installed: {', '.join(missing)}",
            "pip install 'seal-lm[serve]'",
        )
