"""The Jobs API. A spark_python_task whose file lies in a volume is really run, with paths into volumes made ours; other tasks only take
their time and then end as a test wants them to. Schedules are kept and shown, but nothing fires them."""
import itertools
import os
import re
import subprocess
import sys
import threading

from .errors import invalid, required
from .paging import page

BASE = r"/api/2\.[012]/jobs"
LOG_LIMIT = 5 << 20
QUARTZ = re.compile(r"\S+ \S+ \S+ \S+ \S+ \S+( \S+)?")
TASKS = ("spark_python_task", "python_wheel_task", "notebook_task", "sql_task", "spark_jar_task", "spark_submit_task", "pipeline_task",
         "run_job_task", "for_each_task", "condition_task", "dbt_task", "dashboard_task")
TERMINAL = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")


class Run:
    def __init__(self, ident, job, name, tasks, parameters, now):
        self.ident, self.job, self.name, self.tasks, self.parameters = ident, job, name, tasks, parameters
        self.life, self.result, self.message = "PENDING", None, ""
        self.created, self.started, self.ended = now, None, None
        self.canceled, self.number = threading.Event(), 0
        self.trigger = "ONE_TIME"


class Task:
    def __init__(self, ident, spec):
        self.ident, self.spec, self.life, self.result = ident, spec, "PENDING", None
        self.logs, self.error, self.attempt = "", None, 0

    @property
    def key(self):
        return self.spec["task_key"]

    def end(self, result, error=None):
        self.life, self.result, self.error = "TERMINATED", result, error


class Jobs:
    def __init__(self, workspace):
        self.workspace, self.settings, self.lock = workspace, workspace.settings, threading.RLock()
        self.jobs, self.runs, self.tasks, self.tokens = {}, {}, {}, {}
        self.ids, self.outcomes = itertools.count(101), []

    def routes(self, router, guard):
        add = lambda methods, path, call: router.add(methods, BASE + path, self._locked(call), guard)
        for path, call in (("create", self.create), ("reset", self.reset), ("update", self.update), ("delete", self.delete),
                           ("run-now", self.run_now), ("runs/submit", self.submit), ("runs/cancel", self.cancel),
                           ("runs/cancel-all", self.cancel_all), ("runs/delete", self.delete_run), ("runs/repair", self.repair)):
            add("POST", f"/{path}", call)
        for path, call in (("list", self.list), ("get", self.get), ("runs/get", self.get_run), ("runs/list", self.list_runs),
                           ("runs/get-output", self.output)):
            add("GET", f"/{path}", call)
        router.add("POST", "/_emulator/jobs/outcomes", self.add_outcome)
        router.add("GET PUT PATCH", r"/api/2\.0/permissions/jobs/(?P<ident>\d+)", self._locked(self.permissions), guard)

    def _locked(self, call):
        def run(request, **names):
            with self.lock:
                return call(request, **names)
        return run

    def add_outcome(self, request):
        """{"job": REGEX, "task": REGEX, "result": "FAILED", "message": TEXT, "count": N}: how tasks that are not run end."""
        body = request.json()
        if body.get("result") not in ("SUCCESS", "FAILED", "TIMEDOUT"):
            raise invalid("result must be SUCCESS, FAILED or TIMEDOUT")
        with self.lock:
            self.outcomes.append(dict(body))

    # ---- jobs

    def _check(self, settings):
        if len(settings.get("name", "").encode()) > 4096:
            raise invalid("The name of a job has at most 4096 bytes")
        if len(settings.get("tags", {})) > 25:
            raise invalid("A job has at most 25 tags")
        if sum(1 for name in ("schedule", "continuous", "trigger") if settings.get(name)) > 1:
            raise invalid("Only one of schedule, continuous and trigger may be set")
        if settings.get("schedule"):
            self._check_cron(settings["schedule"])
        self._check_tasks(settings.get("tasks", []))
        return settings

    @staticmethod
    def _check_cron(schedule):
        text = schedule.get("quartz_cron_expression", "")
        fields = text.split()
        if not QUARTZ.fullmatch(text) or (fields[3] != "?") == (fields[5] != "?"):
            raise invalid(f"Invalid quartz cron expression: '{text}'; one of the two day fields must be '?'")
        if not schedule.get("timezone_id"):
            raise required("schedule.timezone_id")

    @staticmethod
    def _check_tasks(tasks):
        keys = [task.get("task_key") for task in tasks]
        if len(keys) > 1000 or None in keys or len(set(keys)) != len(keys):
            raise invalid("tasks need different task_keys, and a job has at most 1000")
        for task in tasks:
            if sum(1 for name in TASKS if task.get(name) is not None) != 1:
                raise invalid(f"Task '{task['task_key']}' must have exactly one task type")
            for one in task.get("depends_on", []):
                if one.get("task_key") not in keys:
                    raise invalid(f"Task '{task['task_key']}' depends on '{one.get('task_key')}', which is not there")

    def _find(self, ident):
        try:
            found = self.jobs.get(int(ident))
        except (TypeError, ValueError):
            raise invalid(f"job_id must be a number, got '{ident}'") from None
        if not found:
            raise invalid(f"Job {ident} does not exist.")
        return found

    def create(self, request):
        settings = self._check(request.json())
        ident = next(self.ids) * 1000003
        self.jobs[ident] = {"job_id": ident, "creator_user_name": request.principal.login, "run_as_user_name": request.principal.login,
                            "created_time": int(self.workspace.clock.now() * 1000),
                            "settings": {"name": "Untitled", "format": "MULTI_TASK", "max_concurrent_runs": 1, **settings}}
        return {"job_id": ident}

    def reset(self, request):
        body = request.json()
        job = self._find(body.get("job_id"))
        job["settings"] = {"name": "Untitled", "format": "MULTI_TASK", "max_concurrent_runs": 1, **self._check(body.get("new_settings", {}))}

    def update(self, request):
        body = request.json()
        job = self._find(body.get("job_id"))
        kept = {name: value for name, value in job["settings"].items() if name not in body.get("fields_to_remove", ())}
        job["settings"] = self._check({**kept, **body.get("new_settings", {})})

    def delete(self, request):
        self.jobs.pop(self._find(request.json().get("job_id"))["job_id"])

    def list(self, request):
        name = request.query.get("name")
        found = [job for job in reversed(self.jobs.values()) if not name or job["settings"]["name"].lower() == name.lower()]

        def show(job):
            if request.flag("expand_tasks"):
                return job
            return {**job, "settings": {k: v for k, v in job["settings"].items() if k not in ("tasks", "job_clusters")}}
        answer = page(request, "jobs", found, show, self.settings, high=100, size_name="limit", sparse=True)
        answer["has_more"] = "next_page_token" in answer
        return answer

    def get(self, request):
        return self._find(request.query.get("job_id"))

    def permissions(self, request, ident):
        job = self._find(ident)
        acl = job.setdefault("acl", {job["creator_user_name"]: "IS_OWNER"})
        for entry in request.json().get("access_control_list", []):
            who = entry.get("user_name") or entry.get("service_principal_name") or entry.get("group_name")
            if not who or entry.get("permission_level") not in ("IS_OWNER", "CAN_MANAGE", "CAN_MANAGE_RUN", "CAN_VIEW"):
                raise invalid("an entry needs a principal and a permission level")
            acl[who] = entry["permission_level"]
        return {"object_id": f"/jobs/{ident}", "object_type": "job", "access_control_list": [
            {"user_name": who, "all_permissions": [{"permission_level": level, "inherited": False}]} for who, level in acl.items()]}

    # ---- runs

    def _find_run(self, ident):
        try:
            found = self.runs.get(int(ident))
        except (TypeError, ValueError):
            raise invalid(f"run_id must be a number, got '{ident}'") from None
        if not found:
            raise invalid(f"Run {ident} does not exist.")
        return found

    def _once(self, body, key, start):
        """The same token gives the same run."""
        token = body.get("idempotency_token")
        if token and len(token) > 64:
            raise invalid("idempotency_token has at most 64 characters")
        if token and (key, token) in self.tokens:
            return self.tokens[(key, token)]
        answer = start()
        if token:
            self.tokens[(key, token)] = answer
        return answer

    def run_now(self, request):
        body = request.json()
        job = self._find(body.get("job_id"))
        return self._once(body, job["job_id"], lambda: self._start_job(job, body.get("job_parameters", {})))

    def _start_job(self, job, given):
        settings = job["settings"]
        known = {one["name"]: one.get("default", "") for one in settings.get("parameters", [])}
        strange = [name for name in given if name not in known]
        if strange:
            raise invalid(f"Job parameter '{strange[0]}' is not defined")
        run = self._make(job["job_id"], settings["name"], settings.get("tasks", []), {**known, **given})
        active = [one for one in self.runs.values() if one.job == run.job and one.life not in TERMINAL and one is not run]
        run.number = sum(1 for one in self.runs.values() if one.job == run.job)
        if len(active) >= settings.get("max_concurrent_runs", 1):
            if settings.get("queue", {}).get("enabled"):
                run.life = "QUEUED"
            else:
                run.life, run.result, run.ended = "SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED", self.workspace.clock.now()
                return {"run_id": run.ident, "number_in_job": run.number}
        self._go(run)
        return {"run_id": run.ident, "number_in_job": run.number}

    def submit(self, request):
        body = request.json()
        self._check_tasks(body.get("tasks", []))

        def start():
            run = self._make(None, body.get("run_name", "Untitled"), body.get("tasks", []), {})
            self._go(run)
            return {"run_id": run.ident}
        return self._once(body, None, start)

    def _make(self, job, name, specs, parameters):
        tasks = []
        for spec in specs:
            task = Task(next(self.ids) * 1000003, spec)
            self.tasks[task.ident] = task
            tasks.append(task)
        run = Run(next(self.ids) * 1000003, job, name, tasks, parameters, self.workspace.clock.now())
        self.runs[run.ident] = run
        return run

    def _go(self, run):
        threading.Thread(target=self._run, args=(run,), daemon=True).start()

    def _run(self, run):
        if run.life == "QUEUED":
            while any(one.job == run.job and one.life not in TERMINAL and one.created < run.created for one in list(self.runs.values())):
                if run.canceled.wait(0.05):
                    break
        if not run.canceled.wait(min(0.1, self.settings.run_s / 3)):
            run.life, run.started = "RUNNING", self.workspace.clock.now()
            for task in run.tasks:
                self._task(run, task)
        with self.lock:
            for task in run.tasks:
                if task.result is None:
                    task.end("CANCELED")
            bad = [task for task in run.tasks if task.result not in ("SUCCESS", "EXCLUDED")]
            run.result = "CANCELED" if run.canceled.is_set() else bad[0].result if bad else "SUCCESS"
            if run.result == "UPSTREAM_FAILED":
                run.result = "FAILED"
            run.message = bad[0].error or "" if bad else ""
            run.life, run.ended = "TERMINATED", self.workspace.clock.now()

    def _task(self, run, task):
        results = {one.key: one.result for one in run.tasks}
        needs = [results[one["task_key"]] for one in task.spec.get("depends_on", [])]
        if not condition(task.spec.get("run_if", "ALL_SUCCESS"), needs):
            task.end("UPSTREAM_FAILED")
            return
        if run.canceled.is_set():
            return
        task.life = "RUNNING"
        for attempt in range(task.spec.get("max_retries", 0) + 1):
            self._attempt(run, task)
            if task.result in ("SUCCESS", None) or run.canceled.is_set():
                break
            task.attempt = attempt + 1

    def _attempt(self, run, task):
        python = task.spec.get("spark_python_task")
        if python and python.get("python_file", "").startswith("/Volumes/"):
            self._python(run, task, python)
            return
        if run.canceled.wait(self.settings.run_s):
            return
        with self.lock:
            for rule in self.outcomes:
                if re.search(rule.get("job", ""), run.name) and re.search(rule.get("task", ""), task.key) and rule.get("count", 1) > 0:
                    rule["count"] = rule.get("count", 1) - 1
                    task.end(rule["result"], rule.get("message") if rule["result"] != "SUCCESS" else None)
                    return
        task.end("SUCCESS")

    # ---- a task that really runs

    def _filled(self, run, text):
        text = re.sub(r"\{\{job\.parameters\.(\w+)\}\}", lambda m: run.parameters.get(m.group(1), ""), text)
        text = text.replace("{{job.run_id}}", str(run.ident)).replace("{{job.id}}", str(run.job or ""))
        return os.path.join(self.workspace.volumes.root, text[len("/Volumes/"):]) if text.startswith("/Volumes/") else text

    def _python(self, run, task, spec):
        path = self._filled(run, spec["python_file"])
        if not os.path.isfile(path):
            task.end("FAILED", f"Cannot read the python file {spec['python_file']}. Please check driver logs for more details.")
            return
        words = [sys.executable, "-B", path, *(self._filled(run, str(word)) for word in spec.get("parameters", []))]
        log = os.path.join(self.workspace.folder, f"task-{task.ident}.log")
        child = self.workspace.host.spawner.start_plain(words, log, {"VOLUMES_ROOT": self.workspace.volumes.root})
        limit = task.spec.get("timeout_seconds") or 3600
        for _ in range(int(limit / 0.05) + 1):
            try:
                child.wait(0.05)
                break
            except subprocess.TimeoutExpired:
                if run.canceled.is_set():
                    break
        timed_out = child.poll() is None and not run.canceled.is_set()
        if child.poll() is None:
            child.kill()
            child.wait()
        with open(log, "rb") as file:
            task.logs = file.read(LOG_LIMIT).decode("utf-8", "replace")
        if timed_out:
            task.end("TIMEDOUT", "the task took too long")
        elif not run.canceled.is_set():
            task.end("SUCCESS" if child.returncode == 0 else "FAILED",
                     None if child.returncode == 0 else f"SystemExit: {child.returncode}")

    # ---- what is shown of runs

    def cancel(self, request):
        self._find_run(request.json().get("run_id")).canceled.set()

    def cancel_all(self, request):
        job = self._find(request.json().get("job_id"))
        for run in self.runs.values():
            if run.job == job["job_id"]:
                run.canceled.set()

    def delete_run(self, request):
        run = self._find_run(request.json().get("run_id"))
        if run.life not in TERMINAL:
            raise invalid(f"Run {run.ident} is still active")
        self.runs.pop(run.ident)

    def repair(self, request):
        run = self._find_run(request.json().get("run_id"))
        if run.life not in TERMINAL:
            raise invalid(f"Run {run.ident} is still active")
        again = [task for task in run.tasks if task.result != "SUCCESS"]
        for task in again:
            task.life, task.result, task.error = "PENDING", None, None
        run.life, run.result, run.canceled = "PENDING", None, threading.Event()
        run.tasks = [task for task in run.tasks if task.result == "SUCCESS"] + again
        threading.Thread(target=self._rerun, args=(run, again), daemon=True).start()
        return {"repair_id": next(self.ids)}

    def _rerun(self, run, again):
        done = [task for task in run.tasks if task not in again]
        run.tasks = again
        self._run(run)
        run.tasks = done + again

    def render(self, run):
        ms = lambda seconds: int(seconds * 1000) if seconds else 0
        answer = {"run_id": run.ident, "run_name": run.name, "run_type": "JOB_RUN" if run.job else "SUBMIT_RUN", "trigger": run.trigger,
                  "start_time": ms(run.created), "end_time": ms(run.ended),
                  "run_duration": ms(run.ended - run.created) if run.ended else 0, "number_in_job": run.number,
                  "run_page_url": f"{self.workspace.url}/?o=0#job/{run.job}/run/{run.ident}",
                  "state": state_of(run.life, run.result, run.message, run.canceled.is_set()),
                  "status": status_of(run.life, run.result, run.message),
                  "job_parameters": [{"name": name, "value": value} for name, value in run.parameters.items()],
                  "tasks": [{"run_id": task.ident, "task_key": task.key, "attempt_number": task.attempt,
                             "state": state_of(task.life, task.result, task.error or "", False),
                             "status": status_of(task.life, task.result, task.error or "")} for task in run.tasks]}
        if run.job:
            answer["job_id"] = run.job
        return answer

    def get_run(self, request):
        return self.render(self._find_run(request.query.get("run_id")))

    def list_runs(self, request):
        job = request.query.get("job_id")
        active, completed = request.flag("active_only"), request.flag("completed_only")
        low, high = (whole(request, name) for name in ("start_time_from", "start_time_to"))
        found = [run for run in reversed(self.runs.values())
                 if (not job or str(run.job) == job) and not (active and run.life in TERMINAL)
                 and not (completed and run.life not in TERMINAL)
                 and (low or 0) <= run.created * 1000 <= (high or float("inf"))]
        answer = page(request, "runs", found, self.render, self.settings, high=25, size_name="limit", sparse=True)
        answer["has_more"] = "next_page_token" in answer
        return answer

    def output(self, request):
        ident = request.query.get("run_id", "")
        task = self.tasks.get(int(ident)) if ident.isdigit() else None
        if not task:
            if ident.isdigit() and int(ident) in self.runs:
                raise invalid("Retrieving the output of runs with multiple tasks is not supported")
            raise invalid(f"Run {ident} does not exist.")
        answer = {"logs": task.logs, "logs_truncated": len(task.logs) >= LOG_LIMIT,
                  "metadata": {"run_id": task.ident, "task_key": task.key, "state": state_of(task.life, task.result, "", False)}}
        if task.error:
            answer.update(error=task.error, error_trace=task.logs[-2000:])
        return answer

    def stop(self):
        for run in list(self.runs.values()):
            run.canceled.set()


def whole(request, name):
    text = request.query.get(name) or "0"
    if not text.isdigit():
        raise invalid(f"{name} must be a number of milliseconds, got '{text}'")
    return int(text)


def condition(run_if, results):
    good = [one == "SUCCESS" for one in results]
    return {"ALL_SUCCESS": all(good), "ALL_DONE": True, "NONE_FAILED": "FAILED" not in results,
            "AT_LEAST_ONE_SUCCESS": any(good) or not good, "ALL_FAILED": not any(good),
            "AT_LEAST_ONE_FAILED": not all(good)}.get(run_if, False)


def state_of(life, result, message, canceled):
    state = {"life_cycle_state": life, "state_message": message, "user_cancelled_or_timedout": canceled or result == "TIMEDOUT"}
    if result and life in TERMINAL:
        state["result_state"] = result
    return state


def status_of(life, result, message):
    shown = "TERMINATED" if life in TERMINAL else life
    status = {"state": shown}
    if shown == "TERMINATED":
        code = {"SUCCESS": "SUCCESS", "CANCELED": "CANCELED", "FAILED": "RUN_EXECUTION_ERROR", "UPSTREAM_FAILED": "RUN_EXECUTION_ERROR",
                "TIMEDOUT": "RUN_EXECUTION_ERROR", "MAXIMUM_CONCURRENT_RUNS_REACHED": "MAX_CONCURRENT_RUNS_EXCEEDED"}.get(result, "INTERNAL_ERROR")
        kind = "SUCCESS" if code in ("SUCCESS", "CANCELED") else "CLIENT_ERROR"
        status["termination_details"] = {"code": code, "type": kind, "message": message}
    return status
