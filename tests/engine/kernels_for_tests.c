/* The kernels for each type and instruction set, behind functions that ctypes can call.
 *
 * test_kernels.py and benchmarks/kernels.py compile this file as a library; with
 * BOUNDS_CHECK it is a program for the compiler's sanitizers. The file includes itself
 * once for each type and instruction set.
 */

#ifndef SET

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PASTE_(a, b, c) a##_##b##_##c
#define PASTE(a, b, c) PASTE_(a, b, c)
#define KERNEL(name) PASTE(name, SET, REAL)
#define PUBLIC __attribute__((visibility("default")))
#define SET baseline
#define VECTOR_BYTES 16
#define USE_FMA 0
#include "kernels_for_tests.c"
#undef SET
#undef VECTOR_BYTES
#undef USE_FMA

#if defined(__x86_64__)

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define SET avx2
#define VECTOR_BYTES 32
#define USE_FMA 1
#include "kernels_for_tests.c"
#undef SET
#undef VECTOR_BYTES
#undef USE_FMA

#ifndef BOUNDS_CHECK
/* The code for 64 bytes, on a processor that has only 32; not optimized, because the
 * compiler needs minutes to spread so many registers over the stack. */
#ifndef __clang__
#pragma GCC push_options
#pragma GCC optimize("O1")
#endif
#define SET halves
#define VECTOR_BYTES 64
#define USE_FMA 1
#define SKNET_WITHOUT_AVX512
#include "kernels_for_tests.c"
#undef SET
#undef VECTOR_BYTES
#undef USE_FMA
#undef SKNET_WITHOUT_AVX512
#ifndef __clang__
#pragma GCC pop_options
#endif
#endif

#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#endif
#define SET avx512
#define VECTOR_BYTES 64
#define USE_FMA 1
#include "kernels_for_tests.c"
#undef SET
#undef VECTOR_BYTES
#undef USE_FMA
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#elif defined(__aarch64__)

#define SET neon
#define VECTOR_BYTES 16
#define USE_FMA 1
#include "kernels_for_tests.c"
#undef SET
#undef VECTOR_BYTES
#undef USE_FMA

#endif

/* Whether this processor runs the set, and -1 if the library does not contain it. */
PUBLIC int has_set(const char *name)
{
    if (strcmp(name, "baseline") == 0)
        return 1;
#if defined(__x86_64__)
    if (strcmp(name, "avx2") == 0 || strcmp(name, "halves") == 0)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (strcmp(name, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
               && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
    if (strcmp(name, "neon") == 0)
        return 1;
#endif
    return -1;
}

#ifdef BOUNDS_CHECK
int main(void)
{
    bounds_baseline_float();
    bounds_baseline_double();
#if defined(__x86_64__)
    if (has_set("avx2") == 1) {
        bounds_avx2_float();
        bounds_avx2_double();
    }
    if (has_set("avx512") == 1) {
        bounds_avx512_float();
        bounds_avx512_double();
    }
#elif defined(__aarch64__)
    bounds_neon_float();
    bounds_neon_double();
#endif
    return 0;
}
#endif

#elif !defined(REAL) /* both types of one set */

#define REAL float
#define REAL_IS_DOUBLE 0
#include "kernels_for_tests.c"
#undef REAL
#undef REAL_IS_DOUBLE
#define REAL double
#define REAL_IS_DOUBLE 1
#include "kernels_for_tests.c"
#undef REAL
#undef REAL_IS_DOUBLE

#else /* one type of one set */

#include "_kernels.h"

PUBLIC void KERNEL(test_elementwise)(int op, int64_t n, REAL *out, int64_t so, const REAL *a, int64_t sa,
                                     const REAL *b, int64_t sb)
{
    KERNEL(elementwise)(op, n, out, so, a, sa, b, sb);
}

PUBLIC int64_t KERNEL(test_product_scratch)(int64_t m, int64_t n, int64_t k)
{
    return KERNEL(product_scratch)(m, n, k);
}

PUBLIC void KERNEL(test_product)(int64_t m, int64_t n, int64_t k, const REAL *a, int64_t ars, int64_t acs,
                                 const REAL *b, int64_t brs, int64_t bcs, REAL *c, int64_t crs, int64_t ccs,
                                 const REAL *bias, REAL *scratch)
{
    KERNEL(product)(m, n, k, a, ars, acs, b, brs, bcs, c, crs, ccs, bias, scratch);
}

PUBLIC void KERNEL(test_row_maximum)(int64_t rows, int64_t cols, const REAL *a, int64_t ars, int64_t acs, REAL *out,
                                     int64_t os)
{
    KERNEL(row_maximum)(rows, cols, a, ars, acs, out, os);
}

PUBLIC void KERNEL(test_row_sum)(int64_t rows, int64_t cols, const REAL *a, int64_t ars, int64_t acs, REAL *out,
                                 int64_t os)
{
    KERNEL(row_sum)(rows, cols, a, ars, acs, out, os);
}

PUBLIC void KERNEL(test_column_sum)(int64_t rows, int64_t cols, const REAL *a, int64_t ars, REAL *out)
{
    KERNEL(column_sum)(rows, cols, a, ars, out);
}

PUBLIC double KERNEL(test_dot)(int64_t n, const REAL *a, const REAL *b)
{
    return KERNEL(dot)(n, a, b);
}

PUBLIC int KERNEL(test_all_finite)(int64_t n, const REAL *a)
{
    return KERNEL(all_finite)(n, a);
}

/* Calls a kernel many times, so that a benchmark does not measure ctypes. */
PUBLIC void KERNEL(repeat_elementwise)(int64_t times, int op, int64_t n, REAL *out, int64_t so, const REAL *a,
                                       int64_t sa, const REAL *b, int64_t sb)
{
    while (times-- > 0)
        KERNEL(elementwise)(op, n, out, so, a, sa, b, sb);
}

PUBLIC void KERNEL(repeat_product)(int64_t times, int64_t m, int64_t n, int64_t k, const REAL *a, int64_t ars,
                                   int64_t acs, const REAL *b, int64_t brs, int64_t bcs, REAL *c, int64_t crs,
                                   int64_t ccs, const REAL *bias, REAL *scratch)
{
    while (times-- > 0)
        KERNEL(product)(m, n, k, a, ars, acs, b, brs, bcs, c, crs, ccs, bias, scratch);
}

PUBLIC void KERNEL(repeat_rows)(int64_t times, int which, int64_t rows, int64_t cols, const REAL *a, int64_t ars,
                                int64_t acs, REAL *out, int64_t os)
{
    while (times-- > 0)
        if (which == 0)
            KERNEL(row_maximum)(rows, cols, a, ars, acs, out, os);
        else if (which == 1)
            KERNEL(row_sum)(rows, cols, a, ars, acs, out, os);
        else
            KERNEL(column_sum)(rows, cols, a, ars, out);
}

#ifdef BOUNDS_CHECK
/* Arrays from malloc of exactly the needed size, at odd sizes and strides: an access
 * beyond them ends the program. */
static REAL *KERNEL(numbers)(int64_t n)
{
    REAL *a = malloc(n > 0 ? (size_t)n * sizeof(REAL) : 1);
    for (int64_t i = 0; i < n; i++)
        a[i] = (REAL)(i % 7) / 4 - (REAL)0.5;
    return a;
}

static void KERNEL(bounds_of_product)(int64_t m, int64_t n, int64_t k, int form)
{
    int64_t extra = form & 8 ? 3 : 0, size = KERNEL(product_scratch)(m, n, k);
    int64_t ars = form & 1 ? 1 : k + extra, acs = form & 1 ? m + extra : 1;
    int64_t brs = form & 2 ? 1 : n + extra, bcs = form & 2 ? k + extra : 1;
    int64_t crs = form & 4 ? 1 : n + extra, ccs = form & 4 ? m + extra : 1;
    REAL *a = KERNEL(numbers)(m && k ? (m - 1) * ars + (k - 1) * acs + 1 : 0);
    REAL *b = KERNEL(numbers)(n && k ? (k - 1) * brs + (n - 1) * bcs + 1 : 0);
    REAL *c = KERNEL(numbers)(m && n ? (m - 1) * crs + (n - 1) * ccs + 1 : 0);
    REAL *bias = KERNEL(numbers)(n);
    REAL *scratch = aligned_alloc(64, ((size_t)size * sizeof(REAL) + 63) & -64); /* at most 63 bytes too many */
    KERNEL(product)(m, n, k, a, ars, acs, b, brs, bcs, c, crs, ccs, form & 16 ? bias : NULL, scratch);
    free(a), free(b), free(c), free(bias), free(scratch);
}

static void KERNEL(bounds)(void)
{
    static const int64_t sizes[] = {0, 1, 2, 3, 5, 8, 13, 17, 31, 50};
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 10; j++)
            for (int k = 0; k < 10; k++)
                for (int form = 0; form < 32; form++)
                    KERNEL(bounds_of_product)(sizes[i], sizes[j], sizes[k], form);
    for (int form = 0; form < 32; form++)
        KERNEL(bounds_of_product)(99, 33, 515, form);
    for (int64_t n = 0; n < 70; n++)
        for (int stride = 0; stride < 8; stride++)
            for (int op = 0; op < SKNET_OPS; op++) {
                int64_t so = stride & 1 ? 3 : 1, sa = stride & 2 ? 0 : so, sb = stride & 4 ? 2 : 1;
                REAL *out = KERNEL(numbers)(n ? (n - 1) * so + 1 : 0), *a = KERNEL(numbers)(n ? (n - 1) * sa + 1 : 0);
                REAL *b = KERNEL(numbers)(n ? (n - 1) * sb + 1 : 0);
                KERNEL(elementwise)(op, n, out, so, a, sa, b, sb);
                KERNEL(elementwise)(op, n, out, so, out, so, b, sb);
                free(out), free(a), free(b);
            }
    for (int64_t rows = 0; rows < 20; rows++)
        for (int64_t cols = 0; cols < 70; cols++) {
            REAL *a = KERNEL(numbers)(rows * cols), *out = KERNEL(numbers)(rows), *sums = KERNEL(numbers)(cols);
            KERNEL(row_maximum)(rows, cols, a, cols, 1, out, 1);
            KERNEL(row_maximum)(rows, cols, a, 1, rows, out, 1);
            KERNEL(row_sum)(rows, cols, a, cols, 1, out, 1);
            KERNEL(row_sum)(rows, cols, a, 1, rows, out, 1);
            KERNEL(column_sum)(rows, cols, a, cols, sums);
            KERNEL(dot)(rows * cols, a, a);
            KERNEL(all_finite)(rows * cols, a);
            free(a), free(out), free(sums);
        }
}
#endif

#endif
