#include "question.h"

#define ARGS_MOST    65535
#define COLUMNS_MOST 2048

/* ---- the question ---- */

static void put_value(buf *out, const lb_value *value)
{
    wire_put_u32(out, (uint32_t)value->type);
    switch (value->type) {
    case LB_I64:
    case LB_TIME:
        wire_put_i64(out, value->v.i64);
        break;
    case LB_F64: {
        int64_t bits;
        memcpy(&bits, &value->v.f64, sizeof bits);
        wire_put_i64(out, bits);
        break;
    }
    case LB_BOOL:
        wire_put_bool(out, value->v.flag);
        break;
    case LB_NULL:
        break;
    default:
        wire_put_str(out, value->v.text);
    }
}

static bool get_value(wire_reader *r, lb_value *value)
{
    int64_t bits;
    *value = (lb_value){.type = (lb_type)wire_get_u32(r)};
    switch (value->type) {
    case LB_I64:
    case LB_TIME:
        value->v.i64 = wire_get_i64(r);
        return true;
    case LB_F64:
        bits = wire_get_i64(r);
        memcpy(&value->v.f64, &bits, sizeof bits);
        return true;
    case LB_BOOL:
        value->v.flag = wire_get_bool(r);
        return true;
    case LB_TEXT:
        value->v.text = wire_get_required(r);
        return true;
    default:
        return value->type == LB_NULL;
    }
}

void question_put(buf *out, const lb_sql *sql)
{
    wire_put_str(out, sql->text);
    wire_put_i64(out, QUESTION_ROWS);
    wire_put_i64(out, QUESTION_BYTES);
    wire_put_u32(out, sql->param_count);
    for (uint32_t i = 0; i < sql->param_count; i++) {
        wire_put_u32(out, (uint32_t)sql->types[i]);
        put_value(out, &sql->values[i]);
    }
}

/* Whatever a worker says, no answer is longer than one may be. */
static int64_t within(int64_t wanted, int64_t most)
{
    return wanted > 0 && wanted < most ? wanted : most;
}

int question_get(wire_reader *r, arena *memory, lb_delta_question *ret_question, lb_error *err)
{
    lb_delta_question q = {.size = sizeof q, .text = wire_get_required(r), .frequent = true};
    q.max_rows = within(wire_get_i64(r), QUESTION_ROWS);
    q.max_bytes = within(wire_get_i64(r), QUESTION_BYTES);
    q.arg_count = wire_get_u32(r);
    bool ok = !r->bad && q.arg_count <= ARGS_MOST;
    lb_value *args = ok ? arena_alloc(memory, (q.arg_count + 1) * sizeof *args) : NULL;
    lb_type *types = ok ? arena_alloc(memory, (q.arg_count + 1) * sizeof *types) : NULL;
    if (ok && (!args || !types))
        return lb_out_of_memory(err);
    for (uint32_t i = 0; ok && i < q.arg_count; i++) {
        types[i] = (lb_type)wire_get_u32(r);
        ok = get_value(r, &args[i]) && !r->bad;
    }
    if (!ok || !wire_done(r))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a malformed question to the history");
    q.args = args;
    q.arg_types = types;
    *ret_question = q;
    return 0;
}

/* ---- the answer, in pieces ---- */

static void send_piece(question_pieces *p)
{
    wire_put_bool(&p->piece, false);
    p->send(p->state, &p->piece);
    p->count++;
    buf_clear(&p->piece);
}

static int put_columns(void *state, uint32_t count, const char *const *names, const lb_type *types, lb_error *err)
{
    question_pieces *p = state;
    (void)err; /* an overflow is seen with the first row */
    wire_put_u32(&p->piece, p->count);
    wire_put_u32(&p->piece, count);
    for (uint32_t i = 0; i < count; i++) {
        wire_put_str(&p->piece, names[i]);
        wire_put_u32(&p->piece, (uint32_t)types[i]);
    }
    return 0;
}

static int put_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    question_pieces *p = state;
    if (!p->piece.length)
        wire_put_u32(&p->piece, p->count);
    wire_put_bool(&p->piece, true);
    for (uint32_t i = 0; i < count; i++)
        wire_put_str(&p->piece, cells[i]);
    if (p->piece.overflow)
        return lb_fail(err, LB_ERR_LIMIT, "ask for less at once", "a row of the answer is too long");
    if (p->piece.length > QUESTION_PIECE)
        send_piece(p);
    return 0;
}

lb_delta_sink question_sink(question_pieces *pieces)
{
    return (lb_delta_sink){.size = sizeof(lb_delta_sink), .state = pieces, .columns = put_columns, .row = put_row};
}

void question_finish(question_pieces *pieces, bool cut, const char *unflushed, buf *out)
{
    if (pieces->piece.length)
        send_piece(pieces);
    wire_put_u32(out, pieces->count);
    wire_put_bool(out, cut);
    wire_put_str(out, unflushed);
}

static int fail_piece(lb_error *err)
{
    return lb_fail(err, LB_ERR_INTERNAL, NULL, "the history gave an answer that cannot be read");
}

/* The count of columns stays in a sink's hands: a row has as many cells as the frame says. */
static int take_columns(wire_reader *r, const lb_sink *sink, uint32_t *ret_count, lb_error *err)
{
    const char *names[COLUMNS_MOST];
    uint32_t count = wire_get_u32(r);
    if (r->bad || count == 0 || count > COLUMNS_MOST)
        return fail_piece(err);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = wire_get_required(r);
        (void)wire_get_u32(r); /* the statement says what it wants, and the cell whether it can be that */
    }
    if (r->bad)
        return fail_piece(err);
    *ret_count = count;
    return sink->columns(sink->state, count, names, err);
}

int question_take(wire_reader *r, question_progress *progress, const lb_sink *sink, lb_error *err)
{
    const char *cells[COLUMNS_MOST];
    uint32_t index = wire_get_u32(r);
    if (r->bad || (index && index != progress->next))
        return fail_piece(err);
    progress->next = index + 1;
    int code = index ? 0 : take_columns(r, sink, &progress->columns, err);
    while (code >= 0 && wire_get_bool(r)) {
        for (uint32_t i = 0; i < progress->columns; i++)
            cells[i] = wire_get_str(r);
        code = r->bad ? fail_piece(err) : sink->row(sink->state, progress->columns, cells, err);
    }
    return code >= 0 && !wire_done(r) ? fail_piece(err) : code;
}
