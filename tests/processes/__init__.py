"""Real `deskbridge` commands as processes, driven over HTTP."""
