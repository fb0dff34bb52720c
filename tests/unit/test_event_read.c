/* Reading the log of events: where it starts, what passes, and how it follows a writer through everything it does. */
#include "event_stage.h"

#include "clock.h"

#include <fcntl.h>
#include <poll.h>

static event_reader *reader_new(const char *dir, event_read_options options)
{
    lb_error err;
    event_reader *r = NULL;
    CU_ASSERT_EQUAL_FATAL(event_reader_new(dir, &options, &r, &err), 0);
    return r;
}

/* The seqs that come until there are no more, as a text. */
static char *seqs(event_reader *r)
{
    event e;
    lb_error err;
    int code;
    BUF_AUTO text = BUF_INIT(1024 * 1024);
    while ((code = event_reader_next(r, 0, &e, &err)) != 0)
        if (code == 1)
            buf_printf(&text, "%s%llu", text.length ? " " : "", (unsigned long long)e.seq);
        else
            buf_printf(&text, "%s!", text.length ? " " : "");
    return base_strdup(buf_text(&text));
}

#define EXPECT_SEQS(dir, expected, ...)                                                                                \
    do {                                                                                                               \
        event_reader *r_ = reader_new(dir, (event_read_options){__VA_ARGS__});                                         \
        LB_AUTO_FREE char *got_ = seqs(r_);                                                                            \
        ASSERT_TEXT(got_, expected);                                                                                   \
        (void)event_reader_free(r_); /* gives NULL */                                                                  \
    } while (0)

static void an_empty_log_is_empty(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *missing = base_printf("%s/none", dir);
    EXPECT_SEQS(dir, "", .from = 0);
    EXPECT_SEQS(missing, "", .from = 5);
    CU_ASSERT_NOT_EQUAL(access(missing, F_OK), 0); /* looking made nothing */
}

static void filters_hold_together(void)
{
    SCRATCH dir = scratch_new();
    lb_error err;
    uint64_t seq;
    event_stage *s = stage_new(dir);
    s->options.segment_bytes = 400;
    stage_open(s);
    const event events[] = {
        {.kind = "branch.created", .project = "p", .branch = "a", .tool = "t1", .run_id = "R1", .at = 1000000},
        {.kind = "branch.deleted", .project = "p", .branch = "b", .tool = "t2", .run_id = "R2", .at = 2000000},
        {.kind = "vacuum.completed", .project = "q", .branch = "a", .agent = "health", .at = 3000000},
        {.kind = "branch.created", .project = "q", .tool = "t1", .run_id = "R1", .at = 4000000},
        {.kind = "daemon.started", .at = 5000000},
    };
    for (size_t i = 0; i < LB_COUNT(events); i++) {
        CU_ASSERT_EQUAL(event_log_add(s->log, &events[i], &seq, &err), 0);
        stage_until_durable(s, seq);
    }
    s = stage_free(s);
    EXPECT_SEQS(dir, "1 2 3 4 5", .from = 0);
    EXPECT_SEQS(dir, "4 5", .from = 4);
    EXPECT_SEQS(dir, "", .from = 6);
    EXPECT_SEQS(dir, "1 2 4", .filter.kind = "branch.*");
    EXPECT_SEQS(dir, "1 4", .filter.kind = "branch.created");
    EXPECT_SEQS(dir, "4", .filter = {.kind = "branch.created", .project = "q"});
    EXPECT_SEQS(dir, "1 3", .filter.branch = "a");
    EXPECT_SEQS(dir, "1 4", .filter = {.tool = "t1", .run_id = "R1"});
    EXPECT_SEQS(dir, "", .filter = {.tool = "t1", .run_id = "R2"});
    EXPECT_SEQS(dir, "3", .filter.agent = "health");
    EXPECT_SEQS(dir, "3 4 5", .filter.since = 3000000);
    EXPECT_SEQS(dir, "4 5", .filter = {.since = 3000000}, .from = 4);
    EXPECT_SEQS(dir, "4", .filter = {.kind = "branch.*"}, .from = 3, .verify = true);
    event_reader *r = reader_new(dir, (event_read_options){0});
    event_reader_bound(r, 3);
    LB_AUTO_FREE char *some = seqs(r);
    ASSERT_TEXT(some, "1 2 3");
    event_reader_bound(r, 4);
    LB_AUTO_FREE char *more = seqs(r);
    ASSERT_TEXT(more, "4");
    (void)event_reader_free(r); /* gives NULL */
}

/* A start in the middle of a large segment is found by halving; the line's number is right all the same. */
static void any_event_is_found(void)
{
    SCRATCH dir = scratch_new();
    event_stage *s = stage_new(dir);
    stage_open(s);
    for (uint64_t i = 1; i <= 8000; i++) {
        LB_AUTO_FREE char *payload = base_printf("{\"text\":\"%0*d\"}", (int)(i % 7 ? 10 : 900), (int)i);
        CU_ASSERT_EQUAL_FATAL(stage_add_kind(s, "a", payload), i);
    }
    stage_until_durable(s, 8000);
    s = stage_free(s);
    for (uint64_t from = 1; from <= 8000; from += 373) {
        event e;
        lb_error err;
        event_reader *r = reader_new(dir, (event_read_options){.from = from});
        CU_ASSERT_EQUAL(event_reader_next(r, 0, &e, &err), 1);
        CU_ASSERT_EQUAL(e.seq, from);
        CU_ASSERT_EQUAL(event_reader_line(r), from + 1); /* after the header */
        (void)event_reader_free(r);                      /* gives NULL */
    }
    EXPECT_SEQS(dir, "7999 8000", .from = 7999);
}

static void a_limit_of_lines_is_kept(void)
{
    SCRATCH dir = scratch_new();
    event e;
    lb_error err;
    event_stage *s = stage_new(dir);
    stage_open(s);
    stage_add(s, 100);
    (void)stage_add_kind(s, "wanted", NULL); /* 101 */
    stage_until_durable(s, 101);
    s = stage_free(s);
    event_reader *r = reader_new(dir, (event_read_options){.filter.kind = "wanted"});
    CU_ASSERT_EQUAL(event_reader_next(r, 11, &e, &err), 0);
    CU_ASSERT_EQUAL(event_reader_seq(r), 10); /* the header is a line as well */
    CU_ASSERT_EQUAL(event_reader_next(r, 200, &e, &err), 1);
    CU_ASSERT_EQUAL(e.seq, 101);
    (void)event_reader_free(r); /* gives NULL */
}

/* ---- following ---- */

static void wait_for_news(event_reader *r)
{
    struct pollfd fd = {.fd = event_reader_fd(r), .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&fd, 1, 10000), 1);
}

/* Follows until that one has come; every seq must be the next. */
static void follow_to(event_reader *r, uint64_t *seq, uint64_t last)
{
    event e;
    lb_error err;
    int code;
    while (*seq < last) {
        while ((code = event_reader_next(r, 0, &e, &err)) == 1) {
            CU_ASSERT_EQUAL(e.seq, *seq + 1);
            *seq = e.seq;
        }
        if (code < 0)
            printf("\n    %s\n", err.message);
        CU_ASSERT_EQUAL_FATAL(code, 0);
        if (*seq < last)
            wait_for_news(r);
    }
}

static void a_follower_goes_through_rotations(void)
{
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *later = base_printf("%s/state/events", dir);
    uint64_t seq = 0;
    event_reader *r = reader_new(later, (event_read_options){.follow = true, .verify = true}); /* before the writer */
    event_stage *s = stage_new(later);
    s->options.segment_bytes = 3000;
    stage_open(s);
    for (uint64_t i = 1; i <= 50; i++) {
        stage_add(s, 7);
        if (i % 5 == 0)
            follow_to(r, &seq, i * 7);
        if (i % 10 == 0) { /* and restarts */
            stage_close(s);
            stage_open(s);
        }
    }
    CU_ASSERT(segment_count(later) > 10);
    CU_ASSERT_EQUAL(seq, 350);
    s = stage_free(s);
    (void)event_reader_free(r); /* gives NULL */
}

/* The follower has seen the first half of a line when the writer dies; the next writer cuts it and writes another. */
static void a_follower_survives_a_torn_line(void)
{
    SCRATCH dir = scratch_new();
    uint64_t seq = 0;
    lb_error err;
    event e;
    event_stage *s = stage_new(dir);
    stage_open(s);
    stage_add(s, 3);
    stage_close(s);
    event_reader *r = reader_new(dir, (event_read_options){.follow = true});
    follow_to(r, &seq, 3);
    LB_AUTO_FREE char *path = event_segment_path(dir, 1);
    static const char half[] = "{\"seq\":4,\"at\":\"2026-01-01T00:00:00.000000Z\",\"kind\":\"torn\",\"run_id\":nu";
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    CU_ASSERT_EQUAL(write(fd, half, strlen(half)), (ssize_t)strlen(half));
    CU_ASSERT_EQUAL(close(fd), 0);
    wait_for_news(r);
    CU_ASSERT_EQUAL(event_reader_next(r, 0, &e, &err), 0);
    stage_open(s);
    ASSERT_CONTAINS(s->found.torn, "was torn");
    stage_add(s, 2);
    follow_to(r, &seq, 5);
    s = stage_free(s);
    (void)event_reader_free(r); /* gives NULL */
}

/* What is deleted in front of a slow reader is missing for it, and it is told. */
static void a_slow_reader_is_told_what_it_missed(void)
{
    SCRATCH dir = scratch_new();
    event e;
    lb_error err;
    event_stage *s = stage_new(dir);
    s->options.segment_bytes = 1;
    stage_open(s);
    for (int i = 0; i < 4; i++)
        stage_add(s, 1);
    event_reader *r = reader_new(dir, (event_read_options){0});
    CU_ASSERT_EQUAL(event_reader_next(r, 0, &e, &err), 1);
    for (uint64_t first = 1; first <= 3; first++) {
        LB_AUTO_FREE char *path = event_segment_path(dir, first);
        CU_ASSERT_EQUAL(unlink(path), 0);
    }
    CU_ASSERT_EQUAL(event_reader_next(r, 0, &e, &err), LB_ERR_CONFLICT);
    ASSERT_CONTAINS(err.message, "the events 2 to 3 are missing");
    CU_ASSERT_EQUAL(event_reader_next(r, 0, &e, &err), 1);
    CU_ASSERT_EQUAL(e.seq, 4);
    (void)event_reader_free(r); /* gives NULL */
    s = stage_free(s);
}

/* Garbage of any kind gives breaks and the sound events behind them, never more. */
static void garbage_is_reported(void)
{
    SCRATCH dir = scratch_new();
    event_stage *s = stage_new(dir);
    stage_open(s);
    stage_add(s, 5);
    s = stage_free(s);
    size_t length;
    LB_AUTO_FREE char *text = segment_text(dir, 1, &length);
    unsigned random = 12345;
    for (int round = 0; round < 300; round++) {
        LB_AUTO_FREE char *copy = base_alloc(length + 1);
        memcpy(copy, text, length);
        for (int i = 0; i < 3; i++) {
            random = random * 1103515245 + 12345;
            copy[(random >> 8) % length] = (char)(random >> 24);
        }
        write_segment(dir, 1, copy, length);
        lb_error brk;
        event_verified v = verified(dir, &brk);
        bool changed = memcmp(copy, text, length) != 0;
        bool only_the_end = memcmp(copy, text, length - 1) == 0; /* then the last line is an unfinished one */
        CU_ASSERT(!changed || v.breaks > 0 || only_the_end);
        CU_ASSERT(v.count <= 5);
    }
}

SUITE(event_read, TEST(an_empty_log_is_empty), TEST(filters_hold_together), TEST(any_event_is_found),
      TEST(a_limit_of_lines_is_kept), TEST(a_follower_goes_through_rotations), TEST(a_follower_survives_a_torn_line),
      TEST(a_slow_reader_is_told_what_it_missed), TEST(garbage_is_reported))
