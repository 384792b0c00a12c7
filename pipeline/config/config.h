/* The configuration of a run: a plain struct, and a table that defines every key.
 *
 * Files are YAML with two levels, "section: {key: value}".  The table (config_keys.c) gives each key its type, range, default and comment; the
 * reader, `configs/default.yaml` and the canonical text that is hashed for each stage follow from it.  Unknown keys, keys given twice, wrong
 * types and values out of range are errors that name file and line and suggest the nearest name.  A key without a value, and a file without
 * content, mean the defaults. */
#pragma once
#include "pipeline/config/config_struct.h"

/* Relative paths in the file are relative to its folder; ~/ is the home folder; ${NAME} in a path or text is the environment variable NAME (an
 * error when it is not set); $${ stands for the characters ${. */
Config *config_read(const char *path, GError **error);
/* From text; messages name `path`, and relative paths are relative to its folder. */
Config *config_parse(const char *text, const char *path, GError **error);
Config *config_default(void);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)

/* Whether the file gives the key; otherwise its value is the default. */
gboolean config_given(const Config *config, const char *section, const char *key);
/* Works on the patches of a folder.  Their um/px is unknown (tiles.mpp 0) unless the file gives tiles.mpp. */
void config_use_patches(Config *config, const char *folder);
/* Sets tiles.mpp to 0 unless the file gives it: its default is for slides, but patches have their own resolution. */
void config_forget_mpp(Config *config);

/* All keys with their values, as YAML that config_parse reads back to the same configuration; with comments, as in configs/default.yaml.
 * Without comments, keys about how tiles are made that were not given are commented out: as values they could contradict models and patch
 * sets.  So are those about training when score.model names the model.  Caller frees. */
char *config_text(const Config *config, gboolean comments);
/* SHA-256 of the keys that a stage reads; what: "section" or "section.key", separated by spaces. */
void config_hash(const Config *config, const char *what, char sha256[65]);
