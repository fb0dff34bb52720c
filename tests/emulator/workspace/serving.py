"""Model serving: chat completions whose answers follow from rules, so that a test knows them beforehand."""
import hashlib
import json
import re
import threading

from .errors import ApiError, invalid
from .http import Response

MODELS = ("databricks-meta-llama-3-3-70b-instruct", "databricks-meta-llama-3-1-8b-instruct", "databricks-llama-4-maverick")
LONGEST = 128000
# What a reader of plans would say first; the first rule that fits answers.
RULES = [(r"Seq Scan on (\w+)", "The plan reads all of {0}. An index on the columns of the filter would let it read only what matches."),
         (r"Sort Method: external merge", "The sort spills to disk. A larger work_mem, or an index in that order, avoids it."),
         (r"Nested Loop", "A nested loop drives the plan. Check that the inner side is looked up by an index."),
         (r"(?i)dead tuples|n_dead_tup", "Dead tuples pile up. Vacuum the table, and lower its scale factor."),
         (r"(?i)\bping\b", "pong")]


def words(text):
    return len(re.findall(r"\w+|[^\w\s]", text))


class Serving:
    def __init__(self, workspace):
        self.workspace, self.lock, self.rules = workspace, threading.Lock(), []

    def routes(self, router, guard):
        router.add("GET", "/api/2.0/serving-endpoints", self.list, guard)
        router.add("GET", "/api/2.0/serving-endpoints/(?P<name>[^/]+)", self.get, guard)
        router.add("POST", "/serving-endpoints/(?P<name>[^/]+)/invocations", self.invoke, guard)
        router.add("POST", "/serving-endpoints/chat/completions", self.alias, guard)
        router.add("POST", "/_emulator/serving/rules", self.add_rule)

    def add_rule(self, request):
        """{"match": REGEX, "answer": TEXT}: {0} in the text is the first group. Newer rules come first."""
        body = request.json()
        try:
            rule = (re.compile(body["match"]).pattern, str(body["answer"]))
        except (KeyError, TypeError, re.error):
            raise invalid("a rule needs match, a regular expression, and answer") from None
        with self.lock:
            self.rules.insert(0, rule)

    def _endpoint(self, name):
        if name not in MODELS:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"The given endpoint does not exist, please retry after checking the specified "
                                                           f"model and version deployment exists: {name}")
        return {"name": name, "task": "llm/v1/chat", "state": {"ready": "READY", "config_update": "NOT_UPDATING"},
                "config": {"served_entities": [{"name": name, "foundation_model": {"name": name}}]}}

    def list(self, _request):
        return {"endpoints": [self._endpoint(name) for name in MODELS]}

    def get(self, _request, name):
        return self._endpoint(name)

    def alias(self, request):
        return self.invoke(request, request.json().get("model", ""))

    def invoke(self, request, name):
        self._endpoint(name)
        if request.principal.login in self.workspace.guests:
            raise ApiError(403, "PERMISSION_DENIED", f"User does not have CAN_QUERY on {name}")
        body = request.json()
        prompt = self._prompt(body)
        size = words(prompt)
        if size > LONGEST:
            raise ApiError(400, "BAD_REQUEST", f"Input of {size} tokens is longer than {LONGEST}")
        text, finish = self._answer(prompt, body.get("stop") or []), "stop"
        parts = re.findall(r"\S+\s*", text)
        limit = body.get("max_tokens")
        if limit is not None and limit < len(parts):
            text, finish = "".join(parts[:limit]).rstrip(), "length"
        usage = {"prompt_tokens": size, "completion_tokens": words(text), "total_tokens": size + words(text)}
        ident = f"chatcmpl-{hashlib.sha256(request.body).hexdigest()[:24]}"
        head = {"id": ident, "created": int(self.workspace.clock.now()), "model": name.replace("databricks-", "") + "-121024"}
        if body.get("stream"):
            return self._stream(head, text, finish, usage)
        choices = [{"index": i, "message": {"role": "assistant", "content": text}, "finish_reason": finish} for i in range(body.get("n", 1))]
        return {**head, "object": "chat.completion", "choices": choices, "usage": usage}

    @staticmethod
    def _prompt(body):
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise invalid("messages must be a list that is not empty")
        for message in messages:
            if not isinstance(message, dict) or message.get("role") not in ("system", "user", "assistant", "tool"):
                raise invalid("a message needs a role: system, user or assistant")
        limit = body.get("max_tokens")
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise invalid("max_tokens must be a whole number of at least 1")
        contents = [message.get("content") for message in messages]
        return "\n".join("".join(part.get("text", "") for part in c) if isinstance(c, list) else str(c or "") for c in contents)

    def _answer(self, prompt, stops):
        with self.lock:
            rules = [*self.rules, *RULES]
        text = f"I have read {words(prompt)} tokens and none of my rules fits."
        for pattern, answer in rules:
            match = re.search(pattern, prompt)
            if match:
                text = answer
                for number, group in enumerate(match.groups()):
                    text = text.replace(f"{{{number}}}", group or "")
                break
        for stop in [stops] if isinstance(stops, str) else stops:
            text = text.split(stop)[0]
        return text

    @staticmethod
    def _stream(head, text, finish, usage):
        pieces = re.findall(r"\S+\s*", text)
        chunks = [{"delta": {"role": "assistant", "content": piece}, "finish_reason": None} for piece in pieces]
        chunks.append({"delta": {"content": ""}, "finish_reason": finish})
        lines = [json.dumps({**head, "object": "chat.completion.chunk", "choices": [{"index": 0, **chunk}],
                             **({"usage": usage} if chunk["finish_reason"] else {})}) for chunk in chunks]
        body = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"])
        return Response(200, body.encode(), {}, "text/event-stream")
