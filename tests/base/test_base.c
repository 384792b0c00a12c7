/* What all rooms build on: durable files, parallel loops, random numbers, rasters. */
#include "base/durable.h"
#include "base/error.h"
#include "base/image.h"
#include "base/rng.h"
#include "tests/test_folder.h"
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- durable files ---- */

/* FIPS 180-2, example of one block. */
static const char abc_sha256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static void test_hash(Folder *folder, gconstpointer unused)
{
    g_autofree char *path = inside(folder, "abc");
    char sha256[65];
    int64_t bytes;
    durable_hash_bytes("abc", 3, sha256);
    g_assert_cmpstr(sha256, ==, abc_sha256);
    g_assert_true(g_file_set_contents(path, "abc", 3, NULL));
    g_assert_true(durable_hash_file(path, sha256, &bytes, NULL));
    g_assert_cmpstr(sha256, ==, abc_sha256);
    g_assert_cmpint(bytes, ==, 3);
}

static void test_publish(Folder *folder, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = inside(folder, "new/folders/file");
    g_autofree char *parent = inside(folder, "new/folders");
    char sha256[65];
    int64_t bytes;
    {
        g_autoptr(Durable) file = durable_open(path, &error);
        g_assert_no_error(error);
        g_assert_true(durable_write(file, "a", 1, &error));
        g_assert_true(durable_write(file, "bc", 2, &error));
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS)); /* not before it is complete */
        g_assert_true(durable_commit(file, sha256, &bytes, &error));
    }
    g_assert_cmpstr(sha256, ==, abc_sha256);
    g_assert_cmpint(bytes, ==, 3);
    assert_content(path, "abc");
    g_assert_cmpint(count_files(parent), ==, 1);
}

static void test_replace(Folder *folder, gconstpointer unused)
{
    g_autofree char *path = inside(folder, "file");
    g_assert_true(durable_write_file(path, "old", 3, NULL, NULL));
    {
        g_autoptr(Durable) file = durable_open(path, NULL);
        g_assert_true(durable_write(file, "half", 4, NULL));
        assert_content(path, "old");
    } /* not committed: the old file stays, nothing else is left */
    assert_content(path, "old");
    g_assert_cmpint(count_files(folder->path), ==, 1);
    g_assert_true(durable_write_file(path, "new", 3, NULL, NULL));
    assert_content(path, "new");
    g_assert_cmpint(count_files(folder->path), ==, 1);
}

static void test_written_by_a_library(Folder *folder, gconstpointer unused)
{
    g_autofree char *path = inside(folder, "file");
    g_autoptr(Durable) file = durable_open(path, NULL);
    FILE *library = g_fopen(durable_temp_path(file), "wb");
    char sha256[65];
    g_assert_nonnull(library);
    fputs("abc", library);
    fclose(library);
    g_assert_true(durable_commit(file, sha256, NULL, NULL));
    g_assert_cmpstr(sha256, ==, abc_sha256);
    assert_content(path, "abc");
}

static void test_two_writers_of_one_name(Folder *folder, gconstpointer unused)
{
    g_autofree char *path = inside(folder, "file");
    g_autoptr(Durable) one = durable_open(path, NULL);
    g_autoptr(Durable) two = durable_open(path, NULL);
    g_assert_true(durable_write(one, "one", 3, NULL) && durable_write(two, "two", 3, NULL));
    g_assert_true(durable_commit(two, NULL, NULL, NULL));
    assert_content(path, "two");
    g_assert_true(durable_commit(one, NULL, NULL, NULL));
    assert_content(path, "one");
}

static void test_disk_full(Folder *folder, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = inside(folder, "file");
    g_autofree char *data = g_malloc0(1 << 20);
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){100000, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    gboolean ok = durable_write_file(path, data, 1 << 20, NULL, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    g_assert_false(ok);
    g_assert_error(error, WSI_ERROR, WSI_ERROR_IO);
    g_assert_nonnull(strstr(error->message, path));
    g_assert_cmpint(count_files(folder->path), ==, 0);
}

static void test_no_folder(Folder *folder, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = inside(folder, "file"), *below = inside(folder, "file/below");
    g_assert_true(durable_write_file(path, "x", 1, NULL, NULL));
    g_assert_null(durable_open(below, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_ABSENT);
    g_assert_false(durable_hash_file(below, NULL, NULL, NULL));
}

/* A process that dies while it writes, or goes on living (it reads from the pipe `wait_for`). */
static pid_t writer(const char *path, int wait_for, int report)
{
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        Durable *file = durable_open(path, NULL);
        gboolean ok = file && durable_write(file, "half", 4, NULL) && write(report, "x", 1) == 1;
        _exit(ok && read(wait_for, &byte, 1) >= 0 ? 0 : 1);
    }
    return pid;
}

static void test_sweep(Folder *folder, gconstpointer unused)
{
    g_autofree char *path = inside(folder, "deep/down/file"), *parent = inside(folder, "deep/down");
    g_autofree char *other = inside(folder, "deep/down/.hidden.tmp");
    int stop[2], go[2];
    char byte;
    g_assert_cmpint(pipe(stop) + pipe(go), ==, 0);
    pid_t pid = writer(path, stop[0], go[1]);
    g_assert_cmpint(read(go[0], &byte, 1), ==, 1);
    g_assert_cmpint(count_files(parent), ==, 1);
    g_assert_cmpint(durable_sweep(folder->path), ==, 0); /* its writer lives */
    g_assert_true(g_file_set_contents(other, "not ours", -1, NULL));
    siginfo_t ended;
    kill(pid, SIGKILL);
    g_assert_cmpint(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), ==, 0);
    g_assert_cmpint(durable_sweep(folder->path), ==, 1); /* a zombie */
    waitpid(pid, NULL, 0);
    g_assert_cmpint(count_files(parent), ==, 1);
    g_assert_true(g_file_test(other, G_FILE_TEST_EXISTS));
    close(stop[0]), close(stop[1]), close(go[0]), close(go[1]);
}

/* ---- random numbers ---- */

/* kat_vectors of Random123 1.09, philox4x32 with 10 rounds. */
static void test_philox(void)
{
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (gsize k = 0; k < G_N_ELEMENTS(known); k++) {
        uint64_t seed = (uint64_t)known[k].key[1] << 32 | known[k].key[0];
        uint64_t a = (uint64_t)known[k].counter[2] << 32 | known[k].counter[1];
        Rng rng = rng_at(seed, a, known[k].counter[3]);
        rng.counter[0] = known[k].counter[0];
        for (int i = 0; i < 4; i++) {
            g_assert_cmphex(rng_u32(&rng), ==, known[k].out[i]);
        }
    }
}

/* The published values of FNV-1a, 64 bits. */
static void test_names(void)
{
    g_assert_cmphex(rng_name(""), ==, 0xcbf29ce484222325u);
    g_assert_cmphex(rng_name("a"), ==, 0xaf63dc4c8601ec8cu);
    g_assert_cmphex(rng_name("foobar"), ==, 0x85944171f73967e8u);
}

static void test_streams(void)
{
    Rng one = rng_at(1, 2, 3), copy = one;
    for (int i = 0; i < 10; i++) {
        g_assert_cmphex(rng_u32(&one), ==, rng_u32(&copy));
    }
    const Rng others[] = {rng_at(2, 2, 3), rng_at(1, 3, 3), rng_at(1, 2, 4), rng_at(1, (uint64_t)2 << 32, 3),
                          rng_at((uint64_t)1 << 32, 2, 3)};
    Rng first = rng_at(1, 2, 3);
    uint32_t draw = rng_u32(&first);
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        Rng other = others[i];
        g_assert_cmphex(rng_u32(&other), !=, draw);
    }
}

static void test_moments(void)
{
    enum { N = 200000 };
    Rng rng = rng_at(5, 0, 0);
    double sum = 0, squares = 0, cubes = 0, fourth = 0, uniform = 0, low = 1, high = 0;
    for (int i = 0; i < N; i++) {
        double u = rng_uniform(&rng), z = rng_normal(&rng);
        uniform += u;
        low = MIN(low, u);
        high = MAX(high, u);
        sum += z;
        squares += z * z;
        cubes += z * z * z;
        fourth += z * z * z * z;
    }
    /* Five standard errors each: 1/sqrt(12), 1, sqrt(2), sqrt(15), sqrt(96) over sqrt(N). */
    double five = 5 / sqrt(N);
    g_assert_cmpfloat_with_epsilon(uniform / N, 0.5, five / sqrt(12));
    g_assert_cmpfloat_with_epsilon(sum / N, 0, five);
    g_assert_cmpfloat_with_epsilon(squares / N, 1, five * sqrt(2));
    g_assert_cmpfloat_with_epsilon(cubes / N, 0, five * sqrt(15));
    g_assert_cmpfloat_with_epsilon(fourth / N, 3, five * sqrt(96));
    g_assert_cmpfloat(low, >=, 0);
    g_assert_cmpfloat(high, <, 1);
    g_assert_cmpfloat(low, <, 1e-4);
    g_assert_cmpfloat(high, >, 1 - 1e-4);
}

static void test_below(void)
{
    Rng rng = rng_at(6, 0, 0);
    int count[7] = {0};
    for (int i = 0; i < 70000; i++) {
        count[rng_below(&rng, 7)]++;
    }
    for (int i = 0; i < 7; i++) {
        g_assert_cmpint(abs(count[i] - 10000), <, 500); /* five standard errors are 463 */
    }
    g_assert_cmpuint(rng_below(&rng, 1), ==, 0);
    /* Just above half of the range, the remainder of a plain draw would favour the low numbers 2 : 1. */
    int lower = 0;
    for (int i = 0; i < 20000; i++) {
        lower += rng_below(&rng, 0xC0000000u) < 0x40000000u;
    }
    g_assert_cmpint(abs(lower - 6667), <, 340);
}

static void test_permutation(void)
{
    int first[4] = {0};
    for (uint32_t trial = 0; trial < 8000; trial++) {
        Rng rng = rng_at(8, trial, 0);
        uint32_t order[4] = {0};
        int seen = 0;
        rng_permutation(&rng, order, 4);
        for (int i = 0; i < 4; i++) {
            seen |= 1 << order[i];
        }
        g_assert_cmpint(seen, ==, 15);
        first[order[0]]++;
    }
    for (int i = 0; i < 4; i++) {
        g_assert_cmpint(abs(first[i] - 2000), <, 200);
    }
}

/* ---- memory and rasters ---- */

static void test_refused_memory(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(wsi_try_alloc(SIZE_MAX / 2, 3, "tiles of x.svs", &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_MEMORY);
    g_assert_nonnull(strstr(error->message, "tiles of x.svs"));
    g_clear_error(&error);
    g_assert_null(wsi_try_alloc(SIZE_MAX / 4, 2, "tiles", &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_MEMORY);
    g_autofree char *block = wsi_try_alloc(10, 10, "a block", NULL);
    g_autofree char *empty = wsi_try_alloc(0, 10, "nothing", NULL);
    g_assert_nonnull(empty);
    for (int i = 0; i < 100; i++) {
        g_assert_cmpint(block[i], ==, 0);
    }
}

static void test_rasters(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Image) image = image_new(3, 2, 3, &error);
    g_autoptr(Map) map = map_new(3, 2, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(image_bytes(image), ==, 18);
    for (int i = 0; i < 6; i++) {
        g_assert_cmpint(image->pixels[i * 3], ==, 0);
        g_assert_true(isnan(map->values[i])); /* no data until values are written */
    }
    g_assert_null(image_new(0, 5, 1, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INTERNAL);
    g_clear_error(&error);
    g_assert_null(map_new(5, -1, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INTERNAL);
}

#ifdef __SANITIZE_ADDRESS__
/* The sanitizer would abort the program where malloc returns NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

#define IN_FOLDER(group, name) \
    g_test_add("/base/" group "/" #name, Folder, NULL, set_up, test_##name, tear_down)
#define ALONE(group, name) g_test_add_func("/base/" group "/" #name, test_##name)

/* The longest allowed name can be written; a longer one is not a failure of the system. */
static void test_long_names(Folder *folder, gconstpointer unused)
{
    for (int bytes = 219; bytes <= 256; bytes++) {
        g_autofree char *name = g_strnfill((gsize)bytes, 'n'),
                        *path = g_build_filename(folder->path, name, NULL), *got = NULL;
        g_autoptr(GError) error = NULL;
        gboolean ok = durable_write_file(path, "x", 1, NULL, &error);
        g_assert_cmpint(ok, ==, bytes <= 255);
        if (!ok) {
            g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    IN_FOLDER("durable", hash);
    IN_FOLDER("durable", long_names);
    IN_FOLDER("durable", publish);
    IN_FOLDER("durable", replace);
    IN_FOLDER("durable", written_by_a_library);
    IN_FOLDER("durable", two_writers_of_one_name);
    IN_FOLDER("durable", disk_full);
    IN_FOLDER("durable", no_folder);
    IN_FOLDER("durable", sweep);
    ALONE("rng", philox);
    ALONE("rng", names);
    ALONE("rng", streams);
    ALONE("rng", moments);
    ALONE("rng", below);
    ALONE("rng", permutation);
    ALONE("memory", refused_memory);
    ALONE("memory", rasters);
    return g_test_run();
}
