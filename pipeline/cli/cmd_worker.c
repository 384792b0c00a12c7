/* worker: a worker process of a run; hidden, since only the supervisor starts it. */
#include "pipeline/cli/commands.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/run/worker.h"

static int worker(int argc, char **argv, GError **error)
{
    if (argc != 6) {
        return command_misused(error, "worker is an internal command: wsiflow run starts it");
    }
    const WorkerSpec spec = {.folder = argv[1],
                             .owner = argv[2],
                             .threads = (int)g_ascii_strtoll(argv[3], NULL, 10),
                             .supervisor = (int)g_ascii_strtoll(argv[4], NULL, 10),
                             .patience = (int)g_ascii_strtoll(argv[5], NULL, 10)};
    return worker_main(&spec, error);
}

const Command command_worker = {"worker", "", NULL, NULL, worker};
