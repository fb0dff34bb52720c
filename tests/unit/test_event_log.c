/* The log of events: the chain, its segments, what a crash or a hand leaves in it, and who may write. */
#include "event_stage.h"

#include "clock.h"
#include "json.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>

static void events_come_back_as_they_were(void)
{
    SCRATCH dir = scratch_new();
    lb_error err;
    event_stage *s = stage_new(dir);
    stage_open(s);
    uint64_t seq = 0;
    const event full = {.at = INT64_C(1700000000123456),
                        .kind = "branch.created",
                        .run_id = "01ABC",
                        .tool = "create_branch",
                        .agent = "provisioning",
                        .project = "shop \"prod\"\n\x01\xC3\xA9",
                        .branch = "dev\\x",
                        .depth = 3,
                        .cause = 7,
                        .key = "7/sub",
                        .payload = "{ \"a\":\n[1,2], \"hash\":\"x\" }"};
    CU_ASSERT_EQUAL(event_log_add(s->log, &full, &seq, &err), 0);
    CU_ASSERT_EQUAL(seq, 1);
    CU_ASSERT_EQUAL(stage_add_kind(s, "a", NULL), 2);
    stage_until_durable(s, 2);
    event_reader *r;
    event e;
    CU_ASSERT_EQUAL_FATAL(event_reader_new(dir, &(event_read_options){.verify = true}, &r, &err), 0);
    CU_ASSERT_EQUAL_FATAL(event_reader_next(r, 0, &e, &err), 1);
    CU_ASSERT_EQUAL(e.seq, 1);
    CU_ASSERT_EQUAL(e.at, full.at);
    ASSERT_TEXT(e.kind, full.kind);
    ASSERT_TEXT(e.run_id, full.run_id);
    ASSERT_TEXT(e.tool, full.tool);
    ASSERT_TEXT(e.agent, full.agent);
    ASSERT_TEXT(e.project, full.project);
    ASSERT_TEXT(e.branch, full.branch);
    CU_ASSERT_EQUAL(e.depth, 3);
    CU_ASSERT_EQUAL(e.cause, 7);
    ASSERT_TEXT(e.key, full.key);
    ASSERT_TEXT(e.payload, "{ \"a\": [1,2], \"hash\":\"x\" }");
    CU_ASSERT_EQUAL(json_check(e.line, e.line_length, &err), 0);
    CU_ASSERT_EQUAL_FATAL(event_reader_next(r, 0, &e, &err), 1);
    CU_ASSERT_EQUAL(e.seq, 2);
    CU_ASSERT_PTR_NULL(e.agent);
    CU_ASSERT_PTR_NULL(e.key);
    CU_ASSERT_EQUAL(e.cause, 0);
    ASSERT_TEXT(e.payload, "{}");
    CU_ASSERT(llabs(e.at - clock_now()) < 60 * CLOCK_SECOND);
    CU_ASSERT_EQUAL(event_reader_next(r, 0, &e, &err), 0);
    (void)event_reader_free(r); /* gives NULL */
    s = stage_free(s);
}

/* What stands in event.h, done by hand. */
static void the_hash_is_what_it_says(void)
{
    SCRATCH dir = scratch_new();
    event_stage *s = stage_new(dir);
    stage_open(s);
    stage_add(s, 3);
    s = stage_free(s);
    size_t length;
    char previous[SHA256_TEXT] = EVENT_NO_HASH, hex[SHA256_TEXT];
    LB_AUTO_FREE char *text = segment_text(dir, 1, &length);
    for (int line = 1; line <= 4; line++) {
        LB_AUTO_FREE char *copy = base_strdup(line_of(text, line));
        *strchr(copy, '\n') = '\0';
        char *hash = strstr(copy, ",\"hash\":\"");
        LB_AUTO_FREE char *given = base_printf("%.64s", hash + 9);
        memcpy(hash, "}", 2); /* shorter than what it replaces */
        LB_AUTO_FREE char *hashed = base_printf("%s%s", previous, copy);
        unsigned char digest[SHA256_BYTES];
        sha256 sum;
        sha256_init(&sum);
        sha256_add(&sum, hashed, strlen(hashed));
        sha256_end(&sum, digest);
        for (size_t i = 0; i < SHA256_BYTES; i++)
            (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]); /* two digits */
        ASSERT_TEXT(given, hex);
        memcpy(previous, hex, sizeof hex);
    }
}

static void what_is_no_event_is_refused(void)
{
    SCRATCH dir = scratch_new();
    lb_error err;
    uint64_t seq = 0;
    event_stage *s = stage_new(dir);
    stage_open(s);
    LB_AUTO_FREE char *large = base_alloc(EVENT_PAYLOAD + 64);
    memset(large, ' ', EVENT_PAYLOAD + 63);
    large[0] = '{';
    large[EVENT_PAYLOAD + 62] = '}';
    const event bad[] = {
        {.kind = NULL},
        {.kind = "Branch.created"},
        {.kind = "branch..created"},
        {.kind = "branch."},
        {.kind = "a", .payload = "[]"},
        {.kind = "a",
         .payload = "{\"a\":1} "
                    "{}"},
        {.kind = "a", .payload = "{\"a\":\"\xFF\"}"},
        {.kind = "a", .payload = large},
        {.kind = "a", .project = "\xC3"},
    };
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        CU_ASSERT_EQUAL(event_log_add(s->log, &bad[i], &seq, &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(event_log_last(s->log), 0);
    s = stage_free(s);
    CU_ASSERT_EQUAL(segment_count(dir), 0);
}

static void numbers_go_on_after_a_restart(void)
{
    SCRATCH dir = scratch_new();
    event_stage *s = stage_new(dir);
    for (uint64_t round = 1; round <= 5; round++) {
        stage_open(s);
        CU_ASSERT_EQUAL(s->found.last, (round - 1) * 10);
        CU_ASSERT_EQUAL(s->found.first, round > 1);
        ASSERT_TEXT(s->found.torn, "");
        ASSERT_TEXT(s->found.broken, "");
        stage_add(s, 10);
        stage_close(s);
        expect_whole(dir, round * 10);
    }
    CU_ASSERT_EQUAL(segment_count(dir), 1);
    s = stage_free(s);
}

static void freeing_writes_what_is_left(void)
{
    SCRATCH dir = scratch_new();
    event_stage *s = stage_new(dir);
    stage_open(s);
    for (int i = 0; i < 1000; i++)
        (void)stage_add_kind(s, "a", NULL); /* numbers are checked at the end */
    stage_close(s);
    CU_ASSERT_EQUAL(s->durable, 1000);
    expect_whole(dir, 1000);
    s = stage_free(s);
}

static void two_writers_are_refused(void)
{
    SCRATCH dir = scratch_new();
    lb_error err;
    event_stage *s = stage_new(dir), *other = stage_new(dir);
    stage_open(s);
    LB_AUTO_FREE char *holder = base_printf("process %ld writes", (long)getpid());
    CU_ASSERT_EQUAL(stage_try_open(other, &err), LB_ERR_CONFLICT);
    ASSERT_CONTAINS(err.message, holder);
    stage_add(s, 5);
    stage_close(s);
    stage_open(other);
    stage_add(other, 5);
    s = stage_free(s);
    other = stage_free(other);
    expect_whole(dir, 10);
}

/* ---- segments ---- */

static void segments_follow_each_other(void)
{
    SCRATCH dir = scratch_new();
    event_stage *s = stage_new(dir);
    s->options.segment_bytes = 2000;
    stage_open(s);
    for (int i = 0; i < 20; i++)
        stage_add(s, 5); /* a commit never spans two segments */
    stage_close(s);
    CU_ASSERT(segment_count(dir) >= 8);
    expect_whole(dir, 100);
    stage_open(s);
    CU_ASSERT_EQUAL(s->found.last, 100);
    stage_add(s, 1);
    s = stage_free(s);
    expect_whole(dir, 101);
}

/* A segment by hand, as if it had been written so long ago. */
static void write_old(const char *dir, uint64_t first, uint64_t events, int64_t seconds, char previous[SHA256_TEXT])
{
    BUF_AUTO text = BUF_INIT(65536);
    event_header header = {.first = first, .at = clock_now() - seconds * CLOCK_SECOND};
    memcpy(header.previous, previous, SHA256_TEXT);
    event_header_put(&text, &header);
    memcpy(previous, header.previous, SHA256_TEXT);
    for (uint64_t i = 0; i < events; i++) {
        size_t start = text.length;
        event_put(&text, &(event){.seq = first + i, .at = header.at, .kind = "step.taken"});
        event_seal(text.data + start, text.length - start - 1, previous);
    }
    write_segment(dir, first, text.data, text.length);
}

static void an_old_segment_is_followed_by_a_new_one(void)
{
    SCRATCH dir = scratch_new();
    char previous[SHA256_TEXT] = EVENT_NO_HASH;
    event_stage *s = stage_new(dir);
    write_old(dir, 1, 2, 200, previous);
    write_old(dir, 3, 0, 100, previous);
    s->options.segment_s = 50;
    stage_open(s);
    CU_ASSERT_EQUAL(s->found.last, 2);
    stage_add(s, 1); /* the old one has no event yet */
    CU_ASSERT_EQUAL(segment_count(dir), 2);
    stage_add(s, 1);
    CU_ASSERT_EQUAL(segment_count(dir), 3);
    stage_add(s, 1);
    s = stage_free(s);
    CU_ASSERT_EQUAL(segment_count(dir), 3);
    expect_whole(dir, 5);
}

static void old_segments_go_when_everybody_has_passed(void)
{
    SCRATCH dir = scratch_new();
    lb_error brk;
    char previous[SHA256_TEXT] = EVENT_NO_HASH;
    event_stage *s = stage_new(dir);
    for (uint64_t first = 1; first <= 9; first += 2)
        write_old(dir, first, 2, first == 9 ? 50 : 200, previous);
    expect_whole(dir, 10);
    s->options.keep_s = 100;
    stage_open(s);
    stage_add(s, 2);
    CU_ASSERT_EQUAL(segment_count(dir), 5); /* nobody has said that they may go */
    event_log_passed(s->log, 5);            /* 1 to 4 may go, 6 may not */
    stage_add(s, 1);
    stage_add(s, 1); /* the thread looks for old ones before it writes again */
    CU_ASSERT_EQUAL(verified(dir, &brk).first, 5);
    event_log_passed(s->log, UINT64_MAX);
    stage_close(s);
    stage_open(s);
    event_log_passed(s->log, UINT64_MAX);
    stage_add(s, 1);
    stage_add(s, 1);
    event_verified v = verified(dir, &brk);
    CU_ASSERT_EQUAL(v.breaks, 0);
    CU_ASSERT_EQUAL(v.first, 7); /* its newest event may be as young as the header that follows it */
    CU_ASSERT_EQUAL(v.last, 16);
    s = stage_free(s);
}

/* ---- crashes and hands ---- */

static void a_torn_line_is_cut_and_kept(void)
{
    SCRATCH dir = scratch_new();
    event_stage *s = stage_new(dir);
    stage_open(s);
    stage_add(s, 5);
    stage_close(s);
    size_t length;
    char *text = segment_text(dir, 1, &length);
    write_segment(dir, 1, text, length - 40);
    size_t torn_bytes = length - 40 - (size_t)(line_of(text, 6) - text);
    LB_AUTO_FREE char *torn = base_printf("%.*s", (int)torn_bytes, line_of(text, 6));
    stage_open(s);
    CU_ASSERT_EQUAL(s->found.last, 4);
    ASSERT_CONTAINS(s->found.torn, "was torn");
    ASSERT_TEXT(s->found.broken, "");
    stage_add(s, 2);
    stage_close(s);
    expect_whole(dir, 6);
    free(text);
    LB_AUTO_FREE char *path = base_printf("%s/00000000000000000001.ndjson.torn", dir);
    lb_error err;
    CU_ASSERT_EQUAL_FATAL(fs_read(path, 65536, &text, &length, &err), 0);
    ASSERT_TEXT(text, torn);
    free(text);
    s = stage_free(s);
}

static void a_torn_header_goes_aside(void)
{
    SCRATCH dir = scratch_new();
    event_stage *s = stage_new(dir);
    stage_open(s);
    stage_add(s, 3);
    stage_close(s);
    const char *const starts[] = {"", "{\"lbops_ev"};
    for (size_t i = 0; i < LB_COUNT(starts); i++) {
        write_segment(dir, 4 + i, starts[i], strlen(starts[i]));
        stage_open(s);
        CU_ASSERT_EQUAL(s->found.last, 3 + i);
        ASSERT_CONTAINS(s->found.torn, "held no event");
        stage_add(s, 1);
        stage_close(s);
    }
    expect_whole(dir, 5);
    s = stage_free(s);
}

/* Edits line 3 of 5 events and gives what the verification says. */
static void edit(const char *dir, const char *part, const char *other)
{
    size_t length;
    LB_AUTO_FREE char *text = segment_text(dir, 1, &length);
    char *at = strstr(line_of(text, 4), part);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    memcpy(at, other, strlen(other));
    write_segment(dir, 1, text, length);
}

static void an_edit_in_the_middle_shows(void)
{
    SCRATCH dir = scratch_new();
    lb_error brk;
    event_stage *s = stage_new(dir);
    stage_open(s);
    stage_add(s, 5);
    stage_close(s);
    edit(dir, "\"number\":1", "\"number\":2");
    event_verified v = verified(dir, &brk);
    CU_ASSERT_EQUAL(v.breaks, 1);
    ASSERT_CONTAINS(brk.message, "00000000000000000001.ndjson:4: the hash of event 3 is wrong");
    stage_open(s); /* goes on in a new segment whose header says so */
    ASSERT_CONTAINS(s->found.broken, "ndjson:4: the hash of event 3 is wrong");
    CU_ASSERT_EQUAL(s->found.last, 5);
    stage_add(s, 2);
    stage_close(s);
    CU_ASSERT_EQUAL(segment_count(dir), 2);
    event_header header;
    lb_error err;
    CU_ASSERT_EQUAL(event_header_read(dir, 6, &header, &err), 0);
    ASSERT_CONTAINS(header.broken, "ndjson:4: the hash of event 3 is wrong");
    v = verified(dir, &brk);
    CU_ASSERT_EQUAL(v.breaks, 1); /* neither mended nor counted twice */
    CU_ASSERT_EQUAL(v.last, 7);
    stage_open(s); /* still said, and no third segment */
    ASSERT_CONTAINS(s->found.broken, "ndjson:4");
    stage_add(s, 1);
    stage_close(s);
    CU_ASSERT_EQUAL(segment_count(dir), 2);
    s = stage_free(s);
}

/* Whoever edits a line and gives it the hash that fits has broken the next one. */
static void an_edit_with_a_new_hash_shows(void)
{
    SCRATCH dir = scratch_new();
    lb_error brk;
    event_stage *s = stage_new(dir);
    stage_open(s);
    stage_add(s, 5);
    s = stage_free(s);
    size_t length;
    LB_AUTO_FREE char *text = segment_text(dir, 1, &length);
    char *second = line_of(text, 3), *third = line_of(text, 4), *fourth = line_of(text, 5);
    char previous[SHA256_TEXT] = "";
    memcpy(previous, event_line_hash(second, (size_t)(third - second) - 1), EVENT_HASH);
    memcpy(strstr(third, "\"number\":1"), "\"number\":7", 10);
    event_seal(third, (size_t)(fourth - third) - 1, previous);
    write_segment(dir, 1, text, length);
    event_verified v = verified(dir, &brk);
    CU_ASSERT_EQUAL(v.breaks, 1);
    ASSERT_CONTAINS(brk.message, ":5: the hash of event 4 is wrong");
}

static void a_missing_line_shows(void)
{
    SCRATCH dir = scratch_new();
    lb_error brk;
    event_stage *s = stage_new(dir);
    stage_open(s);
    stage_add(s, 5);
    s = stage_free(s);
    size_t length;
    LB_AUTO_FREE char *text = segment_text(dir, 1, &length);
    char *third = line_of(text, 4), *fifth = line_of(text, 6);
    size_t cut = (size_t)(fifth - third);
    memmove(third, fifth, length - (size_t)(fifth - text));
    write_segment(dir, 1, text, length - cut);
    event_verified v = verified(dir, &brk);
    CU_ASSERT_EQUAL(v.breaks, 1);
    CU_ASSERT_EQUAL(v.count, 3);
    ASSERT_CONTAINS(brk.message, "ndjson:4: the events 3 to 4 are missing");
}

static void a_missing_segment_shows(void)
{
    SCRATCH dir = scratch_new();
    lb_error brk;
    event_stage *s = stage_new(dir);
    s->options.segment_bytes = 1;
    stage_open(s);
    for (int i = 0; i < 4; i++)
        stage_add(s, 2);
    s = stage_free(s);
    LB_AUTO_FREE char *path = event_segment_path(dir, 3);
    CU_ASSERT_EQUAL(unlink(path), 0);
    event_verified v = verified(dir, &brk);
    CU_ASSERT_EQUAL(v.breaks, 1);
    ASSERT_CONTAINS(brk.message, "00000000000000000005.ndjson:1: the events 3 to 4 are missing");
}

static void a_foreign_header_shows(void)
{
    SCRATCH dir = scratch_new();
    lb_error brk;
    event_stage *s = stage_new(dir);
    s->options.segment_bytes = 1;
    stage_open(s);
    for (int i = 0; i < 3; i++)
        stage_add(s, 2);
    s = stage_free(s);
    size_t length;
    LB_AUTO_FREE char *text = segment_text(dir, 3, &length);
    size_t digit = (size_t)(strstr(text, "\"previous\":\"") - text) + 12;
    text[digit] = text[digit] == 'a' ? 'b' : 'a';
    write_segment(dir, 3, text, length);
    event_verified v = verified(dir, &brk);
    CU_ASSERT(v.breaks >= 1);
    ASSERT_CONTAINS(brk.message, "00000000000000000003.ndjson:1: the segment does not continue");
}

/* ---- a backlog that is full ---- */

static void a_full_backlog_is_answered(void)
{
    SCRATCH dir = scratch_new();
    lb_error err;
    uint64_t seq = 0, last = 0;
    event_stage *s = stage_new(dir);
    s->options.backlog_bytes = 65536;
    stage_open(s);
    const event e = {.kind = "step.taken", .payload = "{\"number\":1}"};
    int r = 0, refusals = 0;
    for (int i = 0; i < 20000; i++) {
        while ((r = event_log_add(s->log, &e, &seq, &err)) == LB_ERR_LIMIT && !s->is_late) {
            int rooms = s->rooms;
            refusals++;
            CU_ASSERT(event_log_backlog(s->log) <= 65536);
            while (s->rooms == rooms && !s->is_late)
                stage_run(s);
        }
        CU_ASSERT_EQUAL_FATAL(r, 0);
        CU_ASSERT_EQUAL_FATAL(seq, last + 1); /* what was refused took no number */
        last = seq;
    }
    CU_ASSERT(refusals > 10);
    stage_until_durable(s, last);
    s = stage_free(s);
    expect_whole(dir, 20000);
}

SUITE(event_log, TEST(events_come_back_as_they_were), TEST(the_hash_is_what_it_says), TEST(what_is_no_event_is_refused),
      TEST(numbers_go_on_after_a_restart), TEST(freeing_writes_what_is_left), TEST(two_writers_are_refused),
      TEST(segments_follow_each_other), TEST(an_old_segment_is_followed_by_a_new_one),
      TEST(old_segments_go_when_everybody_has_passed), TEST(a_torn_line_is_cut_and_kept),
      TEST(a_torn_header_goes_aside), TEST(an_edit_in_the_middle_shows), TEST(an_edit_with_a_new_hash_shows),
      TEST(a_missing_line_shows), TEST(a_missing_segment_shows), TEST(a_foreign_header_shows),
      TEST(a_full_backlog_is_answered))
