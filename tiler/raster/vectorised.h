/* For inner loops that should use the widest registers of the processor they run on; gcc's -O2 alone leaves them scalar.  No code
 * here reads the flags of floating-point exceptions, so conditions may become masks.  A sum in such a loop has a fixed number of
 * lanes, so results do not depend on the processor.  For this room only. */
#pragma once

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define VECTORISED \
    __attribute__((optimize("O3", "no-trapping-math"), target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define VECTORISED
#endif
/* For functions that such a loop calls. */
#define INLINED static inline __attribute__((always_inline))
