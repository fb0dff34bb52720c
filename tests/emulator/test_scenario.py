#!/usr/bin/env python3
"""The scenario of the control plane, against the emulator. The local transport goes through the same file."""
import sys

import harness
from scenario import Failure, Runner


WRONG = ({"status": 404}, {"status": 200, "error_code": "NOT_FOUND"}, {"status": 200, "body": {"projects.#": 1}},
         {"status": 200, "body": {"next_page_token": {"present": True}}})


def sees_failures(runner):
    """A runner that holds whatever comes for right would prove nothing."""
    for expect in WRONG:
        try:
            runner.run([{"name": "wrong on purpose", "method": "GET", "path": "projects", "expect": expect}])
        except Failure:
            continue
        print(f"  scenario: {expect} was taken for right", flush=True)
        return False
    runner.who = "somebody"
    try:
        runner.run([{"name": "no difference", "method": "GET", "path": "projects", "expect": {"status": 200},
                     "differs": {"somebody": {"because": "it does not", "expect": {"status": 200, "body": {"projects.#": 0}}}}}])
    except Failure:
        pass
    else:
        print("  scenario: a difference that is none was taken for one", flush=True)
        return False
    print("  scenario: wrong expectations are seen ... ok", flush=True)
    return True


def main():
    def say(name, problem):
        print(f"  scenario: {name} ... {problem or 'ok'}", flush=True)

    with harness.Emulator("--set", "operation_s=0.02", "--set", "settle_s=0.05") as emulator:
        def call(method, path, query, body):
            answer = emulator.call(method, f"/api/2.0/postgres/{path}", body, query)
            return answer.status, answer.json

        user = emulator.ready["user"]
        role = user.split("@", maxsplit=1)[0]
        try:
            steps = Runner(call, user, role, say).run()
        except Failure:
            return 1
        if not sees_failures(Runner(call, user, role, lambda *_: None)):
            return 1
    print(f"  scenario: {steps} steps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
