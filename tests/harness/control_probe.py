"""Calls of the control plane through one of our transports, by way of the program control_probe."""

import json
import os
import pathlib
import re
import subprocess
import urllib.parse

# How a transport names the platform's own error code: in front of the message, or behind it.
CODES = (re.compile(r"status \d+ ([A-Z_]+): "), re.compile(r"\(([A-Z_]+)(?:, request [^)]+)?\)$"))


def program():
    """Beside the program under test, in the same build."""
    return str(pathlib.Path(os.environ["LBOPS_PROGRAM"]).resolve().parents[1] / "tests" / "bin" / "control_probe")


class Transport:
    """control_probe, spoken to by lines."""

    def __init__(self, words):
        self.child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, method, path, query=None, body=None):
        """What the probe says: code, name of the code, message, hint, and reply where there is one."""
        request = {"method": method, "path": path}
        if query:
            request["query"] = urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
        if body is not None:
            request["body"] = body
        self.child.stdin.write(json.dumps(request) + "\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def call(self, method, path, query, body):
        """As the scenario of the control plane wants it: 200 or the name of our code, and a document."""
        answer = self.ask(method, path, query, body)
        if answer["name"] == "ok":
            return 200, answer["reply"]
        found = next((m[1] for m in (code.search(answer["message"]) for code in CODES) if m), None)
        return answer["name"], {"error_code": found, "message": answer["message"]}

    def close(self):
        self.child.stdin.close()
        self.child.stdout.close()
        return self.child.wait()
