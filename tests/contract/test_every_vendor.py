"""No vendor without the contract: the desk contract runs for every adapter the door knows."""

import importlib
from pathlib import Path

import pytest

from tests.contract.desk_contract import DeskContract

ADAPTERS = Path(__file__).parents[2] / "adapters"


def vendors() -> list[str]:
    """The vendors of the door's list, and every adapter folder beside it."""
    folders = {folder.parent.name for folder in ADAPTERS.glob("*/__init__.py")}
    return sorted(folders | set(importlib.import_module("deskbridge.vendors").VENDORS))


@pytest.mark.parametrize("vendor", vendors())
def test_every_vendor_keeps_the_contract(vendor: str) -> None:
    module = importlib.import_module(f"tests.contract.test_{vendor}")
    contracts = [
        item
        for name, item in vars(module).items()
        if name.startswith("Test") and isinstance(item, type) and issubclass(item, DeskContract)
    ]
    assert [contract.vendor for contract in contracts] == [vendor], f"write Test...(DeskContract) for {vendor}"
    assert not getattr(contracts[0], "__abstractmethods__", None)
