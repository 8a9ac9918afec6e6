"""What an admin says of one Zendesk account: where it is, how we sign in, which webhook secrets it signs with."""

from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from adapters.wire import base

PUBLIC_TEST_SECRET: Final = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # noqa: S105 - public by design, kept to refuse it
"""The secret Zendesk signs test calls with before a webhook exists: printed in its docs, so it proves nothing."""


class OAuthClient(BaseModel):
    """An OAuth client of the account (grant client_credentials); its user is the one in whose name we write."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    client_id: str
    client_secret: SecretStr


class SignIn(BaseModel):
    """An OAuth client that a person signed in by (grant authorization_code), in whose name we write.

    The tokens are not here: they change with every renewal and are kept in the database.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    grant: Literal["authorization_code"]
    client_id: str
    client_secret: SecretStr


class AccessToken(BaseModel):
    """An OAuth access token that somebody else renews."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    access_token: SecretStr


class ApiToken(BaseModel):
    """A legacy API token; Zendesk ends all of them on 30 April 2027."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    email: str
    api_token: SecretStr


class ZendeskOptions(BaseModel):
    """The settings of one Zendesk desk. Two webhook secrets are live while one replaces the other;
    without any, every delivery is refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str
    credentials: OAuthClient | SignIn | AccessToken | ApiToken
    webhook_secrets: Annotated[tuple[SecretStr, ...], Field(max_length=2)] = ()
    clock_window: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(minutes=5)
    """How far the time in a signature may be from ours; Zendesk names none, and re-signs what it sends again."""
    timeout: Annotated[float, Field(gt=0)] = 20.0
    """Seconds without a byte after which a call is given up."""

    @field_validator("url")
    @classmethod
    def _is_a_base(cls, url: str) -> str:
        return base(url, "https://acme.zendesk.com")

    @field_validator("webhook_secrets")
    @classmethod
    def _are_secret(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(secret.get_secret_value() in {"", PUBLIC_TEST_SECRET} for secret in secrets):
            raise ValueError("give the webhook's own signing secret; Zendesk's public test secret proves nothing")
        return secrets
