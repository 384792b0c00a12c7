/* Versions, for --version and for the provenance of every result. */
#include "pipeline/write/versions.h"
#include "annotations/read/annotation_read.h"
#include "db/store.h"
#include "flows/kernels/kernels.h"
#include "tiler/tiler_versions.h"
#include "web/server.h"

const char *const research_use_only = "For research use only. Not for use in diagnostic procedures.";

char *versions_text(void)
{
    g_autofree char *tiler = tiler_versions(), *annotations = annotations_versions(),
                    *flows = flows_versions(), *db = db_versions(), *web = web_versions();
    return g_strdup_printf("wsiflow %s (compiler %s)\n%s\n%s\n%s\n%s\n%s\nkernels: %s", WSIFLOW_VERSION,
                           __VERSION__, tiler, annotations, flows, db, web, kernels_get(NULL)->name);
}
