/* Landlock by its system calls, since the C library has no functions for them.
 *
 * What a version of the kernel does not know must not be asked for, so the rights are those of the version that it reports; the constants are given
 * here because the headers of the build may be older than the kernel.  Source: Documentation/userspace-api/landlock.rst of Linux. */
#include "base/confine.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* All that changes a file or a folder, and execution: bits 0, 1 and 4 to 12 of version 1. */
#define RIGHTS_1 UINT64_C(0x1ff3)
#define RIGHT_EXECUTE UINT64_C(1)
#define RIGHT_REFER (UINT64_C(1) << 13)    /* of version 2: moving a file to another folder */
#define RIGHT_TRUNCATE (UINT64_C(1) << 14) /* of version 3 */
#define RIGHT_CONNECT (UINT64_C(1) << 1)   /* of version 4, for the network */

/* struct landlock_ruleset_attr, as of version 4. */
typedef struct {
    uint64_t files, network;
} Handled;

static gboolean allow_beneath(int rules, uint64_t rights, const char *folder, GError **error)
{
    int fd = open(folder, O_PATH | O_CLOEXEC | O_DIRECTORY);
    struct landlock_path_beneath_attr beneath = {.allowed_access = rights, .parent_fd = fd};
    gboolean good =
        fd >= 0 && syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0;
    if (!good) {
        wsi_error_errno(error, "cannot allow writing to", folder);
    }
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

gboolean confine_writes(const char *const *folders, gboolean *confined, GError **error)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    *confined = version >= 1;
    if (!*confined) {
        return TRUE;
    }
    Handled handled = {RIGHTS_1 | (version >= 2 ? RIGHT_REFER : 0) | (version >= 3 ? RIGHT_TRUNCATE : 0),
                       RIGHT_CONNECT};
    size_t bytes = version >= 4 ? sizeof handled : sizeof handled.files;
    int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, bytes, 0);
    gboolean good = rules >= 0 || wsi_error_errno(error, "cannot make rules for", "Landlock");
    for (; good && *folders; folders++) {
        good = allow_beneath(rules, handled.files & ~RIGHT_EXECUTE, *folders, error);
    }
    good = good && ((prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                     syscall(SYS_landlock_restrict_self, rules, 0) == 0) ||
                    wsi_error_errno(error, "cannot be confined by", "Landlock"));
    if (rules >= 0) {
        close(rules);
    }
    return good;
}
