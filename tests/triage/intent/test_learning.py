"""A model learns what follows from the words, says how sure it is, and leaves the rest to people."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.triage.intent import OTHER, BadExamples, Example, Model, Options, evaluate, train
from tests.triage.intent.tickets import TELLING, tickets

LIGHT = Options(features="light")


@pytest.fixture(scope="module")
def model() -> Model:
    return train(tickets(600, noise=0.01), LIGHT)


@pytest.fixture(scope="module")
def guesser() -> Model:
    return train(tickets(240, noise=1.0), LIGHT)


def test_it_tells_tickets_that_it_has_not_seen(model: Model) -> None:
    assert evaluate(model, tickets(200, seed=2)).accuracy > 0.97


def test_what_it_measured_of_itself_holds_on_other_tickets(model: Model) -> None:
    found = evaluate(model, tickets(400, seed=3, noise=0.01))
    assert abs(found.accuracy - model.measured.accuracy) < 0.04
    assert found.calibration_error < 0.05
    assert found.coverage["0.90"] > 0.8
    realised = found.realised["0.90"]
    assert realised is not None
    assert realised >= 0.9


def test_labels_dealt_at_random_are_called_guessing_and_nothing_is_acted_on(guesser: Model) -> None:
    assert guesser.measured.guessing
    assert {one.verdict for one in guesser.measured.classes} == {"leave"}
    assert {found.verdict for found in guesser.predict([one.text for one in tickets(50)])} == {"leave"}


def test_labels_that_follow_are_not_called_guessing(model: Model) -> None:
    assert not model.measured.guessing
    assert {one.verdict for one in model.measured.classes} == {"automate"}


def test_a_text_unlike_all_others_is_left_to_people(model: Model) -> None:
    (found,) = model.predict(["Quarterly zebra migration over Botswana"])
    assert (found.familiar, found.verdict) == (False, "leave")
    assert found.explanation.endswith("unlike the tickets learnt from")


def test_the_explanation_names_the_words_the_next_class_and_the_distance(model: Model) -> None:
    (found,) = model.predict(["please refund the invoice, it is charged again today"])
    assert found.label == "billing"
    assert {"refund", "invoice", "charged"} >= set(found.because)
    assert found.explanation.startswith(f"billing {found.confidence:.0%} for “{found.because[0]}”")
    assert f"next {found.runner_up} " in found.explanation
    assert "above what is acted on" in found.explanation


def test_a_text_is_told_the_same_alone_and_among_others(model: Model) -> None:
    texts = [one.text for one in tickets(20, seed=4)]
    assert model.predict(texts) == [model.predict([text])[0] for text in texts]


def test_nothing_is_something_to_leave(model: Model) -> None:
    assert [found.verdict for found in model.predict(["", "   \n", "\ud83d"])] == ["leave"] * 3


def test_a_higher_promise_acts_on_no_more(model: Model) -> None:
    texts = [one.text for one in tickets(200, seed=5, noise=0.01)]
    acted = [sum(one.verdict == "act" for one in model.predict(texts, promise)) for promise in (0.8, 0.9, 0.95, 0.995)]
    assert acted == sorted(acted, reverse=True)
    assert acted[0] > 0 == acted[-1]


def test_rare_classes_become_one_which_is_never_acted_on() -> None:
    rare = [
        Example(f"a word about piano number {word}", f"rare {word}")
        for word in ["one", "two", "three", "four", "five", "six"]
    ]
    model = train([*tickets(120), *rare], LIGHT)
    assert model.folded == tuple(sorted(example.label for example in rare))
    assert set(model.classes) == {*TELLING, OTHER}
    assert all(found.verdict != "act" for found in model.predict([example.text for example in rare]))
    assert evaluate(model, rare).unknown == 0


def test_a_class_that_was_never_learnt_is_counted_as_unknown_and_wrong(model: Model) -> None:
    found = evaluate(
        model, [Example("please refund the invoice", "pets"), Example("please refund the invoice", "billing")]
    )
    assert (found.unknown, found.accuracy) == (1, 0.5)


def test_copies_and_threads_do_not_make_the_figures_better_than_they_are() -> None:
    mixed = tickets(60, noise=1.0)
    copies = [replace(one, text=f"{one.text} {number}", thread=one.ref) for one in mixed for number in range(4)]
    measured = train(copies, LIGHT).measured
    assert measured.groups <= 60
    assert measured.guessing


def test_with_times_it_is_tried_on_the_newest_as_well() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    old = [replace(one, at=start + timedelta(hours=row)) for row, one in enumerate(tickets(200))]
    turned = [
        replace(one, label="login" if one.label == "billing" else one.label, at=start + timedelta(days=30, hours=row))
        for row, one in enumerate(tickets(50, seed=7))
    ]
    measured = train([*old, *turned], LIGHT).measured
    assert measured.newest is not None
    assert measured.newest < measured.accuracy
    assert train(tickets(60), LIGHT).measured.newest is None


def test_labels_that_look_wrong_are_counted() -> None:
    clean, noisy = (train(tickets(200, noise=noise), LIGHT).measured for noise in (0.0, 0.2))
    assert clean.mislabelled == 0
    assert 15 <= noisy.mislabelled <= 45
    assert noisy.misses[0].ref.startswith("row ")


def test_tickets_with_the_same_words_and_other_labels_are_counted() -> None:
    twins = [Example("where is my refund", "billing"), Example("Where is my refund", "shipping")]
    assert train([*tickets(60), *twins], LIGHT).measured.contradictions == 2


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        ([], "no ticket has both a text and a label"),
        ([Example("  ", "billing")], "no ticket has both"),
        ([Example("refund", "")], "no ticket has both"),
        ([Example(f"refund {word}", " billing ") for word in "abcdef"], "all 6 tickets have one label, 'billing'"),
        ([Example("refund", "billing"), Example("login", "login")], "no two classes of 5 or more"),
        ([Example("the same", label) for label in "ab" * 9], "no word that stands in two of them"),
        (
            [Example(f"refund {word}", label, thread="1") for word in "cdefgh" for label in "ab"],
            "12 tickets in 1 group of threads",
        ),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(examples: list[Example], words: str) -> None:
    with pytest.raises(BadExamples, match=words):
        train(examples, LIGHT)


def test_signs_without_letters_can_be_learnt() -> None:
    said = {"billing": "💸💰🧾", "login": "🔑🔒👤", "shipping": "📦🚚🏠"}
    rows = [
        Example(f"{one} {other} {noise}", label)
        for label, own in said.items()
        for one in own
        for other in own
        for noise in "😀😡🙏👍"
    ]
    assert train(rows, LIGHT).measured.accuracy > 0.9


def test_of_a_sentence_without_spaces_the_piece_that_counted_is_told() -> None:
    said = {"billing": ["发票", "退款", "付款"], "login": ["密码", "登录", "账号"]}
    frames = ["请帮我{}为什么{}谢谢", "昨天{}还没有{}很着急", "我想问{}不能{}请回复"]
    rows = [
        Example(frame.format(one, other), label)
        for label, own in said.items() for frame in frames for one in own for other in own
    ]  # fmt: skip
    (found,) = train(rows, LIGHT).predict(["你好请问我上个星期的退款什么时候能够到账"])
    assert found.label == "billing"
    assert any("退款" in word or word in "退款" for word in found.because)
    assert max(map(len, found.because)) <= 5


def test_a_label_of_several_lines_is_told_in_one() -> None:
    made = train([replace(one, label=f" {one.label}\n\tdesk\x1b ") for one in tickets(60)], LIGHT)
    assert set(made.classes) == {f"{one.label} desk" for one in tickets(60)}
    assert evaluate(made, [replace(one, label=f"{one.label}\ndesk") for one in tickets(30, 2)]).unknown == 0


def test_what_is_too_long_for_a_word_is_told_by_a_piece(model: Model) -> None:
    (found,) = model.predict(["refund" * 1_000])
    assert max(map(len, found.because)) <= 5


def test_progress_is_told() -> None:
    stages: list[tuple[str, float]] = []
    train(tickets(60), LIGHT, lambda stage, share: stages.append((stage, share)))
    assert {stage for stage, _ in stages} >= {"trying light features", "fitting the whole"}
    assert all(0 <= share <= 1 for _, share in stages)
