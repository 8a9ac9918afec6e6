"""Puts the enrichers of one desk together from the settings."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bridge.enrichment.cache import Cache
from bridge.enrichment.csvfile import CsvFile
from bridge.enrichment.customer import FACTS, Customer, DeskRecord, People
from bridge.enrichment.endpoint import Endpoint
from bridge.enrichment.gather import Enricher
from bridge.enrichment.history import History
from bridge.enrichment.options import (
    CsvSource,
    CustomerSource,
    DeskSource,
    EnrichmentOptions,
    HistoryOptions,
    HttpSource,
    SqlSource,
    database_url,
)
from bridge.enrichment.source import Reading, Source
from bridge.enrichment.sqlquery import SqlQuery
from bridge.ports import Clock, Desk

_AT_ONCE: Final = timedelta(0)
"""The desk's record and a CSV file are in memory already and are looked at every time."""


@dataclass(frozen=True, slots=True)
class Enrichment:
    """Who knows about the customers of one desk: the enrichers in order of authority, each to be closed in the end."""

    enrichers: tuple[Enricher, ...]
    people: People


def build(options: EnrichmentOptions, desk: Desk, clock: Clock) -> Enrichment:
    """The enrichers of one desk, and the requesters that they share."""
    ttl = timedelta(seconds=options.ttl_seconds)
    sources = [_source(source, clock) for source in options.customer]
    people = People(desk, sources, ttl, clock)
    parts = zip(options.customer, sources, strict=True)
    customers = [_customer(settings, source, people, ttl, clock) for settings, source in parts]
    history = [_history(options.history, desk, people, clock)] if options.history else []
    return Enrichment((*customers, *history), people)


def _customer(options: CustomerSource, source: Source, people: People, ttl: timedelta, clock: Clock) -> Enricher:
    max_age = _span(options.max_age_seconds)
    fields = {name: getattr(options.fields, name.removeprefix("requester.")) for name in FACTS}
    asks_outside = isinstance(options, SqlSource | HttpSource)
    cache: Cache[str, Reading] = Cache(ttl if asks_outside else _AT_ONCE, clock)
    return Customer(source, fields, people, cache, max_age)


def _source(options: CustomerSource, clock: Clock) -> Source:
    match options:
        case DeskSource():
            return DeskRecord()
        case CsvSource():
            return CsvFile(options.path, key=options.key, column=options.column or options.key)
        case SqlSource():
            url = database_url(options.url.get_secret_value())
            return SqlQuery(url, options.query, timeout=options.timeout_seconds, clock=clock)
        case HttpSource():
            bearer = options.bearer.get_secret_value() if options.bearer else None
            return Endpoint(options.url, options.params, bearer=bearer, timeout=options.timeout_seconds, clock=clock)


def _history(options: HistoryOptions, desk: Desk, people: People, clock: Clock) -> Enricher:
    ttl, max_age = timedelta(seconds=options.ttl_seconds), _span(options.max_age_seconds)
    return History(desk, people, Cache(ttl, clock), limit=options.limit, max_age=max_age, clock=clock)


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
