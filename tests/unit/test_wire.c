/* The wire: frames and their fields, and the questions that travel in them. */
#include "unit/frame.h"

#include "question.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

/* ---- frames ------------------------------------------------------------------------------------------------------ */

static void fields_read_back(void)
{
    BUF_AUTO out = BUF_INIT(4096);
    wire_type type;
    wire_reader r;
    size_t size = 0, mark = wire_begin(&out, WIRE_EVENT);
    wire_put_u32(&out, UINT32_MAX);
    wire_put_i64(&out, INT64_MIN);
    wire_put_i64(&out, -1);
    wire_put_bool(&out, true);
    wire_put_str(&out, "caf\xc3\xa9");
    wire_put_str(&out, "");
    wire_put_str(&out, NULL);
    wire_end(&out, mark);
    CU_ASSERT_EQUAL_FATAL(wire_frame(out.data, out.length, &type, &r, &size), 1);
    CU_ASSERT_EQUAL(type, WIRE_EVENT);
    CU_ASSERT_EQUAL(size, out.length);
    CU_ASSERT_EQUAL(wire_get_u32(&r), UINT32_MAX);
    CU_ASSERT_EQUAL(wire_get_i64(&r), INT64_MIN);
    CU_ASSERT_EQUAL(wire_get_i64(&r), -1);
    CU_ASSERT(wire_get_bool(&r));
    ASSERT_TEXT(wire_get_str(&r), "caf\xc3\xa9");
    ASSERT_TEXT(wire_get_required(&r), "");
    CU_ASSERT_PTR_NULL(wire_get_str(&r));
    CU_ASSERT(wire_done(&r));
}

static void frames_stand_behind_each_other(void)
{
    BUF_AUTO out = BUF_INIT(4096);
    wire_type type;
    wire_reader r;
    size_t size = 0;
    wire_end(&out, wire_begin(&out, WIRE_READY));
    size_t first = out.length, mark = wire_begin(&out, WIRE_LOG);
    wire_put_u32(&out, 7);
    wire_end(&out, mark);
    CU_ASSERT_EQUAL(first, WIRE_HEAD);
    CU_ASSERT_EQUAL(wire_frame(out.data, out.length, &type, &r, &size), 1);
    CU_ASSERT(type == WIRE_READY && size == first && wire_done(&r));
    CU_ASSERT_EQUAL(wire_frame(out.data + size, out.length - size, &type, &r, &size), 1);
    CU_ASSERT(type == WIRE_LOG && wire_get_u32(&r) == 7 && wire_done(&r));
}

static void every_cut_waits_for_more(void)
{
    BUF_AUTO out = BUF_INIT(4096);
    wire_type type;
    wire_reader r;
    size_t size = 0, mark = wire_begin(&out, WIRE_LOG);
    wire_put_str(&out, "a text");
    wire_end(&out, mark);
    for (size_t length = 0; length < out.length; length++)
        CU_ASSERT_EQUAL(wire_frame(out.data, length, &type, &r, &size), 0);
}

static void impossible_lengths_are_no_frames(void)
{
    static const unsigned char zero[] = {0, 0, 0, 0, 70, 0}, one[] = {1, 0, 0, 0, 70, 0}, over[] = {1, 0, 0, 4, 70, 0},
                               most[] = {0xff, 0xff, 0xff, 0xff, 70, 0};
    wire_type type;
    wire_reader r;
    size_t size = 0;
    CU_ASSERT_EQUAL(wire_frame((const char *)zero, sizeof zero, &type, &r, &size), -1);
    CU_ASSERT_EQUAL(wire_frame((const char *)one, sizeof one, &type, &r, &size), -1);
    CU_ASSERT_EQUAL(wire_frame((const char *)over, sizeof over, &type, &r, &size),
                    -1); /* one byte more than a frame may have */
    CU_ASSERT_EQUAL(wire_frame((const char *)most, sizeof most, &type, &r, &size), -1);
}

static void malformed_fields_are_bad_for_good(void)
{
    static const unsigned char flag[] = {2, 1}, short_text[] = {5, 0, 0, 0, 'a', 'b'},
                               no_end[] = {1, 0, 0, 0, 'a', 'b'}, inner[] = {3, 0, 0, 0, 'a', 0, 'b', 0},
                               longest[] = {0xfe, 0xff, 0xff, 0xff, 'a'}, null_text[] = {0xff, 0xff, 0xff, 0xff};
    wire_reader r = reader_of(flag, sizeof flag);
    CU_ASSERT(!wire_get_bool(&r) && r.bad);
    CU_ASSERT(!wire_get_bool(&r) && r.bad); /* the next byte would be a good one */
    r = reader_of(short_text, sizeof short_text);
    CU_ASSERT(wire_get_str(&r) == NULL && r.bad);
    r = reader_of(no_end, sizeof no_end);
    CU_ASSERT(wire_get_str(&r) == NULL && r.bad);
    r = reader_of(inner, sizeof inner);
    CU_ASSERT(wire_get_str(&r) == NULL && r.bad);
    r = reader_of(longest, sizeof longest);
    CU_ASSERT(wire_get_str(&r) == NULL && r.bad);
    r = reader_of(null_text, sizeof null_text);
    ASSERT_TEXT(wire_get_required(&r), "");
    CU_ASSERT(r.bad && !wire_done(&r));
    r = reader_of(null_text, 3);
    CU_ASSERT(wire_get_u32(&r) == 0 && r.bad && wire_get_i64(&r) == 0);
    r = reader_of(null_text, 4);
    CU_ASSERT(!wire_done(&r)); /* something is left */
}

static void too_much_is_remembered(void)
{
    BUF_AUTO out = BUF_INIT(16);
    size_t mark = wire_begin(&out, WIRE_LOG);
    wire_put_str(&out, "longer than sixteen bytes are");
    wire_end(&out, mark);
    CU_ASSERT(out.overflow);
}

typedef struct drain {
    int fd;
    size_t bytes;
} drain;

static void *read_all(void *arg)
{
    drain *d = arg;
    char chunk[65536];
    for (ssize_t n; (n = recv(d->fd, chunk, sizeof chunk, 0)) > 0;)
        d->bytes += (size_t)n;
    return NULL;
}

static void large_frames_are_sent_whole(void)
{
    int ends[2];
    pthread_t thread;
    BUF_AUTO out = BUF_INIT(WIRE_FRAME_LIMIT);
    LB_AUTO_FREE char *text = base_alloc(5000001);
    memset(text, 'x', 5000000);
    size_t mark = wire_begin(&out, WIRE_DONE);
    wire_put_str(&out, text);
    wire_end(&out, mark);
    CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    drain d = {.fd = ends[1]};
    CU_ASSERT_FATAL(pthread_create(&thread, NULL, read_all, &d) == 0);
    CU_ASSERT_EQUAL(wire_send_all(ends[0], &out), 0);
    (void)close(ends[0]);
    (void)pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(d.bytes, out.length);
    (void)close(ends[1]);
}

static void closed_peer_is_an_error_and_no_signal(void)
{
    int ends[2];
    BUF_AUTO out = BUF_INIT(64);
    wire_end(&out, wire_begin(&out, WIRE_READY));
    CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    (void)close(ends[1]);
    CU_ASSERT_EQUAL(wire_send_all(ends[0], &out), -1);
    CU_ASSERT_EQUAL(errno, EPIPE);
    (void)close(ends[0]);
}

/* ---- questions to the history ------------------------------------------------------------------------------------ */

static const lb_value asked[] = {{.type = LB_TEXT, .v.text = "x'\\"}, {.type = LB_I64, .v.i64 = INT64_MIN},
                                 {.type = LB_F64, .v.f64 = -0.5},     {.type = LB_BOOL, .v.flag = true},
                                 {.type = LB_TIME, .v.i64 = 5},       {.type = LB_NULL}};
static const lb_type asked_types[] = {LB_TEXT, LB_I64, LB_F64, LB_BOOL, LB_TIME, LB_I64};
static const struct lb_sql asking = {
    .text = "SELECT $1", .values = asked, .types = asked_types, .param_count = LB_COUNT(asked)};

static void question_travels(void)
{
    BUF_AUTO frame = BUF_INIT(65536);
    arena memory;
    lb_error err;
    lb_delta_question q;
    arena_init(&memory, 0);
    size_t mark = wire_begin(&frame, WIRE_HISTORY);
    question_put(&frame, &asking);
    wire_end(&frame, mark);
    wire_reader r = open_frame(&frame, WIRE_HISTORY), cut = r;
    CU_ASSERT_EQUAL_FATAL(question_get(&r, &memory, &q, &err), 0);
    ASSERT_TEXT(q.text, "SELECT $1");
    CU_ASSERT(q.max_rows == QUESTION_ROWS && q.max_bytes == QUESTION_BYTES && q.frequent);
    CU_ASSERT_EQUAL_FATAL(q.arg_count, LB_COUNT(asked));
    ASSERT_TEXT(q.args[0].v.text, "x'\\");
    CU_ASSERT(q.args[1].v.i64 == INT64_MIN && q.args[3].v.flag && q.args[4].v.i64 == 5);
    CU_ASSERT(q.args[2].v.f64 > -0.6 && q.args[2].v.f64 < -0.4);
    CU_ASSERT(q.args[5].type == LB_NULL && q.arg_types[5] == LB_I64);
    for (const unsigned char *end = cut.end - 1; end >= cut.p; end--) {
        wire_reader shorter = {.p = cut.p, .end = end};
        CU_ASSERT_EQUAL(question_get(&shorter, &memory, &q, &err), LB_ERR_INTERNAL);
    }
    arena_done(&memory);
}

static void questions_ask_for_no_more_than_they_may(void)
{
    BUF_AUTO fields = BUF_INIT(65536);
    arena memory;
    lb_error err;
    lb_delta_question q;
    arena_init(&memory, 0);
    wire_put_str(&fields, "SELECT 1");
    wire_put_i64(&fields, INT64_MAX);
    wire_put_i64(&fields, -1);
    wire_put_u32(&fields, 0);
    wire_reader r = {.p = (const unsigned char *)fields.data,
                     .end = (const unsigned char *)fields.data + fields.length};
    CU_ASSERT_EQUAL_FATAL(question_get(&r, &memory, &q, &err), 0);
    CU_ASSERT(q.max_rows == QUESTION_ROWS && q.max_bytes == QUESTION_BYTES);
    arena_done(&memory);
}

typedef struct answer_end {
    buf pieces[64];
    size_t count;
    int64_t columns, rows, bytes;
} answer_end;

static void keep_piece(void *state, const buf *piece)
{
    answer_end *e = state;
    CU_ASSERT_FATAL(e->count < LB_COUNT(e->pieces));
    e->pieces[e->count] = BUF_INIT(WIRE_FRAME_LIMIT);
    buf_put(&e->pieces[e->count++], piece->data, piece->length);
}

static int count_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    answer_end *e = state;
    (void)err;
    CU_ASSERT(count == 2 && strcmp(names[1], "b") == 0);
    e->columns++;
    e->rows = e->bytes = 0;
    return 0;
}

static int count_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    answer_end *e = state;
    (void)err;
    CU_ASSERT(count == 2 && !cells[1]);
    e->rows++;
    e->bytes += (int64_t)strlen(cells[0]);
    return 0;
}

static int take_piece(answer_end *e, size_t i, question_progress *progress)
{
    lb_error err;
    const lb_sink sink = {.size = sizeof sink, .state = e, .columns = count_columns, .row = count_row};
    const unsigned char *data = (const unsigned char *)e->pieces[i].data;
    wire_reader r = {.p = data, .end = data + e->pieces[i].length};
    return question_take(&r, progress, &sink, &err);
}

static void answers_travel_in_pieces_and_may_begin_anew(void)
{
    lb_error err;
    answer_end *e = base_alloc(sizeof *e);
    BUF_AUTO end = BUF_INIT(4096);
    question_pieces pieces = {.send = keep_piece, .state = e, .piece = BUF_INIT(WIRE_FRAME_LIMIT)};
    const lb_delta_sink sink = question_sink(&pieces);
    const char *const names[] = {"a", "b"}, *const cells[] = {"0123456789012345678901234567890123456789", NULL};
    const lb_type types[] = {LB_TEXT, LB_I64};
    CU_ASSERT_EQUAL(sink.columns(sink.state, 2, names, types, &err), 0);
    for (int i = 0; i < 20000; i++)
        CU_ASSERT_EQUAL(sink.row(sink.state, 2, cells, &err), 0);
    question_finish(&pieces, true, NULL, &end);
    CU_ASSERT(e->count > 5 && e->count == pieces.count);
    question_progress progress = {0};
    CU_ASSERT_EQUAL(take_piece(e, 0, &progress), 0);
    CU_ASSERT_EQUAL(take_piece(e, 1, &progress), 0);
    CU_ASSERT_EQUAL(take_piece(e, 3, &progress), LB_ERR_INTERNAL); /* one is missing */
    for (size_t i = 0; i < e->count; i++)
        CU_ASSERT_EQUAL(take_piece(e, i, &progress), 0);
    CU_ASSERT(e->columns == 2 && e->rows == 20000 && e->bytes == 800000 && progress.next == e->count);
    buf_cut(&e->pieces[0], e->pieces[0].length - 1);
    CU_ASSERT_EQUAL(take_piece(e, 0, &progress), LB_ERR_INTERNAL);
    for (size_t i = 0; i < e->count; i++)
        buf_done(&e->pieces[i]);
    buf_done(&pieces.piece);
    free(e);
}

SUITE(wire, TEST(question_travels), TEST(questions_ask_for_no_more_than_they_may),
      TEST(answers_travel_in_pieces_and_may_begin_anew), TEST(fields_read_back), TEST(frames_stand_behind_each_other),
      TEST(every_cut_waits_for_more), TEST(impossible_lengths_are_no_frames), TEST(malformed_fields_are_bad_for_good),
      TEST(too_much_is_remembered), TEST(large_frames_are_sent_whole), TEST(closed_peer_is_an_error_and_no_signal))
