"""Benchmarks, each printing a ratio to a named baseline of the same run."""
