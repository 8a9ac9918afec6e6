"""`deskbridge serve` and `deskbridge worker`: the bridge itself, and more hands for it."""

import os
import signal
import socket
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from flask import Flask
from waitress import create_server

from bridge.errors import DeskbridgeError
from bridge.settings import Settings
from deskbridge import logs
from deskbridge.cli.progress import Bars
from deskbridge.wiring import Bridge, load_policy, read_settings, utc_now

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log every decision and write.")]

_DEFAULT = Path("deskbridge.yaml")
_THREADS = 32
"""As many webhooks may wait for one commit together; each waits for the disk, not for the processor."""


class CannotListen(DeskbridgeError):
    """The address of the settings cannot be listened on."""


def serve(config: Config = _DEFAULT, verbose: Verbose = False) -> None:
    """Receive webhooks, decide and write back, in one process, until interrupted."""
    logs.configure(verbose=verbose)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), ExitStack() as ending:
        bridge = _bridge(config)
        ending.callback(bridge.close)
        bridge.open()
        app, intake = bridge.web()
        ending.callback(intake.close)
        server = web_server(app, bridge.settings)
        ending.callback(server.close)
        _work(bridge, ending)
        host = bridge.settings.listen.rpartition(":")[0]  # brackets and all, where it is one of IPv6
        typer.echo(f"Deskbridge listens on http://{host}:{server.effective_port}")
        server.run()


def web_server(app: Flask, settings: Settings) -> Any:
    """The web server around the app, listening already; `run()` serves until it is interrupted.

    Raises CannotListen.
    """
    return create_server(
        app,
        sockets=[_listener(*settings.address)],
        threads=_THREADS,
        ident=None,
        max_request_body_size=settings.max_body + 1,
        clear_untrusted_proxy_headers=True,
    )


def worker(config: Config = _DEFAULT, verbose: Verbose = False) -> None:
    """Decide and write back beside a `deskbridge serve` that shares the database, until interrupted."""
    logs.configure(verbose=verbose)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), ExitStack() as ending:
        bridge = _bridge(config)
        ending.callback(bridge.close)
        bridge.open()
        _work(bridge, ending)
        typer.echo(f"Deskbridge works as {bridge.workers.identity}")
        threading.Event().wait()


def _bridge(config: Path) -> Bridge:
    settings = read_settings(config, os.environ)
    return Bridge(settings, load_policy(settings), watch=Bars(utc_now).watch)


def _work(bridge: Bridge, ending: ExitStack) -> None:
    """Start workers and schedule; at the end both finish what is in hand, however often the process is told to go."""
    bridge.workers.start()
    ending.callback(bridge.workers.stop)
    bridge.schedule.start()
    ending.callback(bridge.schedule.stop)
    ending.callback(signal.signal, signal.SIGTERM, signal.SIG_IGN)


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        words = f"cannot listen on {host}:{port}: {error.strerror or error}; change `listen` in the settings"
        raise CannotListen(words) from error
