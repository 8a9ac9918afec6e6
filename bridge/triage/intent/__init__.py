"""A team's own classifier: trained on its tickets, honest about what it does not know. Pure; models are folders."""

from bridge.triage.intent.evaluation import Evaluation, evaluate
from bridge.triage.intent.faults import BadExamples, BadModel, NoEmbeddings
from bridge.triage.intent.files import Manifest, check_free, load, save
from bridge.triage.intent.lesson import OTHER, Example
from bridge.triage.intent.measured import Measured
from bridge.triage.intent.model import PROMISE, Model, Prediction
from bridge.triage.intent.training import Options, Watch, silent, train

__all__ = [
    "OTHER",
    "PROMISE",
    "BadExamples",
    "BadModel",
    "Evaluation",
    "Example",
    "Manifest",
    "Measured",
    "Model",
    "NoEmbeddings",
    "Options",
    "Prediction",
    "Watch",
    "check_free",
    "evaluate",
    "load",
    "save",
    "silent",
    "train",
]
