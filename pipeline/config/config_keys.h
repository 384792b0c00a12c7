/* The table of configuration keys; see config.c for what the kinds mean. */
#pragma once
#include "pipeline/config/config.h"

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
    size_t offset;       /* of the member in Config */
    const char *normal;  /* default, as text */
    double low, high;    /* range of numbers (both ends allowed) */
    const char *choices; /* "a b c" for KEY_CHOICE and KEY_WORDS (any of them, separated by blanks) */
    const char *comment;
    gboolean or_zero; /* 0 is allowed too, below `low` */
    int step;         /* a whole number is a multiple of it; 0 = any */
} ConfigKey;

extern const ConfigKey config_keys[]; /* grouped by section; ends with section NULL */
/* Where the value of a key is in a configuration. */
void *config_member(const Config *config, const ConfigKey *key);
/* What a key may be, in words: "32 to 2048, a multiple of 32", "drop pad shift"; NULL when there is no limit.  Messages and comments say this;
 * what is accepted follows from the same table.  Caller frees. */
char *config_range(const ConfigKey *key);
/* Whether the keys go together: those whose limit is another key's value.  WSI_ERROR_INPUT names both. */
gboolean config_check(const Config *config, GError **error);
/* Comment above a section; NULL when unknown. */
const char *config_section_comment(const char *section);
