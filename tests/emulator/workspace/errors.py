"""The errors of the API as values that a handler raises."""
import uuid

REASONS = {400: "BAD_REQUEST", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 405: "NOT_IMPLEMENTED",
           409: "ALREADY_EXISTS", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL_ERROR", 501: "NOT_IMPLEMENTED",
           502: "UNKNOWN", 503: "TEMPORARILY_UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


class ApiError(Exception):
    """One error answer. `details` come before the RequestInfo that every answer carries."""

    def __init__(self, status, code, message, details=(), headers=None):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details, self.headers = list(details), dict(headers or {})

    def body(self, request_id):
        info = {"@type": "type.googleapis.com/google.rpc.RequestInfo", "request_id": request_id, "serving_data": ""}
        return {"error_code": self.code, "message": self.message, "details": self.details + [info]}


class PlainError(Exception):
    """An error whose body is not the workspace's own: OAuth's, GitHub's."""

    def __init__(self, status, body, headers=None):
        super().__init__(str(body))
        self.status, self.body, self.headers = status, body, dict(headers or {})


def invalid(message):
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def bad_request(message, details=()):
    return ApiError(400, "BAD_REQUEST", message, details)


def required(field):
    return invalid(f"Field '{field}' is required, expected non-default value (not \"\")!")


def trace():
    return f"[TraceId: {uuid.uuid4().hex}]"


def not_found(kind):
    return ApiError(404, "NOT_FOUND", f"{kind} id not found {trace()}")


def exists(message):
    return ApiError(409, "ALREADY_EXISTS", message)


def managed_by_parent(message):
    """What the root branch and the read-write endpoint answer when asked to go."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RESOURCE_CONFLICT",
            "domain": "databricks.com", "metadata": {"declarative_context": "MANAGED_BY_PARENT"}}
    return bad_request(message, [info])
