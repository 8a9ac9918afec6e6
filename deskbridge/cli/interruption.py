"""Ends a command that Ctrl-C stops, at a question or at work, with a word and the exit code 130."""

from typing import Any, ClassVar, Final

import typer
from typer.core import TyperGroup

INTERRUPTED: Final = 130
"""What a shell shows of a process that SIGINT ended."""


class Interruptible(TyperGroup):
    """A group of commands, each of which may be stopped and run again."""

    words: ClassVar[str] = "Interrupted; it can be run again."

    def invoke(self, ctx: Any) -> Any:
        """Run the command. A question that meets the end of its input is a mistake, not a stop."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            self._stop()
        except typer.Abort as error:
            if isinstance(error.__context__, EOFError):
                raise typer.BadParameter("the input ended at a question: give its answer as an option") from None
            self._stop()

    def _stop(self) -> None:
        typer.echo(f"\n{self.words}", err=True)
        raise typer.Exit(INTERRUPTED)


class BeforeWriting(Interruptible):
    """Commands that write only what they then tell."""

    words = "Interrupted. Nothing was written, unless it says so above; run it again."
