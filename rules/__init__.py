"""The policy language: one YAML file in, checked with line numbers, and decisions with their reasons out."""

from rules.cases import TestResult
from rules.policy import STARTER, LoadedPolicy, load, loads

__all__ = ["STARTER", "LoadedPolicy", "TestResult", "load", "loads"]
