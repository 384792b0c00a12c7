/* SHA-256 (FIPS 180-4), by the processor's own instructions where it has them: patch sets are hashed as they are written, and plain C
 * takes a tenth of the time of cutting. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t pending[64]; /* bytes % 64 of them */
} Sha256;

void sha256_init(Sha256 *sha);
void sha256_add(Sha256 *sha, const void *data, size_t bytes);
/* hex: 64 lower-case digits and NUL. */
void sha256_finish(Sha256 *sha, char hex[65]);
/* For tests: plain C from now on, or again what is fastest. */
void sha256_use_plain(gboolean plain);
