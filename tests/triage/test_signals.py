"""Signals, machines' mail and what a text mentions: each with the words that caused it, none where nothing is said."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Actor, ActorKind, Attachment, Entity, Message, Status, Ticket, TicketRef, Visibility
from bridge.triage import Extractors, Keywords, Text, text_of, triage
from bridge.triage.automatic import automatic
from bridge.triage.signals import sentiment, signals, urgency

LABELLED = Path(__file__).parents[2] / "benchmarks" / "labelled"
CUSTOMER, AGENT = ActorKind.REQUESTER, ActorKind.AGENT
LONG = "Our warehouse scanner cannot read the labels that the new printer makes since Tuesday."


def thread(*said: tuple[ActorKind, str], subject: str = "", files: Sequence[Attachment] = ()) -> Ticket:
    messages = tuple(
        Message(str(number), Actor(kind), Visibility.PUBLIC, text, attachments=tuple(files))
        for number, (kind, text) in enumerate(said)
    )
    return Ticket(TicketRef("d", "1"), subject, None, Status.OPEN, messages=messages)


def found(ticket: Ticket) -> dict[str, tuple[str, ...]]:
    return {one.value: one.because for one in signals(ticket, Text(text_of(ticket)))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Let me talk to a human", {"asks_for_human": ("talk to a human",)}),
        ("Ich kündige zum Monatsende", {"churn": ("kündige",)}),
        ("Mon avocat vous écrira", {"legal": ("avocat",)}),
        ("La app se cierra sola", {"bug": ("se cierra",)}),
        ("È la terza volta che scrivo", {"repeat_contact": ("terza volta",)}),
        ("解約したいです", {"churn": ("解約",)}),
        ("Where is the invoice for March?", {}),
        ("There is no bug, it no longer crashes", {}),
        ("There is no bug, but it crashes", {"bug": ("crashes",)}),
        ("It did not crash: no error message. Then an error message came", {"bug": ("error message",)}),
        ("I do not want to cancel my subscription", {}),
        ("I could not cancel my subscription", {"churn": ("cancel my subscription",)}),
        ("je ne veux pas résilier", {}),
        ("no quiero cancelar mi cuenta", {}),
        ("No need to call me back", {}),
        ("I could not speak to a human", {"asks_for_human": ("speak to a human",)}),
        ("Das Gericht war kalt, der Anruf kurz", {}),
        ("The bottle leaked", {}),
        ("", {}),
    ],
)
def test_a_signal_comes_with_the_words_that_caused_it(text: str, expected: dict[str, tuple[str, ...]]) -> None:
    assert found(thread((CUSTOMER, text))) == expected


def test_what_is_denied_is_neither_urgent_nor_felt() -> None:
    for words in ("it is not urgent", "c'est pas urgent", "het is niet dringend"):
        assert getattr(urgency(Text(words)), "value", None) == "low"
    assert getattr(sentiment(Text("I am not angry")), "value", None) == "neutral"
    assert getattr(sentiment(Text("I am not happy, I am angry")), "value", None) == "negative"


def test_a_picture_makes_a_fault_surer_and_alone_says_nothing() -> None:
    shot = [Attachment("screen.png")]
    plain, shown = thread((CUSTOMER, "it crashes")), thread((CUSTOMER, "it crashes"), files=shot)
    (without,), (with_it,) = signals(plain, Text("it crashes")), signals(shown, Text("it crashes"))
    assert with_it.confidence > without.confidence
    assert with_it.because == ("crashes", "a picture is attached")
    assert found(thread((CUSTOMER, "look at this"), files=shot)) == {}


def test_messages_without_an_answer_are_a_repeated_contact_until_an_agent_answers() -> None:
    waiting = thread((CUSTOMER, "hello"), (CUSTOMER, "hello there"))
    assert found(waiting) == {"repeat_contact": ("2 messages without an answer",)}
    answered = thread((CUSTOMER, "hello"), (CUSTOMER, "hello there"), (AGENT, "hi"))
    assert found(answered) == {}


def test_a_new_question_in_an_answered_thread_is_a_drift() -> None:
    before = ((CUSTOMER, "Please send the invoice of March again"), (AGENT, "Here is the invoice of March"))
    assert "topic_drift" in found(thread(*before, (CUSTOMER, LONG)))
    assert found(thread(*before, (CUSTOMER, "Thanks. Another question: do you ship?")))["topic_drift"] == (
        "another question",
    )
    assert set(found(thread(*before, (CUSTOMER, LONG)))["topic_drift"]) <= set(Text(LONG).tokens)
    assert found(thread(*before, (CUSTOMER, "Danke! Übrigens, wo ist das Paket?")))["topic_drift"] == ("übrigens",)
    assert "topic_drift" not in found(thread(*before, (CUSTOMER, f"The invoice is fine. {LONG}")))
    assert "topic_drift" not in found(thread((CUSTOMER, "Please send the invoice of March again"), (CUSTOMER, LONG)))
    assert "topic_drift" not in found(thread(*before, (CUSTOMER, "thanks a lot")))


def labelled(name: str) -> list[list[str]]:
    return [line.split("\t") for line in (LABELLED / f"{name}.tsv").read_text(encoding="utf-8").splitlines()]


def told(text: str) -> set[str]:
    ticket, words = thread((CUSTOMER, text)), Text(text)
    names = {one.value for one in (*signals(ticket, words), urgency(words), sentiment(words)) if one is not None}
    return {name.replace("asks_for_", "").replace("_contact", "") for name in names} - {"normal", "neutral"}


def test_signals_keep_the_precision_and_recall_that_are_documented() -> None:
    rows = [(set(labels.split(",")) - {"-"}, told(text)) for labels, text in labelled("signals")]
    right = sum(len(wanted & got) for wanted, got in rows)
    assert right >= 0.9 * sum(len(got) for _, got in rows)
    assert right >= 0.85 * sum(len(wanted) for wanted, _ in rows)


def test_machines_mail_is_found_as_documented_and_no_person_is_taken_for_one() -> None:
    rows = [(kind, automatic(thread(subject=subject), body)) for kind, subject, body in labelled("automatic")]
    got = [(kind, verdict.value if verdict else "-") for kind, verdict in rows]
    assert [one for one in got if one[0] == "-" and one[1] != "-"] == []
    assert sum(wanted == verdict for wanted, verdict in got) >= 0.95 * len(got)


@pytest.mark.parametrize(
    ("subject", "body", "kind"),
    [
        ("[Auto-Reply] Re: Invoice", "hello", "auto_reply"),
        ("Out of Office Re: Invoice", "back on Monday", "auto_reply"),
        ("Out of office until Monday", "bye", "auto_reply"),
        ("Out of office setting does not work", "I cannot switch it on", "-"),
        ("No se puede entregar mi paquete", "¿Qué hago?", "-"),
        ("No se puede entregar: Factura", "x", "bounce"),
        ("Onbestelbaar: factuur", "x", "bounce"),
        ("x", "This is the mail system at host mx.example.", "bounce"),
        ("x", "Bonjour, je suis absent jusqu'au 5 mai.", "auto_reply"),
        ("x", "Buongiorno, sono assente dall'ufficio fino al 5 maggio", "auto_reply"),
        ("x", "Hola, estaré fuera de la oficina hasta el lunes.", "auto_reply"),
        ("x", "Ik ben weg. Met dringende vragen kunt u terecht bij Jan.", "auto_reply"),
        ("x", "Dies ist eine automatisch generierte E-Mail.", "auto_reply"),
        ("x", "Our bank details have changed, see https://shop.example/", "-"),
        ("x", "Dear beneficiary, ten million dollars wait, send your bank details", "spam"),
        ("x", "We do link building for shops like yours: https://shop.example/", "spam"),
    ],
)
def test_machines_are_told_by_how_their_mails_begin_and_people_who_write_of_them_are_not(
    subject: str, body: str, kind: str
) -> None:
    verdict = automatic(thread(subject=subject), body)
    assert (verdict.value if verdict else "-") == kind


def test_the_same_words_again_and_again_are_a_loop() -> None:
    words = "Your request was received. A colleague will be with you shortly."
    looping = thread(*[(CUSTOMER, words), (AGENT, "thanks")] * 3)
    verdict = automatic(looping, words)
    assert verdict is not None
    assert (verdict.value, verdict.because) == ("loop", ("the same words 3 times",))
    assert automatic(thread(*[(CUSTOMER, "any news?")] * 4), "any news?") is None


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"X-Loop": "a@b.example"}, "loop"),
        ({"X-Spam-Flag": "YES"}, "spam"),
        ({"Precedence": "auto_reply"}, "auto_reply"),
    ],
)
def test_headers_that_a_desk_keeps_in_fields_are_believed(headers: dict[str, object], kind: str) -> None:
    verdict = automatic(Ticket(TicketRef("d", "1"), "", None, Status.NEW, fields=headers), "")
    assert verdict is not None
    assert verdict.value == kind


def test_what_a_text_mentions_is_told_by_name_and_surer_beside_its_name() -> None:
    extractors = Extractors([("order", r"\b[A-Z]-\d{5}\b"), ("error code", r"\b(E-\d{4})\b")])
    text = Text("My order A-77120 fails with E-1042, E-1042 and B-10000, see https://x.example/a?b=c.")
    assert extractors.entities(text) == (
        Entity("order", "A-77120", 0.95),
        Entity("order", "B-10000", 0.8),
        Entity("error code", "E-1042", 0.8),
        Entity("url", "https://x.example/a?b=c", 0.99),
    )


def test_of_one_kind_no_more_than_five_are_told() -> None:
    text = Text(" ".join(f"https://x.example/{number} N{number}" for number in range(50)))
    assert len(Extractors([("number", r"N\d+")]).entities(text)) == 10


@given(st.text(), st.text())
def test_no_thread_makes_triage_fail(first: str, second: str) -> None:
    ticket = thread((CUSTOMER, first), (AGENT, second), (CUSTOMER, second), subject=first)
    read = triage(ticket, text_of(ticket), Keywords({}), suggest=0.5, extractors=Extractors([("digits", r"\d+")]))
    assert all(0 < one.confidence < 1 for one in read.signals)
    assert all(0 < one.confidence < 1 for one in read.entities)
