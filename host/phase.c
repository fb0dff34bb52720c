#include "phase.h"

#include "pattern.h"

enum { FOUNDATION, INDEX_AND_VACUUM, SYNC_AND_BRANCHES, COLD_ARCHIVAL, AI_OPERATIONS };

static const char *const names[PHASE_COUNT] = {"foundation", "index and vacuum", "sync and branches", "cold archival",
                                               "AI operations"};

/* The first row whose pattern fits a tool. What sets projects up comes before everything that looks at them. */
static const struct {
    const char *pattern;
    int phase;
} rows[] = {
    {"provision_*", FOUNDATION},
    {"*cold*", COLD_ARCHIVAL},
    {"*unified*", COLD_ARCHIVAL},
    {"*vacuum*", INDEX_AND_VACUUM},
    {"*index*", INDEX_AND_VACUUM},
    {"*sync*", SYNC_AND_BRANCHES},
    {"*branch*", SYNC_AND_BRANCHES},
    {"*ttl*", SYNC_AND_BRANCHES},
    {"*schema*", SYNC_AND_BRANCHES},
    {"*_ai*", AI_OPERATIONS},
    {"*forecast*", AI_OPERATIONS},
    {"*cost*", AI_OPERATIONS},
    {"*scale*", AI_OPERATIONS},
    {"*diagnose*", AI_OPERATIONS},
    {"*heal", AI_OPERATIONS},
    {"*natural_language*", AI_OPERATIONS},
    {"*auto_tune*", AI_OPERATIONS},
    {"*escalate*", AI_OPERATIONS},
    {"*", FOUNDATION},
};

const char *phase_name(size_t phase)
{
    return names[phase];
}

static size_t phase_by_name(const char *tool)
{
    size_t i = 0;
    while (!pattern_matches(rows[i].pattern, tool))
        i++;
    return (size_t)rows[i].phase;
}

size_t phase_of(const manifest *m, const char *agent, const char *tool)
{
    const manifest_tool *entry = m ? manifest_find_tool(m, agent, tool, NULL) : NULL;
    return entry && entry->phase ? (size_t)entry->phase - 1 : phase_by_name(tool);
}
