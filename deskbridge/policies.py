"""The policy that decides in this process: the database's active version, and the file that may supersede it."""

import getpass
import os
import socket
from pathlib import Path
from typing import Final

import structlog

import rules
from bridge import yamlfile
from bridge.errors import BadFile, Fault
from bridge.metrics import Metrics
from bridge.ports import Clock
from bridge.store import Store, policies
from bridge.store.activations import Activation, How
from bridge.store.policies import Candidate
from rules import LoadedPolicy
from rules.lint import Finding, lint
from rules.policy import checked as load_checked

log = structlog.get_logger(__name__)


def checked(content: str | bytes, file: str) -> tuple[LoadedPolicy, list[Finding]]:
    """The policy in a file's content, and what lint warns of in it.

    It must pass its own tests, and lint must prove no fault in it. Raises BadFile with every fault.
    """
    document = yamlfile.parse(content, file=file)
    policy = load_checked(document)
    tests = policy.run_tests()
    found = lint(policy, document, tests)
    faults = [Fault(file, one.line, 1, f"policy test '{one.name}': {one.words}") for one in tests if not one.passed]
    faults += [one.fault for one in found if one.severity == "fault"]
    if faults:
        raise BadFile(faults)
    return policy, [one for one in found if one.severity == "warning" and one.code not in _NOT_TOLD]


_NOT_TOLD: Final = {"untested-rule"}
"""What only `deskbridge check` can say: a rule's test may stand in a file beside the policy."""


def content_of(file: Path, most: int = yamlfile.MAX_BYTES) -> bytes:
    """What stands in a file, a byte more at most than is accepted. Raises BadFile."""
    try:
        with file.open("rb") as stream:
            return stream.read(most + 1)
    except OSError as error:
        raise BadFile([Fault(str(file), 1, 1, f"cannot be read: {error.strerror}.")]) from error


def candidate_of(policy: LoadedPolicy, content: bytes) -> Candidate:
    """What is kept of a checked policy: its version, and its file as it stood."""
    return Candidate(policy.version, content.decode("utf-8-sig"))


def here() -> str:
    """Who acts, for the record: user@host; a user without a name is a number."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


class Policies:
    """Which policy decides in this process.

    Every process follows the database. `serve` looks at its file beside: what the file newly says takes effect, for
    all processes, where it checks clean. A version takes effect by file once: what was superseded or rolled back comes
    back only where a running bridge sees the file change to it, or by `deskbridge policy activate`.
    """

    def __init__(self, store: Store, file: Path, *, watches: bool, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._file = file
        self._watches = watches
        self._clock = clock
        self._metrics = metrics
        self._current: LoadedPolicy | None = None
        self._holds: Activation | None = None
        self._content: bytes | None = None
        self._settled = False
        self._said: str | None = None
        self._faults: list[Fault] = []
        self._unreadable: str | None = None

    def __call__(self) -> LoadedPolicy:
        """The policy to decide by. `open` comes first."""
        assert self._current is not None, "open() comes first"
        return self._current

    def open(self) -> None:
        """Take the active version, or the file's where that is new, or where there is none that this release can read.

        A process that does not watch its file reads it only where nothing was ever active. Raises BadFile where
        neither can be used.
        """
        self._follow()
        faults = self._look() if self._watches or self._current is None else []
        if self._current is None:
            raise BadFile(faults)

    def refresh(self) -> None:
        """Follow the database, and look whether the file says something new. A fault is told and changes nothing."""
        self._follow()
        if self._watches and self._changed():
            self._look()

    def warnings(self) -> dict[str, str]:
        """What an admin should know of the policy although the bridge does its work."""
        found = {"policy file": self._of_the_file(), "active policy": self._unreadable}
        return {name: words for name, words in found.items() if words is not None}

    def _of_the_file(self) -> str | None:
        if self._faults:
            return "\n".join(map(str, self._faults))
        if not self._watches or self._holds is None or self._said in {None, self._holds.version}:
            return None
        return (
            f"{self._file} holds version {self._said}; in effect is {self._holds.version}, by {self._holds.how} "
            f"({self._holds.who}). Edit the file, or bring it into effect by `deskbridge policy activate`"
        )

    def _changed(self) -> bool:
        """Whether the file has content not yet looked at, seen twice: somebody may be in the midst of writing it."""
        try:
            content = content_of(self._file)
        except BadFile:
            content = None
        if content != self._content:
            self._content, self._settled = content, False
            return False
        return not self._settled

    def _look(self) -> list[Fault]:
        """Bring into effect what the file newly says; the faults where it cannot be used.

        Whatever the database raises leaves the content to be looked at again.
        """
        faults: list[Fault] = []
        try:
            self._content = content_of(self._file)
            policy, warnings = checked(self._content, str(self._file))
        except BadFile as error:
            faults = error.faults
        else:
            if self._said != policy.version:
                for warning in warnings:
                    log.warning("the policy file has something that may not be meant", finding=str(warning))
                self._take(policy, self._content, changed=self._said is not None or self._current is None)
        self._tell(faults)
        self._settled = True
        return faults

    def _take(self, policy: LoadedPolicy, content: bytes, *, changed: bool) -> None:
        """Bring a policy of the file into effect: always where the file changed to it, else where it is new."""
        candidate, who, now = candidate_of(policy, content), here(), self._clock()
        made = (
            policies.activate(self._store, candidate, how=How.FILE, who=who, now=now)
            if changed
            else policies.offer(self._store, candidate, who=who, now=now)
        )
        self._said, self._faults = policy.version, []
        if made is not None:
            self._hold(policy, made)
        else:
            log.warning("the policy file is not in effect", what=self._of_the_file())

    def _follow(self) -> None:
        with self._store.reading() as connection:
            holds = policies.active(connection)
            if holds is None or (self._holds is not None and holds.number == self._holds.number):
                return
            body = policies.body(connection, holds.version)
        try:
            policy = rules.loads(body, file=f"policy version {holds.version}")
        except BadFile as error:
            self._holds = holds
            self._unreadable = f"this release cannot read version {holds.version}, which is active:\n{error}"
            log.error("the active policy cannot be read", version=holds.version, faults=str(error))
            return
        self._hold(policy, holds)

    def _hold(self, policy: LoadedPolicy, holds: Activation) -> None:
        if self._current is not None:
            self._metrics.policy.remove(self._current.version)
        self._metrics.policy.labels(policy.version).set(1)
        self._current, self._holds, self._unreadable = policy, holds, None
        log.info("policy in effect", version=holds.version, how=holds.how.value, who=holds.who)

    def _tell(self, faults: list[Fault]) -> None:
        self._metrics.policy_faults.set(len(faults))
        self._faults = faults
        if self._current is not None:  # else the process does not start, and says why itself
            for fault in faults:
                log.error("the policy file is not taken", fault=str(fault))
