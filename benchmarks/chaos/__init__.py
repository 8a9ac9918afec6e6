"""The proof that nothing is lost or done twice: random people, every fault at once, kill -9, one verdict."""
