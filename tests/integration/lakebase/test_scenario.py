#!/usr/bin/env python3
"""The scenario of the control plane (tests/emulator/control_plane_scenario.json) through our transports: whatever the
platform answers becomes the code of ours that stands for it, with the platform's own code and words.

    test_scenario.py CONTROL_PROBE [transport_local]
"""
import json
import os
import subprocess
import sys
import tempfile

for folder in ("emulator", "harness"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", folder))
sys.dont_write_bytecode = True

from control_probe import Transport  # noqa: E402
from scenario import Failure, Runner  # noqa: E402

EMULATOR = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "emulator", "emulator.py")
BY_STATUS = {200: "ok", 400: "invalid", 401: "denied", 403: "denied", 404: "not_found", 409: "conflict", 429: "limit"}
BY_ERROR_CODE = {"INVALID_STATE": "conflict", "RESOURCE_EXHAUSTED": "limit", "QUOTA_EXCEEDED": "limit",
                 "RESOURCE_LIMIT_EXCEEDED": "limit", "FEATURE_DISABLED": "unsupported", "ENDPOINT_NOT_FOUND": "unsupported"}


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


def say(name, problem):
    print(f"  scenario: {name} ... {problem or 'ok'}", flush=True)


def run(words, user, role):
    """The number of steps through a transport; None after a failure."""
    with tempfile.TemporaryDirectory() as state:
        transport = Transport([sys.argv[1], words[0], state, *words[1:]])
        try:
            steps = TransportRunner(transport.call, user, role, say, words[0]).run()
            print(f"  scenario: {steps} steps through {' '.join(words[:2])}", flush=True)
        except Failure:
            return None
        finally:
            failed = transport.close()
    return None if failed else steps


def through_lakebase():
    emulator = subprocess.Popen(["python3", EMULATOR, "--follow-parent", "--set", "operation_s=0.02", "--set", "settle_s=0.05"],
                                stdout=subprocess.PIPE, text=True)
    ready = emulator.stdout.readline()
    if not ready:
        print("skipped: the emulated workspace does not start here")
        return 77
    ready = json.loads(ready)
    try:
        steps = run(["transport_lakebase", f"host={ready['url']}", f"ca_file={ready['ca_file']}", f"token={ready['pat']}",
                     "poll_ms=20", "retry_pause_ms=20"], ready["user"], ready["user"].split("@", maxsplit=1)[0])
    finally:
        emulator.terminate()
        emulator.wait()
    return 0 if steps else 1


def through_local():
    """On the newest version at hand, since it is our own code that answers; on all of LBOPS_PG where that is set. The caller
    of a local Lakebase is its superuser."""
    versions = [v for v in (15, 16, 17, 18) if os.environ.get(f"LBOPS_TEST_PG{v}")]
    versions = versions if os.environ.get("LBOPS_PG") else versions[-1:]
    if not versions:
        print("skipped: there is no Postgres here")
        return 77
    keeper = os.path.realpath(os.path.join(os.path.dirname(sys.argv[1]), "..", "..", "lbops-keeper"))
    steps = [run(["transport_local", f"version={v}", f"keeper={keeper}", "linger_s=1"], "postgres", "postgres") for v in versions]
    return 0 if all(steps) else 1


def main():
    return through_local() if sys.argv[2:] == ["transport_local"] else through_lakebase()


if __name__ == "__main__":
    sys.exit(main())
