"""Cleaning: what the requester newly wrote is kept, what their mail client added is not, and no input takes long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Actor, ActorKind, Message, Status, Ticket, TicketRef, Visibility
from bridge.triage import new_words, text_of


@pytest.mark.parametrize(
    ("message", "new"),
    [
        ("Hello,\r\nit is broken.\r\n", "Hello,\nit is broken."),
        ("Yes.\n\nOn Tue, 3 May 2026 at 10:00, Ana <ana@x.example> wrote:\n> Did you try?\n> Ana", "Yes."),
        ("Yes.\n\nOn Tue, 3 May 2026 at 10:00, Ana Alvarez <ana@x.example>\nwrote:\n\nDid you try?", "Yes."),
        ("Ja.\n\nAm 03.05.2026 um 10:00 schrieb Ana <ana@x.example>:\n> Und?", "Ja."),
        ("Oui.\n\nLe mar. 3 mai 2026 à 10:00, Ana a écrit :\n> Alors ?", "Oui."),
        ("Sí.\n\nEl 3 may 2026, Ana escribió:\n> ¿Y?", "Sí."),
        ("Sì.\n\nIl giorno 3 mag 2026 Ana ha scritto:\n> E?", "Sì."),
        ("Sim.\n\nEm 3 de mai. de 2026, Ana escreveu:\n> E?", "Sim."),
        ("Ja.\n\nOp 3 mei 2026 om 10:00 schreef Ana:\n> En?", "Ja."),
        ("はい。\n\n2026年5月3日 Ana <ana@x.example>のメール:\n> どう", "はい。"),
        ("Done.\n\n-----Original Message-----\nFrom: Ana\nBody", "Done."),
        ("Fertig.\n\n-----Ursprüngliche Nachricht-----\nVon: Ana", "Fertig."),
        ("Ok\n\nFrom: Ana <ana@x.example>\nSent: Tuesday\nTo: Bo\nSubject: It\n\nold words", "Ok"),
        ("Ok\n\nVon: Ana\nGesendet: Dienstag\nAn: Bo\nBetreff: Es\n\nalt", "Ok"),
        ("*Ok*\n\n*From:* Ana\n*Sent:* Tuesday\n*To:* Bo\n\nold", "*Ok*"),
        ("Hi\n-- \nBo Berg\nInitech", "Hi"),
        ("Hi\n\nSent from my iPhone", "Hi"),
        ("Hallo\n\nVon meinem iPhone gesendet", "Hallo"),
        ("Salut\n\nEnvoyé de mon iPhone", "Salut"),
        ("Hola\n\nEnviado desde mi iPhone", "Hola"),
        ("Hi\n\nGet Outlook for Android", "Hi"),
        ("> you asked\nmy answer\n> and this\nyes", "my answer\nyes"),
        (
            "---------- Forwarded message ---------\nFrom: Bo\nDate: Tue\nSubject: It\nTo: Ana\n\nThe order is late.",
            "The order is late.",
        ),
        ("See below.\n\n---------- Forwarded message ---------\nFrom: Bo\nDate: x\nSubject: y\n\nold", "See below."),
        ("", ""),
    ],
)
def test_only_new_words_are_kept(message: str, new: str) -> None:
    assert new_words(message) == new


@pytest.mark.parametrize(
    "message",
    [
        "On Monday I wrote:\nthe price is wrong",
        "From: Berlin to: Paris, which ticket do I need?",
        "From: Berlin\nI need a ticket.",
        "I was told to wait -- so I did",
        "Von meinem Konto wurde zweimal abgebucht.",
        "Le total est faux : 20 au lieu de 10",
        "a > b is what I typed",
    ],
)
def test_words_that_only_look_like_a_quote_are_kept(message: str) -> None:
    assert new_words(message) == message


_PIECES = (
    "hi",
    "best regards",
    "thanks",
    ",",
    ".",
    "\u2003",
    "\n",
    "\n\n",
    "-- ",
    "--",
    "> ",
    "Bob",
    "On 3 May 2026, a@b.c wrote:",
)


@given(
    st.text()
    | st.text(alphabet="> \n-:OnwrteFom", max_size=200)
    | st.lists(st.sampled_from((*_PIECES, "From: a@b.c\nTo: x\nSubject: y", "|", "Sent from my phone"))).map("".join)
)
def test_cleaning_never_invents_a_line_and_never_fails(message: str) -> None:
    lines = set(message.replace("\r\n", "\n").split("\n"))
    cleaned = new_words(message).split("\n")
    assert all(any(line in known for known in lines) for line in cleaned)


@pytest.mark.parametrize(
    "bomb",
    [
        "On 1 a\n" * 140_000,
        "--\n" * 330_000,
        "a\n" * 500_000,
        "a\n> b\n" * 170_000,
        "On " * 330_000,
        "> " * 500_000,
        "From: a\n" * 120_000,
        "\n" * 1_000_000,
        "-" * 1_000_000,
    ],
)
def test_a_megabyte_of_anything_is_cleaned_within_a_second(bomb: str) -> None:
    start = time.process_time()
    new_words(bomb)
    assert time.process_time() - start < 2.0


def said(kind: ActorKind, text: str, visibility: Visibility = Visibility.PUBLIC) -> Message:
    return Message("1", Actor(kind), visibility, text)


def ticket(*messages: Message, subject: str = "Help") -> Ticket:
    return Ticket(TicketRef("d", "1"), subject, None, Status.NEW, messages=messages)


def test_the_text_of_a_ticket_is_its_subject_and_what_the_requester_wrote_since_the_last_answer() -> None:
    given_ticket = ticket(
        said(ActorKind.REQUESTER, "first"),
        said(ActorKind.AGENT, "answer"),
        said(ActorKind.REQUESTER, "second\n> answer"),
        said(ActorKind.BOT, "we are on it"),
        said(ActorKind.REQUESTER, "third"),
        said(ActorKind.AGENT, "a note", Visibility.PRIVATE),
    )
    assert text_of(given_ticket) == "Help\n\nsecond\n\nthird"


def test_after_an_agents_answer_the_requesters_last_words_still_count() -> None:
    assert text_of(ticket(said(ActorKind.REQUESTER, "first"), said(ActorKind.AGENT, "answer"))) == "Help\n\nfirst"


def test_notes_are_never_read() -> None:
    hidden = said(ActorKind.REQUESTER, "secret", Visibility.PRIVATE)
    assert text_of(ticket(hidden, said(ActorKind.AGENT, "note", Visibility.PRIVATE))) == "Help"


def test_a_ticket_without_words_has_no_text() -> None:
    assert text_of(ticket(said(ActorKind.REQUESTER, " \n"), subject=" ")) == ""
