"""Workflows taken apart, and their steps run: programs that are not ours are stand-ins that note what they were asked."""

import os
import re
import subprocess


def steps(text):
    """The shell of each step by job and name."""
    result, job, name, body = {}, None, None, None
    for line in text.split("\n"):
        if body is not None and (not line or line.startswith(" " * 10)):
            body.append(line[10:])
            continue
        body = None
        job = (re.match(r"  (\w+):$", line) or [None, job])[1]
        name = (re.match(r"      - name: (.+)$", line) or [None, name])[1]
        if line == "        run: |":
            body = result[job, name] = []
    return {key: "\n".join(lines).strip() + "\n" for key, lines in result.items()}


class Runner:
    """A step on a machine like GitHub's: programs that are not ours are stand-ins that note what they were asked."""

    def __init__(self, place, **programs):
        self.dir = place.dir / "runner"
        (self.dir / "bin").mkdir(parents=True, exist_ok=True)
        for name, body in programs.items():
            file = self.dir / "bin" / name
            file.write_text(f'#!/bin/bash\nprintf "%s " {name} "$@" >>"{self.dir}/asked"; echo >>"{self.dir}/asked"\n{body}\n')
            file.chmod(0o755)

    def step(self, body, **env):
        for name in ("asked", "output", "summary"):
            (self.dir / name).write_text("")
        return subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", body], capture_output=True, text=True,
                              check=False, timeout=300, cwd=self.dir, env={
                                  "PATH": f"{self.dir}/bin:{os.environ['PATH']}", "RUNNER_TEMP": str(self.dir),
                                  "GITHUB_OUTPUT": f"{self.dir}/output", "GITHUB_STEP_SUMMARY": f"{self.dir}/summary",
                                  "GITHUB_PATH": f"{self.dir}/path", "GITHUB_ENV": f"{self.dir}/env",
                                  "GITHUB_REPOSITORY": "o/r", "GITHUB_WORKSPACE": "/w s", **env})

    def asked(self):
        return (self.dir / "asked").read_text()

    def read(self, name):
        return (self.dir / name).read_text()
