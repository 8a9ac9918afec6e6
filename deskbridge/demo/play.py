"""Plays the script to the sandbox desks over their control faces, and remembers which ticket is which."""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from deskbridge.demo.script import Act


class Play:
    """The acts as they happen. `tickets` maps (vendor, key) to the desk's ticket id as soon as it is open."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._clients = {vendor: httpx.Client(base_url=url, timeout=10) for vendor, url in urls.items()}
        self._lock = threading.Lock()
        self._senders: dict[tuple[str, str], str] = {}
        self.tickets: dict[tuple[str, str], str] = {}

    def run(self, acts: Sequence[Act]) -> None:
        """Do every act at its time; returns after the last. Raises httpx.HTTPError where a desk refuses one."""
        started = time.monotonic()
        with ThreadPoolExecutor(6) as pool:
            running = []
            for act in acts:
                time.sleep(max(0.0, started + act.at - time.monotonic()))
                running.append(pool.submit(self.act, act))
            for done in running:
                done.result()

    def act(self, act: Act) -> None:
        """Do one act."""
        match act.kind:
            case "open":
                ticket = self._post(act.vendor, "customers/write", act.say)["ticket"]
                with self._lock:
                    self.tickets[act.vendor, act.key] = ticket
                    self._senders[act.vendor, act.key] = str(act.say["email"])
            case "reply":
                sender = {"email": self._senders[act.vendor, act.key]}
                self._post(act.vendor, "customers/write", {**act.say, **sender, "ticket": self._ticket(act)})
            case "take":
                self._post(act.vendor, "agents/edit", {**act.say, "ticket": self._ticket(act)})
            case "solve":
                self._post(act.vendor, "agents/edit", {**act.say, "ticket": self._ticket(act)} | self._solver(act))
            case "away" | "back":
                status = "away" if act.kind == "away" else "online"
                self._post(act.vendor, "agents/status", {**act.say, "status": status})
            case _:
                raise ValueError(f"the script has an act of the unknown kind '{act.kind}'")

    def state(self, vendor: str) -> dict[str, Any]:
        """The desk's own account of everything."""
        answer = self._clients[vendor].get("/_sandbox/state")
        answer.raise_for_status()
        state: dict[str, Any] = answer.json()
        return state

    def pending(self) -> int:
        """Webhooks that the desks have not delivered yet."""
        return sum(int(client.get("/_sandbox/quiet").json()["pending"]) for client in self._clients.values())

    def configure(self, vendor: str, method: str, path: str, say: Mapping[str, object]) -> dict[str, Any]:
        """One call to a desk's control face; its answer."""
        answer = self._clients[vendor].request(method, f"/_sandbox/{path}", json=say)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()

    def _post(self, vendor: str, path: str, say: Mapping[str, object]) -> dict[str, Any]:
        return self.configure(vendor, "POST", path, say)

    def _ticket(self, act: Act) -> str:
        with self._lock:
            return self.tickets[act.vendor, act.key]

    def _solver(self, act: Act) -> dict[str, object]:
        """Whoever holds the ticket solves it."""
        ticket = self._ticket(act)
        found = next(t for t in self.state(act.vendor)["tickets"] if t["id"] == ticket)
        return {"agent": found["assignee"] or "eli@acme.example", "set": {"status": "resolved"}}
