"""Servers that something may be planted on: private ones, with little of everything, and a standby that follows."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from place import equal

HARNESS = pathlib.Path(__file__).resolve().parents[1] / "harness" / "pg.sh"
SETTINGS = {"max_connections": 30, "max_wal_size": "'32MB'", "min_wal_size": "'32MB'", "deadlock_timeout": "'10ms'",
            "autovacuum_naptime": "'1h'", "work_mem": "'64kB'", "shared_buffers": "'4MB'", "max_wal_senders": 3,
            "checkpoint_completion_target": 0, "wal_keep_size": "'128MB'"}


def harness(text, *words):
    """A few lines of shell with the harness of private servers at hand."""
    done = subprocess.run(["bash", "-euc", f". '{HARNESS}'; {text}", "bash", *map(str, words)], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=120, check=False)
    equal(done.returncode, 0, f"{text}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


class Ward:
    """A private server of one version, and its standby once somebody asks for it. clock_s: seconds that its clock is
    ahead of everybody's, or behind; more: settings."""

    def __init__(self, version, clock_s=0, **more):
        self.version, self.dir, self.standby_home = version, pathlib.Path(tempfile.mkdtemp(prefix="lbops-ward-")), None
        self.url = harness('pg_start "$1" "$2"', version, self.dir)
        self.marker = self.dir / f"pg{version}.server"
        harness("".join(f'echo "{name} = {value}" >>"$1"; ' for name, value in {**SETTINGS, **more}.items()),
                pathlib.Path(self.field("data")) / "postgresql.auto.conf")
        self.shell('pg_exec "$@" "$bin/pg_ctl" -D "$data" -m fast -w -l "$log" restart >/dev/null',
                   *(self.clock(clock_s) if clock_s else []))

    def clock(self, seconds):
        """What stands before a program to give it such a clock."""
        shim = shutil.copy(os.environ["LBOPS_SERVER_CLOCK"], self.field("home"))  # where the server's user may read
        os.chmod(shim, 0o755)
        return ["env", f"LD_PRELOAD={shim}", f"SERVER_CLOCK_S={seconds}"]

    def field(self, name):
        return dict(line.split("=", 1) for line in self.marker.read_text().splitlines())[name]

    def shell(self, text, *words):
        return harness(f'for f in bin data log home port; do printf -v $f %s "$(pg_field "$1" $f)"; done; shift; {text}',
                       self.marker, *words)

    def sql(self, text):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url, "-c", text], capture_output=True,
                              text=True, timeout=120, check=False)
        equal(done.returncode, 0, f"{text}: {done.stderr}")
        return done.stdout.strip()

    def standby(self):
        """A copy of the server that follows it; it listens on a socket alone."""
        self.standby_home = self.shell(
            'there=$(pg_make_home "$1"); pg_own_dir "$there/data"; '
            'pg_exec "$bin/pg_basebackup" -d "host=127.0.0.1 port=$port user=postgres application_name=standby"'
            ' -D "$there/data" -R -X stream -c fast >/dev/null; '
            'printf "listen_addresses = \'\'\\nunix_socket_directories = \'%s\'\\n" "$there" >>"$there/data/harness.conf"; '
            'pg_exec "$bin/pg_ctl" -D "$there/data" -w -l "$there/log" start >/dev/null; echo "$there"', self.version)

    def at_standby(self, text):
        done = subprocess.run(["psql", "-XAtq", "-h", self.standby_home, "-p", self.url.split(":")[-1].split("/")[0], "-U",
                               "postgres", "-d", "postgres", "-c", text], capture_output=True, text=True, timeout=60,
                              check=False)
        equal(done.returncode, 0, f"{text}: {done.stderr}")
        return done.stdout.strip()

    def close(self):
        if self.standby_home:
            self.shell('pg_exec "$bin/pg_ctl" -D "$1/data" -m immediate -w stop >/dev/null; rm -rf -- "$1"',
                       self.standby_home)
        harness('pg_stop "$1"', self.dir)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()
