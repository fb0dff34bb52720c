/* What a given server has: its databases, and what their comments say of those that are branches of ours. */
#include "local_given.h"

#include "clock.h"
#include "local_say.h"

#include <sql/local/given_databases.h>

#define COMMENT "lbops branch: "

enum { NAME, OID, SERVER, IS_CURRENT, IS_OPEN, IS_BROKEN, IS_BUSY, SAID, BYTES, OTHERS, PREPARED, WHO, COLUMNS };

static bool is_true(const char *cell)
{
    return cell && cell[0] == 't';
}

static int64_t number(const char *cell)
{
    return cell ? strtoll(cell, NULL, 10) : 0;
}

/* ---- comments ---- */

/* What a look finds out by itself stays out: names, the size, the parent's full name. */
char *given_comment(doc *entry, int64_t oid, const char *server)
{
    JSON_AUTO *d = json_object_new_object();
    doc_set_text(d, "name", doc_text(entry, "directory"));
    doc_set_i64(d, "oid", oid);
    doc_set_text(d, "server", server);
    doc_set_text(d, "source", doc_text(entry, "source.directory"));
    doc_set(d, "branch", doc_copy(doc_at(entry, "branch")));
    doc_set(d, "branch.name", NULL);
    doc_set(d, "branch.parent", NULL);
    doc_set(d, "branch.status.source_branch", NULL);
    doc_set(d, "branch.status.logical_size_bytes", NULL);
    doc_set(d, "branch.status.pending_state", NULL);
    const char *text = json_object_to_json_string_ext(d, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    return base_printf(COMMENT "%s", text);
}

/* The document of a comment that was written for this very database; NULL where it is none. */
static doc *read_comment(const char *const *cells)
{
    lb_error ignored;
    const char *said = cells[SAID];
    if (!said || strncmp(said, COMMENT, strlen(COMMENT)) != 0)
        return NULL;
    doc *d = json_parse(said + strlen(COMMENT), strlen(said + strlen(COMMENT)), &ignored);
    bool fits = d && doc_is(d, "name", cells[NAME]) && doc_is(d, "server", cells[SERVER]) &&
                doc_i64(d, "oid", -1) == number(cells[OID]) && doc_text(d, "source") &&
                doc_text(d, "branch.status.current_state");
    if (!fits && d) {
        (void)json_object_put(d); /* says only whether it was the last reference */
        d = NULL;
    }
    return d;
}

/* ---- entries ---- */

static void put_names(doc *branch, const char *project, const char *database)
{
    LB_AUTO_FREE char *word = pg_url_part(database);
    LB_AUTO_FREE char *name = base_printf("projects/%s/branches/%s", project, word ? word : "");
    LB_AUTO_FREE char *parent = base_printf("projects/%s", project);
    doc_set_text(branch, "name", name);
    doc_set_text(branch, "branch_id", database);
    doc_set_text(branch, "parent", parent);
    doc_set_text(branch, "status.branch_id", database);
}

/* A database of other people's is a root branch that is ready. */
static doc *foreign_branch(const char *const *cells)
{
    LB_AUTO_FREE char *uid = base_printf("db-%s", cells[OID]);
    doc *branch = json_object_new_object();
    doc_set_text(branch, "uid", uid);
    doc_set_text(branch, "status.current_state", "READY");
    doc_set_flag(branch, "status.is_protected", false); /* as far as the rules go; given_answer says otherwise */
    return branch;
}

static void add_entry(given_call *c, const char *const *cells, doc *said)
{
    doc *entry = json_object_new_object(), *branch = said ? doc_copy(doc_at(said, "branch")) : foreign_branch(cells);
    put_names(branch, c->p.id, cells[NAME]);
    doc_set_flag(branch, "status.default", is_true(cells[IS_CURRENT]));
    if (cells[BYTES])
        doc_set_i64(branch, "status.logical_size_bytes", number(cells[BYTES]));
    doc_set(entry, "branch", branch);
    doc_set_text(entry, "directory", cells[NAME]);
    doc_set_i64(entry, "oid", number(cells[OID]));
    doc_set_text(entry, "server", cells[SERVER]);
    doc_set_flag(entry, "foreign", !said);
    doc_set_flag(entry, "is_open", is_true(cells[IS_OPEN]));
    doc_set_flag(entry, "is_broken", is_true(cells[IS_BROKEN]));
    doc_set_i64(entry, "others", number(cells[OTHERS]) + number(cells[PREPARED]));
    if (number(cells[OTHERS]) > 0)
        doc_set_text(entry, "who", cells[WHO]);
    else if (number(cells[PREPARED]) > 0)
        doc_set_text(entry, "who", "prepared transactions");
    if (said)
        doc_set_text(entry, "source.directory", doc_text(said, "source"));
    (void)json_object_array_add(doc_at(c->p.d, "branches"), entry); /* fails without memory alone */
}

static int take_row(void *arg, uint32_t count, const char *const *cells, lb_error *err)
{
    given_call *c = arg;
    bool is_leftover = strncmp(cells[NAME], GIVEN_MAKING, strlen(GIVEN_MAKING)) == 0;
    if (count != COLUMNS)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "%u columns of a database", count);
    if (is_leftover && number(cells[OTHERS]) == 0 && !is_true(cells[IS_BUSY])) /* else somebody may be making it */
        (void)json_object_array_add(c->leftovers, json_object_new_string(cells[NAME])); /* fails without memory alone */
    JSON_AUTO *said = is_leftover ? NULL : read_comment(cells);
    if (!is_leftover && (said || (is_true(cells[IS_OPEN]) && !is_true(cells[IS_BROKEN]))))
        add_entry(c, cells, said);
    return 0;
}

/* A parent that is not there any more is none, so that nobody resets a branch from it. */
static void find_parents(given_call *c)
{
    doc *list = doc_at(c->p.d, "branches");
    for (size_t i = 0; i < doc_length(list); i++) {
        const char *source = doc_text(doc_item(list, i), "source.directory");
        doc *parent = source ? local_branch_by_directory(&c->p, source) : NULL;
        if (parent)
            doc_set_text(doc_item(list, i), "branch.status.source_branch", doc_text(parent, "branch.name"));
        if (doc_flag(doc_item(list, i), "branch.status.default"))
            doc_set_text(c->p.d, "project.status.default_branch", doc_text(doc_item(list, i), "branch.name"));
    }
}

static void put_project(given_call *c, int major)
{
    LB_AUTO_FREE char *name = base_printf("projects/%s", c->p.id);
    doc *project = json_object_new_object();
    doc_set_text(project, "name", name);
    doc_set_text(project, "project_id", c->p.id);
    doc_set_text(project, "status.project_id", c->p.id);
    doc_set_text(project, "status.display_name", c->p.id);
    doc_set_i64(project, "status.pg_version", major);
    doc_set(c->p.d, "project", project);
    doc_set(c->p.d, "branches", json_object_new_array());
}

void given_forget(given_call *c)
{
    local_close(&c->p);
    if (c->leftovers)
        (void)json_object_put(c->leftovers); /* says only whether it was the last reference */
    c->leftovers = NULL;
}

int given_look(given_call *c, lb_error *err)
{
    int major = 0;
    given_forget(c);
    c->leftovers = json_object_new_array();
    c->p = (local_project){.id = base_strdup(c->given->project), .lock = -1, .d = json_object_new_object()};
    int r = pg_session_version(c->session, &major, err);
    put_project(c, major);
    if (r >= 0)
        r = local_run(c->session, &local_given_databases_sql, NULL, take_row, c, c->call->deadline, err);
    find_parents(c);
    return r;
}

/* ---- answers ---- */

doc *given_answer(doc *entry)
{
    doc *branch = doc_copy(doc_at(entry, "branch"));
    int64_t others = doc_i64(entry, "others", 0);
    if (doc_flag(entry, "foreign"))
        doc_set_flag(branch, "status.is_protected", true);
    if (others > 0) {
        LB_AUTO_FREE char *who = base_printf("%lld: %s%s", (long long)others, doc_text_or(entry, "who", "not told"),
                                             others > 3 ? " ..." : "");
        doc_set_text(branch, "status.in_use_by", who);
    }
    return branch;
}

static doc *new_endpoint(doc *entry, const char *id, const char *uid_start, const char *type)
{
    LB_AUTO_FREE char *name = base_printf("%s/endpoints/%s", doc_text(entry, "branch.name"), id);
    LB_AUTO_FREE char *uid = base_printf("%s-%lld", uid_start, (long long)doc_i64(entry, "oid", 0));
    doc *endpoint = json_object_new_object();
    doc_set_text(endpoint, "name", name);
    doc_set_text(endpoint, "endpoint_id", id);
    doc_set_text(endpoint, "parent", doc_text(entry, "branch.name"));
    doc_set_text(endpoint, "uid", uid);
    doc_set_text(endpoint, "status.endpoint_id", id);
    doc_set_text(endpoint, "status.endpoint_type", type);
    doc_set_text(endpoint, "status.current_state", "ACTIVE");
    doc_set_flag(endpoint, "status.disabled", false);
    doc_set_flag(endpoint, "status.no_suspension", true);
    return endpoint;
}

/* Where it is stays with the manifest, which alone knows. */
doc *given_reader(doc *entry)
{
    return new_endpoint(entry, GIVEN_READER, "ep-" GIVEN_READER, "ENDPOINT_TYPE_READ_ONLY");
}

doc *given_endpoint(const given_call *c, doc *entry)
{
    LB_AUTO_FREE char *url = pg_session_url(c->session, doc_text_or(entry, "directory", ""));
    doc *endpoint = new_endpoint(entry, "primary", "ep", "ENDPOINT_TYPE_READ_WRITE");
    doc_set_text(endpoint, "status.hosts.host", pg_session_host(c->session));
    doc_set_text(endpoint, "status.dsn", url);
    return endpoint;
}

doc *given_entry(const given_call *c, const char *word)
{
    LB_AUTO_FREE char *name = base_printf("projects/%s/branches/%s", c->p.id, word);
    doc *entry = local_branch_by_name(&c->p, name);
    return entry ? entry : local_branch(&c->p, word);
}
