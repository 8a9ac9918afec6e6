"""The documentation's pictures are there, can be drawn anew, and show nothing of the machine that drew them."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs import pictures

DOCS = Path(__file__).parents[1] / "docs"
ELSEWHERE = re.compile(r"/tmp|/home|/root|/Users")


def shown(page: Path) -> list[Path]:
    """The pictures that a page refers to."""
    return [(page.parent / link).resolve() for link in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", page.read_text("utf-8"))]


def text(picture: Path) -> str:
    """What stands in a picture, a line each."""
    svg = ElementTree.parse(picture).getroot()
    return "\n".join(each.text or "" for each in svg.iter("{http://www.w3.org/2000/svg}text")).replace("\xa0", " ")


def test_every_picture_that_a_page_refers_to_is_there() -> None:
    missing = [str(path) for page in DOCS.rglob("*.md") for path in shown(page) if not path.is_file()]
    assert missing == []


@pytest.mark.parametrize("vendor", sorted(pictures.ACCOUNTS))
def test_each_desks_page_shows_its_own_commands(vendor: str) -> None:
    commands = ("connect", "install", "doctor", "explain")
    found = shown(DOCS / "desks" / f"{vendor}.md")
    assert [path.name for path in found] == [f"{vendor}-{command}.svg" for command in commands]
    for path, command in zip(found, commands, strict=True):
        assert text(path).startswith(f"deskbridge {command}\n$ deskbridge {command} ")
        assert not ELSEWHERE.search(text(path))


def test_the_pictures_can_be_drawn_anew(tmp_path: Path) -> None:
    account = replace(pictures.ACCOUNTS["freshdesk"], port=0)
    pictures.draw("freshdesk", account, tmp_path)
    drawn = {path.stem.partition("-")[2]: text(path) for path in tmp_path.iterdir()}
    assert sorted(drawn) == ["connect", "doctor", "explain", "install"]
    assert "Wrote desk 'acme-freshdesk'" in drawn["connect"]
    assert "lines more" in drawn["install"]
    assert "sqlite:///deskbridge.db answers" in drawn["doctor"]
    assert "nearest miss" in drawn["explain"]
    for said in drawn.values():
        assert not ELSEWHERE.search(said)
        assert not any(secret in said for secret in account.env.values())
