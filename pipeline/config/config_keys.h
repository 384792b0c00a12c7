/* The table of configuration keys. */
#pragma once
#include "pipeline/config/config_struct.h"

typedef enum {
    KEY_INT,
    KEY_NUMBER,
    KEY_BOOL,
    KEY_TEXT,
    KEY_PATH,
    KEY_CHOICE,
    KEY_INT3,
    KEY_WORDS,
    KEY_GROUPS
} KeyKind;

typedef struct {
    const char *section, *key;
    KeyKind kind;
    size_t offset;      /* of the member in Config */
    const char *normal; /* default, as text */
    double low, high;   /* range of numbers (both ends allowed) */
    const char
        *choices; /* "a b c": one of them for KEY_CHOICE, any of them separated by blanks for KEY_WORDS */
    const char *comment;
    gboolean or_zero; /* 0 is also allowed, although it is below `low` */
    int step;         /* a whole number must be a multiple of it; 0 = any */
} ConfigKey;

extern const ConfigKey config_keys[]; /* grouped by section; ends with section NULL */
/* Address of the member of a configuration that holds the key's value. */
void *config_member(const Config *config, const ConfigKey *key);
/* The allowed values of a key as text: "32 to 2048, a multiple of 32", "drop pad shift"; NULL when there is no limit.  Messages and comments
 * show this text; the checks use the same table.  Caller frees. */
char *config_range(const ConfigKey *key);
/* FALSE with WSI_ERROR_INPUT when a key contradicts another key that limits it; the message names both. */
gboolean config_check(const Config *config, GError **error);
/* Comment above a section; NULL when unknown. */
const char *config_section_comment(const char *section);
