"""What a person reads of a raw mail: its plain part, or its HTML part as text."""

from email.message import Message
from email.parser import BytesParser
from typing import Final

from bridge.triage.lines import DELIMITER
from bridge.triage.markup import is_markup, text_of_markup

_TELLING: Final = frozenset(
    (b"received", b"message-id", b"mime-version", b"content-type", b"return-path", b"delivered-to", b"dkim-signature")
)
"""Headers that a raw mail has and a quoted block of headers has not."""


def readable(raw: bytes) -> str:
    """The text of a raw RFC 822 mail, an HTML body or a plain message, whichever it is."""
    if _is_mail(raw):
        return _text_of_mail(raw)
    text = _decoded(raw, "utf-8")
    return text_of_markup(text) if is_markup(text) else text


def _is_mail(raw: bytes) -> bool:
    head = raw.lstrip(b"\xef\xbb\xbf\r\n").replace(b"\r\n", b"\n").partition(b"\n\n")[0][:100_000]
    names = [line.partition(b":")[0].lower() for line in head.split(b"\n")]
    return not _TELLING.isdisjoint(names) and b" " not in names[0].removeprefix(b"from ")


def _text_of_mail(raw: bytes) -> str:
    mail = BytesParser().parsebytes(raw.lstrip(b"\xef\xbb\xbf\r\n"))
    parts = [part for part in mail.walk() if part.get_content_maintype() == "text" and not part.get_filename()]
    for kind in ("plain", "html"):
        texts = [_text_of_part(part) for part in parts if part.get_content_subtype() == kind]
        said = next((text for text in texts if text.strip()), "")
        if said:
            return text_of_markup(said) if kind == "html" else said
    return ""


def _text_of_part(part: "Message[str, str]") -> str:
    payload = part.get_payload(decode=True)
    text = _decoded(payload, part.get_content_charset() or "utf-8") if isinstance(payload, bytes) else ""
    return _unflowed(text, glue=str(part.get_param("delsp")).lower() != "yes") if _is_flowed(part) else text


def _is_flowed(part: "Message[str, str]") -> bool:
    return str(part.get_param("format")).lower() == "flowed"


def _unflowed(text: str, *, glue: bool) -> str:
    """Lines that a client has broken put together again (RFC 3676); `glue` keeps the space at which it broke them."""
    pieces: list[str] = []
    flows = False
    for line in text.replace("\r\n", "\n").split("\n"):
        bare = line.removeprefix(" ")
        apart = bare.startswith(">") or bare == DELIMITER
        pieces += [bare] if flows and not apart else ["\n", bare]
        flows = bare.endswith(" ") and not apart
        if flows and not glue:
            pieces[-1] = bare[:-1]
    return "".join(pieces[1:])


def _decoded(raw: bytes, charset: str) -> str:
    """Bytes as text by what they claim to be, else by what most mails are; never an error."""
    for name in (charset, "utf-8", "cp1252"):
        try:
            return raw.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue
    return raw.decode("utf-8", "replace")
