/* One value of a configuration: from the text in the file to the member of Config, within the limits of the table. */
#pragma once
#include "pipeline/config/config_keys.h"

enum { CONFIG_MESSAGE = 1000 }; /* characters of a message, which is always one line */

/* Where a key is in a file, for messages. */
typedef struct {
    const char *path; /* of the file; "" for the defaults */
    const ConfigKey *key;
    int line;
} KeyLocation;

/* Sets "PATH line N: SECTION.KEY ..." as WSI_ERROR_INPUT; returns FALSE. */
gboolean config_value_wrong(const KeyLocation *at_key, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* Sets the member from a scalar. */
gboolean config_value_set(Config *config, const KeyLocation *at_key, const char *text, GError **error);
/* Sets the member from a list, for KEY_INT3. */
gboolean config_value_set_int3(Config *config, const KeyLocation *at_key, char *const *list, guint count,
                               GError **error);
