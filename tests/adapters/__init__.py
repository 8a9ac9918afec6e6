"""Each adapter through its own doors: its wire formats, its plans, its faults."""
