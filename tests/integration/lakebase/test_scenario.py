#!/usr/bin/env python3
"""The scenario of the control plane (tests/emulator/control_plane_scenario.json) through our transport: whatever the
platform answers becomes the code of ours that stands for it, with the platform's own code and words.

    test_scenario.py CONTROL_PROBE
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "emulator"))
sys.dont_write_bytecode = True

from scenario import Failure, Runner  # noqa: E402

EMULATOR = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "emulator", "emulator.py")
BY_STATUS = {200: "ok", 400: "invalid", 401: "denied", 403: "denied", 404: "not_found", 409: "conflict", 429: "limit"}
BY_ERROR_CODE = {"INVALID_STATE": "conflict", "RESOURCE_EXHAUSTED": "limit", "QUOTA_EXCEEDED": "limit",
                 "RESOURCE_LIMIT_EXCEEDED": "limit", "FEATURE_DISABLED": "unsupported"}


class Transport:
    """control_probe, spoken to by lines."""

    def __init__(self, words):
        self.child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(self, method, path, query, body):
        request = {"method": method, "path": path}
        if query:
            request["query"] = urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
        if body is not None:
            request["body"] = body
        self.child.stdin.write(json.dumps(request) + "\n")
        self.child.stdin.flush()
        answer = json.loads(self.child.stdout.readline())
        if answer["name"] == "ok":
            return 200, answer["reply"]
        found = re.search(r"\(([A-Z_]+)(?:, request [^)]+)?\)$", answer["message"])
        return answer["name"], {"error_code": found and found[1], "message": answer["message"]}

    def close(self):
        self.child.stdin.close()
        return self.child.wait()


class TransportRunner(Runner):
    """A transport has codes of ours and no status."""

    def _status(self, expect, status, document):
        wanted = expect.get("status_in", [expect.get("status")])
        names = {BY_ERROR_CODE.get(expect.get("error_code") or document.get("error_code"), BY_STATUS[one]) for one in wanted}
        if status == 200:
            super()._status(expect, status, document)
        elif status not in names:
            raise Failure(f"{status}, expected {names}: {document}")
        else:
            super()._status({**expect, "status": status, "status_in": [status]}, status, document)


def main():
    emulator = subprocess.Popen(["python3", EMULATOR, "--follow-parent", "--set", "operation_s=0.02", "--set", "settle_s=0.05"],
                                stdout=subprocess.PIPE, text=True)
    ready = emulator.stdout.readline()
    if not ready:
        print("skipped: the emulated workspace does not start here")
        return 77
    ready = json.loads(ready)

    def say(name, problem):
        print(f"  scenario: {name} ... {problem or 'ok'}", flush=True)

    with tempfile.TemporaryDirectory() as state:
        transport = Transport([sys.argv[1], "transport_lakebase", state, f"host={ready['url']}", f"ca_file={ready['ca_file']}",
                               f"token={ready['pat']}", "poll_ms=20", "retry_pause_ms=20"])
        try:
            steps = TransportRunner(transport.call, ready["user"], ready["user"].split("@", maxsplit=1)[0], say).run()
            print(f"  scenario: {steps} steps through transport_lakebase")
            failed = transport.close()
        except Failure:
            failed = 1
        finally:
            emulator.terminate()
            emulator.wait()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
