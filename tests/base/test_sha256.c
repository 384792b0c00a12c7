/* SHA-256: the examples of the standard, and the digests of GLib for all lengths around a block; plain C and the processor's
 * instructions. */
#include "base/sha256.h"

static char *hash(const void *data, size_t bytes, size_t piece)
{
    Sha256 sha;
    char hex[65];
    sha256_init(&sha);
    for (size_t done = 0; done < bytes; done += piece) {
        sha256_add(&sha, (const uint8_t *)data + done, MIN(piece, bytes - done));
    }
    sha256_finish(&sha, hex);
    return g_strdup(hex);
}

static void test_standard(gconstpointer plain)
{
    static const struct {
        const char *text, *hex;
    } examples[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    sha256_use_plain(GPOINTER_TO_INT(plain));
    for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
        g_autofree char *hex = hash(examples[i].text, strlen(examples[i].text), 1000);
        g_assert_cmpstr(hex, ==, examples[i].hex);
    }
}

static void test_lengths(gconstpointer plain)
{
    uint8_t data[300];
    sha256_use_plain(GPOINTER_TO_INT(plain));
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 167 + 13);
    }
    for (size_t bytes = 0; bytes <= sizeof data; bytes++) {
        for (size_t piece = 1; piece <= sizeof data; piece += 21) {
            g_autofree char *hex = hash(data, bytes, piece);
            g_autofree char *wanted = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, bytes);
            g_assert_cmpstr(hex, ==, wanted);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/sha256/standard", NULL, test_standard);
    g_test_add_data_func("/sha256/lengths", NULL, test_lengths);
    g_test_add_data_func("/sha256/standard-plain", GINT_TO_POINTER(1), test_standard);
    g_test_add_data_func("/sha256/lengths-plain", GINT_TO_POINTER(1), test_lengths);
    return g_test_run();
}
