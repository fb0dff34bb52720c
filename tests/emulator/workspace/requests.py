"""The log of requests that tests read. No credential gets in."""
import itertools
import json
import re
import threading
import time

KEEP = 20000
BODY = 4000
SECRET_KEYS = re.compile(r"token|secret|password|authorization|cookie|client_assertion", re.I)
PLAIN_KEYS = {"page_token", "next_page_token", "idempotency_token", "max_tokens", "prompt_tokens", "completion_tokens",
              "total_tokens", "token_type"}
SECRET_TEXT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+|dapi[0-9a-f]{16,}|dose[0-9a-f]{16,}|gh[pousr]_\w+|Bearer \S+|Basic \S+")
HIDDEN = "[redacted]"


def redact(value, key=""):
    if isinstance(value, dict):
        return {name: redact(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [redact(item, key) for item in value]
    if key and key not in PLAIN_KEYS and SECRET_KEYS.search(key) and isinstance(value, str):
        return HIDDEN
    return SECRET_TEXT.sub(HIDDEN, value) if isinstance(value, str) else value


def body_for_log(body, content_type):
    if not body:
        return None
    if "x-www-form-urlencoded" in content_type:
        return "&".join(f"{part.split('=')[0]}={HIDDEN if SECRET_KEYS.search(part.split('=')[0]) else part.partition('=')[2]}"
                        for part in body.decode("utf-8", "replace").split("&"))[:BODY]
    if "json" in content_type or body[:1] in b"{[":
        try:
            return redact(json.loads(body)) if len(body) <= BODY else f"{len(body)} bytes of JSON"
        except ValueError:
            pass
    return f"{len(body)} bytes"


class RequestLog:
    def __init__(self):
        self.lock, self.entries, self.ids = threading.Lock(), [], itertools.count(1)

    def begin(self, request, fault):
        headers = {name.lower(): value for name, value in request.headers.items()}
        entry = {"id": next(self.ids), "time": time.time(), "method": request.method, "path": request.path,
                 "query": redact(request.query), "headers": redact(headers),
                 "body": body_for_log(request.body, headers.get("content-type", "")),
                 "request_id": request.request_id, "fault": fault.id if fault else None,
                 "status": None, "answer": None, "principal": None}
        if not request.path.startswith("/_emulator/"):
            with self.lock:
                self.entries.append(entry)
                del self.entries[:-KEEP]
        return entry

    def end(self, entry, response, principal=None):
        if response is None:
            return
        entry["principal"] = principal.login if principal else None
        answer = body_for_log(response.body, response.headers.get("Content-Type") or "")
        with self.lock:
            entry["status"], entry["answer"] = response.status, answer

    def read(self, after, method, pattern):
        with self.lock:
            found = [dict(entry) for entry in self.entries if entry["id"] > after]
        return [entry for entry in found if (not method or entry["method"] == method)
                and (not pattern or re.search(pattern, entry["path"]))]

    def clear(self):
        with self.lock:
            self.entries.clear()
