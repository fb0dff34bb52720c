"""Starting the emulator for a test, and talking to it without an SDK. Standard library only."""
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.realpath(__file__))
PATIENCE_S = 120


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json.get("error_code")

    @property
    def message(self):
        return self.json.get("message", "")


class Emulator:
    def __init__(self, *options):
        words = [sys.executable, "-B", os.path.join(HERE, "emulator.py"), "--follow-parent", *options]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the emulator did not start")
        self.ready = json.loads(line)
        self.url, self.ca = self.ready["url"], self.ready["ca_file"]
        self.tls = ssl.create_default_context(cafile=self.ready["pg_ca_file"])
        self.tokens = {None: None, "pat": self.ready["pat"]}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(4 * PATIENCE_S)  # it stops every server that it has started
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def call(self, method, path, body=None, query=None, token="pat", headers=None, timeout=PATIENCE_S):
        """One call, whatever its status; `token` is a text, "pat" or None."""
        url = self.url + urllib.parse.quote(path, safe="/:@,=") + ("?" + urllib.parse.urlencode(query) if query else "")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers=dict(headers or {}))
        token = self.tokens.get(token, token)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if data is not None and not request.has_header("Content-type"):
            request.add_header("Content-Type", "application/json")
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=self.tls), Stay)
        try:
            with opener.open(request, timeout=timeout) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def control(self, method, path, body=None, query=None):
        answer = self.call(method, f"/_emulator/{path}", body, query, token=None)
        if answer.status != 200:
            raise RuntimeError(f"/_emulator/{path}: {answer.status} {answer.body}")
        return answer.json

    def fault(self, kind, path="", method=None, **more):
        return self.control("POST", "faults", {"kind": kind, "match": {"path": path, "method": method}, **more})["id"]

    def set(self, **values):
        """Changes settings; answers what they were."""
        before = self.control("GET", "settings")
        self.control("PATCH", "settings", values)
        return {name: before[name] for name in values}

    def postgres(self, method, path, body=None, **query):
        return self.call(method, f"/api/2.0/postgres/{path}", body, query)

    def finish(self, answer):
        """Follows an operation to its end; answers it."""
        if answer.status != 200:
            raise AssertionError(f"{answer.status}: {answer.body}")
        operation = answer.json
        until(lambda: operation.get("done") or operation.update(self.postgres("GET", operation["name"]).json))
        return operation

    def project(self, name, **spec):
        """A project that is there and settled."""
        self.finish(self.postgres("POST", "projects", {"spec": spec}, project_id=name))
        self.settled(f"projects/{name}/branches/production/endpoints/primary")

    def branch(self, project, name, **spec):
        spec = spec or {"no_expiry": True}
        answer = self.finish(self.postgres("POST", f"projects/{project}/branches", {"spec": spec}, branch_id=name))
        if "error" not in answer:
            self.settled(f"projects/{project}/branches/{name}/endpoints/primary")
        return answer

    def settled(self, endpoint):
        def look():
            status = self.postgres("GET", endpoint).json["status"]
            return status if "pending_state" not in status else None
        return until(look)

    def credential(self, endpoint, token="pat"):
        answer = self.call("POST", "/api/2.0/postgres/credentials", {"endpoint": endpoint}, token=token)
        if answer.status != 200:
            raise AssertionError(f"{answer.status}: {answer.body}")
        return answer.json["token"]


class Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are answers here."""

    def redirect_request(self, *_):
        return None


def until(condition, patience=PATIENCE_S):
    """Waits for something that is seen by looking; answers what the look gave."""
    end = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.02)


class Named(unittest.TextTestResult):
    """One line per test, by name."""

    def _say(self, test, what):
        seconds = time.monotonic() - self.begun
        name = re.sub(r"^test_", "", test.id().rsplit(".", 1)[-1])
        print(f"  {type(test).__name__}: {name.replace('_', ' ')} ... {what} ({seconds:.2f} s)", flush=True)

    def startTest(self, test):
        self.begun = time.monotonic()
        unittest.TestResult.startTest(self, test)

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self._say(test, "ok")

    def addError(self, test, err):
        unittest.TestResult.addError(self, test, err)
        self._say(test, "ERROR") if hasattr(test, "_testMethodName") else print(f"  {test}: ERROR")

    def addFailure(self, test, err):
        unittest.TestResult.addFailure(self, test, err)
        self._say(test, "FAILED")

    def addSkip(self, test, reason):
        unittest.TestResult.addSkip(self, test, reason)
        self._say(test, f"skipped: {reason}")


def main(module="__main__"):
    """Runs the tests of a module in the order in which they stand."""
    loader = unittest.TestLoader()
    loader.sortTestMethodsUsing = None
    names = sys.argv[1:] or None
    suite = loader.loadTestsFromNames(names, sys.modules[module]) if names else loader.loadTestsFromModule(sys.modules[module])
    result = unittest.TextTestRunner(sys.stdout, verbosity=0, resultclass=Named).run(suite)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
