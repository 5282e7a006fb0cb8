/* Numerical kernels for one number type and one instruction set.
 *
 * Include this file once for each pair, between pragmas that select the instruction
 * set, with these macros defined:
 *
 *   REAL             float or double
 *   REAL_IS_DOUBLE   0 or 1
 *   VECTOR_BYTES     16, 32 or 64
 *   USE_FMA          1 if the instruction set multiplies and adds with one rounding
 *   KERNEL(name)     appends a suffix of its own to the name
 *
 * All strides count elements. Nothing is allocated and nothing is remembered.
 *
 * The result never depends on the vector width: an element of a product adds its terms
 * in the order of the summed index, in blocks of 256, and a sum that is taken along a vector uses 64 bytes
 * of lanes on every machine, combined in halves. So two instruction sets that both have
 * USE_FMA (or both have not) give the same bits, and so do some rows computed alone.
 */

#ifndef SKNET_KERNELS_ONCE
#define SKNET_KERNELS_ONCE

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#define SKNET_X86
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define INLINE static inline __attribute__((always_inline, unused))
#define STRIP 256

/* Only the exact aliases that `elementwise` allows exist, so that no iteration of its
 * loops depends on another one. */
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

/* The operations, in the order of their codes. The expressions of VECTOR become vector
 * instructions; those of EACH call the C library. */
#define SKNET_UNARY(VECTOR, EACH) \
    VECTOR(copy, x) \
    VECTOR(negative, -x) \
    VECTOR(absolute, KERNEL(magnitude)(x)) \
    VECTOR(sqrt, LIBM(sqrt)(x)) \
    VECTOR(square, x * x) \
    VECTOR(reciprocal, 1 / x) \
    VECTOR(sign, x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x) \
    VECTOR(floor, LIBM(floor)(x)) \
    VECTOR(ceil, LIBM(ceil)(x)) \
    VECTOR(rint, LIBM(rint)(x)) \
    VECTOR(trunc, LIBM(trunc)(x)) \
    VECTOR(exp, KERNEL(exp)(x)) \
    EACH(exp2, LIBM(exp2)(x)) \
    VECTOR(expm1, KERNEL(expm1)(x)) \
    VECTOR(log, KERNEL(log)(x)) \
    EACH(log2, LIBM(log2)(x)) \
    EACH(log10, LIBM(log10)(x)) \
    VECTOR(log1p, KERNEL(log1p)(x)) \
    VECTOR(tanh, KERNEL(tanh)(x)) \
    EACH(sin, KERNEL(any_sine)(x, 0)) \
    EACH(cos, KERNEL(any_sine)(x, 1)) \
    EACH(tan, LIBM(tan)(x)) \
    EACH(sinh, LIBM(sinh)(x)) \
    EACH(cosh, LIBM(cosh)(x)) \
    EACH(arctan, LIBM(atan)(x)) \
    EACH(arcsin, LIBM(asin)(x)) \
    EACH(arccos, LIBM(acos)(x)) \
    EACH(cbrt, LIBM(cbrt)(x)) \
    EACH(erf, LIBM(erf)(x)) \
    VECTOR(expit, KERNEL(expit)(x))
#define SKNET_BINARY(VECTOR, EACH) \
    VECTOR(add, x + y) \
    VECTOR(subtract, x - y) \
    VECTOR(multiply, x * y) \
    VECTOR(divide, x / y) \
    VECTOR(maximum, x >= y || x != x ? x : y) \
    VECTOR(minimum, x <= y || x != x ? x : y) \
    VECTOR(fmax, x >= y || y != y ? x : y) \
    VECTOR(fmin, x <= y || y != y ? x : y) \
    VECTOR(greater, x > y ? 1 : 0) \
    VECTOR(greater_equal, x >= y ? 1 : 0) \
    VECTOR(less, x < y ? 1 : 0) \
    VECTOR(less_equal, x <= y ? 1 : 0) \
    VECTOR(equal, x == y ? 1 : 0) \
    VECTOR(not_equal, x != y ? 1 : 0) \
    EACH(power, LIBM(pow)(x, y)) \
    VECTOR(heaviside, x < 0 ? 0 : x > 0 ? 1 : x == 0 ? y : x) \
    VECTOR(xlogy, KERNEL(xlogy)(x, y)) \
    VECTOR(logaddexp, KERNEL(logaddexp)(x, y)) \
    EACH(arctan2, LIBM(atan2)(x, y)) \
    EACH(hypot, LIBM(hypot)(x, y)) \
    VECTOR(copysign, KERNEL(with_sign)(x, y))
#define SKNET_CODE(name, expression) SKNET_OP_##name,
enum {
    SKNET_UNARY(SKNET_CODE, SKNET_CODE)
    SKNET_BINARY(SKNET_CODE, SKNET_CODE)
    SKNET_OPS
};

#endif

#if REAL_IS_DOUBLE
#define BITS uint64_t
#define LIBM(name) name
#else
#define BITS uint32_t
#define LIBM(name) LIBM_FLOAT(name)
#define LIBM_FLOAT(name) name##f
#endif
#define WIDTH ((int64_t)(VECTOR_BYTES / sizeof(REAL)))

#include "_transcendental.h"
#include "_elementwise.h"
#include "_reductions.h"
#include "_product.h"
#include "_convolution.h"

#undef TILE_ROWS
#undef TILE_VECTORS
#undef TILE_COLUMNS
#undef TILE_BYTES
#undef BITS
#undef LIBM
#undef LIBM_FLOAT
#undef WIDTH
#undef VECTOR
#undef LOOSE
#undef MASK
#undef LANES
#undef LANE_COUNT
#undef LANE_VECTORS
#undef LOAD
#undef STORE
#undef SPREAD
#undef CHOOSE
#undef ADD_PRODUCT
#undef SKNET_FMA
#undef MAD
#undef NUMBER
#undef TRIGONOMETRIC_MOST
