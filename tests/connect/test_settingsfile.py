"""A desk is put into the settings file, and every other character of it stays."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import yamlfile
from deskbridge import settingsfile
from deskbridge.settingsfile import CannotChange, Value, put_desk

ENTRY: dict[str, Value] = {
    "vendor": "zendesk",
    "url": "https://acme.zendesk.com",
    "credentials": {"client_id": "deskbridge", "client_secret": "${file:secrets/acme.client_secret}"},
    "webhook_secrets": ["${A}"],
}


def put(folder: Path, text: str, entry: dict[str, Value] = ENTRY) -> str:
    """The text afterwards, once it is seen that it says what it should and that a second time changes nothing."""
    file = folder / "deskbridge.yaml"
    file.write_text(text, "utf-8")
    put_desk(file, "acme", entry)
    after = file.read_text("utf-8")
    assert not put_desk(file, "acme", entry)
    assert file.read_text("utf-8") == after
    data = yamlfile.read(file).data
    assert isinstance(data, dict)
    assert entry.items() <= data["desks"]["acme"].items()
    assert settingsfile.entry(file, "acme").items() >= entry.items()
    return after


@pytest.mark.parametrize(
    "text",
    [
        "",
        "listen: 127.0.0.1:1",
        "desks:\n",
        "desks: {}  # none yet\nlisten: 127.0.0.1:1\n",
        "desks:\n  other: {vendor: intercom}\n",
        "desks:\n      other:\n          vendor: intercom  # far in\n      # the end\nlisten: 127.0.0.1:1\n",
        "desks:\n  acme: {vendor: freshdesk, mode: live}\n",
        "desks:\n  acme:\n    vendor: freshdesk\n    credentials:\n      email: a@b.test\n      api_token: x # old\n",
    ],
)
def test_a_desk_is_there_afterwards_and_every_other_line_too(tmp_path: Path, text: str) -> None:
    after = put(tmp_path, text)
    for words in ("listen: 127.0.0.1:1", "# none yet", "# far in", "# the end", "other", "mode: live"):
        assert (words in after) == (words in text)


def test_values_that_are_there_stay_as_they_are_written(tmp_path: Path) -> None:
    text = "desks:\n  acme:\n    url: 'https://acme.zendesk.com'  # ours\n    vendor: zendesk\n"
    after = put(tmp_path, text, {"vendor": "zendesk", "url": "https://acme.zendesk.com"})
    assert after == text


def test_a_file_that_a_program_should_not_touch_is_left_alone(tmp_path: Path) -> None:
    for text in ("desks: {other: {vendor: intercom}}\n", "desks: [other]\n"):
        file = tmp_path / "deskbridge.yaml"
        file.write_text(text)
        with pytest.raises(CannotChange, match="one desk below the other"):
            put_desk(file, "acme", ENTRY)
        assert file.read_text() == text


def test_who_may_read_the_file_stays_the_same(tmp_path: Path) -> None:
    file = tmp_path / "deskbridge.yaml"
    file.write_text("listen: 127.0.0.1:1\n")
    file.chmod(0o600)
    put_desk(file, "acme", ENTRY)
    assert file.stat().st_mode & 0o777 == 0o600


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff")))
def test_whatever_a_value_is_it_is_read_back_as_it_was_put(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    put(folder, "desks:\n  other: {vendor: intercom}\n", {"vendor": "zendesk", "name": value, "all": [value]})
