"""A bridge's settings for a measurement: the sandbox's credentials, a policy that moves every ticket, a database."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.deliveries import INTERCOM_SECRET, ZENDESK_SECRET

FRESHDESK_SECRET = "benchmark-freshdesk-header"
FRESHDESK_PATH = "benchmark-freshdesk-path"

NOWHERE = "http://127.0.0.1:9"
"""The address of a desk that is never called."""

OPTIONS: dict[str, dict[str, Any]] = {
    "zendesk": {
        "credentials": {"client_id": "deskbridge", "client_secret": "sandbox-client-secret"},
        "webhook_secrets": [ZENDESK_SECRET],
    },
    "freshdesk": {
        "api_key": "sandbox-freshdesk-key",
        "webhook_secrets": [FRESHDESK_SECRET],
        "path_secrets": [FRESHDESK_PATH],
    },
    "intercom": {"access_token": "sandbox-intercom-token", "webhook_secrets": [INTERCOM_SECRET]},
}
"""Each vendor's options beside its address."""

HOOK_SECRETS = {"zendesk": ZENDESK_SECRET, "freshdesk": FRESHDESK_SECRET, "intercom": INTERCOM_SECRET}


def write(
    folder: Path,
    *,
    urls: Mapping[str, str],
    port: int = 8080,
    database: str = "sqlite:///deskbridge.db",
    enrichment: Mapping[str, object] | None = None,
) -> Path:
    """Put the settings and the policy into a folder; `urls` are the desks' by vendor. The settings file."""
    desks = {
        f"acme-{vendor}": {"vendor": vendor, "mode": "live", "url": url, **OPTIONS[vendor]}
        for vendor, url in urls.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.yaml").write_text(Path(__file__).with_name("policy.yaml").read_text("utf-8"), "utf-8")
    settings = {
        "database": database,
        "listen": f"127.0.0.1:{port}",
        "max_backlog": 10_000_000,
        "enrichment": enrichment or {},
        "desks": desks,
    }
    config = folder / "deskbridge.yaml"
    config.write_text(json.dumps(settings, indent=1), "utf-8")  # JSON is YAML too
    return config


def hook_path(vendor: str) -> str:
    """Where a vendor's webhooks go."""
    return f"/hooks/acme-{vendor}" + (f"/{FRESHDESK_PATH}" if vendor == "freshdesk" else "")
