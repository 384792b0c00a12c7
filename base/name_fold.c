/* Replaces invalid bytes, composes accents (NFC), and folds the case, in this order: folding needs valid, composed text. */
#include "base/name_fold.h"

char *name_fold(const char *name)
{
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    g_autofree char *composed = g_utf8_normalize(valid, -1, G_NORMALIZE_DEFAULT_COMPOSE);
    return g_utf8_casefold(composed, -1);
}
