"""`seal help` and `seal completion`: what the commands are, for people and for shells.

Both are about the application as a whole, to which they are added last.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from cyclopts import App, Parameter

from seal.cli.workspace import say
from seal.errors import ConfigError, UnknownNameError
from seal.hints import did_you_mean

# In cyclopts' own order: of two such types with None that differ in order alone Python keeps the first.
Shell: TypeAlias = Literal["zsh", "bash", "fish", "powershell"]


def add_help(app: App) -> None:
    """Adds both commands."""

    def help_(
        *command: Annotated[str, Parameter(help="A command; without one all commands are listed.")],
    ) -> None:
        """Say what a command does and which flags it takes, as `seal COMMAND --help` does."""
        own = app
        for name in command:
            if name.startswith("-") or name not in own:
                known = [one for one in own if not one.startswith("-")]
                raise UnknownNameError(f"there is no command {name!r}", did_you_mean(name, known))
            own = own[name]
        app.help_print(command)

    def completion(
        shell: Annotated[
            Shell | None, Parameter(help="The shell; by default the one from which the command is called.")
        ] = None,
        *,
        install: Annotated[
            bool,
            Parameter(
                negative=(), help="Put the script where the shell looks for it, and not on the output."
            ),
        ] = False,
    ) -> None:
        """Print the script by which a shell completes the commands and flags of seal with the Tab key.

        `seal completion --install` puts it in place, and adds a line to the shell's start file where one is
        needed (~/.bashrc, ~/.zshrc, PowerShell's profile); a new shell has it then.
        """
        named = shell or _present_shell()
        if install:
            say(f"{app.install_completion(shell=named)} is in place; open a new {named} to use it")
        else:
            print(app.generate_completion(shell=named))

    app.command(help_, name="help")
    app.command(completion)


def _present_shell() -> Shell:
    from cyclopts.completion import ShellDetectionError, detect_shell

    try:
        return detect_shell()
    except ShellDetectionError as error:
        raise ConfigError(
            "it cannot be told which shell this is",
            "Name it: seal completion bash (or zsh, fish, powershell).",
        ) from error
