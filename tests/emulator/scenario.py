"""Goes through control_plane_scenario.json with any function that makes a call. Its form is told at the top of that file."""
import datetime
import json
import os
import re
import time

PATIENCE_S, NEAR_S = 120, 10
FILE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "control_plane_scenario.json")
ABSENT = object()


class Failure(Exception):
    """A step that did not give what it should."""


def at(document, path):
    for part in path.split("."):
        if part == "#":
            # An empty list may be left out.
            document = len(document) if isinstance(document, list) else 0 if document is ABSENT else ABSENT
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            document = document.get(part, ABSENT) if isinstance(document, dict) else ABSENT
    return document


def seconds(text):
    return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()


class Runner:
    """`call(method, path, query, body)` answers (status, document); `say(name, problem or None)` hears of each step.
    who: the name under which the scenario lists what differs."""

    def __init__(self, call, caller, caller_role, say, who=None):
        self.call, self.say, self.who = call, say, who
        self.values = {"caller": caller, "caller_role": caller_role}

    def run(self, steps=None):
        """The number of steps that held; raises at the first that did not."""
        if steps is None:
            with open(FILE, encoding="utf-8") as file:
                steps = json.load(file)["steps"]
        for step in steps:
            try:
                self.step(step)
            except Failure as failure:
                self.say(step["name"], str(failure))
                raise
            self.say(step["name"], None)
        return len(steps)

    def filled(self, value):
        if isinstance(value, dict):
            return {name: self.filled(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        return re.sub(r"\$\{(.*?)\}", self._value, value) if isinstance(value, str) else value

    def _value(self, match):
        moved = re.fullmatch(r"now([+-]\d+)", match.group(1))
        if moved:
            moment = datetime.datetime.fromtimestamp(time.time() + int(moved.group(1)), datetime.timezone.utc)
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        return str(self.values[match.group(1)])

    def step(self, step):
        repeat = step.get("repeat", {"query": None, "values": [None]})
        for value in repeat["values"]:
            query = dict(step.get("query", {}))
            if repeat["query"]:
                query[repeat["query"]] = value
            end = time.monotonic() + (PATIENCE_S if step.get("until") else 0)
            while True:
                try:
                    self.once(step, self.filled(query))
                    break
                except Failure:
                    if time.monotonic() >= end:
                        raise
                time.sleep(0.05)

    def once(self, step, query):
        status, document = self.call(step["method"], self.filled(step["path"]), query, self.filled(step.get("send")))
        own = step.get("differs", {}).get(self.who)
        found = self._judge(step, own["expect"] if own else step["expect"], status, document)
        if own:
            self._must_differ(step, status, document)
        for name, path in step.get("save", {}).items():
            self.values[name] = at(found, path)

    def _judge(self, step, expect, status, document):
        """What an operation led to, or the document; raises when it is not as expected."""
        expect, found = self.filled(expect), document
        self._status(expect, status, document)
        if step.get("operation") and status == 200:
            found = self._follow(document)
        self._look(expect.get("body", {}), document)
        self._look(expect.get("response", {}), found)
        return found

    def _must_differ(self, step, status, document):
        try:
            self._judge(step, step["expect"], status, document)
        except Failure:
            return
        raise Failure(f"it is listed as different for {self.who}, and is not")

    def _status(self, expect, status, document):
        wanted = expect.get("status_in", [expect.get("status")])
        if status not in wanted:
            raise Failure(f"status {status}, expected {wanted}: {json.dumps(document)[:300]}")
        if "error_code" in expect and at(document, "error_code") != expect["error_code"]:
            raise Failure(f"error_code {at(document, 'error_code')}, expected {expect['error_code']}")
        if "error_like" in expect and not re.search(expect["error_like"], str(at(document, "message")), re.I):
            raise Failure(f"the message '{at(document, 'message')}' is not like {expect['error_like']}")

    def _follow(self, operation):
        end = time.monotonic() + PATIENCE_S
        while not operation.get("done"):
            if time.monotonic() > end:
                raise Failure(f"{operation.get('name')} does not end")
            time.sleep(0.02)
            status, operation = self.call("GET", operation["name"], {}, None)
            if status != 200:
                raise Failure(f"status {status} while following an operation")
        if "error" in operation:
            raise Failure(f"the operation ended in {operation['error']}")
        return operation.get("response", {})

    def _look(self, expected, document):
        for path, wanted in expected.items():
            problem = self._differs(at(document, path), wanted, document)
            if problem:
                raise Failure(f"{path}: {problem}")

    @staticmethod
    def _differs(found, wanted, document):
        shown = None if found is ABSENT else found
        if not isinstance(wanted, dict):
            # A field that is false, zero or empty may be left out.
            same = found == wanted or (found is ABSENT and wanted in (False, 0, ""))
            return None if same else f"is {shown!r}, expected {wanted!r}"
        (kind, value), = wanted.items()
        holds = {"present": lambda: (found is not ABSENT) == value,
                 "like": lambda: re.search(value, str(shown)) is not None,
                 "differs": lambda: found is not ABSENT and str(found) != str(value),
                 "one_of": lambda: shown in value,
                 "about_s": lambda: abs(seconds(found) - seconds(at(document, value[0])) - value[1]) <= NEAR_S}[kind]
        return None if holds() else f"is {shown!r}, expected {wanted!r}"
