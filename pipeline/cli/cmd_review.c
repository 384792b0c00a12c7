/* review: what people said of a run at its page, in the terminal. */
#include "pipeline/cli/commands.h"
#include "pipeline/cohort/stored_cohort.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/view/review_desk.h"
#include "pipeline/write/terminal.h"
#include <stdio.h>

static void print_slide(const ReviewCounts *counts)
{
    g_autofree char *note = terminal_line(counts->note);
    printf("%-24s %-12s %9d %9d %6d  %s\n", counts->slide, counts->state, counts->confirmed, counts->rejected,
           counts->drawn, note);
}

static gboolean print_all(ReviewDesk *desk, const char *folder, GError **error)
{
    ReviewState state;
    g_autoptr(GPtrArray) list = review_desk_list(desk, error);
    if (!list || !review_desk_state(desk, &state, error)) {
        return FALSE;
    }
    if (list->len == 0) {
        printf("nobody has said anything of this run: wsiflow view %s\n", folder);
        return TRUE;
    }
    printf("%-24s %-12s %9s %9s %6s  %s\n", "slide", "state", "confirmed", "rejected", "drawn", "note");
    for (guint i = 0; i < list->len; i++) {
        print_slide(list->pdata[i]);
    }
    printf("%d decisions on regions, %d of them on regions that the run no longer has (%d at the same place "
           "as a "
           "present one)\n",
           state.decisions, state.orphaned, state.matched);
    if (state.overruled > 0) {
        printf(
            "%d older decisions or drawn regions have no outline: newer ones that say otherwise cover them\n",
            state.overruled);
    }
    if (state.unlisted > 0) {
        printf("%d of the slides are not in the run any more\n", state.unlisted);
    }
    if (review_desk_read_only(desk)) {
        fprintf(stderr, "wsiflow review: the files are as they were: %s\n", review_desk_read_only(desk));
    } else {
        printf("files      %s/review/*.geojson (for QuPath and slides.annotations), review.csv\n", folder);
    }
    return TRUE;
}

static int review(int argc, char **argv, GError **error)
{
    int code;
    GOptionEntry entries[] = {{NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_review, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc != 2) {
        return command_misused(error, "the folder of a run is required: wsiflow review RUN");
    }
    g_autoptr(Store) store = store_open_existing(argv[1], error);
    g_autoptr(Cohort) cohort = store ? stored_cohort_read(store, error) : NULL;
    g_clear_pointer(&store, store_free);
    g_autoptr(ReviewDesk) desk = cohort ? review_desk_open(argv[1], cohort->slides, "", error) : NULL;
    return desk && print_all(desk, argv[1], error) ? EXIT_DONE : EXIT_FAILED;
}

const Command command_review = {"review", "RUN", "show what people said of a run, and complete its files",
                                NULL, review};
