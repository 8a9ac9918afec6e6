"""How Zendesk refuses: status and JSON body of every error the sandbox answers with."""

from typing import Any

from flask import Response, jsonify


class Refusal(Exception):
    """Becomes the answer of the request: `body` is Zendesk's JSON, `retry_after` seconds where it says so."""

    def __init__(self, status: int, body: dict[str, Any], retry_after: int | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.retry_after = retry_after

    def render(self) -> Response:
        """The HTTP answer."""
        answer = jsonify(self.body)
        answer.status_code = self.status
        if self.retry_after is not None:
            answer.headers["Retry-After"] = str(self.retry_after)
        return answer


def error(status: int, code: str, description: str, **more: Any) -> Refusal:
    """The general shape: {"error", "description"}."""
    return Refusal(status, {"error": code, "description": description} | more)


def not_found() -> Refusal:
    """A record that is not there."""
    return error(404, "RecordNotFound", "Not found")


def forbidden() -> Refusal:
    """A call that needs an admin."""
    words = "You do not have access to this page. Please contact the account owner of this help desk for further help."
    return error(403, "Forbidden", words)


def invalid(field: str, description: str, code: str | None = None) -> Refusal:
    """422 with the field and what is wrong with it."""
    detail = {"description": description} | ({"error": code} if code else {})
    return error(422, "RecordInvalid", "Record validation errors", details={field: [detail]})


def conflict() -> Refusal:
    """409 of a safe update whose stamp is stale."""
    return error(409, "UpdateConflict", "Safe Update prevented the update due to outdated ticket data")


def too_many_values(most: int) -> Refusal:
    """400 for a bulk call with more than it may hold."""
    return error(400, "TooManyValues", f"Too many values, at most {most}", max_count=most)


def bad_request(description: str) -> Refusal:
    """400 for a body or a parameter of the wrong shape."""
    return error(400, "BadRequest", description)


def too_many_jobs() -> Refusal:
    """429 where as many background jobs as an account may have are under way."""
    return error(429, "TooManyJobs", "You have too many queued background jobs. Please wait for some to finish.")
