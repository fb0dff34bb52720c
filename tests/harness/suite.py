"""What suites in Python say things with, and how they run."""

import concurrent.futures
import os
import shutil
import sys
import time
import traceback


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def contains(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f"{part!r} is not in: {text}")


def remove(folder):
    """All of it. A process that is just ending may still write there."""
    end = time.monotonic() + 10
    shutil.rmtree(folder, ignore_errors=True)
    while os.path.exists(folder) and time.monotonic() < end:
        time.sleep(0.05)
        shutil.rmtree(folder, ignore_errors=True)


def skip(why):
    raise Skipped(why)


class Skipped(Exception):
    """What this machine cannot show, with the reason."""


def holds(claim, what):
    if not claim:
        raise AssertionError(what)


def run_one(test):
    """True: it has not failed."""
    began = time.monotonic()
    try:
        test()
    except Skipped as why:
        print(f"  skipped {test.__name__}: {why}", flush=True)
    except AssertionError as error:
        print(f"  FAILED {test.__name__}: {error}", flush=True)
        return False
    except Exception:  # a defect of the test, or something that it did not think of: the others go on
        print(f"  FAILED {test.__name__}: {traceback.format_exc()}", flush=True)
        return False
    else:
        print(f"  ok {test.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
    return True


def suite(*tests, at_once=1):
    """Runs tests by name; the names come as arguments, or all of them. The last line counts. at_once: for tests that wait
    most of the time; each has a daemon of its own."""
    wanted = sys.argv[1:]
    chosen = [t for t in tests if not wanted or t.__name__ in wanted]
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        failed = list(pool.map(run_one, chosen)).count(False)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    sys.exit(1 if failed or not chosen else 0)
