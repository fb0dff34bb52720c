/* local.h: a local Lakebase: what the files of transport_local and its keeper share.
 *
 * On disk, below one directory that only we may enter:
 *
 *   projects/P.json         the project, its branches and their endpoints, as the control plane answers them
 *   projects/P.lock         held (flock) around each change of that file
 *   operations/UUID.json    long-running operations
 *   branches/P/UID/         a branch: lock (held by its keeper), keeper.sock, log
 *   branches/P/UID/server/  what belongs to the servers' user: data, wal (kept for points in time), base-TIME, socket
 *   trash/                  what is on its way out
 *
 * A branch's keeper (lbops-keeper) is a process that makes the branch, starts its server when somebody comes and stops
 * it when everybody has gone. Whoever needs the server holds a connection to keeper.sock, so that the end of a user is
 * seen however it comes. Files are replaced atomically, so that reading needs no lock. Everything may die at any
 * instruction: what a record promises and nobody works at is taken up again by the next one who looks (local_mend).
 *
 * Servers may run as another user than we do, one who cannot enter the directories above theirs. So they are started
 * with open descriptors of their directories, and /proc/self/fd/N for a path. */
#ifndef LBOPS_SERVICES_LOCAL_H
#define LBOPS_SERVICES_LOCAL_H

#include "json.h"

#include <lbops/transport.h>

#include <sys/types.h>

#define LOCAL_DATABASE  "databricks_postgres"
#define LOCAL_SUPERUSER "postgres"
#define LOCAL_PORT      "5432" /* part of the socket's name; nothing listens on a network */

typedef struct json_object doc;

typedef struct local_cluster {
    const lb_service_host *host;
    char *path;      /* absolute */
    char *keeper;    /* the program */
    char *programs;  /* a folder with Postgres' programs, or NULL: look for them */
    char **projects; /* made when they are missing; NULL-terminated */
    int64_t version; /* of new projects; 0: the newest that is installed */
    int64_t linger_s, shortest_suspend_s, archive_after_s;
    uid_t uid; /* of the servers */
    gid_t gid;
} local_cluster;

/* ---- local_files.c: descriptors, locks, documents, trees ---- */

LB_MUST_CHECK int local_dir_open(const char *path, lb_error *err); /* a descriptor; no symbolic link at its end */

/* Waits for a lock until the deadline or the end of the run: a descriptor. wait_us 0: LB_ERR_CONFLICT at once. */
LB_MUST_CHECK int local_lock(const lb_service_host *host, const char *path, int64_t wait_us, lb_error *err);

LB_MUST_CHECK int local_read_document(const char *path, doc **ret_document, lb_error *err);
LB_MUST_CHECK int local_write_document(const char *path, doc *document, lb_error *err);

char *local_branch_path(const local_cluster *c, const char *project, const char *directory, const char *name);
/* local_way.c: the same directory by a name that is short enough for a socket's path; the caller frees it. It is the
 * path itself where that is short, or where no other way can be made. */
bool local_way_is_long(const char *path);
char *local_way(const char *path);
void local_way_forget(const char *path); /* it is going: the names of it, and of the server in it */

/* Moves a directory into the trash and removes what is there. Failures are left to the next one who looks. */
void local_discard(const local_cluster *c, const char *path);
void local_empty_trash(const local_cluster *c);

/* ---- local_child.c: other processes ---- */

/* Runs fn in a child that has only the rights of the servers' user; false: it failed. */
bool local_as_server(const local_cluster *c, bool (*fn)(const void *arg), const void *arg);

typedef struct local_program {
    const char *const *argv; /* argv[0] is a path; ends with NULL */
    int dirs[3];             /* directories that it gets as descriptors LOCAL_FD and on; -1: none */
    int log;                 /* its stdout and stderr */
} local_program;

#define LOCAL_FD 7 /* /proc/self/fd/7 and on are local_program.dirs */

/* Starts a program as the servers' user; it is asked to stop when we die. A pid, or a negative code. */
LB_MUST_CHECK pid_t local_start(const local_cluster *c, const local_program *program, lb_error *err);

/* Starts a branch's keeper and waits until it takes callers (or has found that another one does). */
LB_MUST_CHECK int local_start_keeper(const local_cluster *c, const char *project, const char *directory, lb_error *err);

/* ---- local_programs.c ---- */

/* The folder with the programs of a version (0: the newest); the caller frees. */
LB_MUST_CHECK int local_find_programs(const local_cluster *c, int64_t version, char **ret_folder, int64_t *ret_version,
                                      lb_error *err);

/* ---- local_doc.c: documents by dotted paths ---- */

doc *doc_at(doc *d, const char *path); /* NULL where there is none */
const char *doc_text(doc *d, const char *path);
const char *doc_text_or(doc *d, const char *path, const char *otherwise);
int64_t doc_i64(doc *d, const char *path, int64_t otherwise);
double doc_f64(doc *d, const char *path, double otherwise);
bool doc_flag(doc *d, const char *path);
bool doc_is(doc *d, const char *path, const char *text);
void doc_set(doc *d, const char *path, doc *value); /* takes the value over; NULL removes the member */
void doc_set_text(doc *d, const char *path, const char *text);
void doc_set_i64(doc *d, const char *path, int64_t number);
void doc_set_f64(doc *d, const char *path, double number);
void doc_set_flag(doc *d, const char *path, bool flag);
void doc_set_time(doc *d, const char *path, int64_t microseconds);
int64_t doc_time(doc *d, const char *path); /* 0 where there is none */
size_t doc_length(doc *list);
doc *doc_item(doc *list, size_t i);
doc *doc_copy(doc *d);

/* "300s" and the like, in microseconds; -1: not one. */
int64_t local_seconds(const char *text);
char *local_seconds_text(int64_t seconds);
void local_uuid(char into[37]);
char *local_uid(const char *prefix); /* "br-calm-river-1a2b3c4d" */
bool local_is_id(const char *text);

/* ---- local_store.c: projects on disk ---- */

typedef struct local_project {
    const local_cluster *cluster;
    char *id;
    int lock; /* -1: only read */
    doc *d;   /* "project" and "branches" */
} local_project;

/* Locked until local_close; a project that is not there has d NULL. */
LB_MUST_CHECK int local_open(const local_cluster *c, const char *project, local_project *ret_project, lb_error *err);
LB_MUST_CHECK int local_open_within(const local_cluster *c, const char *project, int64_t wait_us,
                                    local_project *ret_project, lb_error *err);
/* As it stood a moment ago. */
LB_MUST_CHECK int local_look(const local_cluster *c, const char *project, local_project *ret_project, lb_error *err);
LB_MUST_CHECK int local_save(const local_project *p, lb_error *err);
void local_close(local_project *p);
#define LOCAL_PROJECT LB_CLEANUP(local_close) local_project

/* A branch's entry: "branch", "endpoints", "directory", "source", "operation", "attempts". */
doc *local_branch(const local_project *p, const char *branch);
doc *local_branch_by_name(const local_project *p, const char *name); /* in full */
doc *local_branch_by_directory(const local_project *p, const char *directory);
doc *local_primary(doc *entry); /* its read-write endpoint */
void local_remove_branch(const local_project *p, const char *directory);

/* The projects' ids, sorted; the caller frees with local_free_ids. */
LB_MUST_CHECK int local_project_ids(const local_cluster *c, char ***ret_ids, size_t *ret_count, lb_error *err);
void local_free_ids(char **ids, size_t count);

/* Operations. A new one is not done. */
LB_MUST_CHECK int local_new_operation(const local_cluster *c, const char *resource, const char *kind, char ret_id[37],
                                      lb_error *err);
LB_MUST_CHECK int local_end_operation(const local_cluster *c, const char *id, doc *response, const lb_error *failure,
                                      lb_error *err);
LB_MUST_CHECK int local_read_operation(const local_cluster *c, const char *id, doc **ret_operation, lb_error *err);

/* ---- local_lease.c: who needs a server ---- */

/* Says something to a branch's keeper, starting one if need be: "use", "wake" or "restore" (which do not hold up the
 * sleep of others). Returns a descriptor that is the claim on the server: as long as it is open, the server runs. */
LB_MUST_CHECK int local_claim(const local_cluster *c, const char *project, const char *directory, const char *wish,
                              int64_t deadline, lb_error *err);
/* Has the server gone from under the claim? */
bool local_claim_holds(int claim);

/* Tells the keeper, if there is one, to stop the server ("suspend" also drops its statistics), and returns the branch's
 * lock, so that no other keeper can work at it. */
LB_MUST_CHECK int local_seize(const local_cluster *c, const char *project, const char *directory, const char *wish,
                              int64_t wait_us, lb_error *err);
bool local_is_kept(const local_cluster *c, const char *project, const char *directory);

/* ---- local_mend.c: what time and accidents have done ---- */

LB_MUST_CHECK int local_ensure_projects(const local_cluster *c, lb_error *err);
LB_MUST_CHECK int local_mend(const local_cluster *c, const char *project, lb_error *err);
/* Finishes the removal of a branch whose pending_state is DELETED. */
LB_MUST_CHECK int local_finish_removal(const local_cluster *c, const char *project, const char *directory,
                                       lb_error *err);

/* ---- local_control.c ---- */

typedef struct local_call {
    const local_cluster *cluster;
    const lb_request *request;
    int64_t deadline;
    char *path, **words;
    size_t count;
    doc *body; /* an object, or NULL */
    doc *reply;
} local_call;

/* Path and body; the end of a call, with the error that says which it was. */
LB_MUST_CHECK int local_call_read(local_call *call, lb_error *err);
LB_MUST_CHECK int local_call_answer(local_call *call, int r, doc **ret_reply, lb_error *err);
void local_call_done(local_call *call);
#define LOCAL_CALL LB_CLEANUP(local_call_done) local_call

/* One call to the control plane; the caller puts the reply. */
LB_MUST_CHECK int local_control(const local_cluster *c, const lb_request *request, int64_t deadline, doc **ret_reply,
                                lb_error *err);

/* The control plane's own errors: an HTTP status, its code and its message. */
LB_PRINTF(4, 5) int local_refuse(lb_error *err, int status, const char *error_code, const char *fmt, ...);
int local_missing(lb_error *err, const char *what);
int local_no_route(const local_call *call, lb_error *err);

/* A member of the query, decoded; NULL where it is not given. The caller frees. */
char *local_query(const local_call *call, const char *name);
bool local_query_flag(const local_call *call, const char *name);
/* "spec.a,spec.b" holds this field? */
bool local_masked(const char *mask, const char *field);
/* A page of a list into the reply. keep: NULL, or which items. */
LB_MUST_CHECK int local_page(local_call *call, const char *name, doc *items, int64_t least_size, lb_error *err);
LB_MUST_CHECK int local_answer_operation(local_call *call, const char *id, lb_error *err);

int local_projects(local_call *call, lb_error *err);
int local_branches(local_call *call, lb_error *err);
int local_endpoints(local_call *call, lb_error *err);
int local_roles(local_call *call, lb_error *err);
int local_databases(local_call *call, lb_error *err);
int local_credentials(local_call *call, lb_error *err);

/* ---- local_rules.c: what the control plane lets one do with branches ---- */

LB_MUST_CHECK int local_read_branch_id(const local_call *call, char **ret_id, lb_error *err); /* of a new one */
/* Exactly one of three; `base` is what a ttl counts from. ret_time 0: none. */
LB_MUST_CHECK int local_read_expiry(doc *spec, int64_t base, int64_t *ret_time, lb_error *err);
LB_MUST_CHECK int local_set_expiry(const local_project *p, doc *entry, int64_t time, lb_error *err);
LB_MUST_CHECK int local_set_protection(const local_project *p, doc *entry, doc *spec, lb_error *err);
/* Room for one more? What is marked as "foreign" was not made by the control plane and does not count. */
LB_MUST_CHECK int local_check_room(const local_project *p, lb_error *err);
doc *local_find_source(const local_project *p, doc *spec, lb_error *err); /* NULL: err */
/* Takes over what the call's update_mask names. */
LB_MUST_CHECK int local_take_fields(const local_call *call, const local_project *p, doc *entry, lb_error *err);
LB_MUST_CHECK int local_check_delete(const local_project *p, doc *entry, lb_error *err);
void local_mark_deleted(doc *branch);
LB_MUST_CHECK int local_unmark_deleted(doc *branch, lb_error *err);

/* local_projects.c: a project with its production branch, still to be made. body: NULL, or the call's. */
LB_MUST_CHECK int local_add_project(const local_cluster *c, const char *id, doc *body, char ret_operation[37],
                                    char **ret_directory, lb_error *err);
/* local_entry.c: an entry, with its endpoint and what every branch has; and what a child takes over ("roles",
 * "databases").
 */
doc *local_new_entry(doc *project, const char *branch, int64_t now);
void local_inherit(doc *entry, doc *source, const char *list);
/* local_endpoints.c: checks and takes over limits and suspension from a spec. */
LB_MUST_CHECK int local_set_endpoint(const local_cluster *c, doc *status, doc *spec, lb_error *err);

#endif
