/* What a migration is: names, versions, waivers, checksums. */
#include "migration.h"

#include <ctype.h>

const char *migration_kind_name(migration_kind kind)
{
    static const char *const names[] = {"versioned", "repeatable", "undo"};
    return names[kind];
}

/* ---- names ---- */

static bool ends_with(const char *text, size_t length, const char *end)
{
    size_t tail = strlen(end);
    return length >= tail && strncasecmp(text + length - tail, end, tail) == 0;
}

/* Digits with dots or single underscores between them; returns the length. */
static size_t version_length(const char *text, bool takes_underscores)
{
    size_t n = 0;
    while (isdigit((unsigned char)text[n])) {
        while (isdigit((unsigned char)text[n]))
            n++;
        bool joins = text[n] == '.' || (takes_underscores && text[n] == '_');
        if (!joins || !isdigit((unsigned char)text[n + 1]))
            break;
        n++;
    }
    return n;
}

static const char *version_text(const char *text, size_t length, arena *memory)
{
    char *copy = arena_strndup(memory, text, length);
    for (char *c = copy; c && *c; c++)
        *c = *c == '_' ? '.' : *c;
    return copy;
}

const char *migration_base_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

bool migration_is_flyway(const char *name)
{
    return !isdigit((unsigned char)*migration_base_name(name));
}

bool migration_name(const char *path, arena *memory, migration_kind *ret_kind, const char **ret_version)
{
    const char *name = migration_base_name(path);
    size_t length = strlen(name);
    if (!ends_with(name, length, ".sql"))
        return false;
    bool is_down = ends_with(name, length, ".down.sql");
    char first = name[0];
    if (first == 'R' && strncmp(name + 1, "__", 2) == 0) {
        *ret_kind = MIGRATION_REPEATABLE;
        *ret_version = "";
        return true;
    }
    bool is_flyway = first == 'V' || first == 'U';
    const char *digits = is_flyway ? name + 1 : name;
    size_t n = version_length(digits, is_flyway);
    bool is_separated = is_flyway ? strncmp(digits + n, "__", 2) == 0 : strchr("_-.", digits[n]) != NULL;
    if (!n || !is_separated)
        return false;
    *ret_kind = first == 'U' || is_down ? MIGRATION_UNDO : MIGRATION_VERSIONED;
    *ret_version = version_text(digits, n, memory);
    return *ret_version != NULL;
}

static const char *past_zeros(const char *digits)
{
    while (*digits == '0' && isdigit((unsigned char)digits[1]))
        digits++;
    return digits;
}

int migration_compare(const char *a, const char *b)
{
    while (*a || *b) {
        a = past_zeros(a);
        b = past_zeros(b);
        size_t left = strcspn(a, "."), right = strcspn(b, ".");
        bool zero_left = !left || strncmp(a, "0", left) == 0, zero_right = !right || strncmp(b, "0", right) == 0;
        int order = zero_left && zero_right ? 0 : left != right ? (left < right ? -1 : 1) : strncmp(a, b, left);
        if (order)
            return order;
        a += left + (a[left] == '.');
        b += right + (b[right] == '.');
    }
    return 0;
}

/* ---- texts ---- */

/* Line ends and a byte order mark are an editor's business. */
static char *normalised(const char *text, arena *memory)
{
    const char *p = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
    char *copy = arena_strdup(memory, p), *to = copy;
    for (const char *from = copy; from && *from; from++)
        if (!(*from == '\r' && from[1] == '\n'))
            *to++ = *from;
    if (copy)
        *to = '\0';
    return copy;
}

static void sum(const char *text, char checksum[SHA256_TEXT])
{
    sha256 s;
    sha256_init(&s);
    sha256_add(&s, text, strlen(text));
    sha256_end_text(&s, checksum);
}

static int take_waiver(migration_file *file, const char *line, size_t length, arena *memory, lb_error *err)
{
    char id[64] = "";
    judge_rule_id rule;
    const char *end = line + length, *because = NULL;
    size_t word = strcspn(line, " \t\n");
    (void)snprintf(id, sizeof id, "%.*s", (int)(word < sizeof id ? word : sizeof id - 1), line); /* cut when too long */
    const char *rest = line + word + strspn(line + word, " \t");
    if (strncmp(rest, "because ", 8) == 0)
        because = rest + 8 + strspn(rest + 8, " \t");
    if (!judge_rule_find(id, &rule))
        return lb_fail(err, LB_ERR_INVALID, "name a rule as findings do: -- lbops:allow not-idempotent because ...",
                       "%s: it allows %s, which is no rule", file->name, id);
    if (!because || because >= end)
        return lb_fail(err, LB_ERR_INVALID, "-- lbops:allow RULE because REASON",
                       "%s: it allows %s and does not say why", file->name, id);
    migration_waiver *waiver = arena_alloc(memory, sizeof *waiver);
    const char *reason = arena_strndup(memory, because, (size_t)(end - because));
    if (!waiver || !reason)
        return lb_out_of_memory(err);
    *waiver = (migration_waiver){.rule = rule, .because = reason, .next = file->waivers};
    file->waivers = waiver;
    return 0;
}

/* What stands behind it takes back what stands before: dbmate, goose, sql-migrate and MyBatis have both in one file,
 * and as plain SQL both would be executed. */
static int refuse_way_back(const migration_file *file, const char *comment, lb_error *err)
{
    static const char *const marks[] = {"migrate:down", "+goose Down", "+migrate Down", "//@UNDO"};
    for (size_t i = 0; i < LB_COUNT(marks); i++) {
        size_t length = strlen(marks[i]);
        if (strncasecmp(comment, marks[i], length) == 0 && !isalnum((unsigned char)comment[length]))
            return lb_fail(err, LB_ERR_INVALID,
                           "split it: what stands before that line into one file, and what stands behind it into its "
                           "undo script, as 1.up.sql and 1.down.sql or V1__a.sql and U1__a.sql",
                           "%s has its way back in itself (-- %s), and here all of a file is executed", file->name,
                           marks[i]);
    }
    return 0;
}

static int take_comments(migration_file *file, arena *memory, lb_error *err)
{
    static const char mark[] = "lbops:allow ";
    int r = 0;
    for (const char *line = file->text; *line && r >= 0; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *p = line + strspn(line, " \t");
        if (strncmp(p, "--", 2) != 0)
            continue;
        p += 2 + strspn(p + 2, " \t");
        r = refuse_way_back(file, p, err);
        if (r >= 0 && strncmp(p, mark, sizeof mark - 1) == 0)
            r = take_waiver(file, p + sizeof mark - 1, strcspn(p + sizeof mark - 1, "\n"), memory, err);
    }
    return r;
}

const migration_waiver *migration_waived(const migration_file *file, judge_rule_id rule)
{
    const migration_waiver *w = file->waivers;
    while (w && w->rule != rule)
        w = w->next;
    return w;
}

/* ---- files ---- */

static void *one_more(void *items, size_t count, size_t size, arena *memory)
{
    bool is_full = count == 0 || (count >= 8 && (count & (count - 1)) == 0);
    if (!is_full)
        return items;
    void *more = arena_alloc(memory, (count ? count * 2 : 8) * size);
    if (more && count)
        memcpy(more, items, count * size);
    return more;
}

int migration_leave(migration_files *files, const char *name, const char *why, arena *memory, lb_error *err)
{
    files->others = one_more(files->others, files->other_count, sizeof *files->others, memory);
    const char *copy = arena_strdup(memory, name);
    if (!files->others || !copy)
        return lb_out_of_memory(err);
    files->others[files->other_count++] = (migration_other){copy, why};
    return 0;
}

/* Flyway's B7__all.sql */
static bool is_baseline(const char *name)
{
    size_t n = *name == 'B' ? version_length(name + 1, true) : 0;
    return n && strncmp(name + 1 + n, "__", 2) == 0;
}

int migration_take(migration_files *files, const char *name, const char *text, arena *memory, lb_error *err)
{
    migration_file file = {.name = arena_strdup(memory, name), .text = text ? normalised(text, memory) : NULL};
    if (!file.name || (text && !file.text))
        return lb_out_of_memory(err);
    if (!migration_name(name, memory, &file.kind, &file.version))
        return migration_leave(
            files, name,
            is_baseline(migration_base_name(name))
                ? "a baseline migration of Flyway, in place of all versions up to its own: it is not "
                  "applied here; the versions themselves are, or --baseline says that they are there"
                : "its name says no version",
            memory, err);
    sum(file.text ? file.text : "", file.checksum);
    int r = file.text ? take_comments(&file, memory, err) : 0;
    if (r < 0)
        return r;
    files->items = one_more(files->items, files->count, sizeof *files->items, memory);
    if (!files->items)
        return lb_out_of_memory(err);
    files->items[files->count++] = file;
    return 0;
}

static int in_order(const void *a, const void *b)
{
    static const int rank[] = {[MIGRATION_VERSIONED] = 0, [MIGRATION_UNDO] = 1, [MIGRATION_REPEATABLE] = 2};
    const migration_file *left = a, *right = b;
    int order = rank[left->kind] - rank[right->kind];
    if (!order)
        order = migration_compare(left->version, right->version);
    if (!order)
        order = strcmp(migration_base_name(left->name), migration_base_name(right->name));
    return order ? order : strcmp(left->name, right->name);
}

static bool is_same(const migration_file *a, const migration_file *b)
{
    if (a->kind == MIGRATION_REPEATABLE)
        return strcmp(migration_base_name(a->name), migration_base_name(b->name)) == 0;
    return migration_compare(a->version, b->version) == 0;
}

int migration_sort(migration_files *files, lb_error *err)
{
    if (files->count)
        qsort(files->items, files->count, sizeof *files->items, in_order);
    for (size_t i = 1; i < files->count; i++) {
        const migration_file *before = &files->items[i - 1], *file = &files->items[i];
        bool is_repeatable = file->kind == MIGRATION_REPEATABLE;
        if (before->kind == file->kind && is_same(before, file))
            return lb_fail(err, LB_ERR_CONFLICT,
                           is_repeatable ? "give one of them another name" : "give one of them another version",
                           "%s and %s have the same %s", before->name, file->name, is_repeatable ? "name" : "version");
    }
    return 0;
}

const char *migration_undo_of(const migration_files *files, const migration_file *file)
{
    for (size_t i = 0; i < files->count && file->kind == MIGRATION_VERSIONED; i++)
        if (files->items[i].kind == MIGRATION_UNDO && migration_compare(files->items[i].version, file->version) == 0)
            return files->items[i].name;
    return NULL;
}

int migration_judge(migration_file *file, int server_major, arena *memory, lb_error *err)
{
    return migration_judge_where(file, server_major, NULL, memory, err);
}

int migration_judge_where(migration_file *file, int server_major, const judge_there *there, arena *memory,
                          lb_error *err)
{
    int r = judge_file_where(file->text, server_major, there, memory, &file->judged, err);
    file->is_judged = r >= 0;
    if (r < 0 || migration_is_flyway(file->name))
        return r;
    judge_hazard *kept = arena_alloc(memory, (file->judged.hazard_count + 1) * sizeof *kept);
    size_t count = 0;
    if (!kept)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < file->judged.hazard_count; i++)
        if (file->judged.hazards[i].rule != JUDGE_PLACEHOLDER)
            kept[count++] = file->judged.hazards[i];
    file->judged.hazards = kept;
    file->judged.hazard_count = count;
    return 0;
}
