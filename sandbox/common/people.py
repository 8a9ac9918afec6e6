"""The default account every sandbox desk starts with: agents, teams, and the customers' organisations."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Team:
    """A group of agents; `key` is the short name used in this file only, vendors show `name`."""

    key: str
    name: str


@dataclass(frozen=True)
class Agent:
    """A person (or the integration user) who may work tickets."""

    key: str
    name: str
    email: str
    teams: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("english",)
    admin: bool = False


@dataclass(frozen=True)
class Organisation:
    """A customer company, chosen by the domain of the customer's e-mail address."""

    name: str
    domain: str
    tier: str
    plan: str
    account_owner: str


TEAMS = (Team("billing", "Billing"), Team("tech", "Tech Support"), Team("general", "General"))

AGENTS = (
    Agent("ana", "Ana Alvarez", "ana@acme.example", ("billing",)),
    Agent("bo", "Bo Berg", "bo@acme.example", ("billing",)),
    Agent("cy", "Cy Clark", "cy@acme.example", ("tech",), skills=("api",)),
    Agent("dee", "Dee Dunn", "dee@acme.example", ("tech",), skills=("api",)),
    Agent("eli", "Eli Evans", "eli@acme.example", ("general",)),
    Agent("fay", "Fay Fox", "fay@acme.example", ("general",)),
    Agent("gus", "Gus Gruber", "gus@acme.example", ("general",), languages=("english", "german")),
    Agent("hana", "Hana Horvat", "hana@acme.example", ("general",), languages=("english", "french")),
)

INTEGRATION = Agent("bridge", "Deskbridge", "bridge@acme.example", admin=True)

ORGANISATIONS = (
    Organisation("Globex", "globex.example", "enterprise", "Enterprise", "Ana Alvarez"),
    Organisation("Initech", "initech.example", "pro", "Pro", "Bo Berg"),
    Organisation("Hooli", "hooli.example", "enterprise", "Enterprise", "Dee Dunn"),
    Organisation("Umbrella", "umbrella.example", "free", "Free", "Eli Evans"),
)


def organisation_of(email: str) -> Organisation | None:
    """The organisation that a customer's address belongs to, None for private addresses."""
    domain = email.rpartition("@")[2].lower()
    return next((organisation for organisation in ORGANISATIONS if organisation.domain == domain), None)
