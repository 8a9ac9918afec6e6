"""The demo: three sandbox desks, one bridge, about 120 customers, and a check of what became of every ticket."""
