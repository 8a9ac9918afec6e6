"""Facts about customers under a deadline."""
