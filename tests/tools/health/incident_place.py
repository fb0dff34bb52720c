"""A bed for an incident: a database of its own on a private server, which may have a standby."""

import contextlib
import os
import threading

from health_place import Clinic
from ward import Ward  # noqa: F401  what the suites make one of

BEING_MADE = threading.Lock()


class Bed(Clinic):
    """A database of its own on a private server."""

    def __init__(self, ward, **given):
        name = f"LBOPS_TEST_PG{ward.version}"
        with environment(name, ward.url):
            super().__init__(ward.version, **given)
        self.env = {name: ward.url}
        self.ward = ward


@contextlib.contextmanager
def environment(name, value):
    """For those who read it while they are made; several are made at the same time."""
    with BEING_MADE:
        before = os.environ.get(name)
        os.environ[name] = value
        try:
            yield
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before
