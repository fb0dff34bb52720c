#include "suite.h"

#include "scratch.h"

#include "clock.h"
#include "fs.h"
#include "json.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>

static void makes_directories(void)
{
    lb_error err = {0};
    struct stat st;
    SCRATCH scratch = scratch_new();
    static const char *const forms[] = {"%s/a/b/c", "%s/d/e//f/", "%s/a/b/c///", "%s"};
    for (size_t i = 0; i < LB_COUNT(forms); i++) {
        BUF_AUTO path = BUF_INIT(4096);
        const char *rest = strchr(forms[i], '/');
        buf_puts(&path, scratch);
        buf_puts(&path, rest ? rest : "");
        CU_ASSERT_EQUAL(fs_make_dirs(buf_text(&path), &err), 0);
        CU_ASSERT(stat(buf_text(&path), &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 0077) == 0);
    }
    CU_ASSERT_EQUAL(fs_make_dirs("/", &err), 0);
    CU_ASSERT_EQUAL(fs_make_dirs(".", &err), 0);
    CU_ASSERT_EQUAL(fs_make_dirs("", &err), LB_ERR_NOT_FOUND);
    LB_AUTO_FREE char *file = base_printf("%s/file", scratch), *below = base_printf("%s/file/x", scratch);
    CU_ASSERT_EQUAL(fs_write_durable(file, "x", 1, 0600, &err), 0);
    CU_ASSERT_EQUAL(fs_make_dirs(file, &err), LB_ERR_IO);
    ASSERT_TEXT(err.hint, "a part of the path is a file");
    CU_ASSERT_EQUAL(fs_make_dirs(below, &err), LB_ERR_IO);
}

static void writes_and_reads_files(void)
{
    lb_error err = {0};
    struct stat st;
    SCRATCH scratch = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/file", scratch), *text = NULL, *empty = NULL;
    size_t length = 99;
    CU_ASSERT_EQUAL(fs_write_durable(path, "one\0two", 7, 0640, &err), 0);
    CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 0777 & ~0640U) == 0);
    CU_ASSERT_EQUAL_FATAL(fs_read(path, 7, &text, &length, &err), 0);
    CU_ASSERT(length == 7 && memcmp(text, "one\0two", 8) == 0);
    CU_ASSERT_EQUAL(fs_write_durable(path, "", 0, 0600, &err), 0);
    CU_ASSERT_EQUAL_FATAL(fs_read(path, 10, &empty, &length, &err), 0);
    CU_ASSERT(length == 0);
    ASSERT_TEXT(empty, "");
    CU_ASSERT_EQUAL(fs_read(scratch, 10, &text, &length, &err), LB_ERR_IO);
    ASSERT_TEXT(err.hint, "name a file, not a directory");
    LB_AUTO_FREE char *missing = base_printf("%s/missing/file", scratch);
    CU_ASSERT_EQUAL(fs_read(missing, 10, &text, &length, &err), LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, missing);
    CU_ASSERT_EQUAL(fs_write_durable(missing, "x", 1, 0600, &err), LB_ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(fs_sync_dir(missing, &err), LB_ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(fs_sync_dir(path, &err), LB_ERR_IO);
}

static void reads_no_more_than_asked(void)
{
    lb_error err = {0};
    SCRATCH scratch = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/file", scratch), *big = base_alloc(100001), *text = NULL;
    size_t length = 5;
    memset(big, 'x', 100000);
    CU_ASSERT_EQUAL(fs_write_durable(path, big, 100000, 0600, &err), 0);
    CU_ASSERT_EQUAL(fs_read(path, 99999, &text, &length, &err), LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.message, "is longer than 99999 bytes");
    CU_ASSERT_PTR_NULL(text);
    CU_ASSERT_EQUAL(length, 5);
    CU_ASSERT_EQUAL_FATAL(fs_read(path, 100000, &text, &length, &err), 0);
    ASSERT_TEXT(text, big);
}

static void a_failed_write_keeps_the_old_file(void)
{
    lb_error err = {0};
    SCRATCH scratch = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/kept", scratch), *inside = base_printf("%s/kept/inside", scratch);
    CU_ASSERT_EQUAL(fs_make_dirs(inside, &err), 0);
    CU_ASSERT_EQUAL(fs_write_durable(path, "x", 1, 0600, &err), LB_ERR_IO); /* a directory is in the way */
    ASSERT_CONTAINS(err.message, "cannot rename into");
    LB_AUTO_FREE char *temporary = base_printf("%s.%ld.tmp", path, (long)getpid());
    CU_ASSERT_EQUAL(access(temporary, F_OK), -1);
    CU_ASSERT_EQUAL(access(inside, F_OK), 0);
}

static void trusts_nobody_elses_files(void)
{
    lb_error err = {0};
    SCRATCH scratch = scratch_new();
    LB_AUTO_FREE char *dir = base_printf("%s/d", scratch), *path = base_printf("%s/d/f", scratch),
                      *link = base_printf("%s/link", scratch);
    CU_ASSERT_EQUAL(fs_make_dirs(dir, &err), 0);
    CU_ASSERT_EQUAL(fs_write_durable(path, "x", 1, 0600, &err), 0);
    CU_ASSERT_EQUAL(symlink(path, link), 0);
    CU_ASSERT_EQUAL(fs_check_trusted(path, &err), 0);
    CU_ASSERT_EQUAL(fs_check_trusted(link, &err), 0);
    CU_ASSERT_EQUAL(chmod(path, 0602), 0);
    CU_ASSERT_EQUAL(fs_check_trusted(path, &err), LB_ERR_DENIED);
    ASSERT_CONTAINS(err.message, "can be written by everybody");
    CU_ASSERT_EQUAL(chmod(path, 0600), 0);
    CU_ASSERT_EQUAL(chmod(dir, 0777), 0);
    CU_ASSERT_EQUAL(fs_check_trusted(path, &err), LB_ERR_DENIED);
    CU_ASSERT_EQUAL(fs_check_trusted(link, &err), LB_ERR_DENIED); /* where the link leads counts */
    CU_ASSERT_EQUAL(chmod(dir, 01777), 0);
    CU_ASSERT_EQUAL(fs_check_trusted(path, &err), 0);
    CU_ASSERT_EQUAL(chmod(dir, 0700), 0);
    LB_AUTO_FREE char *missing = base_printf("%s/d/none", scratch);
    CU_ASSERT_EQUAL(fs_check_trusted(missing, &err), LB_ERR_NOT_FOUND);
    if (geteuid() != 0) {
        printf("skipped: only root can give files away ");
        return;
    }
    CU_ASSERT_EQUAL(chown(path, 65534, 0), 0);
    CU_ASSERT_EQUAL(fs_check_trusted(path, &err), LB_ERR_DENIED);
    ASSERT_CONTAINS(err.message, "belongs to user 65534");
    CU_ASSERT_EQUAL(chown(path, 0, 65534), 0);
    CU_ASSERT_EQUAL(chmod(path, 0660), 0);
    CU_ASSERT_EQUAL(fs_check_trusted(path, &err), LB_ERR_DENIED);
    ASSERT_CONTAINS(err.message, "can be written by a foreign group");
}

static void hints_fit_the_failure(void)
{
    lb_error err = {0};
    static const int numbers[] = {ENOSPC, EDQUOT, EROFS, EACCES, EPERM, ENOENT, EISDIR, ENOTDIR, EMFILE, ENFILE, EFBIG};
    for (size_t i = 0; i < LB_COUNT(numbers); i++) {
        CU_ASSERT(fs_fail(&err, numbers[i], "write", "a/path") < 0);
        CU_ASSERT(err.hint[0] != '\0');
        ASSERT_CONTAINS(err.message, "cannot write a/path: ");
    }
    CU_ASSERT_EQUAL(fs_fail(&err, EIO, "write", "a/path"), LB_ERR_IO);
    ASSERT_TEXT(err.hint, "");
}

/* ---- log ---- */

static void to_file(const char *path, int *ret_saved)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0);
    *ret_saved = dup(STDERR_FILENO);
    CU_ASSERT_FATAL(*ret_saved >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    (void)close(fd); /* its copy stays */
}

/* What one run of `body` wrote to stderr. */
static char *logged(lb_level level, log_format format, bool colour, void (*body)(void))
{
    lb_error err = {0};
    SCRATCH scratch = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/log", scratch);
    char *text = NULL;
    size_t length;
    int saved = -1;
    to_file(path, &saved);
    log_setup(level, format, colour);
    body();
    log_setup(LB_LOG_WARN, LOG_TEXT, false);
    CU_ASSERT(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved); /* its copy stays */
    CU_ASSERT_EQUAL_FATAL(fs_read(path, 1 << 20, &text, &length, &err), 0);
    return text;
}

static void three_levels(void)
{
    log_line(LB_LOG_WARN, "pool", "two\nlines\033[31m and \"%s\"", "quotes");
    log_line(LB_LOG_INFO, "pool", "not %s", "shown");
    lb_error err = {0};
    (void)lb_fail(&err, LB_ERR_IO, "free space", "disk full"); /* the return value is the code just given */
    log_error("outbox", &err);
    err.hint[0] = '\0';
    log_error("outbox", &err);
}

static void logs_in_three_formats(void)
{
    LB_AUTO_FREE char *text = logged(LB_LOG_WARN, LOG_TEXT, false, three_levels);
    ASSERT_TEXT(text, "warn pool: two lines [31m and \"quotes\"\nerror outbox: disk full (io); hint: free space\n"
                      "error outbox: disk full (io)\n");
    LB_AUTO_FREE char *coloured = logged(LB_LOG_WARN, LOG_TEXT, true, three_levels);
    ASSERT_CONTAINS(coloured, "\033[33mwarn\033[0m pool: two");
    LB_AUTO_FREE char *journal = logged(LB_LOG_INFO, LOG_JOURNAL, true, three_levels);
    ASSERT_TEXT(
        journal,
        "<4>pool: two lines [31m and \"quotes\"\n<6>pool: not shown\n<3>outbox: disk full (io); hint: free space\n"
        "<3>outbox: disk full (io)\n");
    LB_AUTO_FREE char *json = logged(LB_LOG_ERROR, LOG_JSON, false, three_levels);
    lb_error err = {0};
    JSON_AUTO *line = json_parse(json, (size_t)(strchr(json, '\n') - json), &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    int64_t at = 0;
    CU_ASSERT(clock_parse(json_object_get_string(json_object_object_get(line, "time")), &at));
    ASSERT_TEXT(json_object_get_string(json_object_object_get(line, "level")), "error");
    ASSERT_TEXT(json_object_get_string(json_object_object_get(line, "message")), "disk full (io); hint: free space");
}

static void knows_log_levels(void)
{
    lb_level level = LB_LOG_ERROR;
    for (lb_level l = LB_LOG_ERROR; l <= LB_LOG_DEBUG; l++) {
        CU_ASSERT(log_level_parse(log_level_name(l), &level));
        CU_ASSERT_EQUAL(level, l);
    }
    CU_ASSERT_FALSE(log_level_parse("loud", &level));
    CU_ASSERT(log_enabled(LB_LOG_WARN) && !log_enabled(LB_LOG_INFO));
}

SUITE(fs, TEST(makes_directories), TEST(writes_and_reads_files), TEST(reads_no_more_than_asked),
      TEST(a_failed_write_keeps_the_old_file), TEST(trusts_nobody_elses_files), TEST(hints_fit_the_failure),
      TEST(logs_in_three_formats), TEST(knows_log_levels))
