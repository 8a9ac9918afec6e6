"""Progress on standard error, while somebody watches: a bar a desk for back-fills, one for work in stages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bridge.ports import Clock
from bridge.reconcile import Tally


class Bars:
    """Shows how far through time each desk's changes have been followed. Thread-safe; silent where nobody watches."""

    def __init__(self, clock: Clock, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._clock = clock
        self._lock = Lock()
        self._showing = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[looked_at]} tickets looked at, {task.fields[found]} to work on"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def watch(self, desk: str, since: datetime, pages: Iterator[Tally]) -> Iterator[Tally]:
        """The same pages, each shown as it comes; `since` is the time with which they begin."""
        total, whole = Tally(), max((self._clock() - since).total_seconds(), 1.0)
        with self._shown():
            task = self._progress.add_task(desk, total=whole, looked_at=0, found=0)
            try:
                for told in pages:
                    total += told
                    done = (total.reached - since).total_seconds() if total.reached is not None else 0.0
                    found = total.new + total.changed
                    self._progress.update(task, completed=min(done, whole), looked_at=total.looked_at, found=found)
                    self._progress.refresh()
                    yield told
            finally:
                self._progress.remove_task(task)

    @contextmanager
    def _shown(self) -> Iterator[None]:
        with self._lock:
            self._showing += 1
            self._progress.start()
        try:
            yield
        finally:
            with self._lock:
                self._showing -= 1
                if not self._showing:
                    self._progress.stop()


@contextmanager
def stages() -> Iterator[Callable[[str, float], None]]:
    """A function to tell what is being done, and the share of it that is done; shown where somebody watches."""
    console = Console(stderr=True)
    parts = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*parts, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=1.0)
        yield lambda stage, share: progress.update(task, description=stage, completed=share)
