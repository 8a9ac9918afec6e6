"""What is known about the customer and the past, each fact with its source and age, under a deadline."""

from bridge.enrichment.build import build
from bridge.enrichment.gather import Enricher, enrich
from bridge.enrichment.options import EnrichmentOptions

__all__ = ["Enricher", "EnrichmentOptions", "build", "enrich"]
