"""How the bridge logs: one line an event on standard error, JSON unless a person is watching."""

import logging
import sys

import structlog


def configure(*, verbose: bool = False) -> None:
    """Set the logs up for this process: warnings and errors, with `verbose` every decision and write as well.

    Other libraries' logs stay at warnings: some would log whole requests below that.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of every stranger who speaks no HTTP
    human = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if human else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if verbose else logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
