/* A list of packed weights with reference counts.
 *
 * Each thread has its own convolutions, but all threads of a network have the same weights, and those of a wide ResNet take
 * a quarter of a gigabyte when they are packed for Winograd.  Equal weights in equal layouts are therefore packed once.  A hash
 * of 128 bits over the values decides whether weights are equal; the values themselves are not kept. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/packed_weights.h"
#include "base/error.h"
#include <stdlib.h>
#include <string.h>

struct PackedWeights {
    uint64_t hash[2];
    OnednnLayout *layout;
    void *data;
    int users;
};

static GMutex lock;
static GPtrArray *all; /* of PackedWeights *; NULL when empty */

/* Two multiplicative hashes (FNV-1a's form on words of 64 bits, folded) with different constants. */
static void hash_values(const float *values, size_t count, uint64_t hash[2])
{
    const uint64_t prime[2] = {0x9e3779b97f4a7c15u, 0xc2b2ae3d27d4eb4fu};
    /* The length is part of the hash, since an odd last float is padded with zeros. */
    hash[0] = count;
    hash[1] = ~(uint64_t)count;
    /* Two floats are one word; the fold brings high bits, which the product has mixed best, back down. */
    for (size_t i = 0; i < count; i += 2) {
        uint64_t word = 0;
        memcpy(&word, values + i, sizeof(float) * MIN(count - i, 2));
        for (int k = 0; k < 2; k++) {
            hash[k] = (hash[k] ^ word) * prime[k];
            hash[k] ^= hash[k] >> 32;
        }
    }
}

/* The entry for these weights, or NULL.  Under the lock. */
static PackedWeights *find(const uint64_t hash[2], const OnednnLayout *layout)
{
    for (guint i = 0; all && i < all->len; i++) {
        PackedWeights *weights = g_ptr_array_index(all, i);
        if (memcmp(weights->hash, hash, sizeof weights->hash) == 0 &&
            dnnl_memory_desc_equal(weights->layout, layout)) {
            return weights;
        }
    }
    return NULL;
}

static void weights_free(PackedWeights *weights)
{
    free(weights->data);
    onednn_layout_free(weights->layout);
    g_free(weights);
}

/* Packs and adds an entry.  Under the lock, so that no other thread packs the same weights. */
static PackedWeights *make(const uint64_t hash[2], const OnednnLayout *layout, WeightPacker packer,
                           void *data, GError **error)
{
    size_t bytes = dnnl_memory_desc_get_size(layout);
    PackedWeights *weights = g_new0(PackedWeights, 1);
    memcpy(weights->hash, hash, sizeof weights->hash);
    weights->layout = onednn_layout_copy(layout);
    weights->data = aligned_alloc(64, (bytes + 63) / 64 * 64); /* a cache line, as oneDNN asks for */
    if (!weights->data) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for packed weights (%zu bytes)", bytes);
    }
    if (!weights->data || !packer(data, weights->data, error)) {
        weights_free(weights);
        return NULL;
    }
    if (!all) {
        all = g_ptr_array_new();
    }
    g_ptr_array_add(all, weights);
    return weights;
}

PackedWeights *packed_weights_get(const float *weight, size_t count, const OnednnLayout *layout,
                                  WeightPacker packer, void *data, GError **error)
{
    uint64_t hash[2];
    hash_values(weight, count, hash);
    g_mutex_lock(&lock);
    PackedWeights *weights = find(hash, layout);
    weights = weights ? weights : make(hash, layout, packer, data, error);
    if (weights) {
        weights->users++;
    }
    g_mutex_unlock(&lock);
    return weights;
}

void packed_weights_release(PackedWeights *weights)
{
    if (!weights) {
        return;
    }
    g_mutex_lock(&lock);
    /* The last user frees; order does not matter in the list. */
    if (--weights->users == 0) {
        g_ptr_array_remove_fast(all, weights);
        weights_free(weights);
        if (all->len == 0) {
            g_clear_pointer(&all, g_ptr_array_unref);
        }
    }
    g_mutex_unlock(&lock);
}

void *packed_weights_data(const PackedWeights *weights)
{
    return weights->data;
}
#endif
