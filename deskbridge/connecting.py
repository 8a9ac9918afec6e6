"""Connects a desk: tries what it was told at the vendor, keeps the secrets, writes the desk into the settings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from bridge.enrichment.options import beside
from bridge.errors import BadCredential, BadFile, DeskbridgeError, DeskError, NotThere
from bridge.ports import Introduction
from bridge.references import References
from bridge.sealing import KEY
from bridge.settings import Core, database_of
from bridge.store.vault import Reveal
from deskbridge import settingsfile
from deskbridge.keeping import Keeper
from deskbridge.vendors import VENDORS

NOTHING_WRITTEN: Final = "Nothing was written."


class ConnectFailed(DeskbridgeError):
    """A desk cannot be connected as it was told; the settings are as they were."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a desk's key holds and how the settings write it; a secret that was typed has no reference yet."""

    value: str = field(repr=False)
    written: str | None


Answers = Mapping[str, "Answer | Answers | Sequence[Answer]"]
"""What is known of a desk, by the keys of the settings."""


def references(config: Path, env: Mapping[str, str]) -> References:
    """What `${…}` leads to for a settings file that may not be there yet."""

    def found() -> str:
        try:
            return database(config, env)
        except BadFile as error:
            raise ValueError(str(error)) from None

    return References(env, config.absolute().parent, Reveal(found, env.get(KEY)))


def addresses(config: Path, vendor: str, env: Mapping[str, str]) -> dict[str, str]:
    """Where the desks of a vendor in a settings file are, by name; empty for one whose reference leads nowhere."""
    found, follow = {}, references(config, env)
    for name, entry in settingsfile.entries(config).items() if config.exists() else ():
        if entry.get("vendor") == vendor:
            found[name] = ""
            with suppress(ValueError):
                found[name] = follow.expanded(str(entry.get("url", ""))).rstrip("/")
    return found


def database(config: Path, env: Mapping[str, str]) -> str:
    """The database of a settings file, which would be the usual one where there is no file. Raises BadFile."""
    if config.exists():
        return database_of(config, env)
    return beside(config.absolute().parent, Core().database).get_secret_value()


def options_of(vendor: str, answers: Answers) -> BaseModel:
    """The vendor's options with these values. Raises ConnectFailed, which shows no value."""
    try:
        return VENDORS[vendor].options.model_validate({key: _value(each) for key, each in answers.items()})
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False)
        places = (".".join(str(part) for part in each["loc"] if not str(part)[:1].isupper()) for each in told)
        words = (each["msg"].removeprefix("Value error, ") for each in told)
        lines = (f"{place}: {said}" for place, said in zip(places, words, strict=True))
        raise ConnectFailed("\n".join([*dict.fromkeys(lines), NOTHING_WRITTEN])) from None


def _value(answer: Any) -> Any:
    if isinstance(answer, Answer):
        return answer.value
    return (
        {key: _value(each) for key, each in answer.items()}
        if isinstance(answer, Mapping)
        else list(map(_value, answer))
    )


def met(introduce: Callable[[], Introduction], url: str, advice: str) -> Introduction:
    """Whom a desk takes us for. Raises ConnectFailed, and Retryable where the desk only asks for patience."""
    try:
        found = introduce()
    except BadCredential as error:
        raise ConnectFailed(f"{url} does not take the credential: {error}. {advice} {NOTHING_WRITTEN}") from error
    except NotThere as error:
        raise ConnectFailed(f"there is no such account at {url}: {error}. {NOTHING_WRITTEN}") from error
    except DeskError as error:
        if error.code in _PASSING:
            raise
        raise ConnectFailed(f"{error}. {NOTHING_WRITTEN}") from error
    if lacking := [each for each in found.permissions if each.needed and each.refused]:
        lines = (f"  {each.name}, to {each.use}: {each.refused}" for each in lacking)
        head = f"{found.user} at {found.account} lacks what no desk can do without:"
        raise ConnectFailed("\n".join([head, *lines, f"{advice} {NOTHING_WRITTEN}"]))
    return found


_PASSING: Final = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
"""After these a desk is asked again; what else fails is shown at once to the person who waits."""


def told_of(error: DeskbridgeError) -> str:
    """An error in words for a person, with where to look on where a credential is refused."""
    return f"{error}; `deskbridge doctor` tells what to do" if isinstance(error, BadCredential) else str(error)


def told(found: Introduction) -> Iterator[str]:
    """An introduction in lines for a person: what is allowed, what is missing in the vendor's words, what to know."""
    yield f"{found.account}: {found.user}"
    for each in found.permissions:
        name = f"{each.name}, to {each.use}"
        yield f"  missing  {name}: {each.refused}" if each.refused else f"  ok       {name}"
    yield from (f"Note: {remark}." for remark in found.remarks)
    if found.ends is not None:
        yield f"The credential holds until {found.ends:%Y-%m-%d}, if nothing renews it before."


def write(config: Path, name: str, vendor: str, answers: Answers, keeper: Keeper) -> bool:
    """Keep the secrets, then have the settings hold the desk; False where they did, the secrets too.

    In this order, since a reference that leads nowhere would make the whole file unusable.
    """
    new = {} if settingsfile.entry(config, name) else {"mode": "shadow"}
    kept = {key: _written(f"{name}.{key}", each, keeper) for key, each in answers.items()}
    return settingsfile.put_desk(config, name, {"vendor": vendor, **new, **kept})


def _written(name: str, answer: Any, keeper: Keeper) -> settingsfile.Value:
    if isinstance(answer, Answer):
        return keeper.keep(name, answer.value) if answer.written is None else answer.written
    if isinstance(answer, Mapping):
        return {key: _written(f"{name.partition('.')[0]}.{key}", each, keeper) for key, each in answer.items()}
    return [_written(name, each, keeper) for each in answer]
