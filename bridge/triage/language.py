"""Which language a text is in, or None where it is too short or too mixed to tell.

Two witnesses are heard: lingua's low-accuracy models (20 MB in memory instead of 230), and the small words that every
language is full of, which lingua's short letter groups overlook in a sentence of four words. `docs/triage.md` has the
figures.
"""

import re
from collections.abc import Mapping
from functools import cache
from math import exp
from threading import Lock
from typing import Final

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

from bridge.model import Finding

LANGUAGES: Final = (
    Language.ENGLISH,
    Language.GERMAN,
    Language.FRENCH,
    Language.SPANISH,
    Language.ITALIAN,
    Language.PORTUGUESE,
    Language.DUTCH,
    Language.POLISH,
    Language.RUSSIAN,
    Language.JAPANESE,
    Language.CHINESE,
    Language.KOREAN,
)
"""The languages told apart; the fewer, the surer each."""

SURE: Final = 0.6
"""A lower confidence is not told: of short help-desk sentences the wrong answers lie below it."""

_ENOUGH: Final = 1_000
"""Characters after which more text does not make the answer better."""

LANGUAGE_CODES: Final = tuple(language.iso_code_639_1.name.lower() for language in LANGUAGES)
"""The same as ISO 639-1."""

_SMALL_WORDS: Final[Mapping[str, str]] = {
    "en": (
        "the a an is are was were i my me you your we our it its this that to of for on in with without not no "
        "dont don't can't cant cannot can how why what when where which who do does did have has had be been and "
        "or but from please pls thanks thx there here any anyone still again would could should get got hello hi "
        "after before all just will them they out up if as at by new invoice order account delivery refund "
        "payment amount wrong error since broken crashes month log login sign cancel subscription help need "
        "update screen email received arrived address shipping charged same twice fix"
    ),
    "de": (
        "der die das ein eine einen ist sind war ich mein meine meinen mich mir sie ihr ihre wir uns es zu zum "
        "zur von für auf im in mit ohne nicht kein keine kann können wie warum was wann wo welche wer und oder "
        "aber bitte danke noch immer wieder hab habe haben hat wurde wird nach seit bei guten tag hallo nun nur "
        "auch dem den des man geht sich rechnung bestellung konto lieferung erstattung zahlung betrag falsch "
        "fehler kaputt passwort anmelden kündigen kündigung abo vertrag hilfe brauche kam adresse paket ware "
        "geld monat vergessen möchte gibt"
    ),
    "fr": (
        "le la les l un une des du est sont était je j mon ma mes me moi vous votre vos nous on ce cette ça ca c "
        "à au aux de pour sur dans en avec sans ne n pas plus comment pourquoi quand où qui que quoi et ou mais "
        "merci svp toujours encore ai as a avons avez ont d bonjour il elle se tout tous après apres depuis suis "
        "impossible mot facture commande compte livraison remboursement paiement montant erreur cassé passe "
        "connexion connecter résilier abonnement aide besoin colis adresse argent oublié reçu erronée veux"
    ),
    "es": (
        "el la los las un una es son era yo mi mis me usted su nuestro lo le se este esta eso a al de del para "
        "por en con sin no ni cómo como qué cuándo dónde donde quién que y o pero gracias favor todavía todavia "
        "otra vez he ha han hola buenas puedo quiero tengo está muy ya más desde hasta hay sale llega cuando "
        "llamenme factura pedido cuenta entrega reembolso pago importe error pagar roto contraseña cancelar "
        "suscripción ayuda necesito paquete dirección dinero olvidada equivocada llegó entrar"
    ),
    "it": (
        "il lo la i gli le un una uno è sono era io mio mia miei mi lei suo vostro nostro ci si questo questa "
        "che a al alla di del della da dal per su in nel con senza non né come perché quando dove dov chi cosa e "
        "o ma grazie favore ancora ho ha hanno salve buongiorno vorrei riesco posso più dopo ieri l all dice "
        "sola fattura ordine conto consegna rimborso pagamento importo errore rotto accedere disdire abbonamento "
        "aiuto serve pacco indirizzo soldi dimenticata sbagliata arrivato voglio ricevuto"
    ),
    "pt": (
        "o a os as um uma é são era eu meu minha meus minhas me você seu sua nosso se isso este esta ao à de do "
        "da dos das para por em no na nos nas com sem não nao como porque quando onde quem que e ou mas obrigado "
        "obrigada favor ainda outra vez tenho tem olá boa bom dia tarde está estou consigo quero já mais desde "
        "sei foi aparece liguem fatura pedido conta entrega reembolso pagamento valor erro quebrado senha entrar "
        "cancelar assinatura ajuda preciso encomenda endereço dinheiro esqueci errado errada chegou"
    ),
    "nl": (
        "de het een is zijn was ik mijn me mij u uw je jij jouw wij we ons dit dat die te om van voor op in met "
        "zonder niet geen kan kunnen hoe waarom wat wanneer waar welke wie en of maar aub graag bedankt nog "
        "steeds weer heb heeft hebben wordt er naar sinds bij hallo goedemorgen nu ook zich af aan terug bel "
        "factuur bestelling rekening levering terugbetaling betaling bedrag verkeerd verkeerde fout kapot "
        "wachtwoord inloggen opzeggen abonnement hulp nodig pakket adres geld vergeten aangekomen wil klopt"
    ),
    "pl": (
        "i w na z do nie jest są był ja mój moja moje mnie mi się pan pani to ten ta o od za po dla przez jak "
        "dlaczego co kiedy gdzie kto czy ale lub proszę dziękuję nadal jeszcze mam mogę nam wam już tylko dzień "
        "dobry faktura faktury fakturą zamówienie konto dostawa zwrot płatność kwota błąd błędna hasło hasła "
        "zalogować anulować pomoc pomocy potrzebuję paczka paczki adres pieniądze zapomniałem chcę"
    ),
}
"""What a sentence hardly does without, and what customers write of; halves of contractions stand alone."""

_NO_LANGUAGE: Final = re.compile(
    r"https?://\S+|[a-zA-Z0-9._/+-]*[@\d][a-zA-Z0-9._/@-]*|[\"\u201c\u201e«][^\"\u201c\u201d»\n]{0,80}[\"\u201d\u201c»]"
)
"""Addresses, codes and what is quoted from a screen say nothing of who writes."""

_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019]t)?")
_PULL: Final = 1.4
_DOUBT: Final = 0.02

_loading = Lock()


def language(text: str) -> Finding | None:
    """The language as ISO 639-1 with its confidence and the words that told, None where unsure.

    The first call loads about 20 MB.
    """
    said = _NO_LANGUAGE.sub(" ", text[:_ENOUGH])
    words = [word.replace("\u2019", "'") for word in _WORD.findall(said.casefold())]
    if not words:
        return None
    with _loading:
        detector = _detector()
    letters = {
        value.language.iso_code_639_1.name.lower(): value.value
        for value in detector.compute_language_confidence_values(said)
    }
    votes = _votes(words)
    weights = {code: (letters[code] + _DOUBT) * exp(_PULL * min(votes.get(code, 0.0), 6.0)) for code in LANGUAGE_CODES}
    best = max(weights, key=lambda code: weights[code])
    confidence = weights[best] / sum(weights.values())
    if best in _SMALL_WORDS and not votes.get(best):
        confidence *= _UNHEARD if len(words) > 1 else _UNHEARD_ALONE
    if confidence < SURE:
        return None
    because = tuple(dict.fromkeys(word for word in words if best in _LANGUAGES_OF.get(word, ())))[:5]
    return Finding(best, round(confidence, 2), because)


_UNHEARD: Final = 0.75
_UNHEARD_ALONE: Final = 0.5
"""What letters alone are worth in a language whose words are known and none is there: a name, a typo, one word."""

_LANGUAGES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    word: tuple(code for code, own in _SMALL_WORDS.items() if word in own.split())
    for words in _SMALL_WORDS.values()
    for word in words.split()
}


def _votes(words: list[str]) -> dict[str, float]:
    """For each language its small words among these, a word that several share counting a part for each."""
    votes: dict[str, float] = {}
    for word in words:
        codes = _LANGUAGES_OF.get(word, ())
        for code in codes:
            votes[code] = votes.get(code, 0.0) + 1 / len(codes)
    return votes


@cache
def _detector() -> LanguageDetector:
    return LanguageDetectorBuilder.from_languages(*LANGUAGES).with_low_accuracy_mode().build()
