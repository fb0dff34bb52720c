/* natural_language_dba: a person's question about a database, answered from what read-only tools find now.
 *
 * The question is held against a table of topics and against names of tables and settings, and goes no further: neither
 * a tool nor a model gets its words, so nothing in it can be an instruction. Every sentence cites its evidence. Where
 * no topic fits, the answer says so. */
#include "dba_named.h"

#include <string.h>

#define SENTENCES 24

struct args {
    const char *question;
};

static const lb_param params[] = {
    LB_PARAM(struct args, question, LB_TEXT, NULL, "what somebody wants to know, in English", .required = true),
    LB_PARAMS_END,
};

typedef struct reply {
    lb_ctx *ctx;
    const char *status;
    dba_class class;
    dba_evidence *evidence;
} reply;

/* ---- what to say ---- */

static int say(const reply *p, const char *text, const char *const *cites, bool is_checked, lb_error *err)
{
    lb_value ids[17];
    size_t count = 0;
    for (; cites && cites[count] && count < 16; count++)
        ids[count] = lb_text(NULL, cites[count]);
    return lb_append(
        p->ctx, "answer",
        LB_ARGS(lb_text("text", text), lb_list("evidence", LB_TEXT, ids, count), lb_bool("is_checked", is_checked)),
        err);
}

static const char *words_of(const dba_evidence *e, size_t i)
{
    return e->about[i].shown ? e->about[i].shown : e->exhibits[i].says;
}

/* What model_rules would have said. */
static int say_rules(const reply *p, lb_error *err)
{
    const dba_evidence *e = p->evidence;
    bool said[DBA_EXHIBITS] = {false};
    int r = 0;
    for (size_t n = 0; n < e->count && n < SENTENCES && r >= 0; n++) {
        size_t best = e->count;
        for (size_t i = 0; i < e->count; i++)
            if (!said[i] && (best == e->count || e->exhibits[i].weight > e->exhibits[best].weight))
                best = i;
        const char *const cites[] = {e->exhibits[best].id, NULL};
        said[best] = true;
        r = say(p, words_of(e, best), cites, true, err);
    }
    return r;
}

/* What a rule says is shown as it stood before what is private went out of it for a model. */
static const char *own_words(const reply *p, const lb_sentence *sentence)
{
    const dba_evidence *e = p->evidence;
    for (size_t i = 0; sentence->is_checked && !sentence->cites[1] && i < e->count; i++)
        if (strcmp(e->exhibits[i].id, sentence->cites[0]) == 0)
            return words_of(e, i);
    return sentence->text;
}

static int say_model(const reply *p, const lb_answer *answer, const char *error, lb_error *err)
{
    return lb_result(
        p->ctx,
        LB_ARGS(lb_object(
            "model", LB_ARGS(lb_text("source", answer ? answer->source : "rules"),
                             lb_bool("left", answer && answer->left), lb_i64("refused", answer ? answer->refused : 0),
                             lb_text("refused_why", answer ? answer->refused_why : NULL), lb_text("error", error)))),
        err);
}

static const char *task_of(const reply *p)
{
    const char *task = NULL;
    for (size_t i = 0; i < p->class.count; i++)
        task = lb_printf(p->ctx, "%s%s%s", task ? task : "", task ? "; then " : "", p->class.topics[i].topic->task);
    return task;
}

static int put_into_words(const reply *p, lb_error *err)
{
    const lb_answer *answer = NULL;
    const char *task = task_of(p), *error = NULL;
    lb_error why = {0};
    if (!task)
        return lb_out_of_memory(err);
    int r =
        lb_ask_model(p->ctx, LB_QUESTION(.task = task, .exhibits = p->evidence->exhibits, .most_sentences = SENTENCES),
                     &answer, &why);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY) {
        *err = why;
        return r;
    }
    if (r < 0 && !(error = lb_printf(p->ctx, "%s", why.message)))
        return lb_out_of_memory(err);
    r = answer && answer->count ? 0 : say_rules(p, err);
    for (uint32_t i = 0; answer && i < answer->count && r >= 0; i++)
        r = say(p, own_words(p, &answer->sentences[i]), answer->sentences[i].cites, answer->sentences[i].is_checked,
                err);
    return r < 0 ? r : say_model(p, answer, error, err);
}

static int tell_evidence(const reply *p, lb_error *err)
{
    const dba_evidence *e = p->evidence;
    int r = 0;
    for (size_t i = 0; i < e->count && r >= 0; i++) {
        const dba_exhibit *about = &e->about[i];
        const lb_exhibit *x = &e->exhibits[i];
        r = lb_append(p->ctx, "evidence",
                      LB_ARGS(lb_text("id", x->id), lb_text("tool", about->tool), lb_text("says", words_of(e, i)),
                              lb_text("kind", about->kind), lb_text("object", about->object),
                              about->confidence < 0 ? lb_null("confidence") : lb_f64("confidence", about->confidence),
                              lb_object("facts", x->facts ? x->facts : LB_NO_ARGS), lb_text("fix", about->fix)),
                      err);
    }
    return r;
}

/* ---- when there is nothing to gather ---- */

static int say_topics(const reply *p, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < dba_topic_count && r >= 0; i++)
        r = lb_append(p->ctx, "can_be_asked",
                      LB_ARGS(lb_text("topic", dba_topics[i].name), lb_text("example", dba_topics[i].example)), err);
    return r;
}

static int decline(reply *p, lb_error *err)
{
    bool is_known = p->class.subject == DBA_UNKNOWN;
    p->status = is_known ? "unknown" : "not_about_databases";
    int r = say(p,
                is_known ? "I do not know: none of the tools that I may ask answers this. Here is what I can be asked."
                         : "Sorry, I can only help with databases, in English. Here is what I can be asked.",
                NULL, true, err);
    return r < 0 ? r : say_topics(p, err);
}

/* ---- the whole ---- */

static int gather(reply *p, lb_error *err)
{
    dba_evidence *e = p->evidence;
    int r = 0;
    for (size_t i = 0; i < p->class.count && r >= 0; i++) {
        const dba_topic *topic = p->class.topics[i].topic;
        r = dba_gather(e, topic, i, err);
        if (r >= 0)
            r = lb_append(p->ctx, "topics",
                          LB_ARGS(lb_text("topic", topic->name), lb_i64("points", p->class.topics[i].points)), err);
    }
    p->status = e->answered && e->count ? "answered" : "no_evidence";
    if (r >= 0 && !e->answered)
        r = say(p, "I do not know: none of the tools that answer this could look.", NULL, true, err);
    else if (r >= 0 && !e->count)
        r = say(p, "I do not know: the tools that answer this have nothing to tell yet.", NULL, true, err);
    return r < 0 || !e->count ? r : put_into_words(p, err);
}

static double confidence_of(const dba_evidence *e)
{
    double most = -1;
    for (size_t i = 0; i < e->count; i++)
        most = e->about[i].confidence > most ? e->about[i].confidence : most;
    return most;
}

/* Books are none of ours, unless they are a table. */
static int read_names(reply *p, const char *question, lb_error *err)
{
    dba_evidence *e = p->evidence;
    int r = dba_find_named(e, question, err);
    const char *rest = r >= 0 && p->class.is_doubtful && e->named_count ? dba_without_named(e, question) : question;
    if (!rest)
        return lb_out_of_memory(err);
    if (r >= 0 && rest != question)
        p->class = dba_classify(rest);
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    dba_evidence *e = lb_alloc(ctx, sizeof *e);
    if (!e)
        return lb_out_of_memory(err);
    if (strlen(args->question) > 1000 || !args->question[strspn(args->question, " \t\r\n")])
        return lb_fail(err, LB_ERR_INVALID, "ask one thing, in a sentence", "a question has 1 to 1000 characters");
    e->ctx = ctx;
    e->span = dba_span_of(args->question);
    dba_words(args->question, e->words);
    reply told = {.ctx = ctx, .class = dba_classify(args->question), .evidence = e};
    int r = dba_query_id(ctx, args->question, &e->query_id, err);
    if (r >= 0 && (told.class.subject == DBA_KNOWN || told.class.is_doubtful))
        r = read_names(&told, args->question, err);
    if (r >= 0)
        r = told.class.subject == DBA_KNOWN ? gather(&told, err) : decline(&told, err);
    if (r >= 0 && told.class.wants_change)
        r = say(&told, "This only looks: a question changes nothing.", NULL, true, err);
    if (r >= 0)
        r = tell_evidence(&told, err);
    double confidence = confidence_of(e);
    if (r >= 0)
        r = lb_examined(ctx, "tools", (int64_t)e->tool_count, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("question", args->question), lb_text("status", told.status),
                                     confidence < 0 ? lb_null("confidence") : lb_f64("confidence", confidence)),
                             err);
}

LB_TOOL(natural_language_dba, "answers a question about a database from what read-only tools find, with evidence",
        .agent = "health", .risk = LB_RISK_LOW, .timeout_s = 300, LB_TOOL_ARGS(struct args, params),
        .calls = LB_NAMES("analyze_slow_queries_with_ai", "check_txid_wraparound_risk", "diagnose_root_cause",
                          "explain_query_in_natural_language", "forecast_capacity_needs", "identify_cold_data",
                          "identify_tables_needing_vacuum", "monitor_branch_count", "monitor_connections",
                          "run_full_index_analysis", "track_sync_freshness", "validate_sync_completeness"),
        .run = run);
