"""Starts lbops on the compute of a Databricks job: unpacks an archive of scripts/build-job on the compute's own disk, runs
one job (or the daemon) there, and commits what it has learned, since that disk goes away. Standard library only.

    launch.py --archive A.tar.xz --manifest M.toml --host URL --warehouse ID --state DSN [--fail-on critical] -- job NAME
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile

PREFIX = "LBOPS_ENV_"  # what the job's environment has under this prefix is meant for lbops alone
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
PATIENCE_S = 60  # for a daemon to end when the job is cancelled


def say(text):
    print(text, flush=True)


def read_options(words):
    parser = argparse.ArgumentParser()
    for name in ("archive", "manifest"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("host", "warehouse", "state"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--fail-on", choices=("critical", "never"), default="never")
    parser.add_argument("words", nargs=argparse.REMAINDER)
    options = parser.parse_args(words)
    options.words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not options.words:
        parser.error("what is lbops to do? -- job NAME, or -- serve")
    return options


def unpack(archive, place):
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(place, filter="data")
        else:
            tar.extractall(place)
    return next(place.glob("*/bin/lbops"))


def environment(options, place):
    """What lbops sees: not the compute's libraries and Python, but what was meant for it."""
    names = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY")
    found = {name: os.environ[name] for name in names if name in os.environ}
    found.update({name[len(PREFIX):]: value for name, value in os.environ.items() if name.startswith(PREFIX)})
    given = {"DATABRICKS_HOST": options.host, "DATABRICKS_WAREHOUSE_ID": options.warehouse, "LBOPS_STATE_DSN": options.state}
    found.update({name: value for name, value in given.items() if value})
    found["LBOPS_STATE_DIR"] = str(place / "state")
    bundle = next((path for path in CERTIFICATES if os.path.exists(path)), None)
    if bundle and "SSL_CERT_FILE" not in found:
        found["SSL_CERT_FILE"] = bundle
    return found


def follow(command, env, take):
    """Runs a command and hands over its lines as they come: what a child prints itself does not reach the task's output."""
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace") as child:
        def stop(*_):
            child.terminate()
        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            for line in child.stdout:
                take(line.rstrip("\n"))
        except BaseException:
            child.terminate()
            try:
                child.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return child.wait()


class Story:
    """The lines of `lbops --json job`: told for people, and what is critical is kept."""

    def __init__(self):
        self.critical = []

    def take(self, line):
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            say(line)
        elif "tool" in document:
            self.take_run(document)
        else:
            say(json.dumps(document))

    def take_run(self, run):
        target = run.get("target") or {}
        error = run.get("error") or {}
        place = "/".join(filter(None, (target.get("project"), target.get("branch"))))
        say(" ".join(filter(None, (run.get("status", ""), run["tool"], place, f"{run.get('duration_ms')} ms",
                                   error.get("message"), error.get("hint")))))
        for event in run.get("events") or []:
            payload = event.get("payload") or {}
            level = payload.get("level") or payload.get("severity")
            text = f"{level}: {place}: {payload.get('text') or payload.get('title') or event.get('type')}"
            if level:
                say("  " + text)
            if level == "critical":
                self.critical.append(text)


def commit(program, manifest, env, state):
    """What waits in the outbox goes into the history; True when nothing waits any more. Asking the history does it."""
    for _ in range(2):
        follow([program, "-m", manifest, "--json", "sql", "SELECT 1 AS committed"], env, lambda line: None if line.startswith("{") else say(line))
        left = [path for path in (state / "outbox").rglob("*.ndjson")]
        if not left:
            return True
    say(f"error: {len(left)} file(s) of records could not be committed, the first: {left[0]}")
    return False


def run(options, place):
    program = str(unpack(options.archive, place))
    manifest = str(shutil.copy(options.manifest, place / "lbops.toml"))
    env = environment(options, place)
    story = Story()
    is_job = options.words[0] == "job"
    code = follow([program, "-m", manifest, *(["--json"] if is_job else []), *options.words], env, story.take if is_job else say)
    if not commit(program, manifest, env, place / "state") and code == 0:
        code = 1
    if story.critical and options.fail_on == "critical":
        say("this task fails so that people are notified of what is critical:")
        for text in story.critical:
            say("  " + text)
        code = code or 1
    return code


def main():
    options = read_options(sys.argv[1:])
    os.umask(0o022)
    local = "/local_disk0/tmp"
    place = pathlib.Path(tempfile.mkdtemp(prefix="lbops-", dir=local if os.path.isdir(local) else None))
    try:
        code = run(options, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if code:  # a task that ends by sys.exit(0) counts as failed on some runtimes
        sys.exit(code)


if __name__ == "__main__":
    main()
