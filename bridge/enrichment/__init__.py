"""What is known about the customer and the past, each fact with its source and age, under a deadline."""

from bridge.enrichment.build import Enrichment, build
from bridge.enrichment.customer import People
from bridge.enrichment.gather import Enricher, enrich
from bridge.enrichment.options import EnrichmentOptions

__all__ = ["Enricher", "Enrichment", "EnrichmentOptions", "People", "build", "enrich"]
