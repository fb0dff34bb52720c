#include "delta_ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <unistd.h>

#define HEAD       "lbops-ledger 1 "
#define BEFORE_ALL INT64_C(-1) /* number of what was committed under another application id: it always counts */

/* ---- ids ---- */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's base 32 */

bool delta_id_is_sound(const char *id)
{
    size_t length = strspn(id, alphabet);
    return length == DELTA_ID_LENGTH && id[length] == '\0';
}

int64_t delta_id_time(const char *id)
{
    int64_t ms = 0;
    for (int i = 0; i < 10; i++)
        ms = ms << 5 | (strchr(alphabet, id[i]) - alphabet); /* a sound id: each is in there */
    return ms * 1000;
}

void delta_id_at(int64_t microseconds, char id[DELTA_ID_TEXT])
{
    int64_t ms = microseconds > 0 ? microseconds / 1000 : 0;
    memset(id, '0', DELTA_ID_LENGTH);
    id[DELTA_ID_LENGTH] = '\0';
    for (int i = 9; i >= 0; i--, ms >>= 5)
        id[i] = alphabet[ms & 31];
}

/* ---- the set ---- */

static size_t slot_of(const delta_ledger *ledger, const char *id)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (const char *p = id; *p; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
    size_t at = (size_t)h & (ledger->slot_count - 1);
    while (ledger->slots[at] && strcmp(ledger->entries[ledger->slots[at] - 1].id, id) != 0)
        at = (at + 1) & (ledger->slot_count - 1);
    return at;
}

static void rehash(delta_ledger *ledger)
{
    size_t wanted = 1024;
    while (wanted < 2 * (ledger->count + 1))
        wanted *= 2;
    free(ledger->slots);
    ledger->slots = delta_alloc(wanted * sizeof *ledger->slots);
    ledger->slot_count = wanted;
    for (size_t i = 0; i < ledger->count; i++)
        ledger->slots[slot_of(ledger, ledger->entries[i].id)] = (uint32_t)i + 1;
}

bool delta_ledger_has(const delta_ledger *ledger, const char *id)
{
    return ledger->slots[slot_of(ledger, id)] != 0;
}

bool delta_ledger_forgot(const delta_ledger *ledger, const char *id)
{
    return ledger->floor[0] && strcmp(id, ledger->floor) <= 0;
}

static void append(delta_ledger *ledger, int64_t sequence, const char *id, size_t length)
{
    DELTA_PUSH(ledger->entries, ledger->count, ledger->capacity);
    delta_ledger_entry *entry = &ledger->entries[ledger->count++];
    entry->sequence = sequence;
    memcpy(entry->id, id, length);
    entry->id[length] = '\0';
}

void delta_ledger_count(delta_ledger *ledger, int64_t sequence, const char *const *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        append(ledger, sequence, ids[i], strlen(ids[i]));
        if (ledger->slot_count < 2 * ledger->count)
            rehash(ledger);
        else
            ledger->slots[slot_of(ledger, ids[i])] = (uint32_t)ledger->count;
    }
}

/* ---- the file ---- */

/* Drops what the line before said when this one has the same number, then takes this one. */
static void take_line(delta_ledger *ledger, char *line, size_t *last_start, int64_t *last)
{
    char *p = line;
    int64_t sequence = strtoll(p, &p, 10);
    if (sequence == *last)
        ledger->count = *last_start;
    *last = sequence;
    *last_start = ledger->count;
    while (*p == ' ') {
        size_t length = strcspn(++p, " ");
        if (length == DELTA_ID_LENGTH)
            append(ledger, sequence, p, length);
        p += length;
    }
}

/* Bytes up to the end of the last whole line. */
static size_t take_lines(delta_ledger *ledger, char *content, size_t length, int64_t committed)
{
    char *line = content, *end = content + length;
    size_t start = 0;
    int64_t last = -1;
    for (char *feed; line < end && (feed = memchr(line, '\n', (size_t)(end - line))); line = feed + 1) {
        *feed = '\0';
        if (strncmp(line, HEAD, sizeof HEAD - 1) == 0)
            (void)snprintf(ledger->application, sizeof ledger->application, "%s", line + sizeof HEAD - 1); /* ours */
        else if (strncmp(line, "floor ", 6) == 0)
            (void)snprintf(ledger->floor, sizeof ledger->floor, "%s", line + 6); /* ours */
        else
            take_line(ledger, line, &start, &last);
    }
    if (last > committed)
        ledger->count = start; /* void: its commit does not stand */
    return (size_t)(line - content);
}

static void put_line(delta_text *text, int64_t sequence, const char *const *ids, size_t count)
{
    delta_text_printf(text, "%lld", (long long)sequence);
    for (size_t i = 0; i < count; i++) {
        delta_text_puts(text, " ");
        delta_text_puts(text, ids[i]);
    }
    delta_text_puts(text, "\n");
}

/* All entries from the floor on, under the ledger's name. */
static int write_whole(delta_ledger *ledger, lb_error *err)
{
    DELTA_TEXT text = {0};
    DELTA_AUTO_FREE char *temporary = delta_printf("%s.tmp", ledger->path);
    DELTA_AUTO_FREE char *directory = delta_strndup(ledger->path, (size_t)(strrchr(ledger->path, '/') - ledger->path));
    delta_text_printf(&text, HEAD "%s\n", ledger->application);
    if (ledger->floor[0])
        delta_text_printf(&text, "floor %s\n", ledger->floor);
    for (size_t i = 0, n; i < ledger->count; i += n) {
        delta_text_printf(&text, "%lld", (long long)ledger->entries[i].sequence);
        for (n = 0; i + n < ledger->count && ledger->entries[i + n].sequence == ledger->entries[i].sequence; n++)
            delta_text_printf(&text, " %s", ledger->entries[i + n].id);
        delta_text_puts(&text, "\n");
    }
    (void)unlink(temporary); /* of an earlier try */
    int r = delta_write(temporary, text.data, text.length, err);
    if (r == 0 && rename(temporary, ledger->path) != 0)
        r = delta_fail_errno(err, errno, "rename into", ledger->path);
    return r < 0 ? r : delta_sync(directory, err);
}

static int open_for_append(delta_ledger *ledger, lb_error *err)
{
    if (ledger->fd >= 0)
        (void)close(ledger->fd); /* synced at each line */
    ledger->fd = open(ledger->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return ledger->fd < 0 ? delta_fail_errno(err, errno, "open", ledger->path) : 0;
}

/* ---- from the commits ---- */

static void take_commit(delta_ledger *ledger, const char *content)
{
    struct json_object *line = json_tokener_parse(content), *info, *files;
    if (json_object_object_get_ex(line, "commitInfo", &info) &&
        json_object_object_get_ex(info, "outboxFiles", &files)) {
        for (const char *p = json_object_get_string(files); *p;) {
            size_t length = strcspn(p, " ");
            if (length == DELTA_ID_LENGTH)
                append(ledger, BEFORE_ALL, p, length);
            p += length + (p[length] == ' ');
        }
    }
    (void)json_object_put(line); /* says whether it was the last */
}

/* Every commit begins with its commitInfo. Where the log does not reach back to its first version, nothing is known of
 * files older than the oldest that it names. */
static int rebuild(delta_ledger *ledger, const char *directory, const delta_snapshot *snapshot, lb_error *err)
{
    char id[DELTA_UUID_TEXT];
    int64_t version = snapshot->version;
    delta_uuid(id);
    (void)snprintf(ledger->application, sizeof ledger->application, "lbops-%s", id); /* fits */
    for (; version >= 0; version--) {
        lb_error missing;
        size_t length;
        DELTA_AUTO_FREE char *path = delta_log_path(directory, version, ".json");
        DELTA_AUTO_FREE char *content = NULL;
        if (delta_read(path, &content, &length, &missing) < 0)
            break;
        content[strcspn(content, "\n")] = '\0';
        take_commit(ledger, content);
    }
    for (size_t i = 0; version >= 0 && i < ledger->count; i++)
        if (i == 0 || strcmp(ledger->entries[i].id, ledger->floor) < 0)
            memcpy(ledger->floor, ledger->entries[i].id, sizeof ledger->floor);
    if (version >= 0 && ledger->count == 0)
        delta_id_at(delta_now(), ledger->floor);
    return write_whole(ledger, err);
}

/* ---- from outside ---- */

void delta_ledger_close(delta_ledger *ledger)
{
    if (ledger->path && ledger->fd >= 0)
        (void)close(ledger->fd); /* synced at each line */
    free(ledger->path);
    free(ledger->entries);
    free(ledger->slots);
    *ledger = (delta_ledger){.fd = -1};
}

/* The application id is in the ledger's own first line, which must be read before the log can be asked for it. */
static int load(delta_ledger *ledger, char *content, size_t length, const delta_snapshot *snapshot, lb_error *err)
{
    char application[sizeof ledger->application] = "";
    size_t head = strcspn(content, "\n");
    if (strncmp(content, HEAD, sizeof HEAD - 1) != 0 || content[head] != '\n' || head > sizeof application)
        return lb_fail(err, LB_ERR_INVALID, "move it away: it is made again from the table's log",
                       "%s is no ledger of committed outbox files", ledger->path);
    memcpy(application, content + sizeof HEAD - 1, head - (sizeof HEAD - 1));
    size_t whole = take_lines(ledger, content, length, delta_snapshot_application(snapshot, application));
    if (whole < length && truncate(ledger->path, (off_t)whole) != 0)
        return delta_fail_errno(err, errno, "cut", ledger->path);
    return 0;
}

int delta_ledger_open(delta_ledger *ledger, const char *directory, const delta_snapshot *snapshot, lb_error *err)
{
    DELTA_AUTO_FREE char *above = delta_printf("%s/_lbops", directory);
    DELTA_AUTO_FREE char *content = NULL;
    size_t length = 0;
    lb_error error;
    *ledger = (delta_ledger){.fd = -1, .path = delta_printf("%s/ledger", above)};
    int r = delta_make_dir(above, err);
    if (r == 0) {
        r = delta_read(ledger->path, &content, &length, &error);
        if (r == LB_ERR_NOT_FOUND)
            r = rebuild(ledger, directory, snapshot, err);
        else if (r < 0)
            *err = error;
        else
            r = load(ledger, content, length, snapshot, err);
    }
    if (r == 0)
        r = open_for_append(ledger, err);
    rehash(ledger);
    if (r < 0)
        delta_ledger_close(ledger);
    return r;
}

int delta_ledger_intend(delta_ledger *ledger, int64_t sequence, const char *const *ids, size_t count, lb_error *err)
{
    DELTA_TEXT text = {0};
    put_line(&text, sequence, ids, count);
    const char *data = text.data;
    for (size_t left = text.length; left;) {
        ssize_t n = write(ledger->fd, data, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return delta_fail_errno(err, errno, "write", ledger->path);
        data += n;
        left -= (size_t)n;
    }
    return fdatasync(ledger->fd) == 0 ? 0 : delta_fail_errno(err, errno, "sync", ledger->path);
}

int delta_ledger_prune(delta_ledger *ledger, const char *before, lb_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        const char *id = ledger->entries[i].id;
        if (strcmp(id, before) >= 0)
            ledger->entries[kept++] = ledger->entries[i];
        else if (strcmp(id, ledger->floor) > 0)
            memcpy(ledger->floor, id, sizeof ledger->floor);
    }
    if (kept == ledger->count)
        return 0;
    ledger->count = kept;
    rehash(ledger);
    int r = write_whole(ledger, err);
    return r < 0 ? r : open_for_append(ledger, err);
}
