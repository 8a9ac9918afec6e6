"""The core: what happens to a ticket between a desk's webhook and the write-back, naming no vendor."""
