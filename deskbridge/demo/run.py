"""The demo from start to end: processes up, customers write, everything settles, the desks are asked what happened."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import httpx
from rich.console import Console
from sqlalchemy import func, select

from bridge.model import Decision, Ticket
from bridge.store import Store, codec
from bridge.store.tables import decisions, deliveries, operations, tickets
from deskbridge.cli import init
from deskbridge.demo import screen
from deskbridge.demo.play import Play
from deskbridge.demo.processes import DidNotStart, Process, free_port
from deskbridge.demo.script import VENDORS, Act, script
from deskbridge.demo.verdict import DeskResult, Faults, judge

QUIET_SECONDS = 25.0
"""How long after the last act everything may take to settle; what is missing by then is judged as missing."""

_PLANS = {"zendesk": "enterprise_plus", "freshdesk": "bought-1000", "intercom": "private"}
_SECRETS = {"ZENDESK_WEBHOOK_SECRET": "demo-zendesk-signing", "FRESHDESK_WEBHOOK_SECRET": "demo-freshdesk-header",
            "FRESHDESK_PATH_SECRET": "demo-path-3f9c1d77"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """The demo's outcome: figures by vendor, and everything that went wrong."""

    desks: Mapping[str, DeskResult]
    faults: Faults


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs while the demo plays."""

    folder: Path
    urls: Mapping[str, str]
    bridge_url: str


def run(console: Console, *, keep: bool, seed: int) -> Result:
    """Play the whole demo. Raises DidNotStart where a process does not come up.

    With `keep` everything is left running after the table until the user interrupts.
    """
    with stage(console) as found:
        play = Play(found.urls)
        store = Store(f"sqlite:///{found.folder}/deskbridge.db")
        try:
            result = _play(console, play, store, script(seed))
            if keep:
                _stay(console, found)
        finally:
            play.close()
            store.close()
    return result


@contextmanager
def stage(console: Console) -> Iterator[Stage]:
    """Three sandbox desks and the bridge as processes, joined by webhooks; all end with the block."""
    folder = Path(tempfile.mkdtemp(prefix="deskbridge-demo-"))
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        console.print("Starting three sandbox desks and the bridge ...", style="dim")
        desks = {
            name: Process(name, ["sandbox", name, "--plan", _PLANS[name]], logs=folder, env=os.environ)
            for name in VENDORS
        }
        for process in desks.values():
            ending.callback(process.stop)
        urls = {name: process.url for name, process in desks.items()}
        port = free_port()
        bridge_url = f"http://127.0.0.1:{port}"
        _write_files(folder)
        connect_first(urls, bridge_url)
        env = os.environ | _SECRETS | {f"{name.upper()}_URL": url for name, url in urls.items()}
        env |= {"DESKBRIDGE_LISTEN": f"127.0.0.1:{port}", "DESKBRIDGE_MODE": "live"}
        serve = Process("serve", ["serve", "-c", str(folder / "deskbridge.yaml")], logs=folder, env=env)
        ending.callback(serve.stop)
        _await_ready(serve)
        _hook(urls["intercom"], {"url": f"{bridge_url}/hooks/acme-intercom"})
        yield Stage(folder, urls, bridge_url)


def connect_first(urls: Mapping[str, str], bridge_url: str) -> None:
    """Have Zendesk and Freshdesk send webhooks; Intercom checks the address, so it comes once the bridge listens."""
    _hook(urls["zendesk"], {"url": f"{bridge_url}/hooks/acme-zendesk", "secret": _SECRETS["ZENDESK_WEBHOOK_SECRET"]})
    path = _SECRETS["FRESHDESK_PATH_SECRET"]
    _hook(
        urls["freshdesk"],
        {
            "url": f"{bridge_url}/hooks/acme-freshdesk/{path}",
            "secret": _SECRETS["FRESHDESK_WEBHOOK_SECRET"],
            "topics": ["created", "replied"],
        },
    )


def _hook(url: str, say: Mapping[str, object]) -> None:
    httpx.post(f"{url}/_sandbox/webhooks", json=dict(say), timeout=10).raise_for_status()


def _write_files(folder: Path) -> None:
    """The settings that `deskbridge init` writes, and the demo's own policy in place of the starter policy."""
    init.write(folder)
    (folder / "policy.yaml").write_text(files("deskbridge.demo").joinpath("policy.yaml").read_text("utf-8"), "utf-8")


def _await_ready(serve: Process) -> None:
    url = serve.url
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise DidNotStart(f"serve is not ready: {serve.log.read_text('utf-8', 'replace').strip()[-2_000:]}")


def _play(console: Console, play: Play, store: Store, acts: list[Act]) -> Result:
    for vendor in VENDORS:
        play.configure(vendor, "PUT", "faults", {"duplicate": {"next": 2}})
    over = threading.Event()
    watching = threading.Thread(target=_watch, args=(console, store, over), name="demo-screen", daemon=True)
    watching.start()
    try:
        play.run(acts)
        _settle(play, store)
    finally:
        over.set()
        watching.join()
    belongs = {(act.vendor, act.key): act.belongs for act in acts if act.belongs is not None}
    desks, faults = {}, Faults()
    for vendor in VENDORS:
        wanted = {play.tickets[key]: place for key, place in belongs.items() if key[0] == vendor}
        desks[vendor], found = judge(play.state(vendor), wanted)
        for mine, theirs in ((faults.lost, found.lost), (faults.duplicated, found.duplicated),
                             (faults.overwritten, found.overwritten), (faults.misplaced, found.misplaced)):  # fmt: skip
            mine.extend(theirs)
    screen.results(console, desks)
    screen.faults(console, faults)
    return Result(desks, faults)


def _settle(play: Play, store: Store) -> None:
    """Return when nothing waits anywhere, or when it has taken too long."""
    until = time.monotonic() + QUIET_SECONDS
    quiet = 0
    while time.monotonic() < until and quiet < 3:
        quiet = quiet + 1 if play.pending() == 0 and _idle(store) else 0
        time.sleep(0.2)


def _idle(store: Store) -> bool:
    with store.reading() as connection:
        waiting = connection.execute(
            select(func.count()).select_from(deliveries).where(deliveries.c.state == "waiting")
        ).scalar_one()
        open_now = connection.execute(
            select(func.count()).select_from(operations).where(operations.c.state == "open")
        ).scalar_one()
        due = connection.execute(
            select(func.count())
            .select_from(tickets)
            .where(tickets.c.due_at.is_not(None) | tickets.c.lease_owner.is_not(None))
        ).scalar_one()
    return not (waiting or open_now or due)


def _watch(console: Console, store: Store, over: threading.Event) -> None:
    """Show each decision once, as the bridge journals it."""
    shown: set[str] = set()
    last_round = False
    while not last_round:
        last_round = over.wait(0.25)
        for decision, subject in _news(store, shown):
            shown.add(decision.id)
            screen.decided(console, decision.ref.desk.removeprefix("acme-"), subject, decision)


def _news(store: Store, shown: set[str]) -> list[tuple[Decision, str]]:
    with store.reading() as connection:
        rows = connection.execute(
            select(decisions.c.id, decisions.c.body, tickets.c.snapshot)
            .join(tickets, (tickets.c.desk == decisions.c.desk) & (tickets.c.ticket == decisions.c.ticket))
            .order_by(decisions.c.at)
        ).all()
    return [(codec.parse(Decision, row.body), _subject(row.snapshot)) for row in rows if row.id not in shown]


def _subject(snapshot: str | None) -> str:
    return codec.parse(Ticket, snapshot).subject if snapshot else ""


def _stay(console: Console, found: Stage) -> None:
    console.print("\nLeft running; interrupt to end it all:")
    console.print(f"  bridge     {found.bridge_url}  (/readyz, /metrics)")
    for name, url in found.urls.items():
        console.print(f"  {name:<10} {url}/_sandbox/state")
    console.print(f"  files      {found.folder}")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print("Ending.")
