"""What an admin states about one Freshdesk account: address, credential, webhook secrets, its own statuses."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from adapters.wire import base
from bridge.model import Status

SECRET_MIN: Final = 16
"""Characters; Freshdesk signs nothing, so these secrets are all that tells its deliveries from anybody's."""

Secret = Annotated[SecretStr, Field(min_length=SECRET_MIN)]

Meaning = Literal[Status.NEW, Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.RESOLVED, Status.CLOSED]


class FreshdeskOptions(BaseModel):
    """One Freshdesk account.

    `url` is its base, `https://acme.freshdesk.com` (only the freshdesk.com name answers the API, no CNAME). `api_key`
    belongs to one agent, in whose name we write; an administrator's also sees agents, availability and groups.
    `webhook_secrets` come in the header `X-Deskbridge-Secret`, `path_secrets` as the last part of the webhook's path:
    a delivery needs one of each, so that without any every one is refused, and two of each live while rotating.
    `status_map` says what the account's own statuses (id 6 and up, see `GET /ticket_fields`) mean. `note_in` is where
    the note on a decision goes: a private note each, or the ticket's summary, where the next one replaces it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str
    api_key: Annotated[SecretStr, Field(min_length=1)]
    webhook_secrets: tuple[Secret, ...] = Field(default=(), max_length=2)
    path_secrets: tuple[Secret, ...] = Field(default=(), max_length=2)
    status_map: dict[int, Meaning] = Field(default_factory=dict)
    note_in: Literal["conversation", "summary"] = "conversation"

    @field_validator("url")
    @classmethod
    def _is_a_base(cls, url: str) -> str:
        return base(url, "https://acme.freshdesk.com")
