"""Reads `deskbridge.yaml`: where things are, every mistake told at once with its line, no secret ever shown.

References in values (`${NAME}` and others) are replaced by what they lead to: see `bridge.references`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, PlainValidator, SecretStr, create_model

from bridge import yamlfile
from bridge.caller import Receivers
from bridge.enrichment.options import CsvSource, DatabaseUrl, EnrichmentOptions, Part, beside
from bridge.errors import BadFile
from bridge.knowledge.options import ArticlesCsvOptions, FolderOptions, HelpCenterOptions, KnowledgeOptions
from bridge.loops import Cap
from bridge.model import Mode
from bridge.note import Length
from bridge.references import References
from bridge.sealing import KEY
from bridge.signing import signing_key
from bridge.store.vault import Reveal

DESK_NAME: Final = re.compile(r"[a-z0-9-]+")
"""What a desk can be called: it is part of its webhooks' address."""


def _an_address(listen: str) -> str:
    try:
        host, port = urlsplit(f"//{listen}").hostname, urlsplit(f"//{listen}").port
    except ValueError:
        host = port = None
    if host is None or port is None or not listen.endswith(f":{port}"):
        raise ValueError("must be host:port, like 127.0.0.1:8080")
    return listen


class ReconcileOptions(Part):
    """How often the desks' own lists of changes are followed, and how far back the first time goes."""

    every_seconds: Annotated[float, Field(ge=10, le=3_600)] = 60
    back_fill_days: Annotated[float, Field(ge=0, le=365)] = 30

    @property
    def every(self) -> timedelta:
        """The time between two rounds."""
        return timedelta(seconds=self.every_seconds)

    @property
    def back_fill(self) -> timedelta:
        """How long ago the first round begins."""
        return timedelta(days=self.back_fill_days)


class LoopOptions(Part):
    """The most writes of ours on one ticket within a time, before a person looks what answers them."""

    max_writes: Annotated[int, Field(ge=1, le=25)] = 5
    within_minutes: Annotated[float, Field(ge=1, le=1_440)] = 10

    @property
    def cap(self) -> Cap:
        """What the pipeline holds itself to."""
        return Cap(self.max_writes, timedelta(minutes=self.within_minutes))


def _a_signing_secret(secret: SecretStr) -> SecretStr:
    signing_key(secret.get_secret_value())
    return secret


SigningSecret = Annotated[SecretStr, AfterValidator(_a_signing_secret)]


def _a_network(written: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(written))
    except ValueError:
        raise ValueError("is no network; write one like 10.20.0.0/16") from None


class OutgoingOptions(Part):
    """How the policy's webhooks are called: secrets by the policy's name for each, and where they may be."""

    secrets: Mapping[str, tuple[SigningSecret, ...]] = Field(default_factory=dict)
    timeout_seconds: Annotated[float, Field(ge=1, le=60)] = 10
    private_networks: tuple[Annotated[IPv4Network | IPv6Network, PlainValidator(_a_network)], ...] = ()

    @property
    def receivers(self) -> Receivers:
        """What the caller needs to know of them."""
        keys = {
            name: [signing_key(secret.get_secret_value()) for secret in secrets]
            for name, secrets in self.secrets.items()
        }
        return Receivers(keys, self.timeout_seconds, self.private_networks)


class Core(Part):
    """Everything in `deskbridge.yaml` but the desks."""

    database: DatabaseUrl = SecretStr("sqlite:///deskbridge.db")
    listen: Annotated[str, AfterValidator(_an_address)] = "127.0.0.1:8080"
    policy: Path = Path("policy.yaml")
    models: Path = Path("models")
    workers: Annotated[int, Field(ge=1, le=256)] = 4
    durability: Literal["full", "normal"] = "full"
    max_body: Annotated[int, Field(ge=1_024)] = 1_048_576
    max_backlog: Annotated[int, Field(ge=1)] = 100_000
    retention_days: Annotated[int, Field(ge=1)] = 30
    reconcile: ReconcileOptions = ReconcileOptions()
    loops: LoopOptions = LoopOptions()
    outgoing: OutgoingOptions = OutgoingOptions()
    enrichment: EnrichmentOptions = EnrichmentOptions()
    knowledge: KnowledgeOptions = KnowledgeOptions()


Headroom = Annotated[float, Field(ge=0, le=0.95)]
HEADROOM: Final = 0.3


class DeskSettings(Part):
    """One desk: its vendor, how far decisions go there, and the vendor's own options as the vendor's own model.

    `headroom` is the part of the vendor's call limit that is left to the customer's other apps, `note` how long an
    internal note is.
    """

    vendor: str
    mode: Mode = Mode.SHADOW
    headroom: Headroom = HEADROOM
    note: Length = "full"
    options: BaseModel


class Settings(Core):
    """The whole file, relative paths taken from its folder.

    `plain_secrets` are the keys (`desks.acme.api_key`) whose secret stands in the file itself, for a warning;
    `secret_key` is what the environment has to open the vault with.
    """

    desks: Mapping[str, DeskSettings]
    plain_secrets: tuple[str, ...] = ()
    secret_key: SecretStr | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        parts = urlsplit(f"//{self.listen}")
        return parts.hostname or "", parts.port or 0


def load_settings(path: Path, *, vendors: Mapping[str, type[BaseModel]], env: Mapping[str, str]) -> Settings:
    """The settings in a file; `vendors` are the options models by vendor. Raises BadFile with every fault.

    A vendor's model has no fields called `vendor`, `mode`, `headroom` or `note`: those are the desk's.
    """
    folder = path.absolute().parent
    written = yamlfile.read(path)
    reveal = Reveal(partial(_database, written, folder, env), env.get(KEY))
    references = References(env, folder, reveal)
    document = yamlfile.read(path, transform=references.expanded)
    names = _desk_names(document)
    loaded = document.check(_file_model(document, names, vendors))
    if loaded is not None:
        _look_for_files(document, loaded, folder)
        _look_for_desks(document, loaded, names)
    document.refuse()
    assert loaded is not None
    settings = _settings(loaded, names, folder)
    found = {
        "plain_secrets": tuple(_plain_secrets(loaded, written.data, references)),
        "secret_key": SecretStr(env[KEY]) if env.get(KEY) else None,
    }
    return settings.model_copy(update=found)


def database_of(path: Path, env: Mapping[str, str]) -> str:
    """The database that a settings file names, whatever is wrong elsewhere in the file. Raises BadFile."""
    document = yamlfile.read(path)
    try:
        return _database(document, path.absolute().parent, env)
    except ValueError as error:
        document.fault(("database",), str(error))
        raise BadFile(document.faults) from None


def _database(document: yamlfile.Document, folder: Path, env: Mapping[str, str]) -> str:
    """What `database` leads to. Raises ValueError."""
    given = document.data.get("database") if isinstance(document.data, dict) else None
    written = str(given or Core.model_fields["database"].default.get_secret_value())
    return beside(folder, SecretStr(References(env, folder, _not_in_itself).expanded(written))).get_secret_value()


def _not_in_itself(name: str) -> str:
    raise ValueError(f"the database cannot keep its own address, '{name}'; take it from the environment or a file")


def _desk_names(document: yamlfile.Document) -> list[str]:
    """The names under `desks`; bad ones, or none, are noted as faults."""
    desks = document.data.get("desks") if isinstance(document.data, dict) else None
    if not isinstance(desks, dict):
        return []
    if not desks:
        document.fault(("desks",), "names no desk.", "Add one: a name with its vendor and options under it.")
    for name in desks:
        if not DESK_NAME.fullmatch(name):
            document.fault(("desks", name), "a desk's name has only a to z, 0 to 9 and '-'.", key=True)
    return list(desks)


def _file_model(document: yamlfile.Document, names: list[str], vendors: Mapping[str, type[BaseModel]]) -> type[Core]:
    """The model of this very file: each desk has the options of the vendor that it names."""
    fields: dict[str, Any] = {
        _attribute(index): (_desk_model(_entry(document, name), vendors), Field(alias=name))
        for index, name in enumerate(names)
    }
    desks: Any = create_model("Desks", **fields)
    return create_model("File", __base__=Core, desks=(desks, ...))


def _attribute(index: int) -> str:
    """A desk may have a name (`copy`) that no attribute of a model can have."""
    return f"desk{index}"


def _entry(document: yamlfile.Document, name: str) -> object:
    assert isinstance(document.data, dict)
    return document.data["desks"][name]


def _desk_model(entry: object, vendors: Mapping[str, type[BaseModel]]) -> type[BaseModel]:
    """The vendor's options with the desk's own three keys; where the vendor is not known, only that is a fault."""
    vendor = entry.get("vendor") if isinstance(entry, dict) else None
    if not isinstance(vendor, str) or vendor not in vendors:
        known: Any = Literal[tuple(sorted(vendors))]
        return create_model("Desk", vendor=(known, ...))
    only: Any = Literal[vendor]
    return create_model(
        "Desk",
        __base__=vendors[vendor],
        vendor=(only, ...),
        mode=(Mode, Mode.SHADOW),
        headroom=(Headroom, HEADROOM),
        note=(Length, "full"),
    )


def _look_for_files(document: yamlfile.Document, loaded: Core, folder: Path) -> None:
    customers = (("enrichment", "customer"), loaded.enrichment.customer)
    for part, sources in (customers, (("knowledge", "articles"), loaded.knowledge.articles)):
        for index, source in enumerate(sources):
            if isinstance(source, FolderOptions) and not (folder / source.path).is_dir():
                _missing(document, (*part, index, "path"), "folder", source.path, folder)
            if isinstance(source, CsvSource | ArticlesCsvOptions) and not (folder / source.path).is_file():
                _missing(document, (*part, index, "path"), "file", source.path, folder)


def _look_for_desks(document: yamlfile.Document, loaded: Core, names: list[str]) -> None:
    for index, source in enumerate(loaded.knowledge.articles):
        if isinstance(source, HelpCenterOptions) and source.desk not in names:
            place = ("knowledge", "articles", index, "desk")
            document.fault(place, f"there is no desk '{source.desk}'.", f"There are {', '.join(names)}.")


def _missing(document: yamlfile.Document, place: yamlfile.Trail, what: str, path: Path, folder: Path) -> None:
    document.fault(place, f"there is no {what} '{path}'.", f"Relative paths start from {folder}.")


def _settings(loaded: Any, names: list[str], folder: Path) -> Settings:
    """The settings of a checked file; `loaded` is an instance of `_file_model`."""
    core = {name: getattr(loaded, name) for name in loaded.model_fields_set - {"desks"}}
    desks = {name: getattr(loaded.desks, _attribute(index)) for index, name in enumerate(names)}
    resolved = {
        "database": beside(folder, loaded.database),
        "policy": folder / loaded.policy,
        "models": folder / loaded.models,
        "enrichment": loaded.enrichment.beside(folder),
        "knowledge": loaded.knowledge.beside(folder),
    }
    return Settings(
        **core | resolved,
        desks={
            name: DeskSettings(vendor=desk.vendor, mode=desk.mode, headroom=desk.headroom, note=desk.note, options=desk)
            for name, desk in desks.items()
        },
    )


def _plain_secrets(value: object, written: object, references: References, key: str = "") -> Iterator[str]:
    """The keys under `value` whose secret stands in the file itself, going through values and file side by side."""
    if isinstance(value, SecretStr):
        if _tells(value.get_secret_value()) and not (isinstance(written, str) and references.leads_away(written)):
            yield key
    elif isinstance(value, BaseModel):
        fields = type(value).model_fields
        inside = {fields[name].alias or name: getattr(value, name) for name in fields if name in value.model_fields_set}
        yield from _plain_secrets(inside, written, references, key)
    elif isinstance(value, Mapping) and isinstance(written, dict):
        for name, each in value.items():
            yield from _plain_secrets(each, written.get(name), references, f"{key}.{name}" if key else name)
    elif isinstance(value, tuple | list) and isinstance(written, list):
        for index, pair in enumerate(zip(value, written, strict=False)):
            yield from _plain_secrets(*pair, references, f"{key}.{index}")


def _tells(secret: str) -> bool:
    """False for an address without a password, which gives nothing away."""
    return "://" not in secret or ":" in secret.partition("://")[2].rpartition("@")[0]
