"""Long-running operations: they take their time, and say how they ended."""
import threading
import time
import uuid

from .errors import ApiError, not_found

EMPTY = {"@type": "type.googleapis.com/google.protobuf.Empty"}


class Operation:
    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        self.done, self.response, self.error = False, None, None

    def render(self, omit_false):
        answer = {"name": self.name, "done": self.done,
                  "metadata": {"@type": f"type.googleapis.com/databricks.postgres.v1.{self.kind}OperationMetadata"}}
        if self.error:
            answer["error"] = self.error
        elif self.response is not None:
            answer["response"] = self.response
        if omit_false and not self.done:
            del answer["done"]
        return answer


class Operations:
    """Each operation is a thread that waits, does its work outside of the lock, and finishes under it."""

    def __init__(self, lock, settings, faults, note):
        self.lock, self.settings, self.faults, self.note = lock, settings, faults, note
        self.known, self.busy = {}, {}

    def check_free(self, project):
        if self.settings.serial_projects and project in self.busy:
            raise ApiError(409, "ABORTED", "another operation is running on the project; the request was not accepted")

    def start(self, kind, verb, resource, project, *, work=None, finish=None, undo=None, leave=None):
        """`work` may take long; `finish` answers the response; `undo` puts things back when the operation fails, and
        `leave` does where the fault says in which state the resource is left."""
        operation = Operation(f"{resource}/operations/{uuid.uuid4()}", kind)
        self.known[operation.name] = operation
        fault = self.faults.take_operation(verb, resource)
        if project:
            self.busy[project] = operation.name
        if fault and fault.kind == "operation_hang":
            return operation
        job = (operation, project, fault, work, finish, undo, leave)
        if self.settings.operation_s <= 0 and work is None:
            self._run(*job)
        else:
            threading.Thread(target=self._run, args=job, daemon=True).start()
        return operation

    def _run(self, operation, project, fault, work, finish, undo, leave):
        begun = time.monotonic()
        error = fault and {"error_code": fault.rule.get("error_code", "INTERNAL_ERROR"),
                           "message": fault.rule.get("message", "the operation failed"), "details": []}
        if not error and work:
            try:
                work()
            except Exception as failure:  # it is the operation's to report
                self.note(f"operation {operation.name}: {failure}", failure)
                error = {"error_code": "INTERNAL_ERROR", "message": f"emulator: {failure}", "details": []}
        time.sleep(max(0.0, self.settings.operation_s - (time.monotonic() - begun)))
        with self.lock:
            if not error:
                try:
                    operation.response = (finish() if finish else None) or EMPTY
                except Exception as failure:
                    self.note(f"operation {operation.name}: {failure}", failure)
                    error = {"error_code": "INTERNAL_ERROR", "message": f"emulator: {failure}", "details": []}
            if error:
                operation.error = error
                left = fault and fault.rule.get("leaves")
                if left and leave:
                    leave(left)
                elif undo:
                    undo()
            operation.done = True
            if self.busy.get(project) == operation.name:
                del self.busy[project]

    def get(self, name):
        operation = self.known.get(name)
        if not operation:
            raise not_found("operation")
        return operation.render(self.settings.omit_false)

    def release(self):
        """Ends what hangs, so that a test can go on."""
        with self.lock:
            for name in list(self.busy.values()):
                self.known[name].error = {"error_code": "CANCELLED", "message": "released", "details": []}
                self.known[name].done = True
            self.busy.clear()
