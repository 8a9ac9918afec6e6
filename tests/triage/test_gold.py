"""The gold set: mails of many clients in eight languages, of which exactly the new words must be left."""

from pathlib import Path

import pytest

from bridge.triage import new_words, readable

GOLD = Path(__file__).parent / "gold"
PUBLIC = Path(__file__).parents[2] / ".." / "shared" / "data" / "mail"
LANGUAGES = ("de", "en", "es", "fr", "it", "ja", "nl", "pt", "mixed")
ROUNDS = ("fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth")
SETS = LANGUAGES + ROUNDS
PROMISED = 0.95


def cases(language: str) -> list[tuple[str, str, str]]:
    """Title, message and what must be left of it."""
    blocks = f"\n{(GOLD / f'{language}.txt').read_text(encoding='utf-8')}".split("\n%% ")[1:]
    parts = [block.partition("\n") for block in blocks]
    assert all(new[0] == "new" for new in parts[1::2])
    return [(message[0], message[2], new[2].rstrip("\n")) for message, new in zip(parts[::2], parts[1::2], strict=True)]


def wrong(language: str) -> list[str]:
    return [title for title, message, left in cases(language) if new_words(readable(message.encode())) != left]


@pytest.mark.parametrize("language", SETS)
def test_the_promised_share_of_each_languages_mails_is_cleaned_exactly(language: str) -> None:
    failed = wrong(language)
    assert len(failed) <= (1 - PROMISED) * len(cases(language)), failed


def test_the_gold_set_has_what_was_promised_of_it() -> None:
    assert sum(len(cases(language)) for language in SETS) >= 150


def as_the_desk_sends_it(text: str) -> str:
    """Without empty lines and indents, as the adapters make text of an HTML body."""
    return "\n".join(line for line in (" ".join(line.split()) for line in text.split("\n")) if line)


def test_mails_without_empty_lines_are_cleaned_almost_as_well() -> None:
    found = [
        as_the_desk_sends_it(new_words(as_the_desk_sends_it(readable(message.encode())))) == as_the_desk_sends_it(left)
        for language in SETS
        for _, message, left in cases(language)
    ]
    assert sum(found) >= PROMISED * len(found)


@pytest.mark.skipif(not PUBLIC.exists(), reason="the public mail sets are not beside this repository")
@pytest.mark.parametrize(
    ("mail", "left"),
    [
        ("github/correct_sig.txt", "this is an email with a correct -- signature."),
        ("github/email_1_3.txt", "Oh thanks.\n\nHaving the function would be great."),
        ("github/email_1_4.txt", "Awesome! I haven't had another problem with it."),
        ("github/email_1_6.txt", "I get proper rendering as well."),
        ("github/email_1_7.txt", ":+1:"),
        ("github/email_1_8.txt", "I will reply under this one\n\nand under this."),
        ("github/email_2_1.txt", "Outlook with a reply"),
        ("github/email_2_2.txt", "Outlook with a reply directly above line"),
        ("github/email_2_3.txt", "Outlook with a reply directly above line"),
        ("github/email_BlackBerry.txt", "Here is another email"),
        ("github/email_iPhone.txt", "Here is another email"),
        ("github/email_multi_word_sent_from_my_mobile_device.txt", "Here is another email"),
        (
            "github/email_sent_from_my_not_signature.txt",
            "Here is another email\n\nSent from my desk, is much easier then my mobile phone.",
        ),
        ("zapier/email_2_3.txt", "Outlook with a reply above headers using unusual format"),
        ("zapier/email_gmail.txt", "This is a test for inbox replying to a github message."),
        ("zapier/email_headers_no_delimiter.txt", "And another reply!"),
    ],
)
def test_the_public_mails_leave_what_a_reader_takes_for_new(mail: str, left: str) -> None:
    assert new_words((PUBLIC / mail).read_text(encoding="utf-8")) == left
