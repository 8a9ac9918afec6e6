"""What may help to answer a ticket: articles of the team's help pages and similar tickets that were solved before."""

from bridge.knowledge.options import HelpCenterOptions, KnowledgeOptions
from bridge.knowledge.shelf import Shelf

__all__ = ["HelpCenterOptions", "KnowledgeOptions", "Shelf"]
