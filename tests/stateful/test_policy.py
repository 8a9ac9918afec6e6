"""Policy versions in any order of edits, faults, restarts, rollbacks and commands on several hosts, against a model."""

import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from structlog.testing import capture_logs

from bridge.metrics import Metrics
from bridge.store import Store, policies
from bridge.store.activations import How
from bridge.store.policies import Candidate
from deskbridge.policies import Policies
from tests.core.test_policy_versions import FAULTY, OTHER, POLICY, THIRD, version
from tests.stateful.machines import StoreMachine, explore

CLEAN = {version(text): text for text in (POLICY, OTHER, THIRD)}
TEXTS = st.sampled_from([*CLEAN.values(), FAULTY])
HOSTS = st.integers(0, 1)


class Host:
    """A process that watches a file; `said` is what it last said to this process, None while it never was clean."""

    def __init__(self, file: Path, store: Store, machine: "PolicyMachine") -> None:
        self.file = file
        self.said: str | None = None
        self.policies = Policies(store, file, watches=True, clock=machine.clock, metrics=Metrics())

    @property
    def holds(self) -> str:
        """The version in the file, FAULTY's being none."""
        text = self.file.read_text()
        return version(text) if text != FAULTY else ""


class PolicyMachine(StoreMachine):
    """Two hosts that watch files of their own, and a worker that does not."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.folder = tempfile.TemporaryDirectory(prefix="deskbridge-policies-")
        self.hosts: list[Host] = []
        self.active = ""
        self.known: set[str] = set()

    def teardown(self) -> None:
        self.folder.cleanup()

    @initialize(text=st.sampled_from(list(CLEAN.values())))
    def begin(self, text: str) -> None:
        for name in ("one", "two"):
            file = Path(self.folder.name) / name
            file.write_text(text)
            self.hosts.append(Host(file, self.store, self))
        self.worker = Policies(self.store, self.hosts[0].file, watches=False, clock=self.clock, metrics=Metrics())
        for host in self.hosts:
            host.policies.open()
            host.said = version(text)
        self.worker.open()
        self._takes(version(text))

    @rule(host=HOSTS, text=TEXTS)
    def edit(self, host: int, text: str) -> None:
        """A running process takes whatever its file changes to, and what was never in effect."""
        it = self.hosts[host]
        it.file.write_text(text)
        with capture_logs():
            it.policies.refresh()
            it.policies.refresh()
        if it.holds and it.holds != it.said:
            if it.said is not None or it.holds not in self.known:
                self._takes(it.holds)
            it.said = it.holds

    @rule(host=HOSTS, text=TEXTS)
    def restart(self, host: int, text: str) -> None:
        """A file that changed while nobody looked takes effect only where it says what never was in effect."""
        old = self.hosts[host]
        old.file.write_text(text)
        it = self.hosts[host] = Host(old.file, self.store, self)
        with capture_logs():
            it.policies.open()
        it.said = it.holds or None
        if it.holds and it.holds not in self.known:
            self._takes(it.holds)

    @precondition(lambda self: len(self.known) > 1)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        wanted = data.draw(st.sampled_from(sorted(self.known)))
        self._activate(wanted, How.ROLLBACK)

    @rule(wanted=st.sampled_from(sorted(CLEAN)))
    def command(self, wanted: str) -> None:
        self._activate(wanted, How.COMMAND)

    @invariant()
    def every_process_decides_by_what_is_active_and_says_where_its_file_differs(self) -> None:
        if not self.active:
            return
        for each in (*(host.policies for host in self.hosts), self.worker):
            with capture_logs():
                each.refresh()
            assert each().version == self.active
        with self.store.reading() as connection:
            holds = policies.active(connection)
            assert holds is not None
            assert holds.version == self.active
            assert policies.body(connection, self.active) == CLEAN[self.active]
        assert self.worker.warnings() == {}
        for host in self.hosts:
            assert bool(host.policies.warnings()) == (host.holds != self.active)

    def _activate(self, wanted: str, how: How) -> None:
        policies.activate(self.store, Candidate(wanted, CLEAN[wanted]), how=how, who="ana", now=self.clock.now)
        self._takes(wanted)

    def _takes(self, wanted: str) -> None:
        self.active = wanted
        self.known.add(wanted)


def test_whatever_happens_in_whatever_order_one_policy_decides_everywhere(store: Store) -> None:
    explore(PolicyMachine, store)
