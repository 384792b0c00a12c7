/* The table of configuration keys; see config.c for what the kinds mean. */
#pragma once
#include "pipeline/config.h"

typedef enum { KEY_INT, KEY_NUMBER, KEY_BOOL, KEY_TEXT, KEY_PATH, KEY_CHOICE, KEY_INT3, KEY_GROUPS } KeyKind;

typedef struct {
    const char *section, *key;
    KeyKind kind;
    size_t offset;       /* of the member in Config */
    const char *normal;  /* default, as text */
    double low, high;    /* range of numbers (both ends allowed) */
    const char *choices; /* "a b c" for KEY_CHOICE */
    const char *comment;
} ConfigKey;

extern const ConfigKey config_keys[]; /* grouped by section; ends with section NULL */
/* Where the value of a key is in a configuration. */
void *config_member(const Config *config, const ConfigKey *key);
/* Comment above a section; NULL when unknown. */
const char *config_section_comment(const char *section);
