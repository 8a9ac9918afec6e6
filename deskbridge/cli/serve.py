"""`deskbridge serve` and `deskbridge worker`: the bridge itself, and more hands for it."""

import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from flask import Flask
from waitress import create_server

from bridge.settings import Settings
from deskbridge import logs
from deskbridge.wiring import Bridge, load_policy, read_settings

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log every decision and write.")]

_DEFAULT = Path("deskbridge.yaml")
_THREADS = 32
"""As many webhooks may wait for one commit together; each waits for the disk, not for the processor."""


def serve(config: Config = _DEFAULT, verbose: Verbose = False) -> None:
    """Receive webhooks, decide and write back, in one process, until interrupted."""
    logs.configure(verbose=verbose)
    bridge = _bridge(config)
    bridge.open()
    app, intake = bridge.web()
    server = web_server(app, bridge.settings)
    signal.signal(signal.SIGTERM, _leave)
    bridge.workers.start()
    bridge.schedule.start()
    typer.echo(f"Deskbridge listens on http://{bridge.settings.address[0]}:{server.effective_port}")
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
        intake.close()
        bridge.schedule.stop()
        bridge.workers.stop()
        bridge.close()


def web_server(app: Flask, settings: Settings) -> Any:
    """The web server around the app, listening already; `run()` serves until it is interrupted."""
    host, port = settings.address
    return create_server(
        app,
        host=host,
        port=port,
        threads=_THREADS,
        ident=None,
        max_request_body_size=settings.max_body + 1,
        clear_untrusted_proxy_headers=True,
    )


def worker(config: Config = _DEFAULT, verbose: Verbose = False) -> None:
    """Decide and write back beside a `deskbridge serve` that shares the database, until interrupted."""
    logs.configure(verbose=verbose)
    bridge = _bridge(config)
    bridge.open()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    bridge.workers.start()
    bridge.schedule.start()
    typer.echo(f"Deskbridge works as {bridge.workers.identity}")
    stop.wait()
    bridge.schedule.stop()
    bridge.workers.stop()
    bridge.close()


def _bridge(config: Path) -> Bridge:
    settings = read_settings(config, os.environ)
    return Bridge(settings, load_policy(settings))


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise KeyboardInterrupt
