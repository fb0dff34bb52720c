#!/usr/bin/env python3
"""Starts the emulated workspace and serves until it is told to stop.

When it is ready it writes one line of JSON, to standard output or to the descriptor given with --ready-fd: url, ca_file,
client_id, client_secret, pat, warehouse_id and more. SIGTERM and SIGINT stop it; so does the end of the process that
started it, with --follow-parent, or of any process that --follow names. What it started and made goes with it, also when it is killed.
"""
import argparse
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True

from workspace.errors import ApiError  # noqa: E402
from workspace.engine_spark import SparkEngine  # noqa: E402
from workspace.settings import Settings  # noqa: E402
from workspace.workspace import Workspace  # noqa: E402

PR_SET_PDEATHSIG = 1
# Waits for the end of its input, which is ours too, and then clears what a killed emulator could not.
WATCHER = 'trap "" INT TERM HUP; cat >/dev/null; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$@" && break; sleep 1; done'


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ready-fd", type=int, default=1, help="where to write the ready line (standard output)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, see settings.py")
    parser.add_argument("--plain-http", action="store_true", help="no TLS on the REST side")
    parser.add_argument("--pg-hosts", choices=("addresses", "names"), default="addresses",
                        help="endpoints get loopback addresses on port 5432, or names that share one port of 127.0.0.1")
    parser.add_argument("--follow-parent", action="store_true", help="stop when the process that started this one ends")
    parser.add_argument("--follow", type=int, metavar="PID", help="stop when that process ends")
    parser.add_argument("--sql", choices=("duckdb", "spark"), default="duckdb", help="the engine behind SQL statements")
    parser.add_argument("--spark-jars", default=os.path.join(os.path.dirname(sys.prefix), "jars"), metavar="DIR",
                        help="where delta-spark's jars lie; without it, beside the Python environment")
    return parser.parse_args()


def settings_of(words):
    settings, values = Settings(), {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            values[name] = json.loads(text)
        except ValueError:
            sys.exit(f"emulator: --set {word}: the value must be a number, true or false")
    try:
        settings.change(values)
    except ApiError as error:
        sys.exit(f"emulator: --set: {error}")
    return settings


def follow_parent():
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("emulator: the process that started this one is gone")


def follow(pid, done):
    try:
        process = os.pidfd_open(pid)
    except OSError:
        sys.exit(f"emulator: --follow: there is no process {pid}")

    def wait():
        select.select([process], [], [])
        done.set()
    threading.Thread(target=wait, daemon=True).start()


def watch(folders):
    """The watcher's input ends with this process, however that ends."""
    return subprocess.Popen(["sh", "-c", WATCHER, "watcher", *folders], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, start_new_session=True, cwd="/")


def main():
    options = arguments()
    if options.follow_parent:
        follow_parent()
    settings = settings_of(options.set)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: done.set())
    if options.follow is not None:
        follow(options.follow, done)
    engine = (lambda workspace: SparkEngine(workspace, options.spark_jars)) if options.sql == "spark" else None
    workspace = Workspace(settings, options.pg_hosts == "names", options.plain_http, engine)
    watcher = watch([workspace.folder, workspace.host.folder])
    try:
        workspace.start()
        line = json.dumps(workspace.ready()) + "\n"
        os.write(options.ready_fd, line.encode())
        if options.ready_fd > 2:
            os.close(options.ready_fd)
        done.wait()
    finally:
        workspace.stop()
        watcher.stdin.close()
        watcher.wait()


if __name__ == "__main__":
    main()
