#!/usr/bin/env python3
"""The scenario of the control plane, against the emulator. The local transport goes through the same file."""
import sys

import harness
from scenario import Failure, Runner


def main():
    def say(name, problem):
        print(f"  scenario: {name} ... {problem or 'ok'}", flush=True)

    with harness.Emulator("--set", "operation_s=0.02", "--set", "settle_s=0.05") as emulator:
        def call(method, path, query, body):
            answer = emulator.call(method, f"/api/2.0/postgres/{path}", body, query)
            return answer.status, answer.json

        user = emulator.ready["user"]
        try:
            steps = Runner(call, user, user.split("@", maxsplit=1)[0], say).run()
        except Failure:
            return 1
    print(f"  scenario: {steps} steps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
