#!/usr/bin/env python3
"""What the emulator answers is what is known of the platform: codes, texts where they are known, states, limits, faults."""
import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import harness

EMULATOR = harness.Emulator("--set", "operation_s=0.02", "--set", "settle_s=0.05")
READY = EMULATOR.ready
TOKEN = "/oidc/v1/token"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MAIN = "projects/facts/branches/production"


def setUpModule():
    EMULATOR.project("facts")


def tearDownModule():
    EMULATOR.stop()


def basic(client_id, secret):
    return {**FORM, "Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


class Case(unittest.TestCase):
    def tearDown(self):
        EMULATOR.control("DELETE", "faults")

    def fails(self, answer, status, code, like=""):
        self.assertEqual((answer.status, answer.code), (status, code), answer.body)
        if like:
            self.assertRegex(answer.message, like)


class Tokens(Case):
    def ask(self, headers, body=b"grant_type=client_credentials&scope=all-apis"):
        return EMULATOR.call("POST", TOKEN, body, token=None, headers=headers)

    def test_by_header(self):
        answer = self.ask(basic(READY["client_id"], READY["client_secret"]))
        self.assertEqual((answer.status, answer.json["token_type"], answer.json["expires_in"]), (200, "Bearer", 3600))
        self.assertNotIn("refresh_token", answer.json)
        self.assertEqual(EMULATOR.call("GET", "/api/2.0/preview/scim/v2/Me", token=answer.json["access_token"]).json["userName"],
                         READY["client_id"])

    def test_by_form(self):
        body = f"grant_type=client_credentials&scope=all-apis&client_id={READY['client_id']}&client_secret={READY['client_secret']}"
        self.assertEqual(self.ask(FORM, body.encode()).status, 200)

    def test_wrong_secret(self):
        answer = self.ask(basic(READY["client_id"], "dose0"))
        self.assertEqual((answer.status, answer.json["error"]), (401, "invalid_client"))

    def test_other_grant(self):
        answer = self.ask(basic(READY["client_id"], READY["client_secret"]), b"grant_type=password&scope=all-apis")
        self.assertEqual((answer.status, answer.json["error"]), (400, "unsupported_grant_type"))

    def test_expires_in_as_text(self):
        before = EMULATOR.set(token_expires_as_text=True, token_s=2)
        try:
            self.assertEqual(self.ask(basic(READY["client_id"], READY["client_secret"])).json["expires_in"], "2")
        finally:
            EMULATOR.set(**before)

    def test_life_of_seconds(self):
        before = EMULATOR.set(token_s=0.5)
        try:
            token = self.ask(basic(READY["client_id"], READY["client_secret"])).json["access_token"]
        finally:
            EMULATOR.set(**before)
        look = lambda: EMULATOR.call("GET", "/api/2.0/postgres/projects", token=token)
        self.assertEqual(look().status, 200)
        self.fails(harness.until(lambda: (lambda a: a if a.status != 200 else None)(look())), 401, "UNAUTHENTICATED")

    def test_no_token_and_a_strange_one(self):
        self.fails(EMULATOR.call("GET", "/api/2.0/postgres/projects", token=None), 401, "UNAUTHENTICATED")
        self.fails(EMULATOR.call("GET", "/api/2.0/postgres/projects", token="dapi00"), 401, "UNAUTHENTICATED")

    def test_discovery(self):
        answer = EMULATOR.call("GET", "/oidc/.well-known/oauth-authorization-server", token=None)
        self.assertEqual(answer.json["token_endpoint"], READY["url"] + TOKEN)


class Errors(Case):
    def test_every_error_has_a_request_id(self):
        answer = EMULATOR.postgres("GET", "projects/nothing")
        info = answer.json["details"][-1]
        self.assertEqual(info["@type"], "type.googleapis.com/google.rpc.RequestInfo")
        entry = EMULATOR.control("GET", "requests", query={"path": "projects/nothing$"})["requests"][-1]
        self.assertEqual(info["request_id"], entry["request_id"])
        self.assertIn("[TraceId: ", answer.message)

    def test_missing_ids(self):
        for path, field in (("projects", "project_id"), (f"{MAIN.rsplit('/', 1)[0]}", "branch_id"), (f"{MAIN}/endpoints", "endpoint_id"),
                            ("catalogs", "catalog_id"), ("synced_tables", "synced_table_id")):
            answer = EMULATOR.postgres("POST", path, {"spec": {}})
            self.fails(answer, 400, "INVALID_PARAMETER_VALUE")
            self.assertEqual(answer.message, f"Field '{field}' is required, expected non-default value (not \"\")!")

    def test_bad_id(self):
        answer = EMULATOR.postgres("POST", f"{MAIN}/databases", {"spec": {}}, database_id="Invalid_DB_ID")
        self.fails(answer, 400, "INVALID_PARAMETER_VALUE")
        self.assertEqual(answer.message, "Field database_id must match pattern ^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$, got 'Invalid_DB_ID'.")

    def test_database_without_owner_and_with_a_missing_one(self):
        answer = EMULATOR.postgres("POST", f"{MAIN}/databases", {"spec": {}}, database_id="app")
        self.assertEqual(answer.message, "Field 'database.spec.role' is required, expected non-default value (not \"\")!")
        answer = EMULATOR.postgres("POST", f"{MAIN}/databases", {"spec": {"role": f"{MAIN}/roles/x"}}, database_id="app")
        self.fails(answer, 404, "NOT_FOUND", r'^role not found; role_id:"x" \[TraceId: ')

    def test_what_exists_already(self):
        self.fails(EMULATOR.postgres("POST", "projects", {}, project_id="facts"), 409, "ALREADY_EXISTS",
                   "^project with such id already exists in the workspace$")
        self.fails(EMULATOR.postgres("POST", "projects/facts/branches", {"spec": {"no_expiry": True}}, branch_id="production"), 409,
                   "ALREADY_EXISTS", "^branch with such id already exists$")
        self.fails(EMULATOR.postgres("POST", f"{MAIN}/endpoints", {"spec": {"endpoint_type": "ENDPOINT_TYPE_READ_ONLY"}},
                                     endpoint_id="primary"), 409, "ALREADY_EXISTS", "^endpoint with such id already exists$")
        self.fails(EMULATOR.postgres("POST", f"{MAIN}/roles", {"spec": {"postgres_role": "jane@example.com", "identity_type": "USER"}},
                                     role_id="jane"), 400, "BAD_REQUEST", "^role with that name already exists$")
        self.fails(EMULATOR.postgres("POST", f"{MAIN}/databases", {"spec": {"role": f"{MAIN}/roles/jane"}}, database_id="databricks-postgres"),
                   400, "BAD_REQUEST", "^database with that name already exists$")

    def test_root_branch_and_read_write_endpoint_are_managed(self):
        answer = EMULATOR.postgres("DELETE", MAIN, purge="true")
        self.fails(answer, 400, "BAD_REQUEST", f"^Cannot delete root branch '{MAIN}'. Root branches cannot be deleted independently.$")
        self.assertEqual((answer.json["details"][0]["reason"], answer.json["details"][0]["metadata"]),
                         ("RESOURCE_CONFLICT", {"declarative_context": "MANAGED_BY_PARENT"}))
        answer = EMULATOR.postgres("DELETE", f"{MAIN}/endpoints/primary")
        self.fails(answer, 400, "BAD_REQUEST", "^Cannot delete read-write endpoint '.*'. Read-write endpoints cannot be deleted.$")

    def test_endpoint_that_reconciles(self):
        before = EMULATOR.set(settle_s=30)
        try:
            EMULATOR.finish(EMULATOR.postgres("POST", f"{MAIN}/endpoints", {"spec": {"endpoint_type": "ENDPOINT_TYPE_READ_ONLY"}},
                                              endpoint_id="ro-1"))
        finally:
            EMULATOR.set(**before)
        status = EMULATOR.postgres("GET", f"{MAIN}/endpoints/ro-1").json["status"]
        self.assertEqual((status["current_state"], status["pending_state"]), ("INIT", "ACTIVE"))
        self.fails(EMULATOR.postgres("DELETE", f"{MAIN}/endpoints/ro-1"), 409, "ABORTED", "reconciliation")
        EMULATOR.control("POST", "clock", {"advance_s": 31})
        EMULATOR.settled(f"{MAIN}/endpoints/ro-1")
        EMULATOR.finish(EMULATOR.postgres("DELETE", f"{MAIN}/endpoints/ro-1"))

    def test_another_operation_on_the_project(self):
        before = EMULATOR.set(operation_s=1)
        try:
            running = EMULATOR.postgres("POST", "projects/facts/branches", {"spec": {"no_expiry": True}}, branch_id="busy")
            self.assertFalse(running.json["done"])
            self.assertTrue(running.json["metadata"]["@type"].endswith(".BranchOperationMetadata"))
            self.assertEqual(EMULATOR.postgres("GET", "projects/facts/branches/busy").json["status"]["pending_state"], "READY")
            answer = EMULATOR.postgres("POST", "projects/facts/branches", {"spec": {"no_expiry": True}}, branch_id="other")
            self.fails(answer, 409, "ABORTED")
            EMULATOR.finish(running)
            self.assertEqual(EMULATOR.postgres("GET", "projects/facts/branches/other").status, 404)
        finally:
            EMULATOR.set(**before)
        done = EMULATOR.finish(EMULATOR.postgres("DELETE", "projects/facts/branches/busy", purge="true"))
        self.assertEqual(done["response"], {"@type": "type.googleapis.com/google.protobuf.Empty"})

    def test_calls_that_do_not_exist(self):
        for method, path in (("POST", f"{MAIN}/reset"), ("POST", f"{MAIN}/restore"), ("GET", f"{MAIN}/operations"),
                             ("POST", f"{MAIN}/operations/x/cancel")):
            self.assertEqual(EMULATOR.postgres(method, path, {} if method == "POST" else None).status, 404, path)

    def test_body_that_is_wrapped(self):
        answer = EMULATOR.postgres("POST", "projects/facts/branches", {"branch": {"spec": {"no_expiry": True}}}, branch_id="w")
        self.fails(answer, 400, "INVALID_PARAMETER_VALUE", "branch.spec' is required")

    def test_body_that_is_no_json(self):
        answer = EMULATOR.call("POST", "/api/2.0/postgres/projects", b"{nonsense", {"project_id": "abc"})
        self.fails(answer, 400, "MALFORMED_REQUEST")

    def test_sizes_of_computes(self):
        kind = {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE"}
        for spec, path in (({"autoscaling_limit_min_cu": 0.25}, "spec.autoscaling_limit_min_cu"),
                           ({"suspend_timeout_duration": "30s"}, "spec.suspend_timeout_duration"),
                           ({"suspend_timeout_duration": "700000s"}, "spec.suspension"), ({"no_suspension": False}, "spec.suspension"),
                           ({"autoscaling_limit_min_cu": 1, "autoscaling_limit_max_cu": 32},
                            "spec.autoscaling_limit_min_cu,spec.autoscaling_limit_max_cu")):
            answer = EMULATOR.postgres("PATCH", f"{MAIN}/endpoints/primary", {"spec": {**kind, **spec}}, update_mask=path)
            self.fails(answer, 400, "INVALID_PARAMETER_VALUE")

    def test_settings_of_servers(self):
        kind = {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE"}
        call = lambda settings: EMULATOR.postgres("PATCH", f"{MAIN}/endpoints/primary", {"spec": {**kind, "settings": {
            "pg_settings": settings}}}, update_mask="spec.settings.pg_settings")
        self.fails(call({"archive_command": "true"}), 400, "INVALID_PARAMETER_VALUE", "cannot be set")
        self.fails(call({"Work Mem": "1"}), 400, "INVALID_PARAMETER_VALUE")
        done = EMULATOR.finish(call({"work_mem": "16MB"}))
        self.assertEqual(done["response"]["status"]["settings"], {"pg_settings": {"work_mem": "16MB"}})

    def test_masks_at_leaf_level(self):
        path = f"{MAIN}/roles/jane"
        done = EMULATOR.finish(EMULATOR.postgres("PATCH", path, {"spec": {"attributes": {"createdb": False, "bypassrls": False}}},
                                                 update_mask="spec.attributes.createdb"))
        self.assertEqual(done["response"]["status"]["attributes"], {"bypassrls": True, "createdb": False, "createrole": True})

    def test_replace_existing_updates_in_place(self):
        before = EMULATOR.postgres("GET", MAIN).json
        answer = EMULATOR.postgres("POST", "projects/facts/branches", {"spec": {"no_expiry": True, "is_protected": True}},
                                   branch_id="production", replace_existing="true")
        done = EMULATOR.finish(answer)["response"]
        self.assertEqual((done["uid"], done["status"]["is_protected"]), (before["uid"], True))
        EMULATOR.finish(EMULATOR.postgres("PATCH", MAIN, {"spec": {"is_protected": False}}, update_mask="spec.is_protected"))


class Answers(Case):
    def test_status_only_unless_spec_is_echoed(self):
        self.assertNotIn("spec", EMULATOR.postgres("GET", MAIN).json)
        before = EMULATOR.set(echo_spec=True)
        try:
            self.assertIn("spec", EMULATOR.postgres("GET", MAIN).json)
        finally:
            EMULATOR.set(**before)

    def test_false_may_be_absent(self):
        before = EMULATOR.set(omit_false=True)
        try:
            self.assertNotIn("is_protected", EMULATOR.postgres("GET", MAIN).json["status"])
        finally:
            EMULATOR.set(**before)

    def test_identifiers(self):
        uids = [EMULATOR.postgres("GET", path).json["uid"] for path in ("projects/facts", MAIN, f"{MAIN}/endpoints/primary")]
        self.assertRegex(uids[0], r"^[0-9a-f]{8}-")
        self.assertRegex(uids[1], r"^br-")
        self.assertRegex(uids[2], r"^ep-")

    def test_credentials_have_limits(self):
        call = lambda **body: EMULATOR.call("POST", "/api/2.0/postgres/credentials", {"endpoint": f"{MAIN}/endpoints/primary", **body})
        self.assertEqual(call(ttl="300s").status, 200)
        for ttl in ("200s", "3700s", "x"):
            self.fails(call(ttl=ttl), 400, "INVALID_PARAMETER_VALUE")
        self.fails(EMULATOR.call("POST", "/api/2.0/postgres/credentials", {"endpoint": f"{MAIN}/endpoints/none"}), 404, "NOT_FOUND")
        self.fails(EMULATOR.call("POST", "/api/2.0/postgres/credentials", {}), 400, "INVALID_PARAMETER_VALUE")

    def test_an_expiry_is_carried_out(self):
        EMULATOR.branch("facts", "brief", ttl="600s")
        EMULATOR.control("POST", "clock", {"advance_s": 601})
        status = harness.until(lambda: (lambda s: s if s["current_state"] == "DELETED" else None)(
            EMULATOR.postgres("GET", "projects/facts/branches/brief").json["status"]))
        self.assertIn("purge_time", status)
        EMULATOR.control("POST", "clock", {"advance_s": 7 * 86400 + 1})
        harness.until(lambda: EMULATOR.postgres("GET", "projects/facts/branches/brief").status == 404)

    def test_archiving_makes_room(self):
        EMULATOR.branch("facts", "dusty")
        before = EMULATOR.set(archive_after_s=5, unarchived_limit=2)
        try:
            body = {"spec": {"no_expiry": True}}
            self.assertIn(EMULATOR.postgres("POST", "projects/facts/branches", body, branch_id="more").status, (400, 429))
            EMULATOR.control("POST", "clock", {"advance_s": 6})
            harness.until(lambda: EMULATOR.postgres("GET", "projects/facts/branches/dusty").json["status"]["current_state"] == "ARCHIVED")
            EMULATOR.finish(EMULATOR.postgres("POST", "projects/facts/branches", body, branch_id="more"))
        finally:
            EMULATOR.set(**before)
        for name in ("dusty", "more"):
            EMULATOR.finish(EMULATOR.postgres("DELETE", f"projects/facts/branches/{name}", purge="true"))

    def test_permissions_of_a_project(self):
        guest = EMULATOR.control("POST", "clients", {})
        answer = EMULATOR.call("POST", TOKEN, b"grant_type=client_credentials&scope=all-apis", token=None,
                               headers=basic(guest["client_id"], guest["client_secret"]))
        token, path = answer.json["access_token"], "/api/2.0/postgres/projects/facts"
        self.fails(EMULATOR.call("GET", path, token=token), 403, "PERMISSION_DENIED")
        EMULATOR.call("PATCH", "/api/2.0/permissions/database-projects/facts", {"access_control_list": [
            {"service_principal_name": guest["client_id"], "permission_level": "CAN_USE"}]})
        self.assertEqual(EMULATOR.call("GET", path, token=token).status, 200)
        self.fails(EMULATOR.call("DELETE", path, token=token), 403, "PERMISSION_DENIED")

    def test_chat_as_a_stream(self):
        body = {"messages": [{"role": "user", "content": "ping"}], "stream": True}
        answer = EMULATOR.call("POST", "/serving-endpoints/databricks-llama-4-maverick/invocations", body)
        self.assertTrue(answer.body.startswith(b"data: {") and answer.body.endswith(b"data: [DONE]\n\n"))

    def test_ranges_of_files(self):
        EMULATOR.call("POST", "/api/2.1/unity-catalog/volumes", {"catalog_name": "main", "schema_name": "default", "name": "v",
                                                                "volume_type": "MANAGED"})
        path = "/api/2.0/fs/files/Volumes/main/default/v/x"
        self.assertEqual(EMULATOR.call("PUT", path, b"0123456789", {"overwrite": "true"}).status, 204)
        part = EMULATOR.call("GET", path, headers={"Range": "bytes=2-4"})
        self.assertEqual((part.status, part.body), (206, b"234"))
        self.fails(EMULATOR.call("GET", path + "y"), 404, "NOT_FOUND")
        self.fails(EMULATOR.call("GET", "/api/2.0/fs/files/Volumes/main/default/v/../../x"), 400, "INVALID_PARAMETER_VALUE")


class GitHub(Case):
    def call(self, method, path, body=None, token=READY["github_token"]):
        return EMULATOR.call(method, f"/repos/acme/shop/{path}", body, token=token)

    def test_life_of_a_comment(self):
        made = self.call("POST", "issues/2/comments", {"body": "plan"})
        self.assertEqual((made.status, made.json["body"]), (201, "plan"))
        changed = self.call("PATCH", f"issues/comments/{made.json['id']}", {"body": "done"})
        self.assertEqual(changed.json["body"], "done")
        self.assertEqual([one["body"] for one in self.call("GET", "issues/2/comments").json], ["done"])
        self.assertEqual(self.call("DELETE", f"issues/comments/{made.json['id']}").status, 204)
        self.assertEqual(self.call("GET", f"issues/comments/{made.json['id']}").status, 404)

    def test_pages_are_linked(self):
        for number in range(3):
            self.call("POST", "issues/4/comments", {"body": str(number)})
        first = EMULATOR.call("GET", "/repos/acme/shop/issues/4/comments", query={"per_page": 2}, token=READY["github_token"])
        self.assertEqual(len(first.json), 2)
        self.assertRegex(first.headers["Link"], r'<[^>]+page=2>; rel="next"')

    def test_refusals(self):
        self.assertEqual(self.call("GET", "issues/2/comments", token="ghp_x").status, 401)
        self.assertEqual(self.call("GET", "issues/99/comments").status, 404)
        self.assertEqual(self.call("POST", "issues/2/comments", {"body": ""}).status, 422)


class Faults(Case):
    me = "/api/2.0/preview/scim/v2/Me"

    def get(self):
        return EMULATOR.call("GET", self.me)

    def test_throttling_counts_down(self):
        EMULATOR.fault("status", "/Me$", status=429, retry_after="7", count=2, error_code="RESOURCE_EXHAUSTED")
        answers = [self.get() for _ in range(3)]
        self.assertEqual([answer.status for answer in answers], [429, 429, 200])
        self.assertEqual((answers[0].headers["Retry-After"], answers[0].code), ("7", "RESOURCE_EXHAUSTED"))

    def test_retry_after_as_a_date_and_missing(self):
        EMULATOR.fault("status", "/Me$", status=503, retry_after={"date_in": 5})
        EMULATOR.fault("status", "/Me$", status=503)
        self.assertRegex(self.get().headers["Retry-After"], r"^\w{3}, \d\d \w{3} \d{4} .* GMT$")
        self.assertIsNone(self.get().headers["Retry-After"])

    def test_skip_and_method(self):
        EMULATOR.fault("status", "/Me$", method="POST", status=500)
        EMULATOR.fault("status", "/Me$", status=500, skip=1)
        self.assertEqual([self.get().status for _ in range(3)], [200, 500, 200])

    def test_html_empty_and_redirect(self):
        for kind in ("html", "empty", "redirect"):
            EMULATOR.fault(kind, "/Me$")
        html, empty, redirect = (self.get() for _ in range(3))
        self.assertEqual((html.status, html.headers["Content-Type"]), (502, "text/html"))
        self.assertEqual((empty.status, empty.body), (503, b""))
        self.assertEqual((redirect.status, redirect.headers["Location"]), (302, "/login.html?error=private-link-validation-error"))

    def test_reset_before_and_after_the_call(self):
        for when, made in (("before", False), ("after", True)):
            EMULATOR.fault("reset", "/postgres/projects$", method="POST", when=when)
            with self.assertRaises(OSError):
                EMULATOR.postgres("POST", "projects", {}, project_id=f"lost-{when}")
            self.assertEqual(EMULATOR.postgres("GET", f"projects/lost-{when}").status == 200, made)

    def test_answer_that_ends_in_the_middle(self):
        EMULATOR.fault("cut", "/Me$", bytes=10)
        with self.assertRaises(Exception) as caught:
            self.get()
        self.assertRegex(type(caught.exception).__name__, "IncompleteRead|Reset|SSL")

    def test_slow_answer_and_none_at_all(self):
        EMULATOR.fault("delay", "/Me$", seconds=0.5)
        begun = time.monotonic()
        self.assertEqual(self.get().status, 200)
        self.assertGreaterEqual(time.monotonic() - begun, 0.5)
        EMULATOR.fault("hang", "/Me$")
        with self.assertRaises(OSError):
            EMULATOR.call("GET", self.me, timeout=0.5)

    def test_unknown_kind_is_refused(self):
        self.fails(EMULATOR.call("POST", "/_emulator/faults", {"kind": "flood"}, token=None), 400, "INVALID_PARAMETER_VALUE")

    def test_log_hides_credentials(self):
        EMULATOR.call("POST", TOKEN, b"grant_type=client_credentials", token=None, headers=basic(READY["client_id"], READY["client_secret"]))
        secret = EMULATOR.credential(f"{MAIN}/endpoints/primary")
        # Also where nobody expects one: in a query, in a text.
        EMULATOR.call("GET", "/api/2.0/postgres/projects", query={"note": f"it is {READY['pat']}"})
        EMULATOR.call("POST", "/api/2.0/sql/statements", {"statement": f"SELECT '{READY['client_secret']}', '{secret}'"})
        text = json.dumps(EMULATOR.control("GET", "requests"))
        for hidden in (secret, READY["client_secret"], READY["pat"], READY["github_token"],
                       basic(READY["client_id"], READY["client_secret"])["Authorization"]):
            self.assertNotIn(hidden, text)
        self.assertIn("/api/2.0/postgres/credentials", text)


class Ways(Case):
    """The other ways to start, and to reach a database."""

    def test_names_told_apart_by_sni_and_plain_http(self):
        with harness.Emulator("--pg-hosts", "names", "--plain-http", "--set", "operation_s=0", "--set", "settle_s=0") as emulator:
            self.assertTrue(emulator.url.startswith("http://"))
            self.assertIsNone(emulator.ca)
            emulator.project("named")
            endpoint = "projects/named/branches/production/endpoints/primary"
            host = emulator.postgres("GET", endpoint).json["status"]["hosts"]["host"]
            self.assertRegex(host, r"^ep-[a-z0-9-]+\.database\.")
            for name, like in ((host, None), (host.replace("ep-", "ep-no-"), "could not be found")):
                with socket.create_connection((emulator.ready["pg_hostaddr"], emulator.ready["pg_port"])) as sock:
                    if like is None:
                        log_in(sock, emulator, name, emulator.credential(endpoint))
                    else:
                        with self.assertRaisesRegex(AssertionError, like):
                            log_in(sock, emulator, name, emulator.credential(endpoint))

    def test_disabled_endpoint_lets_nobody_in(self):
        endpoint = f"{MAIN}/endpoints/primary"
        change = lambda value: EMULATOR.finish(EMULATOR.postgres(
            "PATCH", endpoint, {"spec": {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE", "disabled": value}}, update_mask="spec.disabled"))
        host = EMULATOR.settled(endpoint)["hosts"]["host"]
        change(True)
        with socket.create_connection((host, READY["pg_port"])) as sock, self.assertRaisesRegex(AssertionError, "disabled"):
            log_in(sock, EMULATOR, host, EMULATOR.credential(endpoint))
        change(False)
        EMULATOR.settled(endpoint)
        with socket.create_connection((host, READY["pg_port"])) as sock:
            log_in(sock, EMULATOR, host, EMULATOR.credential(endpoint))

    def test_launcher_of_shells(self):
        script, folder = os.path.join(harness.HERE, "emulator.sh"), tempfile.mkdtemp()
        run = lambda *words: subprocess.run(["bash", script, *words], capture_output=True, text=True, check=True).stdout
        try:
            ready = json.loads(run("start", folder, "--set", "token_s=7"))
            self.assertTrue(alive(ready["pid"]))
            self.assertIn(f"LBOPS_EMULATOR_URL='{ready['url']}'", run("env", folder))
            run("stop", folder)
            self.assertFalse(alive(ready["pid"]))
            self.assertFalse(any(os.path.exists(one) for one in ready["folders"]))
            holder = subprocess.Popen(["sleep", "600"])
            ready = json.loads(run("start", folder, "--follow", str(holder.pid)))
            holder.kill()
            holder.wait()
            harness.until(lambda: not alive(ready["pid"]) and not any(os.path.exists(one) for one in ready["folders"]))
            bad = subprocess.run(["bash", script, "start", folder, "--set", "nonsense=1"], capture_output=True, text=True, check=False)
            self.assertNotEqual(bad.returncode, 0)
            self.assertIn("no such setting", bad.stderr)
        finally:
            shutil.rmtree(folder)


class Ends(Case):
    """Nothing is left of an emulator, however it ends."""

    def begin(self):
        emulator = harness.Emulator("--set", "operation_s=0", "--set", "settle_s=0")
        emulator.project("brief")
        emulator.control("POST", "computes/suspend", {"endpoint": "projects/brief/branches/production/endpoints/primary"})
        token = emulator.credential("projects/brief/branches/production/endpoints/primary")
        host = emulator.postgres("GET", "projects/brief/branches/production/endpoints/primary").json["status"]["hosts"]["host"]
        # Waking needs no driver: a session is let in, and the server is there.
        with socket.create_connection((host, READY["pg_port"])) as sock:
            log_in(sock, emulator, host, token)
            pid = emulator.control("GET", "computes")["computes"][0]["pid"]
        self.assertTrue(pid and alive(pid))
        return emulator, pid

    def gone(self, emulator, pid):
        harness.until(lambda: not alive(pid))
        harness.until(lambda: not any(os.path.exists(folder) for folder in emulator.ready["folders"]))

    def test_after_being_told_to_stop(self):
        emulator, pid = self.begin()
        emulator.stop()
        self.assertEqual(emulator.process.returncode, 0)
        self.assertFalse(alive(pid))
        self.gone(emulator, pid)

    def test_after_being_killed(self):
        emulator, pid = self.begin()
        emulator.process.send_signal(signal.SIGKILL)
        emulator.process.wait()
        emulator.process.stdout.close()
        self.gone(emulator, pid)

    def test_with_the_process_that_started_it(self):
        script = ("import sys, time; sys.path.insert(0, sys.argv[1]); import harness; e = harness.Emulator(); "
                  "print(e.process.pid, e.ready['folders'][0], flush=True); time.sleep(600)")
        parent = subprocess.Popen([sys.executable, "-B", "-c", script, harness.HERE], stdout=subprocess.PIPE, text=True)
        pid, folder = parent.stdout.readline().split()
        self.assertTrue(alive(int(pid)) and os.path.exists(folder))
        parent.kill()
        parent.wait()
        parent.stdout.close()
        harness.until(lambda: not alive(int(pid)) and not os.path.exists(folder))


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(") ", 1)[1][0] != "Z"
    except OSError:
        return False


def log_in(sock, emulator, host, token):
    """The start of a session, by hand: TLS, the token, until the server says that it is ready."""
    sys.path.insert(0, harness.HERE)
    from workspace import pgwire
    sock.settimeout(harness.PATIENCE_S)
    sock.sendall(pgwire.packet(pgwire.SSL_REQUEST.to_bytes(4, "big")))
    if sock.recv(1) != b"S":
        raise AssertionError("TLS is refused")
    with emulator.tls.wrap_socket(sock, server_hostname=host) as safe:
        safe.sendall(pgwire.startup(emulator.ready["user"], "databricks_postgres"))
        kind, content = pgwire.read_message(safe)
        if (kind, content) == (b"R", (3).to_bytes(4, "big")):
            safe.sendall(pgwire.message(b"p", token.encode() + b"\0"))
            kind, content = pgwire.read_message(safe)
        if kind != b"R":
            raise AssertionError(f"not let in: {pgwire.error_fields(content).get('M')}")
        while pgwire.read_message(safe)[0] != b"Z":
            pass


if __name__ == "__main__":
    harness.main()
