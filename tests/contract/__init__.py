"""One contract that every desk adapter keeps, run against its sandbox over real HTTP."""
