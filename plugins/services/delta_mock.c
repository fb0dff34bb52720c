/* delta_mock: history that keeps counts and nothing else, for tests of what feeds it. It holds what the interface
 * promises: a file counts once however often it is given, and a file without a header of the outbox is damaged. */
#include <lbops/delta.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct settings {
    const char *failing;
    int64_t latency_ms, flush_interval_s;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, failing, LB_TEXT, NULL, "a table whose commits fail, or * for all"),
    LB_PARAM(struct settings, latency_ms, LB_I64, "0", "how long each commit takes", .min = "0", .max = "3600000"),
    LB_PARAM(struct settings, flush_interval_s, LB_I64, "1", "records wait no longer than this", .min = "0",
             .max = "86400"),
    LB_PARAMS_END,
};

typedef struct known {
    struct known *next;
    uint32_t table;
    char id[];
} known;

typedef struct mock {
    const lb_service_host *host;
    const lb_delta_setup *setup;
    struct settings settings;
    char *failing;
    int64_t *rows, *versions; /* of each table */
    known *files;
} mock;

/* ---- service ---- */

static void close_mock(void *state)
{
    mock *m = state;
    for (known *k = m->files, *next; k; k = next) {
        next = k->next;
        free(k);
    }
    free(m->failing);
    free(m->rows);
    free(m->versions);
    free(m);
}

static int open_mock(const lb_service_host *host, const lb_delta_setup *setup, const void *args, void **ret_state,
                     lb_error *err)
{
    const struct settings *settings = args;
    mock *m = calloc(1, sizeof *m);
    if (!m)
        return lb_out_of_memory(err);
    *m = (mock){.host = host,
                .setup = setup,
                .settings = *settings,
                .failing = settings->failing ? strdup(settings->failing) : NULL,
                .rows = calloc(setup->table_count + 1, sizeof *m->rows),
                .versions = calloc(setup->table_count + 1, sizeof *m->versions)};
    if (!m->rows || !m->versions || (settings->failing && !m->failing)) {
        close_mock(m);
        return lb_out_of_memory(err);
    }
    for (uint32_t i = 0; i < setup->table_count; i++)
        m->versions[i] = -1;
    *ret_state = m;
    return 0;
}

static int tell_policy(void *state, lb_delta_policy *ret_policy, lb_error *err)
{
    const mock *m = state;
    (void)err; /* cannot fail */
    *ret_policy = (lb_delta_policy){.size = sizeof *ret_policy,
                                    .flush_interval_s = m->settings.flush_interval_s,
                                    .flush_bytes = INT64_C(1) << 30,
                                    .flush_rows = 1000000,
                                    .upkeep_interval_s = 86400};
    return 0;
}

/* ---- commits ---- */

static int find_table(const mock *m, const char *name, uint32_t *ret_index, lb_error *err)
{
    for (uint32_t i = 0; i < m->setup->table_count; i++)
        if (strcmp(m->setup->tables[i]->name, name) == 0) {
            *ret_index = i;
            return 0;
        }
    return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "there is no history table %s", name);
}

/* The count in the header, or -1. */
static int64_t rows_of(const char *path)
{
    char head[1024];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, head, sizeof head - 1) : -1;
    if (fd >= 0)
        (void)close(fd); /* read only */
    head[n > 0 ? n : 0] = '\0';
    head[strcspn(head, "\n")] = '\0';
    const char *at = strstr(head, ",\"rows\":");
    return strncmp(head, "{\"lbops_outbox\":1", 17) == 0 && at ? strtoll(at + 8, NULL, 10) : -1;
}

static bool is_known(const mock *m, uint32_t table, const char *id)
{
    for (const known *k = m->files; k; k = k->next)
        if (k->table == table && strcmp(k->id, id) == 0)
            return true;
    return false;
}

static int remember(mock *m, uint32_t table, const char *id, lb_error *err)
{
    size_t length = strlen(id) + 1;
    known *k = malloc(sizeof *k + length);
    if (!k)
        return lb_out_of_memory(err);
    k->next = m->files;
    k->table = table;
    memcpy(k->id, id, length);
    m->files = k;
    return 0;
}

static int take_file(mock *m, uint32_t table, lb_delta_file *file, lb_delta_receipt *receipt, lb_error *err)
{
    int64_t rows = rows_of(file->path);
    if (is_known(m, table, file->id)) {
        file->fate = LB_DELTA_REPEATED;
    } else if (rows < 0) {
        file->fate = LB_DELTA_DAMAGED;
        (void)snprintf(file->reason, sizeof file->reason, "its first line is no header of an outbox file"); /* short */
    } else {
        if (remember(m, table, file->id, err) < 0)
            return err->code;
        file->fate = LB_DELTA_COMMITTED;
        file->rows = rows;
        m->rows[table] += rows;
        receipt->files++;
        receipt->rows += rows;
    }
    return 0;
}

/* The latency passes in slices, as the run may be stopped meanwhile. */
static int wait_latency(const mock *m, int64_t deadline, lb_error *err)
{
    int64_t until = m->host->now() + m->settings.latency_ms * 1000;
    while (m->host->now() < until) {
        if (m->host->cancelled())
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "the commit was cancelled");
        if (m->host->now() >= deadline)
            return lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "the commit did not end in its time");
        (void)poll(NULL, 0, 10); /* a signal ends it sooner */
    }
    return 0;
}

static int commit(void *state, const char *name, lb_delta_file *const *files, uint32_t count, int64_t deadline,
                  lb_delta_receipt *ret_receipt, lb_error *err)
{
    mock *m = state;
    uint32_t table = 0;
    int r = find_table(m, name, &table, err);
    if (r == 0)
        r = wait_latency(m, deadline, err);
    if (r == 0 && m->failing && (strcmp(m->failing, "*") == 0 || strcmp(m->failing, name) == 0))
        r = lb_fail(err, LB_ERR_UNREACHABLE, "unset failing of delta_mock", "commits of %s fail, as was asked", name);
    lb_delta_receipt receipt = {.size = sizeof receipt};
    for (uint32_t i = 0; r == 0 && i < count; i++)
        r = take_file(m, table, files[i], &receipt, err);
    m->versions[table] += receipt.files > 0;
    receipt.version = m->versions[table];
    *ret_receipt = receipt;
    return r;
}

static int maintain(void *state, const lb_delta_care *care, lb_delta_upkeep *ret_upkeep, lb_error *err)
{
    const mock *m = state;
    uint32_t table = 0;
    *ret_upkeep = (lb_delta_upkeep){.size = sizeof *ret_upkeep, .tables = care->table ? 1 : m->setup->table_count};
    return care->table ? find_table(m, care->table, &table, err) : 0;
}

/* Whatever is asked, the answer is the counts: table_name, commits, rows; of one table alone where the first argument
 * is its name. The question must be a SELECT all the same. */
static int query(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                 lb_error *err)
{
    static const char *const names[] = {"table_name", "commits", "rows"};
    static const lb_type types[] = {LB_TEXT, LB_I64, LB_I64};
    const mock *m = state;
    if (strncasecmp(question->text, "select", 6) != 0)
        return lb_fail(err, LB_ERR_DENIED, "ask with one SELECT", "the history can be asked and not changed");
    int r = sink->columns(sink->state, 3, names, types, err);
    bool has_args = LB_HAS(question, lb_delta_question, arg_count) && question->arg_count > 0;
    const char *only = has_args && question->args[0].type == LB_TEXT ? question->args[0].v.text : NULL;
    int64_t given = 0;
    *ret_cut = false;
    for (uint32_t i = 0; r == 0 && i < m->setup->table_count; i++) {
        char commits[24], rows[24];
        if (only && strcmp(only, m->setup->tables[i]->name) != 0)
            continue;
        if (question->max_rows && given++ >= question->max_rows) {
            *ret_cut = true;
            break;
        }
        (void)snprintf(commits, sizeof commits, "%lld", (long long)m->versions[i] + 1); /* fits */
        (void)snprintf(rows, sizeof rows, "%lld", (long long)m->rows[i]);               /* fits */
        r = sink->row(sink->state, 3, (const char *const[]){m->setup->tables[i]->name, commits, rows}, err);
    }
    return r;
}

LB_DELTA(delta_mock, "history that keeps counts, for tests", .param_size = sizeof(lb_param),
         .args_size = sizeof(struct settings), .params = params, .open = open_mock, .close = close_mock,
         .policy = tell_policy, .commit = commit, .maintain = maintain, .query = query);
