"""What runs during a chaos run: sandbox desks, `deskbridge serve`, workers that are killed and come back as others."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from benchmarks.chaos.ground import Ground, ground
from benchmarks.chaos.script import policy
from benchmarks.processes import postgresql_server, postgresql_wheel
from deskbridge.demo.processes import DidNotStart, Process, free_port

VENDORS = ("zendesk", "freshdesk", "intercom")

_OPTIONS: Mapping[str, Mapping[str, object]] = {
    "zendesk": {
        "credentials": {"client_id": "deskbridge", "client_secret": "sandbox-client-secret"},
        "webhook_secrets": ["chaos-zendesk-signing"],
    },
    "freshdesk": {
        "api_key": "sandbox-freshdesk-key",
        "webhook_secrets": ["chaos-freshdesk-header"],
        "path_secrets": ["chaos-secret-path"],
    },
    "intercom": {"access_token": "sandbox-intercom-token", "webhook_secrets": ["sandbox-intercom-secret"]},
}
_HOOKS: Mapping[str, tuple[str, str]] = {
    "zendesk": ("", "chaos-zendesk-signing"),
    "freshdesk": ("/chaos-secret-path", "chaos-freshdesk-header"),
    "intercom": ("", "sandbox-intercom-secret"),
}
"""By vendor: the end of the webhooks' address, and the secret they are sent with."""

_READY_SECONDS = 30.0

_PORT = 8_080
"""Of `serve` on a host of its own, where nothing else listens."""


class Fleet:
    """`deskbridge serve` and some `deskbridge worker`s; each start of a name is a new process under a new identity."""

    def __init__(self, folder: Path, workers: int, on: Ground) -> None:
        self.names = ["serve", *(f"worker-{number}" for number in range(1, workers + 1))]
        self._folder = folder
        self._on = on
        self._running: dict[str, Process] = {}
        self._started = 0

    def start(self, name: str) -> Process:
        """Start a process; does not wait until it is up."""
        self._started += 1
        command = [name.partition("-")[0], "--verbose", "-c", str(self._folder / "deskbridge.yaml")]
        enter = self._on.enter(self.names.index(name))
        process = Process(f"{self._started:03}-{name}", command, logs=self._folder, env=os.environ, enter=enter)
        self._running[name] = process
        return process

    def kill(self, name: str) -> None:
        """End a process by SIGKILL."""
        self._running.pop(name).kill()

    def revive(self) -> None:
        """Start again what ended by itself, as a service manager does: nobody can start on a host that is cut off."""
        for name in [name for name, process in self._running.items() if process.ended]:
            self.kill(name)  # its thread and its pipe
            self.start(name)

    def stop(self) -> None:
        """Ask every process to end."""
        for process in self._running.values():
            process.stop()


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs: the desks' addresses by vendor, the bridge's processes, its database, its settings file, the hosts."""

    folder: Path
    urls: Mapping[str, str]
    fleet: Fleet
    database: str
    ground: Ground

    def sync(self) -> None:
        """Reconcile by hand, as an operator would: `deskbridge sync`. Raises DidNotStart with its words."""
        command = [sys.executable, "-m", "deskbridge", "sync", "-c", str(self.folder / "deskbridge.yaml")]
        done = subprocess.run([*self.ground.enter(0), *command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise DidNotStart(f"sync failed: {(done.stderr or done.stdout).strip()[-2_000:]}")


@contextmanager
def stage(*, engine: str, workers: int, hosts: int, seed: int, keep: Path | None = None) -> Iterator[Stage]:
    """Three desks and the bridge as processes, joined by webhooks; all end with the block.

    Settings, policy, logs and a SQLite database stay in the folder `keep` where it is given. Raises NoHosts.
    """
    with ExitStack() as ending:
        folder = keep or Path(tempfile.mkdtemp(prefix="deskbridge-chaos-"))
        if keep is None:
            ending.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        on = ending.enter_context(ground(hosts))
        database = ending.enter_context(_database(engine, folder, on))
        urls = {}
        for vendor in VENDORS:
            command = ["sandbox", vendor, "--plan", "unlimited", "--hurried", "--seed", str(seed), "--host", on.address]
            process = Process(vendor, command, logs=folder, env=os.environ)
            ending.callback(process.stop)
            urls[vendor] = process.url
        listen = f"{on.host(0)}:{free_port() if hosts == 1 else _PORT}"
        _write_files(folder, {vendor: on.seen(url) for vendor, url in urls.items()}, database, listen)
        fleet = Fleet(folder, workers, on)
        ending.callback(fleet.stop)
        serve = fleet.start("serve")
        _await_ready(serve)
        for name in fleet.names[1:]:
            fleet.start(name)
        _connect(urls, f"http://{listen}")
        yield Stage(folder, urls, fleet, database, on)


@contextmanager
def _database(engine: str, folder: Path, on: Ground) -> Iterator[str]:
    """The address of an empty database of the engine."""
    if engine == "sqlite":
        yield f"sqlite:///{folder}/deskbridge.db"
        return
    if on.names:
        with _listening(folder / "postgresql", on.address) as address:
            yield address
        return
    with postgresql_server(folder / "postgresql") as server:
        yield server.new("deskbridge")


@contextmanager
def _listening(folder: Path, address: str) -> Iterator[str]:
    """The wheel's server on the network; by itself it starts one that only its own machine can reach."""
    wheel, port = postgresql_wheel(), free_port(address)
    server = wheel.get_server(folder, cleanup_mode="delete", start=False)

    def control(*arguments: str) -> None:
        given = ("-w", "-D", str(server.pgdata), *arguments)
        wheel.pgexec.pgexec("pg_ctl", given, bin_path=server.bin_path, user=server.system_user)

    server.ensure_pgdata_inited()
    with (server.pgdata / "pg_hba.conf").open("a", encoding="utf-8") as rules:
        rules.write(f"host all all {address}/24 trust\n")
    control("-o", f"-h {address} -p {port} -k {server.pgdata}", "-l", str(server.log), "start")
    try:
        yield f"postgresql://{server.postgres_user}@{address}:{port}/postgres"
    finally:
        control("-m", "immediate", "stop")
        shutil.rmtree(server.pgdata)


def _write_files(folder: Path, urls: Mapping[str, str], database: str, listen: str) -> None:
    desks = {
        f"acme-{vendor}": {"vendor": vendor, "mode": "live", "url": url, **_OPTIONS[vendor]}
        for vendor, url in urls.items()
    }
    settings = {"database": database, "listen": listen, "policy": "policy.yaml", "desks": desks}
    (folder / "deskbridge.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    (folder / "policy.yaml").write_text(_Plain.dump(policy(tuple(desks))), "utf-8")


class _Plain(yaml.SafeDumper):
    """YAML without anchors, which the policy language refuses."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True

    @classmethod
    def dump(cls, data: object) -> str:
        return str(yaml.dump(data, Dumper=cls, sort_keys=False))


def _await_ready(serve: Process) -> None:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        try:
            if httpx.get(f"{serve.url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise DidNotStart(f"serve is not ready: {serve.log.read_text('utf-8', 'replace').strip()[-2_000:]}")


def _connect(urls: Mapping[str, str], bridge_url: str) -> None:
    for vendor, url in urls.items():
        path, secret = _HOOKS[vendor]
        say = {"url": f"{bridge_url}/hooks/acme-{vendor}{path}", "secret": secret}
        httpx.post(f"{url}/_sandbox/webhooks", json=say, timeout=10).raise_for_status()
