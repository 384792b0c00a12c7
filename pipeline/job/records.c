/* All records are read before the stage starts, so that records_get cannot fail. */
#include "pipeline/job/records.h"
#include "db/store.h"
#include "pipeline/write/json.h"

struct Records {
    GHashTable *all; /* "stage/unit/name" -> json_t* */
};

static char *key_of(const char *stage, const char *unit, const char *name)
{
    return g_strjoin("/", stage, unit, name, NULL);
}

static void release(gpointer json)
{
    json_decref(json);
}

Records *records_read(const char *folder, const GPtrArray *artefacts, GError **error)
{
    g_autoptr(Records) records = g_new0(Records, 1);
    records->all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, release);
    for (guint i = 0; i < artefacts->len; i++) {
        const JobInput *one = artefacts->pdata[i];
        if (!g_str_has_suffix(one->artefact->path, ".json")) {
            continue;
        }
        g_autofree char *path = g_build_filename(folder, one->artefact->path, NULL);
        json_t *json = json_read(path, error);
        if (!json) {
            return NULL;
        }
        g_hash_table_insert(records->all, key_of(one->stage, one->unit, one->artefact->name), json);
    }
    return g_steal_pointer(&records);
}

json_t *records_get(const Records *records, const char *stage, const char *unit, const char *name)
{
    g_autofree char *key = key_of(stage, unit, name);
    return records ? g_hash_table_lookup(records->all, key) : NULL;
}

void records_free(Records *records)
{
    if (records) {
        g_hash_table_unref(records->all);
        g_free(records);
    }
}
