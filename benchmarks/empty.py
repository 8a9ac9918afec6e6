"""The baseline application: a Flask handler that does nothing."""

from flask import Flask

app = Flask("empty")


@app.post("/")
def nothing() -> str:
    """An empty 200."""
    return ""
