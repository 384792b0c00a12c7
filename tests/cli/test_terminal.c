/* The live line: cut to columns as a terminal counts them. */
#include "pipeline/write/terminal.h"
#include <string.h>

static void test_cut(void)
{
    static const struct {
        const char *text;
        int columns;
        const char *shown;
    } cases[] = {
        {"12/40 jobs", 10, "12/40 jobs"},
        {"12/40 jobs", 9, "12/40 jo…"},
        {"12/40 jobs", 1, "…"},
        {"12/40 jobs", 0, ""},
        {"", 5, ""},
        {"Gewebe für Öl", 13, "Gewebe für Öl"}, /* bytes are more than columns */
        {"Gewebe für Öl", 9, "Gewebe f…"},
        {"病理切片", 8, "病理切片"}, /* two columns each */
        {"病理切片", 7, "病理切…"},
        {"病理切片", 6, "病理…"},
        {"e\xCC\x81t\xCC\x81", 2, "e\xCC\x81t\xCC\x81"}, /* accents that take no column */
        {"a\033[2Jb\rc\nd\x7f", 20, "a [2Jb c d "},
        {"a\xC2\x9B"
         "2J",
         20, "a 2J"}, /* the 8-bit form of ESC [ */
        {"a\xE4"
         "b",
         20,
         "a\xEF\xBF\xBD"
         "b"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = terminal_cut(cases[i].text, cases[i].columns);
        g_assert_cmpstr(shown, ==, cases[i].shown);
    }
    g_assert_cmpint(terminal_columns(-1), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/terminal/cut", test_cut);
    return g_test_run();
}
