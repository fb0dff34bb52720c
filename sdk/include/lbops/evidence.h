/* lbops/evidence.h: what a tool asks a model about, and what it gets back: see lb_ask_model in tool.h. */
#ifndef LBOPS_EVIDENCE_H
#define LBOPS_EVIDENCE_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One piece of evidence for a model. Numbers go as they are; of texts, what is private is taken out on the way. */
typedef struct lb_exhibit {
    const char *id;        /* what sentences cite: "e1"; NULL ends the array */
    const char *says;      /* what the tool's own rules say of it, one sentence; or NULL */
    double weight;         /* how much it matters */
    const lb_value *facts; /* named values; names as lb_ident, SQL as lb_definition; or NULL */
    const char *sql;       /* a statement, or a piece of one; or NULL */
} lb_exhibit;

typedef struct lb_question {
    uint32_t size;    /* LB_QUESTION fills it */
    const char *task; /* the tool's own words, never the database's: "say what the plan does and what takes time" */
    const lb_exhibit *exhibits;
    uint32_t most_sentences; /* 0: 8 */
} lb_question;

#define LB_QUESTION(...) (&(const lb_question){.size = sizeof(lb_question), __VA_ARGS__})

typedef struct lb_sentence {
    const char *text;
    const char *const *cites; /* ids of exhibits, at least one; ends with NULL */
    bool is_checked; /* it is what an exhibit says. false: a model's reading of them, which nobody has checked */
} lb_sentence;

typedef struct lb_answer {
    uint32_t size;
    const char *source; /* "model_rules", "model_openai (gpt-oss)" */
    bool left;          /* evidence left this machine for it */
    const lb_sentence *sentences;
    uint32_t count, refused; /* refused: sentences that could not stand, and are in no answer */
    const char *refused_why; /* the reason of the first one, or NULL */
} lb_answer;

#ifdef __cplusplus
}
#endif
#endif
