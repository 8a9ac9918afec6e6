"""The contract that every vendor's installer keeps; a vendor's test is a subclass that fills the hooks."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from bridge import installing
from bridge.errors import DeskError
from bridge.installing import InstallFailed
from bridge.ports import Act, Call, Gate, Installer, Piece
from bridge.store import Store, installations
from sandbox.common import Running
from tests.contract.world import OpenGate, TurnableClock

ADDRESS = "https://bridge.example/hooks/acme"
ELSEWHERE = "https://elsewhere.example/hooks/acme"


class Killed(BaseException):
    """What `kill -9` looks like from inside: nothing catches it, nothing after it runs."""


@dataclass
class DeadlyGate(OpenGate):
    """Dies before the call of a number goes out, or after it took effect; -1 never does."""

    before: int = -1
    after: int = -1
    seen: int = 0

    def admit(self, desk: str, method: str, route: str) -> None:
        """Die here, or let the call out."""
        if self.seen == self.before:
            raise Killed
        self.seen += 1

    def record(self, call: Call) -> None:
        """The call is made; die here, or go on."""
        super().record(call)
        if self.seen - 1 == self.after:
            raise Killed


@dataclass
class Site:
    """A sandbox account, and the database of the bridge that installs there."""

    sandbox: Running
    store: Store
    clock: TurnableClock
    told: list[Act] = field(default_factory=list)


class InstallContract(ABC):
    """Subclass for a vendor, once for each way, and fill the hooks.

    start_sandbox     start the vendor's sandbox
    installer_at      the installer, as the door builds it; `entitled` False: one that may not install
    at_desk           what there is at the desk now: (kind, name, address) of each webhook, trigger or rule of ours
    kinds             the kinds that must be there after an installation, sorted
    somebody_elses    puts something at the desk that is named like ours and is none; its name
    secrets           texts that nothing may show
    """

    vendor: ClassVar[str]
    way: ClassVar[str]
    kinds: ClassVar[list[str]]
    secrets: ClassVar[tuple[str, ...]]

    @abstractmethod
    def start_sandbox(self, clock: TurnableClock) -> Running:
        """The vendor's sandbox, listening."""

    @abstractmethod
    def installer_at(self, url: str, gate: Gate, clock: TurnableClock, *, entitled: bool = True) -> Installer:
        """The installer under test for desk `acme`."""

    @abstractmethod
    def at_desk(self) -> list[tuple[str, str, str]]:
        """What is there that has Deskbridge in its name."""

    @abstractmethod
    def somebody_elses(self, url: str) -> str:
        """Put up by another bridge, of the same name and for another address."""

    @pytest.fixture
    def site(self, tmp_path: Path) -> Iterator[Site]:
        clock, store = TurnableClock(), Store(f"sqlite:///{tmp_path}/bridge.sqlite3", durability="normal")
        store.migrate()
        sandbox = self.start_sandbox(clock)
        yield Site(sandbox, store, clock)
        sandbox.stop()
        store.close()

    def install(self, site: Site, gate: OpenGate | None = None, address: str = ADDRESS) -> list[Act]:
        """Run the whole installation; the calls that changed something."""
        told: list[Act] = []
        installer = self.installer_at(site.sandbox.url, gate or OpenGate(), site.clock)
        try:
            installing.install(site.store, installer, address, self.way, now=site.clock(), tell=told.append)
        finally:
            installer.close()
        return told

    def uninstall(self, site: Site, gate: OpenGate | None = None) -> tuple[list[Act], list[str]]:
        """Run the whole removal; the calls, and the names of what looks like ours and stays."""
        told: list[Act] = []
        installer = self.installer_at(site.sandbox.url, gate or OpenGate(), site.clock)
        try:
            left = installing.uninstall(site.store, installer, tell=told.append)
        finally:
            installer.close()
        return told, [piece.name for piece in left]

    def kinds_at_desk(self) -> list[str]:
        return sorted(kind for kind, _, _ in self.at_desk())

    # ------------------------------------------------------------------------------------------------------------------

    def test_what_is_put_up_sends_to_our_address_and_is_written_down(self, site: Site) -> None:
        acts = self.install(site)
        assert {act.verb for act in acts} <= {"create"}
        assert self.kinds_at_desk() == self.kinds
        assert all(address.startswith(ADDRESS) for _, _, address in self.at_desk())
        written = installing.find(site.store, "acme")
        assert written is not None
        assert sorted(piece.kind for piece in written.pieces) == self.kinds
        assert written.addresses == (ADDRESS,)

    def test_the_second_time_changes_nothing(self, site: Site) -> None:
        self.install(site)
        before = self.at_desk()
        assert self.install(site) == []
        assert self.at_desk() == before

    def test_taking_down_twice_leaves_nothing_and_changes_nothing_the_second_time(self, site: Site) -> None:
        self.install(site)
        acts, _ = self.uninstall(site)
        assert [act.verb for act in acts] == ["delete"] * len(self.kinds)
        assert self.at_desk() == []
        assert installing.find(site.store, "acme") is None
        assert self.uninstall(site) == ([], [])

    def test_killed_before_or_after_any_call_and_run_again_it_ends_the_same_without_an_orphan(self, site: Site) -> None:
        whole = DeadlyGate()
        self.install(site, whole)
        want = sorted(self.at_desk())
        self.uninstall(site)
        for number in range(whole.seen):
            for deadly in (DeadlyGate(before=number), DeadlyGate(after=number)):
                with pytest.raises(Killed):
                    self.install(site, deadly)
                self.install(site)
                assert sorted(self.at_desk()) == want
                self.uninstall(site)
                assert self.at_desk() == []

    def test_killed_on_the_way_and_begun_again_for_another_address_it_leaves_nothing_at_the_first(
        self, site: Site
    ) -> None:
        whole = DeadlyGate()
        self.install(site, whole)
        self.uninstall(site)
        for number in range(whole.seen):
            with pytest.raises(Killed):
                self.install(site, DeadlyGate(after=number))
            self.install(site, address=ELSEWHERE)
            assert self.kinds_at_desk() == self.kinds
            assert all(address.startswith(ELSEWHERE) for _, _, address in self.at_desk())
            self.uninstall(site)
            assert self.at_desk() == []

    def test_a_removal_killed_before_or_after_any_call_and_run_again_leaves_nothing(self, site: Site) -> None:
        self.install(site)
        whole = DeadlyGate()
        self.uninstall(site, whole)
        for number in range(whole.seen):
            for deadly in (DeadlyGate(before=number), DeadlyGate(after=number)):
                self.install(site)
                with pytest.raises(Killed):
                    self.uninstall(site, deadly)
                self.uninstall(site)
                assert self.at_desk() == []

    def test_what_was_lost_on_the_way_and_took_effect_all_the_same_is_not_made_twice(self, site: Site) -> None:
        self.fault(site, timeout_after_write={"next": 1, "hold": 0, "match": "POST /api/v2/"})
        self.install(site)
        assert self.kinds_at_desk() == self.kinds

    def test_a_database_that_forgot_everything_finds_what_is_there_by_its_name_and_address(self, site: Site) -> None:
        self.install(site)
        installations.forget(site.store, "acme")
        assert self.install(site) == []
        self.uninstall(site)
        assert self.at_desk() == []

    def test_what_two_runs_at_the_same_moment_put_up_twice_is_there_once_after_the_next(self, site: Site) -> None:
        installer = self.installer_at(site.sandbox.url, OpenGate(), site.clock)
        acts = installer.put_up(installer.survey((ADDRESS,), ()), ADDRESS, self.way)
        for _ in range(2):
            made: list[Piece] = []
            for act in acts:
                made.append(installer.carry_out(act, made))
        installer.close()
        self.install(site)
        assert self.kinds_at_desk() == self.kinds
        assert self.install(site) == []

    def test_what_an_admin_took_away_is_put_up_again(self, site: Site) -> None:
        self.install(site)
        written = installing.find(site.store, "acme")
        assert written is not None
        installer = self.installer_at(site.sandbox.url, OpenGate(), site.clock)
        found = installer.survey(written.addresses, written.pieces)
        installer.carry_out(installer.take_down(found)[0], ())
        installer.close()
        assert self.install(site)
        assert self.kinds_at_desk() == self.kinds

    def test_what_another_bridge_put_up_is_left_alone_and_told(self, site: Site) -> None:
        name = self.somebody_elses(site.sandbox.url)
        others = self.at_desk()
        self.install(site)
        _, left = self.uninstall(site)
        assert name in left
        assert self.at_desk() == others

    def test_an_outline_makes_no_change_and_shows_what_an_installation_then_does(self, site: Site) -> None:
        gate = OpenGate()
        installer = self.installer_at(site.sandbox.url, gate, site.clock)
        outline = installing.outline(site.store, installer, ADDRESS, self.way)
        installer.close()
        assert {call.method for call in gate.calls} <= {"GET", "POST"}
        assert not [call for call in gate.calls if call.method == "POST" and "oauth" not in call.route]
        assert self.at_desk() == []
        assert installing.find(site.store, "acme") is None
        assert [act.method for act in self.install(site)] == [act.method for act in outline]

    def test_no_secret_is_shown_or_written_down(self, site: Site) -> None:
        acts = self.install(site)
        written = installing.find(site.store, "acme")
        shown = json.dumps([installing.shown(act) for act in acts]) + repr(acts) + repr(written)
        assert not [secret for secret in self.secrets if secret in shown]

    def test_a_credential_without_the_right_is_told_what_it_needs(self, site: Site) -> None:
        installer = self.installer_at(site.sandbox.url, OpenGate(), site.clock, entitled=False)
        with pytest.raises((InstallFailed, DeskError)) as refusal:
            installing.install(site.store, installer, ADDRESS, self.way, now=site.clock(), tell=lambda _: None)
        installer.close()
        assert installer.needs in str(refusal.value)
        assert not [secret for secret in self.secrets if secret in str(refusal.value)]

    def fault(self, site: Site, **faults: object) -> None:
        httpx.put(f"{site.sandbox.url}/_sandbox/faults", json=faults).raise_for_status()
