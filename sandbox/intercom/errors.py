"""The refusals of the Intercom API, in the vendor's own codes and words."""


class ApiError(Exception):
    """Answered as `error.list` with this HTTP status; `field` names the parameter at fault, where there is one.

    The codes and words of 404s are those of the examples in Intercom's OpenAPI description; those of most 400s are
    not published and follow its page of error codes.
    """

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field


def missing(name: str) -> ApiError:
    """A required parameter is absent."""
    return ApiError(400, "parameter_not_found", f"{name} is a required parameter", name)


def invalid(message: str, name: str | None = None) -> ApiError:
    """A parameter has a value that cannot be."""
    return ApiError(400, "parameter_invalid", message, name)


def mismatch(name: str, wanted: str) -> ApiError:
    """A parameter has the wrong JSON type."""
    return ApiError(400, "type_mismatch", f"{name} must be {wanted}", name)


def not_found(message: str = "Resource Not Found", code: str = "not_found") -> ApiError:
    """There is no such thing."""
    return ApiError(404, code, message)
