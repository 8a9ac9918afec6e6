"""Where the processes of a chaos run live: all on this machine as it is, or each on a host whose cable can be cut."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bridge.errors import DeskbridgeError

_OWN_FILES = Path("/etc/netns")
"""What is in a folder of a namespace's name here stands in for the same file of /etc inside it (ip-netns(8))."""


class NoHosts(DeskbridgeError):
    """Network namespaces cannot be made here; the words are those of `ip`."""


class Ground:
    """One machine: everything listens on the loopback address."""

    address = "127.0.0.1"
    """Where desks and database listen."""

    names: tuple[str, ...] = ()
    """The hosts that can be cut off."""

    def host(self, process: int) -> str:
        """The address of the host that a process lives on, by its number."""
        del process
        return self.address

    def enter(self, process: int) -> list[str]:
        """What a command begins with to run on the host of a process."""
        del process
        return []

    def seen(self, url: str) -> str:
        """The address of a desk as it looks from the hosts."""
        return url


class Hosts(Ground):
    """Network namespaces, joined to this machine's own by a bridge; processes are dealt out to them in turn."""

    def __init__(self, count: int) -> None:
        number = os.getpid()
        self._net = f"10.{200 + number // 256 % 50}.{number % 256}"
        self._tag = f"db{number}"
        self.address = f"{self._net}.254"
        self.names = tuple(f"{self._tag}h{host}" for host in range(1, count + 1))

    def host(self, process: int) -> str:
        """The address of the host that a process lives on, by its number."""
        return f"{self._net}.{process % len(self.names) + 1}"

    def enter(self, process: int) -> list[str]:
        """What a command begins with to run on the host of a process."""
        return ["ip", "netns", "exec", self.names[process % len(self.names)]]

    def seen(self, url: str) -> str:
        """The address of a desk as it looks from the hosts: an adapter calls without TLS nothing but `localhost`."""
        return url.replace(self.address, "localhost")

    def cut(self, name: str) -> None:
        """Take a host off the network: what it sends and what is sent to it vanishes, and nobody is told."""
        _ip("link", "set", f"{name}v", "down")

    def join(self, name: str) -> None:
        """Put a host back on the network."""
        _ip("link", "set", f"{name}v", "up")

    def build(self, ending: ExitStack) -> None:
        """Make the bridge, the hosts and their cables; all go when the stack is closed. Raises NoHosts."""
        bridge = f"{self._tag}br"
        _ip("link", "add", bridge, "type", "bridge")
        ending.callback(_ip, "link", "del", bridge)
        _ip("address", "add", f"{self.address}/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for number, name in enumerate(self.names):
            _ip("netns", "add", name)
            ending.callback(_ip, "netns", "del", name)
            own = _OWN_FILES / name
            own.mkdir(parents=True)
            ending.callback(shutil.rmtree, own)
            (own / "hosts").write_text(f"{self.address} localhost\n", "ascii")
            _ip("link", "add", f"{name}v", "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", f"{name}v", "master", bridge, "up")
            _ip("-n", name, "address", "add", f"{self.host(number)}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")


@contextmanager
def ground(hosts: int) -> Iterator[Ground]:
    """This machine, or so many hosts on it until the block ends. Raises NoHosts where the system allows none."""
    if hosts == 1:
        yield Ground()
        return
    found = Hosts(hosts)
    with ExitStack() as ending:
        found.build(ending)
        yield found


def _ip(*arguments: str) -> None:
    try:
        subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise NoHosts("hosts need the command `ip` of iproute2, which is not installed") from error
    except subprocess.CalledProcessError as error:
        words = f"hosts need network namespaces, and `ip {' '.join(arguments)}` is not allowed here"
        raise NoHosts(f"{words}: {error.stderr.strip()}") from error
