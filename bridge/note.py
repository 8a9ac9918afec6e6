"""Writes the one internal note that an agent sees: what a ticket is, why it is here, how sure that is, what comes next.

Whatever comes from a ticket, a desk, a policy or a source of facts is escaped and cut: a note is never longer than
`NOTE_MAX` and holds no tag but `p, b, i, ul, li, a`. Times are given in full, not as ages: a note is read much later.
"""

import html
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Literal

from bridge.model import (
    NOBODY,
    Assignment,
    Change,
    Fact,
    Finding,
    Mode,
    Predicted,
    Remark,
    RuleVerdict,
    Suggestion,
    Triage,
)
from bridge.triage import redact

Length = Literal["off", "short", "full"]
"""How much a desk wants: nothing but what rules say, everything but the context, everything."""

NOTE_MAX: Final = 1_500
"""Characters, tags and entities among them."""

_LIST_MAX: Final = 350
"""Characters for what was or would be written; the list of facts has whatever is left."""

_HELP_MAX: Final = 450
"""Characters for what may help to answer."""

_MODEL_MAX: Final = 210
"""Characters of what the model says: the distance to its threshold stands at the end."""

_URL_MAX: Final = 120
"""Characters of an address; a longer one would leave no room for others."""

_LIST_LEAST: Final = 40
"""Characters of a list that says no more than how much did not fit."""

_UNSEEN: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that do not show, or that turn the text around them."""

_FACT_WORDS: Final = {
    "requester.tier": "tier",
    "requester.plan": "plan",
    "requester.account_owner": "account owner",
    "contacts_24h": "tickets opened within 24 hours",
    "previous_tickets": "earlier tickets",
    "open_tickets": "open tickets",
    "last_agent": "last agent",
}

_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})


def compose(
    *,
    mode: Mode,
    triage: Triage,
    acts_from: float,
    facts: Sequence[Fact],
    verdicts: Sequence[RuleVerdict],
    assignment: Assignment | None,
    wish: Change,
    kept: Sequence[str],
    names: Mapping[str, str] = _NO_NAMES,
    remarks: Sequence[Remark] = (),
    tier: str | None = None,
    suggestions: Sequence[Suggestion] = (),
    length: Length = "full",
) -> str:
    """The note as HTML; the same inputs always give the same note. Where it is `off`, only what rules say.

    `wish` is what is written beside the note or, where the mode is not live, what would have been; `kept` one sentence
    for each thing left alone. `names` are the desk's agents by id, for facts and wishes that hold an id. `remarks` is
    what rules say in their own words, `tier` the support tier that they decided, `suggestions` what may help to answer.
    `acts_from` is the least confidence of an intent that rules may use.
    """
    if length == "off":
        return _said(remarks, NOTE_MAX)
    why = reasons(verdicts, assignment, tier)
    opening = _paragraph("What it is", _what(triage)) + _paragraph("Why it is here", why)
    opening += _paragraph("Confidence", _confidence(triage, acts_from))
    label = "Next step" if mode is Mode.LIVE else "Suggestion, nothing was changed"
    changes = [*_changes(mode, wish, assignment, names), *(f"Left alone: {safe(words, 90)}" for words in kept)]
    closing = _paragraph(label, _next(triage, assignment))
    title = _paragraph("Context", "" if facts else "nothing is known")
    room = NOTE_MAX - len(opening) - len(title) - len(closing)
    done = _list(changes, min(_LIST_MAX, room - _LIST_LEAST))
    closing, room = closing + done, room - len(done)
    said = _said(remarks, min(_LIST_MAX, room - _LIST_LEAST))
    if length == "short":
        return opening + said + closing
    said += _helpful(suggestions, room - len(said) - _LIST_LEAST)
    return opening + said + title + _list((_known(fact, names) for fact in facts), room - len(said)) + closing


def _what(triage: Triage) -> str:
    others = {
        "urgency": triage.urgency,
        "sentiment": triage.sentiment,
        "language": triage.language,
        "automatic": triage.automatic,
    }
    asides = [f"{name} {_sure(finding, 20)}" for name, finding in others.items() if finding]
    asides += [_signal(finding) for finding in triage.signals[:_SIGNALS]]
    asides += [f"{safe(entity.name, 20)} {safe(redact(entity.value), 30)}" for entity in triage.entities[:_ENTITIES]]
    return "; ".join([_intent(triage), *asides])


def _intent(triage: Triage) -> str:
    if triage.intent is None:
        return "not understood"
    name = safe(triage.intent.value)
    return f"{name} by the model" if _model(triage) else _by_words(name, triage.intent)


def _confidence(triage: Triage, acts_from: float) -> str:
    """How sure the intent is and which threshold that meets; of a model also what came next."""
    intent, predicted = triage.intent, _model(triage)
    if intent is None:
        return "no intent is sure enough to be told"
    use = "rules act on it" if intent.confidence >= acts_from else "told only, rules do not act on it"
    if predicted is not None:
        return f"{use}: {safe(redact(predicted.words), _MODEL_MAX)}"
    return f"{intent.confidence:.0%}, {use} (from {acts_from:.0%} on)"


def understood(triage: Triage) -> str:
    """The intent as HTML, with how sure that is and which words say so."""
    intent, predicted = triage.intent, _model(triage)
    if intent is None:
        return "not understood"
    if predicted is None:
        return _by_words(_sure(intent), intent)
    told = replace(intent, confidence=predicted.confidence)
    return f"{_sure(told)} by the model: {safe(redact(predicted.words), _MODEL_MAX)}"


def _model(triage: Triage) -> Predicted | None:
    """The trained model's word, where the intent is from it and not from the policy's words."""
    intent, predicted = triage.intent, triage.predicted
    if intent is None or predicted is None or intent.because != predicted.because:
        return None
    return predicted if intent.value == predicted.label else None


_SIGNALS: Final = 3
_ENTITIES: Final = 2
"""So many are told, with one of the words that caused each: the note has room for no more."""


def _signal(finding: Finding) -> str:
    name = safe(finding.value.replace("_", " "), 20)
    return f"{name} by “{safe(redact(finding.because[0]), 25)}”" if finding.because else name


def _sure(finding: Finding, most: int = 60) -> str:
    return f"{safe(finding.value, most)} ({finding.confidence:.0%})"


def _by_words(found: str, finding: Finding) -> str:
    words = ", ".join(f"“{safe(word, 30)}”" for word in finding.because[:3])
    return f"{found} by {words}" if words else found


def reasons(verdicts: Sequence[RuleVerdict], assignment: Assignment | None, tier: str | None) -> str:
    """As HTML: which rule sent a ticket to which team, why this agent, what else marked it."""
    routes, marks = _matched(verdicts, "route"), _matched(verdicts, "annotate")
    parts = [f"rule {rule}" for rule in routes[:1]]
    if assignment is not None:
        agent = safe(assignment.agent, 40) if assignment.agent else "no agent yet"
        parts = [f"team {safe(assignment.team, 40)}", *parts, f"{agent}: {safe(assignment.because, 90)}"]
    if tier is not None:
        parts.append(f"support tier {safe(tier, 40)}")
    if marks:
        parts.append(f"marked by {', '.join(marks[:3])}")
    return "; ".join(parts) or "the policy sends it nowhere else"


def _said(remarks: Sequence[Remark], room: int) -> str:
    """What rules say, the first before the others; what does not fit is cut or counted."""
    return _list([safe(remark.text, room - _LIST_LEAST) for remark in remarks], room) if room > 2 * _LIST_LEAST else ""


def _helpful(suggestions: Sequence[Suggestion], room: int) -> str:
    """Articles and solved tickets; those that do not fit are counted."""
    title = _paragraph("May help", "")
    room = min(_HELP_MAX, room) - len(title)
    return title + _list(map(_suggested, suggestions), room) if suggestions and room > 2 * _LIST_LEAST else ""


def _suggested(suggestion: Suggestion) -> str:
    title = safe(suggestion.title, 70)
    url = suggestion.url or ""
    if url.startswith(("https://", "http://")) and len(url) <= _URL_MAX:
        title = f'<a href="{html.escape(url)}">{title}</a>'
    return title if suggestion.kind == "article" else f"solved ticket {title}"


def _matched(verdicts: Sequence[RuleVerdict], stage: str) -> list[str]:
    return [f"“{safe(verdict.rule, 40)}”" for verdict in verdicts if verdict.matched and verdict.stage == stage]


def _known(fact: Fact, names: Mapping[str, str]) -> str:
    name = safe(_FACT_WORDS.get(fact.name, fact.name), 40)
    if fact.value is None:
        return f"{name}: unknown <i>({safe(fact.source, 30)}: {safe(fact.reason or 'missing', 70)})</i>"
    value = names.get(str(fact.value), str(fact.value)) if fact.name == "last_agent" else str(fact.value)
    at = f", {fact.as_of:%Y-%m-%d %H:%M} UTC" if fact.as_of else ""
    return f"{name}: <b>{safe(value)}</b> <i>({safe(fact.source, 30)}{at})</i>"


def _next(triage: Triage, assignment: Assignment | None) -> str:
    if triage.automatic is not None:
        return "an automatic message, there may be nothing to answer"
    if assignment is None:
        return "it stays with whoever has it"
    if assignment.agent is None:
        return f"it waits in {safe(assignment.team, 40)} until somebody has room"
    return f"{safe(assignment.agent, 40)} to answer"


def _changes(mode: Mode, wish: Change, assignment: Assignment | None, names: Mapping[str, str]) -> Iterator[str]:
    verb = "Set" if mode is Mode.LIVE else "Would set"
    for name, value in _values(wish, assignment, names):
        yield f"{verb} {safe(name, 40)}: {safe(value)}"
    for verb, tags in (("added", wish.add_tags), ("removed", wish.remove_tags)):
        if tags:
            yield f"Tags {verb if mode is Mode.LIVE else f'to be {verb}'}: {safe(', '.join(sorted(tags)), 90)}"


def _values(wish: Change, assignment: Assignment | None, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is set to what, ids as the names that the agent knows."""
    known = {assignment.agent_id: assignment.agent, assignment.team_id: assignment.team} if assignment else {}
    if wish.assignee_id is not None:
        name = known.get(wish.assignee_id) or names.get(wish.assignee_id, wish.assignee_id)
        yield "assignee", "nobody" if wish.assignee_id == NOBODY else name
    if wish.team_id is not None:
        yield "team", known.get(wish.team_id) or wish.team_id
    for field in ("status", "priority", "type"):
        value = getattr(wish, field)
        if value is not None:
            yield field, str(value)
    for field in sorted(wish.fields):
        yield field, str(wish.fields[field])


def _paragraph(title: str, content: str) -> str:
    return f"<p><b>{title}</b>: {content}</p>" if content else f"<p><b>{title}</b></p>"


def _list(items: Iterable[str], room: int) -> str:
    """The items as a list of `room` characters at most; those that do not fit are counted at its end."""
    lines = [f"<li>{item}</li>" for item in items]
    if not lines:
        return ""
    fitting, left = 0, room - len("<ul></ul>") - _TAIL
    while fitting < len(lines) and len(lines[fitting]) <= left:
        left -= len(lines[fitting])
        fitting += 1
    missing = len(lines) - fitting
    more = f"<li>and {missing} more</li>" if missing else ""
    return f"<ul>{''.join(lines[:fitting])}{more}</ul>"


_TAIL: Final = len("<li>and 999 more</li>")


def safe(text: str, most: int = 60) -> str:
    """The text as one line of HTML without tags, `most` characters at most with its entities."""
    shown = "".join(" " if unicodedata.category(char) in _UNSEEN else char for char in text[: 4 * most])
    escaped = [html.escape(char) for char in " ".join(shown.split())]
    if sum(map(len, escaped)) <= most and len(text) <= 4 * most:
        return "".join(escaped)
    while sum(map(len, escaped)) >= most:
        escaped.pop()
    return "".join(escaped) + "…"
