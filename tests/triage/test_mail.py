"""Raw mails and HTML: what a person reads of them is what is cleaned, and no input takes long."""

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.triage import new_words, readable

HTML_REPLY = (
    "<html><head><style>p {color: red}</style></head><body><p>It works &amp; thanks,<br>really.</p>"
    '<div class="gmail_signature">Bo Berg</div><div class="gmail_quote"><div>On Tue, May 5, 2026 at 9:14 AM Ana '
    "&lt;ana@x.example&gt; wrote:</div><blockquote>Does it?</blockquote></div></body></html>"
)
MULTIPART = (
    b"From: bo@x.example\r\nMessage-ID: <1@x.example>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n"
    b"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Gr=FC=DFe aus K=F6ln =3D =\r\ngut\r\n--b--\r\n"
)


def mail(kind: str, body: bytes) -> bytes:
    return f"From: bo@x.example\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n".encode() + body


WITH_ATTACHMENT = mail(
    'multipart/mixed; boundary="m"',
    b"--m\r\nContent-Type: text/plain\r\n\r\nLog attached.\r\n"
    b"--m\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nERROR 1\r\n--m--\r\n",
)


@pytest.mark.parametrize(
    ("raw", "new"),
    [
        (WITH_ATTACHMENT, "Log attached."),
        (mail("text/plain; charset=iso-2022-jp", "忘れました。\n\n-- \n鈴木".encode("iso-2022-jp")), "忘れました。"),
        (mail("text/plain; charset=shift_jis", "返品。\r\n\r\niPhoneから送信".encode("cp932")), "返品。"),
        (
            mail("text/plain; charset=windows-1252", "Das “Profi”-Paket\r\n\r\nGruß\r\nJörg".encode("cp1252")),
            "Das “Profi”-Paket",
        ),
        (
            mail("text/plain; format=flowed", b"It stops \r\nafter \r\nan hour.\r\n> Why? \r\n-- \r\nBo"),
            "It stops after an hour.",
        ),
        (mail("text/plain; format=flowed; delsp=yes", "動き \nません。\n> 何".encode()), "動きません。"),
        (mail("text/plain; format=flowed", b" From here\r\nto there"), "From here\nto there"),
        (b"Just words.", "Just words."),
        (HTML_REPLY.encode(), "It works & thanks,\nreally."),
        (MULTIPART, "Grüße aus Köln = gut"),
        (b"Received: x\r\nContent-Type: text/html; charset=unheard-of\r\n\r\n<p>caf\xe9</p>", "café"),
        (b"Subject: x\r\nMIME-Version: 1.0\r\n\r\nHello\r\n", "Hello"),
        (b"Return-Path: <a@x.example>\nContent-Type: application/pdf\n\nJVBER", ""),
        (b"From: Ana <ana@x.example>\nSent: Tuesday\nTo: Bo\nSubject: It\n\npassed on", "passed on"),
        ("<div>一つ</div><div>二つ</div>".encode(), "一つ\n二つ"),
        (b"<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        (b"<p>The log:</p><pre>10:12 start\r\n10:13   stop</pre>", "The log:\n\n10:12 start\n10:13   stop"),
        (b"<div style='display: none'>A <div>preview</div></div><p>Hello</p>", "Hello"),
        (b"Hi<br><br>It works.<blockquote>Does it?</blockquote>", "Hi\n\nIt works."),
        (b"Why does <p>x</p> show the tags?", "Why does <p>x</p> show the tags?"),
        (b"<ol><li>one<ul><li>a</li></ul></li><li>two</li></ol>", "1. one\n- a\n2. two"),
        (b"<p>a < b and <3</p>", "a < b and <3"),
        (b"<p>one<!-- hidden --> two<script>var x = '<p>';</script></p>", "one two"),
        (b"<blockquote>Did you?</blockquote><p>Yes.</p><blockquote>Twice?</blockquote><p>No.</p>", "Yes.\n\nNo."),
    ],
)
def test_new_words_are_found_in_whatever_a_mail_is_made_of(raw: bytes, new: str) -> None:
    assert new_words(readable(raw)) == new


@given(st.binary() | st.text(alphabet="<>/!-&;pdivblockquote \n=\"'").map(str.encode))
def test_no_bytes_make_reading_fail(raw: bytes) -> None:
    assert isinstance(readable(raw), str)


@pytest.mark.parametrize("piece", ["<", "<a", "<blockquote>x", "<!--", "&a", "<script>", "<p>x</p>", "<p>x</", "&#1"])
def test_a_megabyte_of_broken_markup_is_read_within_a_second(piece: str) -> None:
    page = ("<p>" + piece * (1_000_000 // len(piece))).encode()
    start = time.process_time()
    readable(page)
    assert time.process_time() - start < 2.0


def test_the_command_prints_the_new_words_of_the_mail_on_its_standard_input() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "deskbridge", "triage", "clean"], input=MULTIPART, capture_output=True, check=True
    )
    assert ran.stdout.decode() == "Grüße aus Köln = gut\n"


def test_personal_data_is_masked_where_the_command_is_asked_to() -> None:
    command = [sys.executable, "-m", "deskbridge", "triage", "clean", "--redact"]
    ran = subprocess.run(command, input=b"My card is 4111 1111 1111 1111", capture_output=True, check=True)
    assert ran.stdout.decode() == "My card is [card]\n"
