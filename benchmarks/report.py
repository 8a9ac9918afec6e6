"""What a benchmark reports: rows of figures, each beside a baseline of the same run."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

Figure = str | int | float | None


@dataclass(frozen=True, slots=True)
class Report:
    """One benchmark's table: `columns` are the keys of every row, `notes` say what a figure leaves out."""

    title: str
    baseline: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, Figure], ...]
    notes: tuple[str, ...] = ()

    def print(self, console: Console) -> None:
        """The table with its baseline and its notes."""
        table = Table(title=f"{self.title}\nbaseline: {self.baseline}", title_justify="left")
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*(_text(row.get(column)) for column in self.columns))
        console.print(table)
        for note in self.notes:
            console.print(f"  {note}")
        console.print()


@dataclass(frozen=True, slots=True)
class Spread:
    """The same figure of several rounds."""

    values: Sequence[float]

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.values)

    def text(self, digits: int = 2) -> str:
        """The median with the lowest and the highest."""
        return f"{self.middle:,.{digits}f} ({min(self.values):,.{digits}f} to {max(self.values):,.{digits}f})"


def _text(figure: Figure) -> str:
    if isinstance(figure, float):
        return f"{figure:,.2f}"
    return "" if figure is None else f"{figure:,}" if isinstance(figure, int) else figure
