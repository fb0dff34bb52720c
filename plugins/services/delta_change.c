/* Changes of a table as commits in its log. */
#include "delta_local.h"

#define TRIES 50 /* each after a foreign commit that was faster */

static int64_t stamp(const delta_snapshot *snapshot)
{
    int64_t now = delta_now() / 1000;
    return now > snapshot->timestamp_ms ? now : snapshot->timestamp_ms + 1; /* whatever the clock does */
}

static void put_partition(delta_text *text, const delta_table *table, const char *date)
{
    delta_text_puts(text, "\"partitionValues\":{");
    if (table->def.partition_time) {
        delta_text_puts(text, "\"" DELTA_PARTITION "\":");
        delta_text_json(text, date);
    }
    delta_text_puts(text, "}");
}

static void put_info(delta_text *text, const delta_table *table, const delta_change *change, int64_t now_ms)
{
    char id[DELTA_UUID_TEXT];
    delta_uuid(id);
    delta_text_printf(text, "{\"commitInfo\":{\"timestamp\":%lld,\"operation\":\"%s\",\"operationParameters\":{",
                      (long long)now_ms, change->operation);
    if (change->sequence >= 0)
        delta_text_printf(text, "\"mode\":\"Append\",\"partitionBy\":\"[%s]\"",
                          table->def.partition_time ? "\\\"" DELTA_PARTITION "\\\"" : "");
    delta_text_printf(text,
                      "},\"isBlindAppend\":%s,\"operationMetrics\":{\"numFiles\":\"%zu\",\"numOutputRows\":\"%lld\","
                      "\"numRemovedFiles\":\"%zu\"},\"engineInfo\":\"lbops/" LB_PLUGIN_VERSION "\",\"txnId\":\"%s\"",
                      change->remove_count ? "false" : "true", change->adds.count, (long long)change->rows,
                      change->remove_count, id);
    if (change->outbox_count) {
        delta_text_puts(text, ",\"outboxFiles\":\"");
        for (size_t i = 0; i < change->outbox_count; i++)
            delta_text_printf(text, "%s%s", i ? " " : "", change->outbox_ids[i]); /* sound ids need no escape */
        delta_text_puts(text, "\"");
    }
    delta_text_puts(text, "}}\n");
}

static void put_metadata(delta_text *text, const delta_table *table, const char *schema, int64_t now_ms)
{
    const delta_snapshot *s = &table->snapshot;
    const delta_settings *settings = &table->owner->settings;
    char id[DELTA_UUID_TEXT];
    delta_uuid(id);
    delta_text_puts(text, "{\"metaData\":{\"id\":");
    delta_text_json(text, s->id ? s->id : id);
    delta_text_puts(text, ",\"name\":");
    delta_text_json(text, s->id ? s->name : table->def.name);
    delta_text_puts(text, ",\"description\":");
    delta_text_json(text, s->id ? s->description : table->def.doc);
    delta_text_puts(text, ",\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":");
    delta_text_json(text, schema);
    delta_text_printf(text, ",\"partitionColumns\":%s,\"configuration\":",
                      s->id                       ? s->partition_columns
                      : table->def.partition_time ? "[\"" DELTA_PARTITION "\"]"
                                                  : "[]");
    if (s->id)
        delta_text_puts(text, s->configuration);
    else
        delta_text_printf(text,
                          "{\"delta.logRetentionDuration\":\"interval %lld days\","
                          "\"delta.deletedFileRetentionDuration\":\"interval %lld hours\"}",
                          (long long)settings->log_days, (long long)settings->vacuum_grace_hours);
    delta_text_printf(text, ",\"createdTime\":%lld}}\n", (long long)(s->id ? s->created_ms : now_ms));
}

static void put_remove(delta_text *text, const delta_table *table, const delta_change *change, const char *path,
                       int64_t now_ms)
{
    const delta_data_file *file = delta_snapshot_find(&table->snapshot, path);
    delta_text_puts(text, "{\"remove\":{\"path\":");
    delta_text_json(text, path);
    delta_text_printf(text, ",\"deletionTimestamp\":%lld,\"dataChange\":%s,\"extendedFileMetadata\":true,",
                      (long long)now_ms, change->data_change ? "true" : "false");
    put_partition(text, table, file->partition);
    delta_text_printf(text, ",\"size\":%lld}}\n", (long long)file->size);
}

static void put_add(delta_text *text, const delta_table *table, const delta_change *change, const delta_data_file *file)
{
    delta_text_puts(text, "{\"add\":{\"path\":");
    delta_text_json(text, file->path);
    delta_text_puts(text, ",");
    put_partition(text, table, file->partition);
    delta_text_printf(text,
                      ",\"size\":%lld,\"modificationTime\":%lld,\"dataChange\":%s,\"stats\":", (long long)file->size,
                      (long long)file->modified_ms, change->data_change ? "true" : "false");
    delta_text_json(text, file->stats);
    delta_text_puts(text, "}}\n");
}

static int compose(const delta_table *table, const delta_change *change, delta_text *text, lb_error *err)
{
    const delta_snapshot *s = &table->snapshot;
    DELTA_AUTO_FREE char *schema = NULL;
    int64_t now_ms = stamp(s);
    int r = delta_schema_with(&table->def, s->schema, &schema, err);
    if (r < 0)
        return r;
    put_info(text, table, change, now_ms);
    if (s->version < 0)
        delta_text_printf(text, "{\"protocol\":{\"minReaderVersion\":%d,\"minWriterVersion\":%d}}\n",
                          DELTA_READER_VERSION, DELTA_WRITER_VERSION);
    if (schema)
        put_metadata(text, table, schema, now_ms);
    if (change->sequence >= 0)
        delta_text_printf(text, "{\"txn\":{\"appId\":\"%s\",\"version\":%lld,\"lastUpdated\":%lld}}\n",
                          table->ledger.application, (long long)change->sequence, (long long)now_ms);
    for (size_t i = 0; i < change->remove_count; i++)
        put_remove(text, table, change, change->removes[i], now_ms);
    for (size_t i = 0; i < change->adds.count; i++)
        put_add(text, table, change, &change->adds.items[i]);
    return 0;
}

/* What may have changed since the caller looked: a file that is gone, or our own number used by somebody else. */
static int check_still_holds(const delta_table *table, const delta_change *change, lb_error *err)
{
    const delta_snapshot *s = &table->snapshot;
    for (size_t i = 0; i < change->remove_count; i++)
        if (!delta_snapshot_find(s, change->removes[i]))
            return lb_fail(err, LB_ERR_CONFLICT, NULL, "another writer has removed %s of %s", change->removes[i],
                           table->def.name);
    if (change->remove_count && change->data_change && s->configuration &&
        strstr(s->configuration, "\"delta.appendOnly\":\"true\""))
        return lb_fail(err, LB_ERR_DENIED, "unset delta.appendOnly, or set the table's retention to 0",
                       "the history table %s has been made append-only", table->def.name);
    if (change->sequence >= 0 && delta_snapshot_application(s, table->ledger.application) >= change->sequence)
        return lb_fail(err, LB_ERR_CONFLICT, "two copies of one history? only one of them may be written",
                       "another process commits to %s under our own name", table->def.name);
    return 0;
}

int delta_commit_change(delta_table *table, delta_change *change, lb_error *err)
{
    const delta_log log = {.directory = table->directory, .engine = delta_get_engine, .arg = table->owner};
    for (int try = 0; try < TRIES; try++) {
        DELTA_TEXT text = {0};
        int r = delta_check_protocol(&table->snapshot, table->def.name, err);
        if (r == 0)
            r = check_still_holds(table, change, err);
        if (r == 0)
            r = compose(table, change, &text, err);
        if (r < 0)
            return r;
        r = delta_log_put(table->directory, table->snapshot.version + 1, &text, &change->stands, err);
        if (r < 0 && (change->stands || r != LB_ERR_CONFLICT))
            return r;
        r = delta_log_read(&log, &table->snapshot, err);
        if (r < 0 || change->stands)
            return r;
    }
    return lb_fail(err, LB_ERR_CONFLICT, "what waits in the outbox is committed later",
                   "other writers committed to %s %d times while one commit was tried", table->def.name, TRIES);
}
