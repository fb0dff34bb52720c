"""Faults on demand: on the way of a request, in an operation, on a database connection."""
import email.utils
import itertools
import json
import re
import threading
import time

from .errors import REASONS, ApiError, invalid
from .http import Response

HTTP_KINDS = ("status", "html", "empty", "reset", "cut", "delay", "hang", "redirect", "mutate")
OPERATION_KINDS = ("operation_fail", "operation_hang")
POSTGRES_KINDS = ("pg_refuse", "pg_silent", "pg_cut", "pg_wrong_host", "pg_expired_certificate", "pg_no_tls", "pg_starting")
ANSWERED_INSTEAD = ("status", "html", "empty", "redirect")


class Fault:
    """One rule. It applies to what `match` names, after `skip` matches, `count` times (0: until it is removed)."""

    def __init__(self, ident, rule):
        self.id, self.rule = ident, rule
        self.kind = rule.get("kind")
        if self.kind not in HTTP_KINDS + OPERATION_KINDS + POSTGRES_KINDS:
            raise invalid(f"no such kind of fault: {self.kind}; there are: "
                          + ", ".join(HTTP_KINDS + OPERATION_KINDS + POSTGRES_KINDS))
        match = rule.get("match", {})
        try:
            self.method, self.path = match.get("method"), re.compile(match.get("path", ""))
        except (re.error, TypeError):
            raise invalid("match.path must be a regular expression") from None
        self.count, self.skip, self.hits = rule.get("count", 1), rule.get("skip", 0), 0

    def takes(self, method, path):
        """Whether it applies now; counts if so."""
        if (self.method and self.method != method) or not self.path.search(path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count and self.hits >= self.count:
            return False
        self.hits += 1
        return True

    def as_dict(self):
        return {"id": self.id, "hits": self.hits, **self.rule}

    # ---- on the way of a request

    def before(self, handler):
        """What happens instead of the call; True when nothing is to be done any more."""
        if self.kind == "delay":
            time.sleep(float(self.rule.get("seconds", 1)))
        elif self.kind == "hang":
            # Until the client has enough of it.
            handler.connection.settimeout(float(self.rule.get("seconds", 60)))
            try:
                handler.connection.recv(1)
            except OSError:
                pass
            handler.cut()
            return True
        elif self.kind == "reset" and self.rule.get("when", "before") == "before":
            handler.cut()
            return True
        elif self.kind in ANSWERED_INSTEAD:
            handler._write(self.instead())
            return True
        return False

    def instead(self):
        status = int(self.rule.get("status", {"html": 502, "redirect": 302}.get(self.kind, 503)))
        headers = self.retry_after()
        if self.kind == "html":
            page = self.rule.get("message", "<html><head><title>502 Bad Gateway</title></head><body><pre>upstream</pre></body></html>")
            return Response(status, page.encode(), headers, "text/html")
        if self.kind == "empty":
            return Response(status, b"", headers)
        if self.kind == "redirect":
            where = self.rule.get("location", "/login.html?error=private-link-validation-error")
            return Response(status, b"", {**headers, "Location": where})
        error = ApiError(status, self.rule.get("error_code", REASONS.get(status, "UNKNOWN")),
                         self.rule.get("message", f"fault {self.id}"), self.rule.get("details", ()))
        return Response(status, self.rule.get("body", error.body(f"fault-{self.id}")), headers)

    def retry_after(self):
        """An integer, a date when it is given as {"date_in": seconds}, or nothing."""
        value = self.rule.get("retry_after")
        if value is None:
            return {}
        if isinstance(value, dict):
            value = email.utils.formatdate(time.time() + float(value["date_in"]), usegmt=True)
        return {"Retry-After": str(value)}

    def change(self, response):
        """Makes the answer larger than the client knows: unknown fields, numbers as text."""
        if self.kind != "mutate" or "json" not in (response.headers.get("Content-Type") or "") or not response.body:
            return response
        value = json.loads(response.body)
        if self.rule.get("int_as_text"):
            value = ints_as_text(value)
        if self.rule.get("unknown_fields") and isinstance(value, dict):
            value = {**value, "field_of_tomorrow": {"list": [1, None, "x"]}}
        changed = Response(response.status, value)
        changed.headers = response.headers
        return changed

    def after(self, handler, response):
        """What happens to the answer of a call that was carried out; True when nothing is to be sent any more."""
        if self.kind == "reset":
            handler.cut()
            return True
        if self.kind == "cut":
            sent = handler.head_of(response) + response.body[:int(self.rule.get("bytes", len(response.body) // 2))]
            try:
                handler.wfile.write(sent)
            except OSError:
                pass
            handler.cut()
            return True
        return False


def ints_as_text(value):
    if isinstance(value, dict):
        return {name: ints_as_text(item) for name, item in value.items()}
    if isinstance(value, list):
        return [ints_as_text(item) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Faults:
    def __init__(self):
        self.lock, self.rules, self.ids = threading.Lock(), [], itertools.count(1)

    def add(self, rule):
        fault = Fault(next(self.ids), rule)
        with self.lock:
            self.rules.append(fault)
        return fault

    def _take(self, kinds, method, path):
        with self.lock:
            for fault in self.rules:
                if fault.kind in kinds and fault.takes(method, path):
                    return fault
        return None

    def take_http(self, request):
        if request.path.startswith("/_emulator/"):
            return None
        return self._take(HTTP_KINDS, request.method, request.path)

    def take_operation(self, verb, name):
        """`verb` is CREATE, UPDATE, DELETE or UNDELETE; `name` that of the resource."""
        return self._take(OPERATION_KINDS, verb, name)

    def take_postgres(self, endpoint):
        return self._take(POSTGRES_KINDS, None, endpoint)

    def list(self):
        with self.lock:
            return [fault.as_dict() for fault in self.rules]

    def remove(self, ident=None):
        with self.lock:
            self.rules = [fault for fault in self.rules if ident is not None and fault.id != ident]
