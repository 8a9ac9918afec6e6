"""Versions of the policy: what takes effect when, on which host, who did it, and how to get back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

import rules
from bridge.errors import BadFile
from bridge.metrics import Metrics
from bridge.store import Store, policies
from bridge.store.activations import How
from bridge.store.policies import Candidate, NoSuchVersion
from deskbridge.policies import Policies, candidate_of, here
from tests.conftest import Clock

POLICY = """\
policy: deskbridge/v1
teams:
  general: {members: {gus: {capacity: 3}}}
route:
  - name: everything
    to: {team: general}
"""
OTHER = POLICY.replace("capacity: 3", "capacity: 4")
THIRD = POLICY.replace("capacity: 3", "capacity: 5")
FAULTY = POLICY.replace("team: general", "team: genral")
DEAD = POLICY.replace(
    "route:\n", "route:\n  - {name: torn, when: {status: new, not: {status: new}}, to: {team: general}}\n"
)
DOUBTED = POLICY.replace("route:\n", "  idle: {members: {bo: {capacity: 3}}}\nroute:\n")
FAILING = POLICY + "tests:\n  - {name: never, given: {subject: hello}, expect: {skip: true}}\n"


def version(text: str) -> str:
    return rules.loads(text).version


class Host:
    """One process: its own file, the shared database. `look` is what the schedule does every two seconds."""

    def __init__(self, folder: Path, store: Store, clock: Clock, text: str | None, *, watches: bool = True) -> None:
        folder.mkdir(exist_ok=True)
        self.file = folder / "policy.yaml"
        if text is not None:
            self.file.write_text(text)
        self.metrics = Metrics()
        self.policies = Policies(store, self.file, watches=watches, clock=clock, metrics=self.metrics)

    @property
    def version(self) -> str:
        return self.policies().version

    def edit(self, text: str) -> None:
        """Save the file, and look often enough to trust what is there."""
        self.file.write_text(text)
        self.look(2)

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.policies.refresh()

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


Start = Callable[..., Host]


@pytest.fixture
def start(tmp_path: Path, store: Store, clock: Clock) -> Start:
    """Starts a process on a host's file, whose text is given where it is there or new."""

    def begin(name: str, text: str | None = None, *, watches: bool = True) -> Host:
        host = Host(tmp_path / name, store, clock, text, watches=watches)
        host.policies.open()
        return host

    return begin


def rolled_back(store: Store, clock: Clock) -> None:
    with store.reading() as connection:
        earlier = policies.before(connection)
        body = policies.body(connection, earlier)
    policies.activate(store, Candidate(earlier, body), how=How.ROLLBACK, who="ana", now=clock.now)


def past(store: Store) -> list[tuple[str, str, str]]:
    """Every activation, oldest first."""
    with store.reading() as connection:
        return [(one.version, one.how.value, one.who) for one in policies.history(connection, 100)][::-1]


def test_the_first_start_brings_the_file_into_effect_and_says_who_did(start: Start, store: Store) -> None:
    host = start("one", POLICY)
    assert host.version == version(POLICY)
    assert past(store) == [(version(POLICY), "file", here())]
    assert "@" in here()
    assert host.metric("deskbridge_policy_active", version=version(POLICY)) == 1


def test_a_start_with_the_same_file_changes_nothing(start: Start, store: Store) -> None:
    start("one", POLICY)
    again = start("one", "# only a comment\n" + POLICY)
    assert again.version == version(POLICY)
    assert len(past(store)) == 1


def test_a_changed_file_takes_effect_on_every_host_without_a_restart(start: Start, store: Store) -> None:
    one, worker = start("one", POLICY), start("two", watches=False)
    one.edit(OTHER)
    worker.look()
    assert (one.version, worker.version) == (version(OTHER), version(OTHER))
    assert [each[0] for each in past(store)] == [version(POLICY), version(OTHER)]
    assert one.metric("deskbridge_policy_active", version=version(OTHER)) == 1
    assert one.metric("deskbridge_policy_active", version=version(POLICY)) is None


def test_a_file_in_the_midst_of_being_written_is_waited_for(start: Start) -> None:
    host = start("one", POLICY)
    host.file.write_text(OTHER)
    host.look()
    assert host.version == version(POLICY)
    host.file.write_text(THIRD)
    host.look()
    assert host.version == version(POLICY)
    host.look()
    assert host.version == version(THIRD)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (FAULTY, ":6:16: ", "genral"),
        (FAILING, ":8:", "never"),
        (DEAD, ":5:6: ", "can never match"),
        ("teams: [\n", ":", ""),
        ("\N{NULL}", ":", ""),
    ],
)
def test_a_file_that_does_not_check_clean_is_told_once_and_the_old_one_stays(
    start: Start, text: str, place: str, words: str
) -> None:
    host = start("one", POLICY)
    with capture_logs() as logs:
        host.edit(text)
        host.look(3)
    told = [entry["fault"] for entry in logs if entry["event"] == "the policy file is not taken"]
    assert host.version == version(POLICY)
    assert len(told) == host.metric("deskbridge_policy_file_faults") == 1
    assert f"policy.yaml{place}" in told[0]
    assert words in told[0]
    assert host.policies.warnings() == {"policy file": told[0]}
    host.edit(OTHER)
    assert host.version == version(OTHER)
    assert host.metric("deskbridge_policy_file_faults") == 0
    assert host.policies.warnings() == {}


def test_what_is_most_likely_a_mistake_is_logged_once_and_takes_effect(start: Start) -> None:
    host = start("one", POLICY)
    with capture_logs() as logs:
        host.edit(DOUBTED)
        host.edit(DOUBTED + "# only a comment\n")
    told = [entry["finding"] for entry in logs if "finding" in entry]
    assert host.version == version(DOUBTED)
    assert [one.partition("policy.yaml")[2] for one in told] == [
        ":4:3: warning: Nothing uses the team 'idle'. Route something to it, or delete it. [unused-team]"
    ]


def test_every_fault_of_a_file_is_told_a_failing_test_and_a_dead_rule_at_once(start: Start) -> None:
    host = start("one", POLICY)
    host.edit(DEAD + FAILING.removeprefix(POLICY))
    assert host.version == version(POLICY)
    assert host.metric("deskbridge_policy_file_faults") == 2


def test_a_file_that_changes_while_the_database_is_away_takes_effect_once_it_is_back(
    start: Start, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OperationalError("BEGIN", {}, Exception("away"))

    host = start("one", POLICY)
    host.file.write_text(OTHER)
    host.look()
    with monkeypatch.context() as away:
        away.setattr(store, "writing", gone)
        for _ in range(3):
            with pytest.raises(OperationalError):
                host.look()
    host.look()
    assert host.version == version(OTHER)
    assert host.policies.warnings() == {}


def test_a_fault_that_is_undone_changes_nothing(start: Start, store: Store) -> None:
    host = start("one", POLICY)
    host.edit(FAULTY)
    host.edit(POLICY)
    assert host.policies.warnings() == {}
    assert len(past(store)) == 1


def test_a_file_that_is_gone_is_told_and_the_old_one_stays(start: Start) -> None:
    host = start("one", POLICY)
    host.file.unlink()
    host.look(2)
    assert host.version == version(POLICY)
    assert "cannot be read" in host.policies.warnings()["policy file"]


def test_a_first_start_with_a_faulty_file_is_refused_with_its_faults(start: Start, store: Store) -> None:
    for text in (FAULTY, FAILING, DEAD):
        with pytest.raises(BadFile, match=r"policy\.yaml:"):
            start("one", text)
    assert past(store) == []


def test_a_restart_with_a_faulty_file_goes_on_with_what_is_active(start: Start) -> None:
    start("one", POLICY)
    again = start("one", FAULTY)
    assert again.version == version(POLICY)
    assert "genral" in again.policies.warnings()["policy file"]


def test_a_rollback_holds_everywhere_until_the_file_says_something_new(
    start: Start, store: Store, clock: Clock
) -> None:
    host = start("one", POLICY)
    host.edit(OTHER)
    rolled_back(store, clock)
    host.look(5)
    assert host.version == version(POLICY)
    assert "by rollback (ana)" in host.policies.warnings()["policy file"]
    restarted = start("one")
    assert restarted.version == version(POLICY)
    assert version(OTHER) in restarted.policies.warnings()["policy file"]
    host.edit(OTHER + "# only a comment\n")
    assert host.version == version(POLICY)
    host.edit(THIRD)
    assert host.version == version(THIRD)
    assert [each[1:] for each in past(store)] == [
        ("file", here()),
        ("file", here()),
        ("rollback", "ana"),
        ("file", here()),
    ]


def test_a_file_put_back_to_an_earlier_version_takes_effect_where_a_running_bridge_sees_it(start: Start) -> None:
    host = start("one", POLICY)
    host.edit(OTHER)
    host.edit(POLICY)
    assert host.version == version(POLICY)


def test_a_host_with_an_older_file_follows_the_database_and_says_so(start: Start, store: Store) -> None:
    one = start("one", POLICY)
    one.edit(OTHER)
    with capture_logs() as logs:
        stale = start("two", POLICY)
    assert stale.version == version(OTHER)
    assert "policy activate" in stale.policies.warnings()["policy file"]
    assert any(entry["event"] == "the policy file is not in effect" for entry in logs)
    one.look(3)
    assert one.version == version(OTHER)
    assert len(past(store)) == 2


def test_a_host_with_a_newer_file_brings_it_to_all(start: Start) -> None:
    one = start("one", POLICY)
    two = start("two", OTHER)
    one.look(3)
    assert (one.version, two.version) == (version(OTHER), version(OTHER))


def test_a_worker_reads_its_own_file_only_where_nothing_was_ever_active(start: Start, store: Store) -> None:
    assert start("first", POLICY, watches=False).version == version(POLICY)
    later = start("two", FAULTY, watches=False)
    later.edit(OTHER)
    assert later.version == version(POLICY)
    assert later.policies.warnings() == {}
    assert len(past(store)) == 1


def test_a_version_that_this_release_cannot_read_is_told_and_the_file_takes_its_place_at_a_start(
    start: Start, store: Store, clock: Clock
) -> None:
    running = start("one", POLICY)
    policies.activate(store, Candidate("0ldversion00", "policy: deskbridge/v0\n"), how=How.FILE, who="x", now=clock.now)
    with capture_logs() as logs:
        running.look(3)
    assert [entry["event"] for entry in logs] == ["the active policy cannot be read"]
    assert running.version == version(POLICY)
    assert "policy version 0ldversion00:1:9" in running.policies.warnings()["active policy"]
    with pytest.raises(BadFile, match="genral"):
        start("two", FAULTY)
    assert start("one").version == version(POLICY), "known before, but nothing else can be used"
    running.look()
    assert running.policies.warnings() == {}


def test_many_hosts_that_see_one_new_file_activate_it_once(start: Start, store: Store) -> None:
    hosts = [start(f"host-{n}", POLICY) for n in range(6)]
    for host in hosts:
        host.file.write_text(OTHER)
        host.look()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(Host.look, hosts))
    assert {host.version for host in hosts} == {version(OTHER)}
    assert len(past(store)) == 2


def test_every_version_keeps_its_text_and_is_found_by_its_first_digits(store: Store, clock: Clock) -> None:
    text = "# why\n" + POLICY
    candidate = candidate_of(rules.loads(text), text.encode("utf-8-sig"))
    policies.activate(store, candidate, how=How.COMMAND, who="bo", now=clock.now)
    with store.reading() as connection:
        assert policies.body(connection, policies.find(connection, version(text)[:6])) == text
        for missing in ("nothing-like-it", "%", "_"):
            with pytest.raises(NoSuchVersion, match="policy list"):
                policies.find(connection, missing)
        with pytest.raises(NoSuchVersion, match="none to go back to"):
            policies.before(connection)
    policies.activate(store, Candidate("abcdef000000", "x"), how=How.FILE, who="bo", now=clock.now)
    policies.activate(store, Candidate("abcdef111111", "y"), how=How.FILE, who="bo", now=clock.now)
    with store.reading() as connection, pytest.raises(NoSuchVersion, match="more than one"):
        policies.find(connection, "abcdef")


def test_a_user_without_a_name_is_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert here().partition("@")[0].isdigit()
