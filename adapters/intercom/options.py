"""What an admin states about one Intercom workspace: its region, our credential, the app's client secrets."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from adapters.wire import base

VERSION: Final = "2.16"
"""The newest numbered version of the API in Intercom's public description, and the one this adapter is written for."""

Secret = Annotated[SecretStr, Field(min_length=1)]
Text = Annotated[str, Field(min_length=1)]


class IntercomOptions(BaseModel):
    """One Intercom workspace, reached through one app of its Developer Hub.

    `url` is the region's API: https://api.intercom.io, https://api.eu.intercom.io or https://api.au.intercom.io.
    `admin_id` is the teammate in whose name we write (None: the one `GET /me` names). `webhook_secrets` are the app's
    client secrets, two of them while one is being replaced; without any, every delivery is refused.
    With `app_id` set, deliveries of another app are refused.

    Intercom's own conversation priority cannot be written in a numbered version and its tickets have none, so we
    write it to the custom attribute `priority_attribute`, text or a list of Low, Medium, High, Urgent, and likewise a
    type to `type_attribute`. There is no default: Intercom refuses an attribute that the workspace has not defined, on
    conversations and on every ticket type in use. What is not named here cannot be written and `can` says so.
    `snooze_hours` is how long a conversation sleeps that is set to pending; a reply wakes it earlier.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = "https://api.intercom.io"
    access_token: Secret
    webhook_secrets: tuple[Secret, ...] = Field(default=(), max_length=2)
    admin_id: Annotated[str, Field(pattern=r"^[0-9]+$")] | None = None
    app_id: Text | None = None
    version: Annotated[str, Field(pattern=r"^2\.[0-9]+$")] = VERSION
    priority_attribute: Text | None = None
    type_attribute: Text | None = None
    snooze_hours: Annotated[int, Field(ge=1)] = 72

    @field_validator("url")
    @classmethod
    def _is_a_base(cls, url: str) -> str:
        return base(url, "https://api.intercom.io")
