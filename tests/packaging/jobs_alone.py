"""An archive of scripts/build-job where there is nothing else: a folder as the whole of the file system, with the archive, a
manifest and no libc, no shell, no /etc."""
import os
import pathlib
import shutil
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
for folder in ("harness", "emulator"):
    sys.path.insert(0, str(TESTS / folder))

import harness  # noqa: E402

BUILD = pathlib.Path(os.environ["LBOPS_TEST_BUILD"])
SCRIPT = TESTS.parent / "scripts" / "build-job"
PATIENCE_S = 600
MANIFEST = """
[workspace]
name = "alone"
state_dir = "/place/state"

[services.transport]
plugin = "transport_lakebase"
host = "{url}"
client_id = "{client_id}"
client_secret = {{ secret = "principal" }}
ca_file = "/place/ca.pem"
poll_ms = 20

[secrets]
principal = {{ env = "LBOPS_TEST_SECRET" }}

[[targets]]
project = "shop"
branch = "production"
class = "production"
wake = true
{more}
"""
DELTA = """
[services.delta]
plugin = "delta_databricks"
host = "{url}"
client_id = "{client_id}"
client_secret = {{ secret = "principal" }}
ca_file = "/place/ca.pem"
warehouse_id = "{warehouse_id}"
poll_ms = 20
"""
ENTER = 'mount -t proc proc "$1/proc" && { [ -e "$1/dev/null" ] || mknod "$1/dev/null" c 1 3; } && shift && exec chroot "$@"'


def archive(name, folder, *services, level=2):
    """Packs it; its size in bytes."""
    words = [str(SCRIPT), name, "--from", str(BUILD), "--output", str(folder), "--compress", str(level)]
    for service in services:
        words += ["--with", service]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    print("    " + done.stdout.strip().rpartition("/")[2], flush=True)
    return (folder / f"lbops-{name}.tar.xz").stat().st_size


class Root:
    """A root of its own. base: a tar of a distribution's, or nothing at all."""

    def __init__(self, folder, packed, ready, delta=False, base=None):
        self.folder, self.secret = folder, ready["client_secret"]
        for name in ("proc", "dev", "tmp", "place"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for tar in filter(None, (base, packed)):
            subprocess.run(["tar", "-C", str(folder), "-xf", str(tar), "--exclude=./dev/*"], check=True, timeout=PATIENCE_S)
        shutil.copy(ready["ca_file"], folder / "place" / "ca.pem")
        (folder / "place" / "lbops.toml").write_text(MANIFEST.format(more=DELTA.format(**ready) if delta else "", **ready))
        subprocess.run(["chmod", "-R", "go-w", str(folder / "place")], check=True)

    def lbops(self, name, *words):
        return subprocess.run(["unshare", "-m", "--", "bash", "-c", ENTER, "-", str(self.folder), str(self.folder),
                               f"/lbops-{name}/bin/lbops", "-m", "/place/lbops.toml", *words], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False, env={"LBOPS_TEST_SECRET": self.secret, "PATH": os.environ["PATH"]})

    def waiting(self):
        return sorted(path.relative_to(self.folder / "place" / "state" / "outbox").parts[0]
                      for path in (self.folder / "place" / "state" / "outbox").rglob("*.ndjson"))


def can_enter():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


def emulator():
    made = harness.Emulator("--set", "operation_s=0", "--set", "settle_s=0.02", "--set", "warehouse_start_s=0.1")
    return made
