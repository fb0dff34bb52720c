"""Time that a test can move forward, and things that happen at a time."""
import datetime
import heapq
import itertools
import threading
import time


class Clock:
    """The workspace's time. Everything that expires looks here, so that a test need not wait thirty days."""

    def __init__(self):
        self.offset = 0.0

    def now(self):
        return time.time() + self.offset

    def advance(self, seconds):
        self.offset += seconds


class Timers(threading.Thread):
    """Calls functions at their time, one after the other. They must be short and must not raise."""

    def __init__(self, clock, on_error):
        super().__init__(name="timers", daemon=True)
        self.clock, self.on_error = clock, on_error
        self.heap, self.order = [], itertools.count()
        self.wake, self.stopped = threading.Condition(), False

    def at(self, when, call):
        with self.wake:
            heapq.heappush(self.heap, (when, next(self.order), call))
            self.wake.notify()

    def moved(self):
        """The clock was moved."""
        with self.wake:
            self.wake.notify()

    def stop(self):
        with self.wake:
            self.stopped = True
            self.wake.notify()

    def _next_due(self):
        """The next call whose time has come; None at the end."""
        with self.wake:
            while not self.stopped:
                left = self.heap[0][0] - self.clock.now() if self.heap else None
                if left is not None and left <= 0:
                    return heapq.heappop(self.heap)[2]
                self.wake.wait(left)
        return None

    def run(self):
        while (call := self._next_due()) is not None:
            try:
                call()
            except Exception as error:  # a timer that fails must not take the others with it
                self.on_error(error)


def stamp(seconds):
    """RFC 3339, UTC."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".") + "Z"


def parse_stamp(text):
    """Seconds, or None when the text is no RFC 3339 time."""
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except (AttributeError, TypeError, ValueError):
        return None
    return moment.timestamp() if moment.tzinfo else None


def duration(seconds):
    return f"{seconds:g}s" if seconds < 1e6 else f"{int(seconds)}s"


def parse_duration(text):
    """Seconds of a protobuf duration such as 300s or 0.5s, or None."""
    if not isinstance(text, str) or not text.endswith("s"):
        return None
    try:
        value = float(text[:-1])
    except ValueError:
        return None
    return value if abs(value) < 1e12 else None
