/* SHA-256 (FIPS 180-4), with the processor's own instructions where it has them: patch sets are hashed as they are written, and in plain C that
 * would take a tenth of the time of cutting.  A Sha256 belongs to one thread. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t pending[64]; /* the last bytes % 64 bytes, not yet processed */
} Sha256;

void sha256_init(Sha256 *sha);
void sha256_add(Sha256 *sha, const void *data, size_t bytes);
/* hex: 64 lower-case digits and NUL. */
void sha256_finish(Sha256 *sha, char hex[65]);
/* For tests: use plain C from now on (TRUE), or the fastest version again. */
void sha256_use_plain(gboolean plain);
