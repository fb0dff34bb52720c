"""Real Postgres servers behind the branches: one data directory and one server per branch, or per replica.

A server listens on a socket in a directory that only its own user may enter; people reach it through the front alone.
It is started when somebody first connects, so that a branch which nobody uses costs nothing.
"""
import os
import queue
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from . import pgwire

HARNESS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "harness", "pg.sh")
START_S, STOP_S = 60, 20
WORLD = {"PATH": "/usr/bin:/bin", "HOME": "/", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
CONF = """listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
shared_preload_libraries = 'pg_stat_statements'
password_encryption = 'scram-sha-256'
fsync = off
synchronous_commit = off
full_page_writes = off
jit = off
shared_buffers = 16MB
archive_mode = on
archive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f'
hot_standby = on
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
"""
HBA = "local all +lakebase_native scram-sha-256\nlocal all all trust\nlocal replication postgres trust\n"


class ComputeError(Exception):
    """A server does not do what it should."""


class Spawner(threading.Thread):
    """Starts processes. The kernel ties a child to the thread that made it, so one thread that lives long makes them all:
    when this process dies, however it dies, so do its children."""

    def __init__(self):
        super().__init__(name="spawner", daemon=True)
        self.jobs = queue.Queue()

    def run(self):
        while (job := self.jobs.get()) is not None:
            words, options, done = job
            try:
                done.put(subprocess.Popen(words, **options))
            except OSError as error:
                done.put(error)

    def start_plain(self, words, log, more):
        """A program as whoever runs the emulator."""
        done = queue.Queue()
        with open(log, "ab") as output:
            options = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, "cwd": "/", "env": {**WORLD, **more},
                       "start_new_session": True}
            self.jobs.put((["setpriv", "--pdeathsig", "KILL", "--", *words], options, done))
            child = done.get()
        if isinstance(child, OSError):
            raise ComputeError(f"cannot start {words[0]}: {child}")
        return child

    def start_child(self, words, user, log, signal_name="QUIT"):
        drop = [f"--reuid={user}", f"--regid={user_group(user)}", "--clear-groups"] if os.geteuid() == 0 else []
        done = queue.Queue()
        with open(log, "ab") as output:
            options = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, "cwd": "/", "env": WORLD,
                       "start_new_session": True}
            self.jobs.put((["setpriv", *drop, "--pdeathsig", signal_name, "--", *words], options, done))
            child = done.get()
        if isinstance(child, OSError):
            raise ComputeError(f"cannot start {words[0]}: {child}")
        return child


def user_group(user):
    return subprocess.run(["id", "-g", user], capture_output=True, text=True, check=True).stdout.strip()


def copy_tree(source, target):
    subprocess.run(["cp", "-a", "--reflink=auto", "--", source, target], check=True)


class Installed:
    """Which servers there are, and empty data directories to copy; the harness of all suites knows."""

    def __init__(self):
        self.user = self._ask("unprivileged_user")
        self.versions = [int(word) for word in self._ask("pg_versions").split()]
        self.bins, self.lock = {version: self._ask(f"pg_bin {version}") for version in self.versions}, threading.Lock()
        self.templates = {}

    def _ask(self, call):
        done = subprocess.run(["bash", "-c", '. "$1" && eval "$2"', "ask", HARNESS, call], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise ComputeError(f"tests/harness/pg.sh: {call}: {done.stderr.strip()}")
        return done.stdout.strip()

    def template(self, version):
        with self.lock:
            if version not in self.templates:
                self.templates[version] = self._ask(f"pg_template {self.bins[version]}")
            return self.templates[version]


class Cluster:
    """One data directory and the server on it. All calls may come from any thread."""

    def __init__(self, host, name, version, settings=None):
        self.host, self.name, self.version = host, name, version
        self.settings = settings or (lambda: {})
        self.home = os.path.join(host.folder, name)
        self.data, self.archive = os.path.join(self.home, "data"), os.path.join(self.home, "archive")
        self.socket = os.path.join(self.home, ".s.PGSQL.5432")
        self.log = os.path.join(self.home, "log")
        self.lock, self.child = threading.RLock(), None
        self.first = None  # the first state, for looks into the past
        self.gone = False

    @property
    def exists(self):
        return os.path.isdir(self.data)

    @property
    def running(self):
        return self.child is not None and self.child.poll() is None

    # ---- making the data

    def _make_home(self):
        if self.gone:
            raise ComputeError(f"the branch of {self.name} is gone")
        for folder in (self.home, self.archive):
            os.makedirs(folder, 0o700, exist_ok=True)
            self.host.own(folder)

    def make_empty(self):
        self._make_home()
        self.first = self.host.installed.template(self.version)
        copy_tree(self.first, self.data)

    def copy_of(self, parent):
        """The parent's present, taken while people work there."""
        self._make_home()
        with parent.lock:
            if parent.running:
                self._base_backup(parent, [])
            else:
                copy_tree(parent.data, self.data)
        self._keep_first()

    def replica_of(self, parent):
        self._make_home()
        self._base_backup(parent, ["-R"])

    def _base_backup(self, parent, more):
        words = [os.path.join(self.host.installed.bins[self.version], "pg_basebackup"), "-h", parent.home, "-p", "5432",
                 "-U", "postgres", "-D", self.data, "-c", "fast", "-X", "stream", "--no-sync", *more]
        child = self.host.spawner.start_child(words, self.host.installed.user, self.log)
        if child.wait() != 0:
            raise ComputeError(f"pg_basebackup failed: {self._log_end()}")

    def past_of(self, parent, target):
        """The parent as it was: its first state, and its log up to `target` (name and value of a recovery setting)."""
        self._make_home()
        with parent.lock:
            parent.start()
            with pgwire.Client(parent.socket) as client:
                # Recovery stops at the first commit after its target, so there must be one.
                client.query("SELECT pg_current_xact_id()")
                last = client.query("SELECT pg_walfile_name(pg_switch_wal())")[0][0]
        self._await(lambda: os.path.exists(os.path.join(parent.archive, last)), "the log's end was not archived")
        copy_tree(parent.first, self.data)
        name, value = target
        quoted = value.replace("'", "''")
        self._write("past.conf", f"restore_command = 'cp {parent.archive}/%f %p'\n{name} = '{quoted}'\n"
                                     "recovery_target_action = 'promote'\nrecovery_target_timeline = 'current'\n")
        self._write("recovery.signal", "")
        self.start()
        with pgwire.Client(self.socket) as client:
            self._await(lambda: client.query("SELECT pg_is_in_recovery()")[0][0] == "f", "recovery does not end")
        self.stop()
        self._write("past.conf", "")
        self._keep_first()

    def _keep_first(self):
        self.first = os.path.join(self.home, "first")
        copy_tree(self.data, self.first)

    def _write(self, name, text):
        path = os.path.join(self.data, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.host.own(path)

    def _configure(self):
        self._write("emulator.conf", CONF.format(socket=self.home, archive=self.archive))
        lines = []
        for name, value in self.settings().items():
            quoted = str(value).replace("'", "''")
            lines.append(f"{name} = '{quoted}'\n")
        self._write("endpoint.conf", "".join(lines))
        self._write("pg_hba.conf", HBA)
        with open(os.path.join(self.data, "postgresql.conf"), "r+", encoding="utf-8") as file:
            if "include 'emulator.conf'" not in file.read():
                file.write("include 'emulator.conf'\ninclude 'endpoint.conf'\ninclude_if_exists 'past.conf'\n")

    # ---- running

    def start(self):
        with self.lock:
            if self.running:
                return
            if self.gone:
                raise ComputeError(f"the branch of {self.name} is gone")
            self._configure()
            program = os.path.join(self.host.installed.bins[self.version], "postgres")
            self.child = self.host.spawner.start_child([program, "-D", self.data], self.host.installed.user, self.log)
            self._await(self._answers, "the server does not start")

    def _answers(self):
        if not self.running:
            raise ComputeError(f"the server ended: {self._log_end()}")
        try:
            with pgwire.Client(self.socket, timeout=5):
                return True
        except (OSError, pgwire.ProtocolError):
            return False
        except pgwire.ServerError as error:
            # 57P03: it starts up.
            if error.sqlstate == "57P03":
                return False
            raise

    def _await(self, condition, otherwise):
        end = time.monotonic() + START_S
        while not condition():
            if time.monotonic() > end:
                raise ComputeError(f"{otherwise}: {self._log_end()}")
            time.sleep(0.01)

    def _log_end(self):
        try:
            with open(self.log, "rb") as file:
                return file.read()[-600:].decode("utf-8", "replace").strip()
        except OSError:
            return "there is no log"

    def stop(self):
        """A fast shutdown: sessions end, data stay."""
        with self.lock:
            if self.child is None:
                return
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                if self.running:
                    self.child.send_signal(number)
                try:
                    self.child.wait(STOP_S)
                    break
                except subprocess.TimeoutExpired:
                    continue
            self.child = None

    def remove(self):
        with self.lock:
            self.gone = True
            self.stop()
            shutil.rmtree(self.home, ignore_errors=True)

    def connect(self):
        """A fresh connection to the running server."""
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self.socket)
        return sock


class Host:
    """What all servers of a workspace share."""

    def __init__(self):
        self.installed, self.spawner = Installed(), Spawner()
        # The path of a socket has at most 107 bytes, and the servers' user must be able to get here.
        self.folder = tempfile.mkdtemp(prefix="lbops-emul.", dir=self._base())
        os.chmod(self.folder, 0o700)
        self.own(self.folder)
        self.clusters, self.lock = [], threading.Lock()
        self.spawner.start()

    def _base(self):
        base = os.environ.get("TMPDIR", "/tmp")
        if len(base) > 40 or (os.stat(base).st_mode & 0o001) == 0:
            return "/tmp"
        return base

    def own(self, path):
        if os.geteuid() == 0:
            shutil.chown(path, self.installed.user)

    def cluster(self, name, version, settings=None):
        cluster = Cluster(self, name, version, settings)
        with self.lock:
            self.clusters.append(cluster)
        return cluster

    def forget(self, cluster):
        cluster.remove()
        with self.lock:
            if cluster in self.clusters:
                self.clusters.remove(cluster)

    def running(self):
        with self.lock:
            return [cluster for cluster in self.clusters if cluster.running]

    def stop(self):
        threads = [threading.Thread(target=cluster.stop) for cluster in self.running()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    def checkpoint_of(self, data, version):
        """The log position at which a server that does not run was stopped."""
        done = subprocess.run([os.path.join(self.installed.bins[version], "pg_controldata"), "-D", data],
                              capture_output=True, text=True, env=WORLD, check=False)
        for line in done.stdout.splitlines():
            if line.startswith("Latest checkpoint location:"):
                return line.split(":")[1].strip()
        raise ComputeError(f"pg_controldata: {done.stderr.strip()}")
