/* Driver for delta services: frames in, the delta driver's work, frames out; and its turns between asks. */
#include "service_delta.h"

#include "json.h"
#include "question.h"
#include "service_main.h"

#define OPS_BYTES (offsetof(lb_delta, query) + sizeof(((lb_delta *)0)->query))
#define NEWS_MOST ((size_t)64 * 1024)

typedef struct holder {
    const service_env *env;
    delta_driver *driver;
    bool passive;
    buf unsaid; /* news of a commit that was made for a question */
    int64_t turn_at;
} holder;

static int open_delta(const service_env *env, void **ret_state, buf *greeting, lb_error *err)
{
    const lb_plugin plugin = {.kind = LB_KIND_DELTA, .name = env->plugin, .ops = env->ops};
    const char *outbox = service_setting(env, "outbox_dir", NULL), *limit = service_setting(env, "outbox_mb", "0");
    (void)greeting; /* there is nothing to say */
    if (!outbox)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the delta service was not told where the outbox is");
    if (delta_driver_check(&plugin, err) < 0)
        return err->code;
    const delta_driver_options options = {.host = env->host,
                                          .plugin = env->ops,
                                          .args = env->args,
                                          .outbox_dir = outbox,
                                          .state_dir = env->state_dir,
                                          .work_dir = env->work_dir,
                                          .outbox_limit = strtoll(limit, NULL, 10) << 20};
    holder *h = base_alloc(sizeof *h);
    h->env = env;
    h->unsaid = BUF_INIT(NEWS_MOST);
    h->passive = strcmp(service_setting(env, "passive", "0"), "1") == 0;
    int r = delta_driver_open(&options, &h->driver, err);
    if (r < 0) {
        free(h);
        return r;
    }
    *ret_state = h;
    return 0;
}

static void close_delta(void *state)
{
    holder *h = state;
    h->driver = delta_driver_free(h->driver);
    buf_done(&h->unsaid);
    free(h);
}

/* ---- what is told ---- */

static void put_upkeep(buf *b, const lb_delta_upkeep *u)
{
    const struct {
        const char *name;
        int64_t count;
    } counts[] = {
        {"tables", u->tables},
        {"compacted", u->compacted},
        {"compacted_into", u->compacted_into},
        {"rolled_up", u->rolled_up},
        {"rolled_up_into", u->rolled_up_into},
        {"expired_files", u->expired_files},
        {"expired_rows", u->expired_rows},
        {"vacuumed_files", u->vacuumed_files},
        {"vacuumed_bytes", u->vacuumed_bytes},
        {"checkpoints", u->checkpoints},
        {"log_files", u->log_files},
    };
    buf_putc(b, '{');
    for (size_t i = 0; i < LB_COUNT(counts); i++)
        json_member_i64(b, counts[i].name, counts[i].count);
    buf_putc(b, '}');
}

static void put_report(buf *b, const delta_driver_report *r)
{
    buf_putc(b, '{');
    json_member_i64(b, "files", r->files);
    json_member_i64(b, "rows", r->rows);
    json_member_i64(b, "bytes", r->bytes);
    json_member_i64(b, "damaged", r->damaged);
    json_member_string(b, "damage", r->damage[0] ? r->damage : NULL);
    json_member_i64(b, "thinned_files", r->thinned.files);
    json_member_i64(b, "thinned_rows", r->thinned.rows);
    json_member_i64(b, "waiting_files", r->waiting_files);
    json_member_i64(b, "waiting_bytes", r->waiting_bytes);
    json_key(b, "upkeep");
    if (r->upkept)
        put_upkeep(b, &r->upkeep);
    else
        buf_puts(b, "null");
    json_key(b, "error");
    if (r->error.code) {
        buf_putc(b, '{');
        json_member_string(b, "code", error_name(r->error.code));
        json_member_string(b, "message", r->error.message);
        json_member_string(b, "hint", r->error.hint[0] ? r->error.hint : NULL);
        buf_putc(b, '}');
    } else {
        buf_puts(b, "null");
    }
    buf_putc(b, '}');
}

static bool is_news(const delta_driver_report *r)
{
    return r->files || r->damaged || r->thinned.files || r->upkept || r->error.code;
}

static void put_news(buf *news, const char *text)
{
    size_t mark = service_news_begin(news);
    wire_put_str(news, text);
    service_news_end(news, mark);
}

/* While a question is answered, which may take minutes: what is due is committed no more than a look later. */
static void commit_meanwhile(void *arg)
{
    holder *h = arg;
    delta_driver_report report;
    if (h->passive || clock_monotonic() < h->turn_at || h->env->host->cancelled())
        return; /* whoever cancels means the question, and would stop a commit */
    h->turn_at = clock_monotonic() + delta_driver_commit(h->driver, &report);
    if (!is_news(&report))
        return;
    BUF_AUTO text = BUF_INIT(NEWS_MOST);
    BUF_AUTO news = BUF_INIT(2 * NEWS_MOST);
    put_report(&text, &report);
    put_news(&news, buf_text(&text));
    service_send_news(&news);
}

/* ---- asks ---- */

static int flush(holder *h, int64_t deadline, buf *out, lb_error *err)
{
    delta_driver_report report;
    int r = delta_driver_flush(h->driver, deadline, &report, err);
    if (r < 0)
        return r;
    wire_put_i64(out, report.files);
    wire_put_i64(out, report.rows);
    wire_put_i64(out, report.damaged);
    wire_put_str(out, report.damage[0] ? report.damage : NULL);
    wire_put_i64(out, report.waiting_files);
    return 0;
}

static int put_columns(void *state, uint32_t count, const char *const *names, const lb_type *types, lb_error *err)
{
    buf *out = state;
    (void)err; /* an overflow is seen at the end */
    wire_put_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        wire_put_str(out, names[i]);
        wire_put_u32(out, (uint32_t)types[i]);
    }
    return 0;
}

static int put_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    buf *out = state;
    wire_put_bool(out, true);
    for (uint32_t i = 0; i < count; i++)
        wire_put_str(out, cells[i]);
    return out->overflow ? lb_fail(err, LB_ERR_LIMIT, "ask for less at once", "the answer is too long") : 0;
}

static int fail_no_lake(lb_error *err)
{
    return lb_fail(err, LB_ERR_UNSUPPORTED, "name delta_local or delta_databricks under [services.delta]",
                   "this delta service knows no tables but the history's");
}

static int query(holder *h, uint32_t verb, wire_reader *in, int64_t deadline, buf *out, lb_error *err)
{
    bool cut = false;
    lb_delta_question question = {.size = sizeof question,
                                  .deadline = deadline,
                                  .text = wire_get_required(in),
                                  .meanwhile = commit_meanwhile,
                                  .meanwhile_arg = h};
    question.max_rows = wire_get_i64(in);
    question.max_bytes = wire_get_i64(in);
    if (!wire_done(in))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a malformed question");
    if (question.max_bytes <= 0 || question.max_bytes > DELTA_ANSWER_BYTES)
        question.max_bytes = DELTA_ANSWER_BYTES;
    const lb_delta_sink sink = {.size = sizeof sink, .state = out, .columns = put_columns, .row = put_row};
    bool of_lake = verb == DELTA_LAKE_READ;
    int r = !of_lake                           ? delta_driver_query(h->driver, &question, &sink, &cut, err)
            : delta_driver_has_lake(h->driver) ? delta_driver_lake_query(h->driver, &question, &sink, &cut, err)
                                               : fail_no_lake(err);
    if (r < 0)
        return r;
    wire_put_bool(out, false);
    wire_put_bool(out, cut);
    return 0;
}

static int maintain(holder *h, wire_reader *in, int64_t deadline, buf *out, lb_error *err)
{
    lb_delta_upkeep upkeep;
    BUF_AUTO text = BUF_INIT(NEWS_MOST);
    const char *table = wire_get_str(in);
    if (!wire_done(in))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a malformed request");
    int r = delta_driver_maintain(h->driver, table, clock_now(), deadline, &upkeep, err);
    if (r < 0)
        return r;
    put_upkeep(&text, &upkeep);
    wire_put_str(out, buf_text(&text));
    return 0;
}

static void send_piece(void *state, const buf *piece)
{
    const holder *h = state;
    service_send_piece(h->env, piece);
}

/* A commit that fails takes nothing from the question: the answer says less, and the asker is told. */
static int ask(holder *h, wire_reader *in, int64_t deadline, buf *out, lb_error *err)
{
    arena memory;
    bool cut = false;
    lb_error late = {0};
    lb_delta_question question;
    delta_driver_report report;
    question_pieces pieces = {.send = send_piece, .state = h, .piece = BUF_INIT(WIRE_FRAME_LIMIT - 1024)};
    const lb_delta_sink sink = question_sink(&pieces);
    arena_init(&memory, WIRE_FRAME_LIMIT);
    int r = question_get(in, &memory, &question, err);
    if (r >= 0) {
        question.deadline = deadline;
        question.meanwhile = commit_meanwhile;
        question.meanwhile_arg = h;
        if (delta_driver_flush_named(h->driver, question.text, deadline, &report, &late) >= 0)
            late = (lb_error){0};
        if (report.damaged && !h->passive)
            put_report(&h->unsaid, &report);
        if (report.damaged && !late.code)
            (void)lb_fail(&late, LB_ERR_IO, NULL, "damaged files were set aside, the first: %.300s",
                          report.damage); /* told, and no failure */
        r = delta_driver_query(h->driver, &question, &sink, &cut, err);
    }
    if (r >= 0)
        question_finish(&pieces, cut, late.code ? late.message : NULL, out);
    buf_done(&pieces.piece);
    arena_done(&memory);
    return r;
}

/* ---- the lakehouse ---- */

typedef struct lake_reply {
    question_pieces pieces;
    lb_delta_sink sink;
    arena memory;
} lake_reply;

static int lake_ask(holder *h, lake_reply *reply, wire_reader *in, int64_t deadline, bool *cut, lb_error *err)
{
    lb_delta_question question;
    int r = question_get(in, &reply->memory, &question, err);
    question.deadline = deadline;
    question.meanwhile = commit_meanwhile;
    question.meanwhile_arg = h;
    return r < 0 ? r : delta_driver_lake_query(h->driver, &question, &reply->sink, cut, err);
}

static lb_lake_name get_lake_name(wire_reader *in)
{
    lb_lake_name name = {.catalog = wire_get_required(in)};
    name.schema = wire_get_required(in);
    name.name = wire_get_required(in);
    return name;
}

static int lake_table(holder *h, lake_reply *reply, wire_reader *in, int64_t deadline, lb_error *err)
{
    const lb_lake_name name = get_lake_name(in);
    if (!wire_done(in))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a malformed request");
    return delta_driver_lake_table(h->driver, &name, deadline, &reply->sink, err);
}

static int lake_append(holder *h, lake_reply *reply, wire_reader *in, int64_t deadline, lb_error *err)
{
    lb_delta_append append = {.size = sizeof append, .deadline = deadline, .table = get_lake_name(in)};
    append.key = wire_get_required(in);
    append.path = wire_get_required(in);
    append.checksum = wire_get_required(in);
    append.rows = wire_get_i64(in);
    append.longest = wire_get_i64(in);
    append.column_count = wire_get_u32(in);
    bool ok = !in->bad && append.column_count <= LAKE_COLUMNS;
    lb_lake_column *columns = ok ? arena_alloc(&reply->memory, (append.column_count + 1) * sizeof *columns) : NULL;
    for (uint32_t i = 0; columns && i < append.column_count; i++) {
        columns[i].name = wire_get_required(in);
        columns[i].type = wire_get_required(in);
    }
    if (!columns || !wire_done(in))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a malformed batch for the lakehouse");
    append.columns = columns;
    return delta_driver_lake_append(h->driver, &append, &reply->sink, err);
}

static int lake_view(holder *h, lake_reply *reply, wire_reader *in, int64_t deadline, lb_error *err)
{
    const lb_lake_name name = get_lake_name(in);
    const char *text = wire_get_required(in);
    if (!wire_done(in))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a malformed view for the lakehouse");
    return delta_driver_lake_view(h->driver, &name, text, deadline, &reply->sink, err);
}

static int lake_merge(holder *h, lake_reply *reply, wire_reader *in, int64_t deadline, lb_error *err)
{
    lb_delta_question merge;
    const lb_lake_name name = get_lake_name(in);
    int r = question_get(in, &reply->memory, &merge, err);
    merge.deadline = deadline;
    return r < 0 ? r : delta_driver_lake_merge(h->driver, &name, &merge, &reply->sink, err);
}

static int lake(holder *h, uint32_t verb, wire_reader *in, int64_t deadline, buf *out, lb_error *err)
{
    lake_reply reply = {.pieces = {.send = send_piece, .state = h, .piece = BUF_INIT(WIRE_FRAME_LIMIT - 1024)}};
    bool cut = false;
    arena_init(&reply.memory, WIRE_FRAME_LIMIT);
    reply.sink = question_sink(&reply.pieces);
    int r = !delta_driver_has_lake(h->driver) ? fail_no_lake(err)
            : verb == DELTA_LAKE_ASK          ? lake_ask(h, &reply, in, deadline, &cut, err)
            : verb == DELTA_LAKE_TABLE        ? lake_table(h, &reply, in, deadline, err)
            : verb == DELTA_LAKE_VIEW         ? lake_view(h, &reply, in, deadline, err)
            : verb == DELTA_LAKE_MERGE        ? lake_merge(h, &reply, in, deadline, err)
                                              : lake_append(h, &reply, in, deadline, err);
    if (r >= 0)
        question_finish(&reply.pieces, cut, NULL, out);
    buf_done(&reply.pieces.piece);
    arena_done(&reply.memory);
    return r;
}

static int handle(void *state, uint32_t verb, wire_reader *in, int64_t deadline, buf *out, lb_error *err)
{
    holder *h = state;
    switch (verb) {
    case DELTA_FLUSH:
        return flush(h, deadline, out, err);
    case DELTA_QUERY:
    case DELTA_LAKE_READ:
        return query(h, verb, in, deadline, out, err);
    case DELTA_ASK:
        return ask(h, in, deadline, out, err);
    case DELTA_LAKE_ASK:
    case DELTA_LAKE_TABLE:
    case DELTA_LAKE_APPEND:
    case DELTA_LAKE_VIEW:
    case DELTA_LAKE_MERGE:
        return lake(h, verb, in, deadline, out, err);
    case DELTA_MAINTAIN:
        return maintain(h, in, deadline, out, err);
    default:
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "delta services know no verb %u", verb);
    }
}

/* ---- turns ---- */

static int64_t idle(void *state, buf *news)
{
    holder *h = state;
    delta_driver_report report;
    if (h->passive)
        return -1;
    if (h->unsaid.length) {
        put_news(news, buf_text(&h->unsaid));
        buf_clear(&h->unsaid);
    }
    int64_t next = delta_driver_turn(h->driver, &report);
    if (!is_news(&report))
        return next;
    BUF_AUTO text = BUF_INIT(NEWS_MOST);
    put_report(&text, &report);
    put_news(news, buf_text(&text));
    return next;
}

static bool only_reads(uint32_t verb)
{
    return verb == DELTA_QUERY || verb == DELTA_ASK || verb == DELTA_LAKE_ASK || verb == DELTA_LAKE_TABLE ||
           verb == DELTA_LAKE_READ;
}

const service_driver service_delta_driver = {
    .kind = LB_KIND_DELTA,
    .ops_bytes = OPS_BYTES,
    .open = open_delta,
    .close = close_delta,
    .handle = handle,
    .only_reads = only_reads,
    .idle = idle,
};
