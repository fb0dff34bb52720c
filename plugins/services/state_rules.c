#include "state_rules.h"

#define LONGEST_LEASE (INT64_C(3650) * 86400 * 1000000) /* ten years: no clock overflows with it */

/* ---- texts ---- */

/* The length of the well-formed character (RFC 3629) that begins there; 0: none does. */
static size_t character(const unsigned char *p)
{
    static const struct {
        unsigned char from, to, second_from, second_to, length;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (p[0] < forms[i].from || p[0] > forms[i].to)
            continue;
        size_t length = forms[i].length;
        if (length > 1 && (p[1] < forms[i].second_from || p[1] > forms[i].second_to))
            return 0;
        for (size_t j = 2; j < length; j++)
            if (p[j] < 0x80 || p[j] > 0xbf)
                return 0;
        return length;
    }
    return 0;
}

static bool is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    while (*p) {
        size_t length = *p < 0x80 ? 1 : character(p);
        if (!length)
            return false;
        p += length;
    }
    return true;
}

/* NULL is fine here; what must be there is asked for elsewhere. */
static int check_text(const char *what, const char *text, size_t most, lb_error *err)
{
    if (!text)
        return 0;
    if (strnlen(text, most + 1) > most)
        return lb_fail(err, LB_ERR_LIMIT, "keep it shorter", "%s is longer than %zu bytes", what, most);
    if (!is_utf8(text))
        return lb_fail(err, LB_ERR_INVALID, "send UTF-8", "%s is not well-formed UTF-8", what);
    return 0;
}

static int check_name(const char *what, const char *text, lb_error *err)
{
    if (!text || !*text)
        return lb_fail(err, LB_ERR_INVALID, "name it", "there is no %s", what);
    return check_text(what, text, STATE_NAME_BYTES, err);
}

/* ---- operations ---- */

static bool is_lease_verb(lb_state_verb verb)
{
    return verb == LB_STATE_ACQUIRE || verb == LB_STATE_HOLD || verb == LB_STATE_RELEASE;
}

static bool changes(lb_state_verb verb)
{
    return verb != LB_STATE_EXPECT && verb != LB_STATE_HOLD;
}

static bool can_fail(const lb_state_op *op)
{
    return op->verb != LB_STATE_PUT && op->verb != LB_STATE_RELEASE &&
           !(op->verb == LB_STATE_REMOVE && op->version == 0);
}

static int check_op(const lb_state_op *op, lb_error *err)
{
    if (op->verb < LB_STATE_INSERT || op->verb > LB_STATE_RELEASE)
        return lb_fail(err, LB_ERR_INVALID, "is the host newer than this service?", "%d is no verb", (int)op->verb);
    if (!op->key)
        return lb_fail(err, LB_ERR_INVALID, "name it", "there is no key");
    if (op->version < 0)
        return lb_fail(err, LB_ERR_INVALID, "versions are positive", "the version is %lld", (long long)op->version);
    if (op->verb == LB_STATE_ACQUIRE && (op->ttl_us <= 0 || op->ttl_us > LONGEST_LEASE))
        return lb_fail(err, LB_ERR_INVALID, "between a microsecond and ten years", "a lease for %lld microseconds",
                       (long long)op->ttl_us);
    if (is_lease_verb(op->verb) && check_name("owner", op->owner, err) < 0)
        return err->code;
    if (check_name("space", op->space, err) < 0 || check_text("the key", op->key, STATE_NAME_BYTES, err) < 0 ||
        check_text("the status", op->status, STATE_NAME_BYTES, err) < 0 ||
        check_text("the owner", op->owner, STATE_NAME_BYTES, err) < 0 ||
        check_text("the body", op->body, STATE_BODY_BYTES, err) < 0)
        return err->code;
    return 0;
}

int state_check_batch(const char *client, int64_t number, const lb_state_txn *txns, size_t count, lb_error *err)
{
    if (check_name("client", client, err) < 0)
        return err->code;
    if (number < 1)
        return lb_fail(err, LB_ERR_INVALID, "numbers begin at 1", "batch %lld of %.80s", (long long)number, client);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < txns[i].count; j++) {
            char where[80];
            if (check_op(&txns[i].ops[j], err) == 0)
                continue;
            (void)snprintf(where, sizeof where, "transaction %zu, operation %zu", i, j); /* short */
            return lb_wrap(err, where);
        }
    }
    return 0;
}

bool state_needs_undo(const lb_state_txn *txn)
{
    bool changed = false;
    for (size_t i = 0; i < txn->count; i++) {
        if (changed && can_fail(&txn->ops[i]))
            return true;
        changed = changed || changes(txn->ops[i].verb);
    }
    return false;
}

/* ---- the other calls ---- */

int state_check_query(const lb_state_query *query, lb_error *err)
{
    if (query->size < sizeof *query)
        return lb_fail(err, LB_ERR_INVALID, "build the host with this SDK", "a query of %u bytes",
                       (unsigned)query->size);
    if (check_name("space", query->space, err) < 0 || check_text("the key", query->key, STATE_NAME_BYTES, err) < 0 ||
        check_text("the key's prefix", query->key_prefix, STATE_NAME_BYTES, err) < 0 ||
        check_text("the status", query->status, STATE_NAME_BYTES, err) < 0 ||
        check_text("the owner", query->owner, STATE_NAME_BYTES, err) < 0)
        return err->code;
    return 0;
}

int state_check_prune(const char *space, const char *status, int64_t most, lb_error *err)
{
    if (check_name("space", space, err) < 0 || check_text("the status", status, STATE_NAME_BYTES, err) < 0)
        return err->code;
    return most >= 0 ? 0 : lb_fail(err, LB_ERR_INVALID, NULL, "at most %lld documents", (long long)most);
}

/* ---- verdicts ---- */

void state_put_verdict(unsigned char *into, const lb_state_verdict *verdict)
{
    uint32_t failed = (uint32_t)verdict->failed;
    uint64_t version = (uint64_t)verdict->version;
    for (int i = 0; i < 4; i++)
        into[i] = (unsigned char)(failed >> (24 - 8 * i));
    for (int i = 0; i < 8; i++)
        into[4 + i] = (unsigned char)(version >> (56 - 8 * i));
}

static lb_state_verdict get_verdict(const unsigned char *from)
{
    uint32_t failed = 0;
    uint64_t version = 0;
    for (int i = 0; i < 4; i++)
        failed = failed << 8 | from[i];
    for (int i = 0; i < 8; i++)
        version = version << 8 | from[4 + i];
    return (lb_state_verdict){.failed = (int32_t)failed, .version = (int64_t)version};
}

int state_answer_again(const char *client, int64_t number, int64_t last, const unsigned char *kept, size_t kept_bytes,
                       lb_state_verdict *ret_verdicts, size_t count, lb_error *err)
{
    if (number < last)
        return lb_fail(err, LB_ERR_CONFLICT, "is another process using the same client name?",
                       "batch %lld of %.80s: its batch %lld has been applied already", (long long)number, client,
                       (long long)last);
    if (kept_bytes != count * STATE_VERDICT_BYTES)
        return lb_fail(err, LB_ERR_CONFLICT, "send the same batch again, or a new number",
                       "batch %lld of %.80s was one of %zu transactions, now it has %zu", (long long)number, client,
                       kept_bytes / STATE_VERDICT_BYTES, count);
    for (size_t i = 0; i < count; i++)
        ret_verdicts[i] = get_verdict(kept + i * STATE_VERDICT_BYTES);
    return 0;
}
