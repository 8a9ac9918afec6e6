"""The policy language: one YAML file, checked with line numbers, compiled, explained."""
