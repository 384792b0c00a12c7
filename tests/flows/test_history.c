/* The history of a training as CSV: complete, and the same in every locale. */
#include "flows/models/history.h"
#include "flows/training/collapse.h"
#include <locale.h>
#include <math.h>

static void test_csv(void)
{
    g_autoptr(GArray) history = g_array_new(FALSE, FALSE, sizeof(EpochReport));
    EpochReport e[] = {{1, 0.5, 0.625, 3.25, 1e-4, 12.5, 0, collapse_none(), NAN, NAN, NAN, NAN, NAN, NAN},
                       {2,
                        -0.125,
                        NAN,
                        1,
                        1e-3,
                        99,
                        3,
                        {{8, 7.5, 4}, {1, 0.5, 0.25}, {1, 1, 0.75}},
                        0.25,
                        2,
                        0.5,
                        0.75,
                        0.625,
                        0.875}};
    g_array_append_vals(history, e, 2);
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it exists, its decimal comma must not show */
    g_autofree char *csv = history_csv(history);
    setlocale(LC_ALL, "C");
    g_assert_cmpstr(csv, ==,
                    "epoch,train_nll,holdout_nll,gradient_norm,learning_rate,skipped_steps,"
                    "effective_rank1,smallest_deviation1,smallest_singular1,"
                    "effective_rank2,smallest_deviation2,smallest_singular2,"
                    "effective_rank3,smallest_deviation3,smallest_singular3,"
                    "focal,centre,margin,holdout_auroc,holdout_ap,holdout_f\n"
                    "1,0.5,0.625,3.25,0.0001,0,,,,,,,,,,,,,,,\n"
                    "2,-0.125,,1,0.001,3,8,1,1,7.5,0.5,1,4,0.25,0.75,0.25,2,0.5,0.75,0.625,0.875\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/history/csv", test_csv);
    return g_test_run();
}
