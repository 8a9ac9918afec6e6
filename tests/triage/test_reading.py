"""Triage: what is found, with the words that caused it; what is not sure is not told."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Actor, ActorKind, Finding, Message, Requester, Status, Ticket, TicketRef, Visibility
from bridge.triage import Keywords, Phrase, Text, asks_for_human, text_of, triage
from bridge.triage.language import language
from bridge.triage.signals import sentiment, urgency

KEYWORDS = Keywords(
    {
        "billing": ["invoice", "refund", "charged twice", "Rechnung"],
        "login": ["log in", "password", "ログイン"],
        "outage": ["is down", "outage"],
    }
)


def intent(subject: str, body: str = "") -> Finding | None:
    return KEYWORDS.intent(Text(subject), Text(f"{subject}\n\n{body}"))


@pytest.mark.parametrize(
    ("subject", "body", "found"),
    [
        ("", "where is my invoice", ("billing", 0.9, ("invoice",))),
        ("", "refund my invoice", ("billing", 0.95, ("invoice", "refund"))),
        ("", "I was charged twice", ("billing", 0.95, ("charged twice",))),
        ("Invoice", "", ("billing", 0.95, ("invoice",))),
        ("", "my password for the invoice page", ("billing", 0.45, ("invoice",))),
        ("Password", "for the invoice page", ("login", 0.63, ("password",))),
        ("ログインできません", "", ("login", 0.95, ("ログイン",))),
        ("Die RECHNUNG", "", ("billing", 0.95, ("Rechnung",))),
    ],
)
def test_an_intent_has_the_confidence_that_its_words_give_it(
    subject: str, body: str, found: tuple[str, float, tuple[str, ...]]
) -> None:
    assert intent(subject, body) == Finding(*found)


def test_no_word_no_intent() -> None:
    assert intent("Hello", "invoicing") is None
    assert Keywords({}).intent(Text("a"), Text("a")) is None


@given(st.lists(st.sampled_from(["invoice", "refund", "password", "outage", "x"]), max_size=12))
def test_an_intents_confidence_is_a_share_and_its_words_are_in_the_text(words: list[str]) -> None:
    found = intent("", " ".join(words))
    if found is not None:
        assert 0 < found.confidence < 1
        assert set(found.because) <= set(words)


@pytest.mark.parametrize(
    ("text", "level", "because"),
    [
        ("Production is down, data loss!", "critical", ("production is down", "data loss")),
        ("Please answer ASAP", "high", ("asap",)),
        ("This is not urgent", "low", ("not urgent",)),
        ("Bitte dringend", "high", ("dringend",)),
        ("Das eilt nicht", "low", ("eilt nicht",)),
        ("C'est une urgence, répondez au plus vite", "high", ("urgence", "au plus vite")),
        ("Es una emergencia", "critical", ("emergencia",)),
        ("How do I export?", "normal", ()),
    ],
)
def test_urgency_is_told_with_its_words(text: str, level: str, because: tuple[str, ...]) -> None:
    found = urgency(Text(text))
    assert found is not None
    assert (found.value, found.because) == (level, because)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("This is unacceptable", "negative"),
        ("I am not happy", "negative"),
        ("Das ist eine Frechheit!", "negative"),
        ("Je suis très déçu", "negative"),
        ("Es inaceptable", "negative"),
        ("😡", "negative"),
        ("Excellent, vielen Dank", "positive"),
        ("Muchas gracias", "positive"),
        ("terrible but excellent", "neutral"),
        ("Where is my order?", "neutral"),
    ],
)
def test_sentiment_is_the_side_with_more_words(text: str, value: str) -> None:
    found = sentiment(Text(text))
    assert found is not None
    assert found.value == value


def test_a_text_without_words_has_no_signal() -> None:
    assert urgency(Text(" ... ")) is None
    assert sentiment(Text("")) is None


@pytest.mark.parametrize(
    "text",
    [
        "Let me speak to a human",
        "Ich möchte mit einem Menschen sprechen",
        "Je veux parler à une personne",
        "Quiero hablar con una persona",
    ],
)
def test_the_wish_for_a_human_is_heard(text: str) -> None:
    assert asks_for_human(Text(text))
    assert not asks_for_human(Text("The human resources page is empty"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("I was charged twice for my subscription", "en"),
        ("Ich kann mich seit gestern nicht anmelden", "de"),
        ("Bonjour, je souhaite un remboursement", "fr"),
        ("Hola, mi factura no es correcta", "es"),
        ("Buongiorno, non riesco ad accedere", "it"),
        ("Olá, não consigo entrar na minha conta", "pt"),
        ("Ik kan niet inloggen sinds gisteren", "nl"),
        ("Nie mogę się zalogować od wczoraj", "pl"),
        ("Я не могу войти в аккаунт", "ru"),
        ("ログインできません。助けてください", "ja"),
        ("我无法登录我的账户", "zh"),
        ("로그인이 되지 않습니다", "ko"),
        ("注文番号12345がまだ届きません", "ja"),
        ('it says "Zahlung fehlgeschlagen" when I pay', "en"),
        ("nao consigo entrar", "pt"),
        ("ok", None),
        ("12345", None),
        ("https://acme.example/orders/4411", None),
        ("ana@acme.example", None),
        ("", None),
    ],
)
def test_a_language_is_told_where_it_is_sure(text: str, code: str | None) -> None:
    found = language(text)
    assert (found and found.value) == code


def test_many_threads_may_ask_for_a_language_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(language, ["Ich kann mich nicht anmelden"] * 64))
    assert {one and one.value for one in found} == {"de"}


def written(
    body: str, *, subject: str = "Help", email: str = "a@b.example", fields: dict[str, object] | None = None
) -> Ticket:
    message = Message("1", Actor(ActorKind.REQUESTER), Visibility.PUBLIC, body)
    requester = Requester("1", email=email)
    return Ticket(TicketRef("d", "1"), subject, requester, Status.NEW, messages=(message,), fields=fields or {})


def automatic(ticket: Ticket) -> str | None:
    found = triage(ticket, text_of(ticket), KEYWORDS, suggest=0.55).automatic
    return found.value if found else None


@pytest.mark.parametrize(
    ("ticket", "kind"),
    [
        (written("Hello"), None),
        (written("", fields={"Auto-Submitted": "auto-replied"}), "auto_reply"),
        (written("", fields={"auto-submitted": "auto-generated; x=y"}), "auto_reply"),
        (written("", fields={"Auto-Submitted": "no"}), None),
        (written("", fields={"X-Autoreply": "yes"}), "auto_reply"),
        (written("", fields={"Content-Type": "multipart/report; report-type=delivery-status"}), "bounce"),
        (written("", fields={"Return-Path": "<>"}), "bounce"),
        (written("", email="MAILER-DAEMON@x.example"), "bounce"),
        (written("", subject="Automatic reply: your mail"), "auto_reply"),
        (written("", subject="Out of Office: Bo"), "auto_reply"),
        (written("", subject="Abwesenheitsnotiz"), "auto_reply"),
        (written("", subject="Réponse automatique : absence"), "auto_reply"),
        (written("", subject="自動返信: 不在"), "auto_reply"),
        (written("", subject="Undelivered Mail Returned to Sender"), "bounce"),
        (written("Hi, I am out of the office until Monday."), "auto_reply"),
        (written("Ich bin im Urlaub und ab Montag zurück."), "auto_reply"),
        (written("How do I set an out of office reply?", subject="Where is automatic reply set?"), None),
        (written("x " * 400 + "I am out of the office then"), None),
    ],
)
def test_what_a_machine_wrote_is_told_apart(ticket: Ticket, kind: str | None) -> None:
    assert automatic(ticket) == kind


def test_an_intent_less_sure_than_suggest_is_not_told() -> None:
    ticket = written("my password for the invoice page", subject="")
    text = text_of(ticket)
    assert triage(ticket, text, KEYWORDS, suggest=0.5).intent is None
    found = triage(ticket, text, KEYWORDS, suggest=0.4).intent
    assert found is not None
    assert found.value == "billing"


@given(st.text(), st.text())
def test_no_text_makes_triage_fail(subject: str, body: str) -> None:
    ticket = written(body, subject=subject)
    read = triage(ticket, text_of(ticket), KEYWORDS, suggest=0.55)
    assert (read.urgency is None) is (read.sentiment is None)


@given(st.text(), st.text("abß éя的ー1 -", min_size=1), st.text())
def test_a_phrase_is_found_between_spaces_in_any_text(before: str, written_phrase: str, after: str) -> None:
    try:
        phrase = Phrase(written_phrase)
    except ValueError:
        return
    assert phrase.is_in(Text(f"{before} {written_phrase} {after}"))
    assert phrase.is_in(Text(written_phrase.upper()))


def test_importing_the_rules_does_not_load_language_models() -> None:
    check = (
        "import sys, rules, bridge.triage.language as language;"
        "rules.load(rules.STARTER);"
        "sys.exit(language._detector.cache_info().currsize)"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
