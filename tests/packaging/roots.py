"""Roots of distributions, as tar files in the private prefix: made by mmdebstrap at the first use, and there at the next."""
import os
import pathlib
import shutil
import subprocess

from suite import skip

FOLDER = pathlib.Path(os.environ["LBOPS_ROOTS"])
PATIENCE_S = 1200


def root_of(release):
    """The tar of a small Debian; skips where there is none and none can be made."""
    tar = FOLDER / f"{release}.tar"
    if tar.exists():
        return tar
    if not shutil.which("mmdebstrap") or os.geteuid() != 0:
        skip(f"a root of Debian {release} takes mmdebstrap, and root's rights")
    FOLDER.mkdir(parents=True, exist_ok=True)
    new = FOLDER / f"{release}.{os.getpid()}.tar"
    try:
        done = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", release, str(new)], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
        why = done.stderr.strip()[-300:] if done.returncode else None
    except subprocess.TimeoutExpired:
        why = f"not within {PATIENCE_S} s"
    if why is not None:
        new.unlink(missing_ok=True)
        skip(f"Debian {release} is not to be had from here: {why}")
    new.rename(tar)
    return tar
