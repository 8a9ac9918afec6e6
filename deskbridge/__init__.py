"""The door: the command line, and the wiring of desks, policy, store and web."""
