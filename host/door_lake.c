/* Rows of a server into a table of the lakehouse: read into a file, which the delta service takes in whole. */
#include "door.h"

#include "compose.h"
#include "fs.h"
#include "service_delta.h"
#include "sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lbops/lake_type.h>
#include <signal.h>
#include <sql/host/lake_json.h>
#include <sql/host/lake_plain.h>
#include <sql/host/lake_rows.h>

#define KEY_MOST 64
#define ROW_MOST ((size_t)48 * 1024 * 1024) /* of one row in the file; the other side reads up to 64 MB */

/* ---- adding ---- */

static bool key_is_sound(const char *key)
{
    static const char signs[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = key ? strspn(key, signs) : 0;
    return length > 0 && length <= KEY_MOST && !key[length];
}

static bool is_view(const lb_lake_append *a)
{
    return LB_HAS(a, lb_lake_append, is_view) && a->is_view;
}

/* What it asks for is known whole beforehand, with its values. */
static bool is_merge(const lb_lake_append *a)
{
    return LB_HAS(a, lb_lake_append, is_merge) && a->is_merge;
}

static const char *expected_by(const lb_lake_append *a)
{
    return LB_HAS(a, lb_lake_append, expects) ? a->expects : NULL;
}

static int check_view(const lb_lake_append *a, lb_error *err)
{
    return a->rows && a->rows->kind == LB_STATEMENT_LAKE
               ? 0
               : lb_fail(err, LB_ERR_INVALID, "write it as a statement of kind lake",
                         "what the view %s says is no question to the lakehouse", a->table.name);
}

static int check_append(const lb_group *group, const lb_lake_append *a, lb_error *err)
{
    int r = run_lake_check_name(&a->table, err);
    if (r < 0)
        return r;
    if (group->atomic)
        return lb_fail(err, LB_ERR_INVALID, "leave .atomic out", "the lakehouse takes part in no transaction");
    if (is_view(a))
        return check_view(a, err);
    if (is_merge(a) || expected_by(a))
        return a->rows && a->rows->kind == LB_STATEMENT_LAKE && !(is_merge(a) && expected_by(a))
                   ? 0
                   : lb_fail(err, LB_ERR_INVALID, "write it as a statement of kind lake",
                             "what is to be done with %s is neither a MERGE nor a question", a->table.name);
    if (!key_is_sound(a->key))
        return lb_fail(err, LB_ERR_INVALID, "up to 64 of a-z A-Z 0-9 . _ -", "'%.80s' is no key of a batch",
                       a->key ? a->key : "");
    if (!a->rows || a->rows->kind != LB_STATEMENT_FRAGMENT)
        return lb_fail(err, LB_ERR_INVALID, "write it as a fragment that is a SELECT",
                       "the rows for %s come from no question", a->table.name);
    if (!a->column_count || a->column_count > LAKE_COLUMNS || !a->columns)
        return lb_fail(err, LB_ERR_INVALID, "name each column with its type", "the rows for %s have no columns",
                       a->table.name);
    return 0;
}

static int copy_append(run_state *run, const lb_lake_append *a, lb_lake_append **ret_copy, lb_error *err)
{
    lb_lake_append *copy = arena_alloc(run->memory, sizeof *copy);
    lb_lake_column *columns = arena_alloc(run->memory, (a->column_count + 1) * sizeof *columns);
    if (!copy || !columns)
        return lb_out_of_memory(err);
    *copy = (lb_lake_append){.size = sizeof *copy,
                             .table = {.catalog = arena_strdup(run->memory, a->table.catalog),
                                       .schema = arena_strdup(run->memory, a->table.schema),
                                       .name = arena_strdup(run->memory, a->table.name)},
                             .key = arena_strdup(run->memory, a->key ? a->key : ""),
                             .is_view = is_view(a),
                             .is_merge = is_merge(a),
                             .expects = expected_by(a) ? arena_strdup(run->memory, a->expects) : NULL,
                             .rows = a->rows,
                             .columns = columns,
                             .column_count = a->column_count};
    bool whole = copy->table.catalog && copy->table.schema && copy->table.name && copy->key &&
                 (copy->expects || !expected_by(a));
    for (uint32_t i = 0; whole && i < a->column_count; i++) {
        if (!a->columns[i].name || !a->columns[i].type)
            return lb_fail(err, LB_ERR_INVALID, NULL, "column %u for %s has no name or no type", i + 1, a->table.name);
        char buffer[LB_LAKE_TYPE_BYTES];
        columns[i] = (lb_lake_column){.name = arena_strdup(run->memory, a->columns[i].name),
                                      .type = arena_strdup(run->memory, lb_lake_type(a->columns[i].type, buffer))};
        whole = columns[i].name && columns[i].type;
    }
    *ret_copy = copy;
    return whole ? 0 : lb_out_of_memory(err);
}

/* The tool's question inside one that gives each column as it is kept. */
static int compose_rows(run_state *run, const lb_lake_append *a, const lb_sql **ret_sql, lb_error *err)
{
    lb_value *items = arena_alloc(run->memory, a->column_count * sizeof *items);
    const lb_sql *rows = NULL, *column = NULL;
    int r = items ? run_compose(&run->ctx, a->rows, a->args, &rows, err) : lb_out_of_memory(err);
    for (uint32_t i = 0; items && r >= 0 && i < a->column_count; i++) {
        const lb_statement *form = lb_lake_is_array(a->columns[i].type) ? &host_lake_json_sql : &host_lake_plain_sql;
        r = run_compose(&run->ctx, form, LB_ARGS(lb_ident("name", a->columns[i].name)), &column, err);
        items[i] = lb_sql_value(NULL, column);
    }
    if (r >= 0)
        r = run_compose(&run->ctx, &host_lake_rows_sql,
                        LB_ARGS(lb_list("columns", LB_SQL, items, a->column_count), lb_sql_value("rows", rows)),
                        ret_sql, err);
    return r;
}

static int compose_view(run_state *run, const lb_lake_append *a, const lb_sql **ret_sql, lb_error *err)
{
    int r = compose(a->rows, a->args ? a->args : LB_NO_ARGS, 0, run->memory, ret_sql, err);
    return r >= 0 && (*ret_sql)->param_count ? lb_fail(err, LB_ERR_INVALID, "write its values into the statement",
                                                       "a view takes no values, and %s has some", a->rows->name)
                                             : r;
}

static int check_reads(const lb_sql *sql, const char *name, lb_error *err)
{
    effect_verdict verdict;
    int r = effect_of_sql(sql->text, &verdict, err);
    if (r >= 0 && verdict.effect != EFFECT_READ)
        r = lb_fail(err, LB_ERR_INVALID, "it is to read rows and nothing else", "it %s", verdict.why);
    return r < 0 ? lb_wrap(err, name) : 0;
}

int door_change_lake(lb_group *group, const lb_lake_append *append, lb_error *err)
{
    run_state *run = group->run;
    lb_lake_append *copy = NULL;
    int r = check_append(group, append, err);
    change *c = r < 0 ? NULL : door_new_change(group, CHANGE_LAKE, err);
    if (!c)
        return err->code;
    r = copy_append(run, append, &copy, err);
    if (r < 0 || !copy)
        return r;
    c->lake = copy;
    if (copy->is_merge || copy->expects)
        return door_add_known(c, append, err);
    r = copy->is_view ? compose_view(run, append, &c->sql, err) : compose_rows(run, append, &c->sql, err);
    if (r >= 0)
        r = check_reads(c->sql, append->rows->name, err);
    if (r < 0)
        return r;
    c->args = arena_values(run->memory, append->args ? append->args : LB_NO_ARGS);
    c->statement = arena_printf(run->memory, "%s %s.%s.%s in the lakehouse as %s: %s",
                                copy->is_view ? "view" : "append to", copy->table.catalog, copy->table.schema,
                                copy->table.name, copy->is_view ? "a question" : copy->key, c->sql->display);
    if (!c->args || !c->statement)
        return lb_out_of_memory(err);
    effect_of_lake(copy->table.name, copy->is_view, &c->verdict);
    return door_join(c, err);
}

/* ---- the file ---- */

typedef struct stage {
    const change *change;
    char *path;
    FILE *file;
    sha256 sum;
    buf line;
    int64_t rows, longest;
} stage;

static int take_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    const stage *s = state;
    (void)names; /* they are ours */
    return count == s->change->lake->column_count
               ? 0
               : lb_fail(err, LB_ERR_INTERNAL, NULL, "%u columns came where %u were asked for", count,
                         s->change->lake->column_count);
}

/* No table of the lakehouse has an end of time. */
static bool is_infinite(const char *type, const char *cell)
{
    return (strcmp(type, "timestamp") == 0 || strcmp(type, "date") == 0) && strstr(cell, "infinity");
}

static void put_cell(buf *line, const char *cell)
{
    buf_puts(line, ",\"");
    for (const char *p = cell; *p;) {
        size_t plain = strcspn(p, "\"");
        buf_put(line, p, plain);
        p += plain;
        if (*p) {
            buf_puts(line, "\"\"");
            p++;
        }
    }
    buf_putc(line, '"');
}

/* The first cell says that there is a row: one of nulls would be an empty line. */
static int take_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    stage *s = state;
    buf_clear(&s->line);
    buf_putc(&s->line, '1');
    for (uint32_t i = 0; i < count; i++) {
        const lb_lake_column *column = &s->change->lake->columns[i];
        if (!cells[i])
            buf_putc(&s->line, ',');
        else if (is_infinite(column->type, cells[i]))
            return lb_fail(err, LB_ERR_UNSUPPORTED, "leave such rows out, or cast the column to text",
                           "a row has %s in %s, which the lakehouse cannot hold", cells[i], column->name);
        else
            put_cell(&s->line, cells[i]);
    }
    buf_putc(&s->line, '\n');
    if (s->line.overflow)
        return lb_fail(err, LB_ERR_LIMIT, "leave its large columns out", "a row is larger than %zu MB", ROW_MOST >> 20);
    sha256_add(&s->sum, s->line.data, s->line.length);
    s->rows++;
    if ((int64_t)s->line.length > s->longest)
        s->longest = (int64_t)s->line.length;
    return fwrite(s->line.data, 1, s->line.length, s->file) == s->line.length ? 0
                                                                              : fs_fail(err, errno, "write", s->path);
}

/* What processes left that are not there any more. */
static void sweep(const char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        long pid = strtol(e->d_name, NULL, 10);
        if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            (void)unlinkat(dirfd(d), e->d_name, 0); /* the next one tries again */
    }
    if (d)
        (void)closedir(d); /* read only */
}

static int open_stage(stage *s, lb_error *err)
{
    run_state *run = s->change->group->run;
    LB_AUTO_FREE char *folder = base_printf("%s/../stage", run->worker->setup->outbox_dir);
    if (fs_make_dirs(folder, err) < 0)
        return err->code;
    sweep(folder);
    s->path = base_printf("%s/%ld-%s-%u.csv", folder, (long)getpid(), run->request->id, s->change->index);
    int fd = open(s->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    s->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (s->file)
        return 0;
    int r = fs_fail(err, errno, "create", s->path);
    if (fd >= 0)
        (void)close(fd); /* nothing was written */
    return r;
}

static void close_stage(stage *s)
{
    if (s->file)
        (void)fclose(s->file); /* what counted was flushed */
    if (s->path)
        (void)unlink(s->path); /* or it is swept */
    free(s->path);
    buf_done(&s->line);
}

static int read_rows(stage *s, lb_error *err)
{
    const change *c = s->change;
    run_state *run = c->group->run;
    int64_t affected = -1;
    const lb_sink sink = {.size = sizeof sink, .state = s, .columns = take_columns, .row = take_row};
    const lb_command command = {.size = sizeof command,
                                .name = c->lake->rows->name,
                                .text = c->sql->text,
                                .params = c->sql->params,
                                .param_types = c->sql->param_types,
                                .param_count = c->sql->param_count,
                                .read_only = true,
                                .args = c->args,
                                .deadline = run->deadline};
    int r = run_session(run, err);
    if (r >= 0)
        r = session_execute(run->session, &command, &sink, &affected, err);
    if (r >= 0 && fflush(s->file) != 0)
        r = fs_fail(err, errno, "write", s->path);
    return r;
}

/* ---- the commit ---- */

typedef struct parcel {
    const stage *stage;
    char checksum[SHA256_TEXT];
} parcel;

static void put_parcel(const void *state, buf *out)
{
    const parcel *p = state;
    const lb_lake_append *a = p->stage->change->lake;
    wire_put_u32(out, DELTA_LAKE_APPEND);
    wire_put_str(out, a->table.catalog);
    wire_put_str(out, a->table.schema);
    wire_put_str(out, a->table.name);
    wire_put_str(out, a->key);
    wire_put_str(out, p->stage->path);
    wire_put_str(out, p->checksum);
    wire_put_i64(out, p->stage->rows);
    wire_put_i64(out, p->stage->longest);
    wire_put_u32(out, a->column_count);
    for (uint32_t i = 0; i < a->column_count; i++) {
        wire_put_str(out, a->columns[i].name);
        wire_put_str(out, a->columns[i].type);
    }
}

enum { ROWS, BYTES, CHECKSUM, VERSION, REPEATED };
static const lb_column receipt_columns[] = {{"rows", LB_I64, false},
                                            {"bytes", LB_I64, false},
                                            {"checksum", LB_TEXT, false},
                                            {"version", LB_I64, false},
                                            {"repeated", LB_BOOL, false}};
static const lb_statement receipt = {.size = sizeof receipt,
                                     .kind = LB_STATEMENT_LAKE,
                                     .name = "lake/append",
                                     .columns = receipt_columns,
                                     .column_count = LB_COUNT(receipt_columns)};

static int take_receipt(change *c, lb_rows *rows, lb_error *err)
{
    const lb_value *row = run_next(rows);
    if (!row)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the lakehouse gave no receipt");
    c->rows = row[REPEATED].v.flag ? 0 : row[ROWS].v.i64;
    c->group->reply = arena_printf(
        c->group->run->memory,
        "{\"key\":\"%s\",\"rows\":%lld,\"bytes\":%lld,\"checksum\":\"%s\",\"version\":%lld,\"repeated\":%s}",
        c->lake->key, (long long)row[ROWS].v.i64, (long long)row[BYTES].v.i64, row[CHECKSUM].v.text,
        (long long)row[VERSION].v.i64, row[REPEATED].v.flag ? "true" : "false");
    return c->group->reply ? 0 : lb_out_of_memory(err);
}

static int commit_rows(change *c, stage *s, lb_error *err)
{
    parcel p = {.stage = s};
    lb_rows *rows = NULL;
    sha256_end_text(&s->sum, p.checksum);
    const run_question question = {.type = WIRE_LAKE,
                                   .statement = &receipt,
                                   .args = LB_NO_ARGS,
                                   .text = c->statement,
                                   .put = put_parcel,
                                   .state = &p,
                                   .is_live = true};
    int r = run_ask(c->group->run, &question, &rows, err);
    return r < 0 ? r : take_receipt(c, rows, err);
}

/* ---- views ---- */

static void put_view(const void *state, buf *out)
{
    const change *c = state;
    wire_put_u32(out, DELTA_LAKE_VIEW);
    wire_put_str(out, c->lake->table.catalog);
    wire_put_str(out, c->lake->table.schema);
    wire_put_str(out, c->lake->table.name);
    wire_put_str(out, c->sql->text);
}

static const lb_column view_columns[] = {{"changed", LB_BOOL, false}};
static const lb_statement view_receipt = {.size = sizeof view_receipt,
                                          .kind = LB_STATEMENT_LAKE,
                                          .name = "lake/view",
                                          .columns = view_columns,
                                          .column_count = LB_COUNT(view_columns)};

static int make_view(change *c, lb_error *err)
{
    lb_rows *rows = NULL;
    const run_question question = {.type = WIRE_LAKE,
                                   .statement = &view_receipt,
                                   .args = LB_NO_ARGS,
                                   .text = c->statement,
                                   .put = put_view,
                                   .state = c,
                                   .is_live = true};
    int r = run_ask(c->group->run, &question, &rows, err);
    const lb_value *row = r < 0 ? NULL : run_next(rows);
    if (r >= 0 && !row)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the lakehouse did not say what became of the view");
    if (row)
        c->group->reply = row[0].v.flag ? "{\"changed\":true}" : "{\"changed\":false}";
    return r < 0 ? r : 0;
}

int door_run_lake(change *c, lb_error *err)
{
    if (c->lake->is_view)
        return make_view(c, err);
    if (c->lake->is_merge || c->lake->expects)
        return door_run_known(c, err);
    stage s = {.change = c, .line = BUF_INIT(ROW_MOST)};
    sha256_init(&s.sum);
    int r = open_stage(&s, err);
    if (r >= 0)
        r = read_rows(&s, err);
    if (r >= 0)
        r = commit_rows(c, &s, err);
    close_stage(&s);
    return r;
}
