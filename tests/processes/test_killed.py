"""`connect`, `install` and `uninstall` as processes that are killed at each call they make, and run again.

Each call kills before the desk hears of it, and one that is no read also when it took effect, before its answer comes.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, product
from pathlib import Path
from signal import SIGKILL
from threading import Event, Thread
from typing import Any

import pytest

from bridge import installing
from bridge.sealing import KEY
from bridge.store import Store, installations
from sandbox.common.desk import HANG_UP, SandboxDesk
from sandbox.common.server import Running, start
from sandbox.freshdesk import FreshdeskSandbox
from sandbox.zendesk import ZendeskSandbox
from tests.connect.parts import ENV, account, files, options
from tests.connect.test_connect import BY_PERSON, SECRET_KEY, allowed
from tests.core.world import OPTIONS, SANDBOXES
from tests.install.place import Place
from tests.processes.command import eventually
from tests.processes.zygote import Zygote, said

INSTALL = ("install", "webhooks", "acme")
HERE = ("--url", "https://bridge.example")
ELSEWHERE = ("--url", "https://elsewhere.example")
TRIGGERS = ("--via", "triggers")
REMOVE = ("uninstall", "acme")
KILLED = -SIGKILL

PROOFS = {"webhook_secrets", "path_secrets"}
"""The settings that `install` fills."""


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as found:
        yield found


class Scythe:
    """Between a desk and its callers: notes the calls besides a browser's, and at one of them `falls` on the caller.

    `at` counts from 1, 0 is never. `heard` tells whether the desk carries out that call; nobody gets its answer.
    """

    def __init__(self, desk: SandboxDesk, falls: Callable[[], None]) -> None:
        self.aim(0, heard=False)
        self._falls = falls
        self._desk = desk.app.wsgi_app
        desk.app.wsgi_app = self  # type: ignore[method-assign]  # as Flask's documentation has it

    def aim(self, at: int, *, heard: bool) -> None:
        """Begin to count anew."""
        self.calls: list[str] = []
        self.at, self.heard = at, heard

    def strokes(self) -> list[tuple[int, bool]]:
        """Every `at` and `heard` that differ in what they leave behind, of the calls noted: a read leaves nothing."""
        return [
            (at, heard)
            for at, method in enumerate(self.calls, 1)
            for heard in (False, True)
            if not heard or method != "GET"
        ]

    def __call__(self, environ: Any, start_response: Any) -> Any:
        browses = environ["PATH_INFO"] == "/oauth/authorizations" or environ["PATH_INFO"].endswith("/new")
        self.calls += [] if browses else [environ["REQUEST_METHOD"]]
        if browses or len(self.calls) != self.at:
            return self._desk(environ, start_response)
        answer = self._desk(environ, start_response) if self.heard else start_response("502 Bad Gateway", []) and ()
        self._falls()
        environ[HANG_UP] = 0.0
        return answer


@dataclass(frozen=True)
class Case:
    """A command that is killed, at a desk at which others were run before."""

    vendor: str
    command: tuple[str, ...]
    before: Sequence[tuple[str, ...]] = ()


CASES = {
    "zendesk, events": Case("zendesk", (*INSTALL, *HERE)),
    "zendesk, triggers": Case("zendesk", (*INSTALL, *HERE, *TRIGGERS)),
    "zendesk, both changed": Case("zendesk", (*INSTALL, *ELSEWHERE), [(*INSTALL, *HERE, *TRIGGERS)]),
    "zendesk, taken down": Case("zendesk", REMOVE, [(*INSTALL, *HERE, *TRIGGERS)]),
    "freshdesk": Case("freshdesk", (*INSTALL, *HERE)),
    "freshdesk, address changed": Case("freshdesk", (*INSTALL, *ELSEWHERE), [(*INSTALL, *HERE)]),
    "freshdesk, taken down": Case("freshdesk", REMOVE, [(*INSTALL, *HERE)]),
}


class Round:
    """One life of a desk, and of a folder beside it, for `install` and `uninstall`."""

    def __init__(self, case: Case, folder: Path, database: Path, zygote: Zygote, running: Running) -> None:
        self.scythe = Scythe(running.desk, zygote.kill)
        self._case = case
        self._folder = folder
        self._zygote = zygote
        self._running = running
        folder.mkdir()
        shutil.copy(database, folder)
        credential = {key: value for key, value in OPTIONS[case.vendor].items() if key not in PROOFS}
        self._place = Place(folder, "acme", {"vendor": case.vendor, "url": running.url} | credential)
        for command in case.before:
            self.run(command)
        self.scythe.aim(0, heard=False)

    def kill(self, at: int, *, heard: bool) -> None:
        """Run the command until it dies at one of its calls."""
        self.scythe.aim(at, heard=heard)
        assert self._zygote.run(self._folder, *self._case.command) == KILLED

    def run(self, command: Sequence[str] | None = None) -> None:
        """Run a command, or that of the case, to its end."""
        assert self._zygote.run(self._folder, *(command or self._case.command)) == 0, said(self._folder).read_text()

    def outcome(self) -> str:
        """All that is at the desk, in the folder and written down in the database: with names for ids and secrets."""
        pieces = list(there(self._running.desk))
        files = sorted(str(path.relative_to(self._folder)) for path in self._folder.rglob("*"))
        found = json.dumps([pieces, files, self._place.config.read_text("utf-8"), self._written_down()])
        names = {path.read_text("utf-8").strip(): path.name for path in self._folder.glob("secrets/*")}
        names |= {str(piece["id"]): f"piece {number}" for number, piece in enumerate(pieces)}
        for value, name in {**names, self._running.url: "the desk"}.items():
            found = found.replace(value, name)
        return found

    def _written_down(self) -> str:
        store = Store(f"sqlite:///{self._folder}/deskbridge.db")
        try:
            found = installing.find(store, "acme")
            return repr(found and (found.addresses, found.way, sorted(map(repr, found.pieces)), found.moved_at is None))
        finally:
            store.close()


def there(desk: SandboxDesk) -> Iterator[Mapping[str, Any]]:
    """Every webhook, trigger and rule at a desk, whoever made it."""
    if isinstance(desk, ZendeskSandbox):
        registry = desk.backend.registry
        for webhook in registry.webhooks.values():
            yield {"id": webhook.hook.id, "secret": webhook.hook.secret, **webhook.fields}
        for trigger in registry.triggers.values():
            yield {"id": trigger.id, **trigger.fields}
    if isinstance(desk, FreshdeskSandbox):
        for rule in desk.rulebook.rules.values():
            yield {"id": rule.id, "type": rule.type, **rule.body}


@pytest.mark.parametrize("name", CASES)
def test_killed_at_any_call_and_run_again_nothing_differs_from_a_run_that_nobody_disturbed(
    name: str, tmp_path: Path, empty_database: Path, zygote: Zygote
) -> None:
    case, folders = CASES[name], (tmp_path / str(number) for number in count())

    @contextmanager
    def round_() -> Iterator[Round]:
        with start(SANDBOXES[case.vendor](plan="unlimited")) as running:
            yield Round(case, next(folders), empty_database, zygote, running)

    with round_() as undisturbed:
        undisturbed.run()
        wanted, strokes = undisturbed.outcome(), undisturbed.scythe.strokes()
        undisturbed.run()
        assert undisturbed.outcome() == wanted
    assert len(strokes) > 2
    for at, heard in strokes:
        with round_() as disturbed:
            disturbed.kill(at, heard=heard)
            disturbed.run()
            assert disturbed.outcome() == wanted, f"call {at}, {'heard' if heard else 'not heard'}"


@pytest.mark.parametrize("vendor", SANDBOXES)
def test_connect_killed_at_any_call_has_written_nothing_and_run_again_ends_as_undisturbed(
    vendor: str, tmp_path: Path, zygote: Zygote
) -> None:
    undisturbed, folder = tmp_path / "undisturbed", tmp_path / "disturbed"
    undisturbed.mkdir()
    folder.mkdir()
    with start(account(vendor)) as running:
        scythe, connect = Scythe(running.desk, zygote.kill), ("connect", *options(vendor, running.url))
        assert zygote.run(undisturbed, *connect, env=ENV) == 0
        for at, heard in scythe.strokes():
            scythe.aim(at, heard=heard)
            assert zygote.run(folder, *connect, env=ENV) == KILLED
            assert not list(folder.iterdir())
        assert zygote.run(folder, *connect, env=ENV) == 0
        assert not running.desk.history.writes
    assert files(folder) == files(undisturbed)


def test_a_sign_in_killed_at_any_call_is_asked_for_again_until_its_tokens_are_kept(
    tmp_path: Path, zygote: Zygote
) -> None:
    folder, env = tmp_path / "folder", ENV | {KEY: SECRET_KEY}
    folder.mkdir()
    with start(account("zendesk")) as running, person(folder) as typed:
        scythe = Scythe(running.desk, zygote.kill)
        connect = ("connect", "zendesk", "acme", "--url", running.url, *BY_PERSON)
        ended, asked = list[int](), list[bool]()
        for at, heard in product(range(1, 99), (False, True)):
            scythe.aim(at, heard=heard)
            ended.append(zygote.run(folder, *connect, env=env, typed=typed))
            asked.append("Open this in a browser" in said(folder).read_text("utf-8"))
            if ended[-1] == 0:
                break
        assert set(ended[:-1]) == {KILLED}
        assert asked == [True, True, True, *[False] * (len(asked) - 3)]  # twice in the exchange, and once after it
        scythe.aim(0, heard=False)
        assert zygote.run(folder, *connect, env=env) == 0
    assert "like that; nothing was changed" in said(folder).read_text("utf-8")


@contextmanager
def person(folder: Path) -> Iterator[str]:
    """Somebody who does in a browser what a command asks for, and types where that led: into the pipe of that name."""
    pipe, over = folder.with_name("typed"), Event()
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR)

    def sit() -> None:
        done = ""
        while not over.wait(0.02):
            shown = said(folder).read_text("utf-8") if said(folder).exists() else ""
            if shown != done and "no page needs to be there" in shown:
                done = shown
                os.write(end, allowed(shown).encode())

    thread = Thread(target=sit)
    thread.start()
    try:
        yield str(pipe)
    finally:
        over.set()
        thread.join()
        os.close(end)


def test_intercoms_install_killed_while_it_waits_goes_on_where_it_was(tmp_path: Path, zygote: Zygote) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with start(SANDBOXES["intercom"]()) as running, ThreadPoolExecutor() as beside:
        Place(folder, "acme", {"vendor": "intercom", "url": running.url} | OPTIONS["intercom"])
        waits = beside.submit(zygote.run, folder, *INSTALL, *HERE)
        eventually(lambda: said(folder).exists() and "Waiting for its call" in said(folder).read_text("utf-8"))
        zygote.kill()
        assert waits.result() == KILLED
        store = Store(f"sqlite:///{folder}/deskbridge.db")
        installations.pinged(store, "acme", datetime.now(UTC))
        store.close()
        assert zygote.run(folder, *INSTALL) == 0
        assert "'acme' has called at" in said(folder).read_text("utf-8")
        assert not running.desk.calls.calls
