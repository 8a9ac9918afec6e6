"""The `enrichment` part of the settings: which sources know the customers, how long they take, how old they may be."""

from pathlib import Path
from typing import Annotated, Final, Literal

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bridge.enrichment.endpoint import words_in
from bridge.enrichment.sqlquery import parameters

_DAY: Final = 86_400

Seconds = Annotated[float, Field(gt=0, le=365 * _DAY)]
"""A length of time in seconds, a year at most."""

Name = Annotated[str, Field(min_length=1)]


def database_url(text: str) -> URL:
    """A database URL of a kind we speak, PostgreSQL with our driver. Raises ValueError, which never holds the URL."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("is no database URL; write sqlite:///file or postgresql://user@host/name") from None
    if url.drivername in {"postgresql", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite" or url.database in {None, "", ":memory:"}:
        raise ValueError("must be a database that stays, sqlite:///file or postgresql://user@host/name")
    return url


def beside(folder: Path, url: SecretStr) -> SecretStr:
    """The database URL with a relative SQLite file taken from `folder`, not from wherever the process was started."""
    parsed = database_url(url.get_secret_value())
    if parsed.drivername == "sqlite":
        parsed = parsed.set(database=str(folder / (parsed.database or "")))
    return SecretStr(parsed.render_as_string(hide_password=False))


def _a_database(url: SecretStr) -> SecretStr:
    database_url(url.get_secret_value())
    return url


def _an_endpoint(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ValueError("is no URL") from None
    if parsed.scheme not in {"https", "http"} or not parsed.host or parsed.userinfo or parsed.query or parsed.fragment:
        raise ValueError("must be http(s)://host/path; a token goes into 'bearer', a query into 'params'")
    return url


def _asks(query: str) -> str:
    parameters(query)
    return query


def _fills(params: dict[str, str]) -> dict[str, str]:
    words_in(params)
    return params


DatabaseUrl = Annotated[SecretStr, AfterValidator(_a_database)]


class Part(BaseModel):
    """What every part of the settings has in common: unknown keys are mistakes, values never change or show."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class FieldNames(Part):
    """By which name a source keeps each fact; a dotted name (`account.tier`) leads into nested JSON."""

    tier: Name = "tier"
    plan: Name = "plan"
    account_owner: Name = "account_owner"


class DeskSource(Part):
    """The desk's own organisation or company record and, where that lacks a field, the requester's."""

    kind: Literal["desk"]
    fields: FieldNames = FieldNames()
    max_age_seconds: Seconds | None = _DAY


class CsvSource(Part):
    """A CSV file in UTF-8 with a header line, read again when it changes; its facts are as old as the file."""

    kind: Literal["csv"]
    path: Path
    key: Literal["email", "domain", "organisation", "external_id"] = "email"
    column: Name | None = None
    fields: FieldNames = FieldNames()
    max_age_seconds: Seconds | None = None


class SqlSource(Part):
    """A query that gives one row for a customer, in a connection that cannot write."""

    kind: Literal["sql"]
    url: DatabaseUrl
    query: Annotated[str, AfterValidator(_asks)]
    timeout_seconds: Seconds = 1.5
    fields: FieldNames = FieldNames()
    max_age_seconds: Seconds | None = _DAY


class HttpSource(Part):
    """An endpoint that answers a GET with one JSON object for a customer, or with 404."""

    kind: Literal["http"]
    url: Annotated[str, AfterValidator(_an_endpoint)]
    params: Annotated[dict[str, str], AfterValidator(_fills)]
    bearer: Annotated[SecretStr, Field(min_length=1)] | None = None
    timeout_seconds: Seconds = 1.5
    fields: FieldNames = FieldNames()
    max_age_seconds: Seconds | None = _DAY


CustomerSource = Annotated[DeskSource | CsvSource | SqlSource | HttpSource, Field(discriminator="kind")]


class HistoryOptions(Part):
    """The requester's earlier tickets at the desk."""

    limit: Annotated[int, Field(ge=1, le=100)] = 100
    ttl_seconds: Seconds = 30
    max_age_seconds: Seconds | None = 3_600

    @model_validator(mode="after")
    def _nothing_is_stale_before_it_is_read_again(self) -> "HistoryOptions":
        if self.max_age_seconds is not None and self.max_age_seconds < self.ttl_seconds:
            raise ValueError("max_age_seconds must not be below ttl_seconds")
        return self


class EnrichmentOptions(Part):
    """Where facts come from. `customer` is in order of authority: the first source that knows a fact wins."""

    deadline_seconds: Seconds = 2.0
    ttl_seconds: Seconds = 300
    customer: tuple[CustomerSource, ...] = (DeskSource(kind="desk"),)
    history: HistoryOptions | None = HistoryOptions()

    @model_validator(mode="after")
    def _nothing_is_stale_before_it_is_read_again(self) -> "EnrichmentOptions":
        ages = [source.max_age_seconds for source in self.customer if not isinstance(source, CsvSource)]
        if any(age is not None and age < self.ttl_seconds for age in ages):
            raise ValueError("a source's max_age_seconds must not be below ttl_seconds")
        return self

    def beside(self, folder: Path) -> "EnrichmentOptions":
        """The same with every relative path taken from `folder`."""
        return self.model_copy(update={"customer": tuple(_resolved(source, folder) for source in self.customer)})


def _resolved(source: CustomerSource, folder: Path) -> CustomerSource:
    match source:
        case CsvSource():
            return source.model_copy(update={"path": folder / source.path})
        case SqlSource():
            return source.model_copy(update={"url": beside(folder, source.url)})
    return source
