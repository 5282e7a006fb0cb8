/* exp, expm1, log, log1p, tanh, expit, sin and cos, without branches.
 *
 * Each function is written for one number and contains no jump, so that the compiler
 * can turn a loop over it into vector instructions. Integers are only added, shifted
 * and masked, because SSE2 and AVX2 have no more than that for 64 bits. Rounding to an
 * integer is done by adding and subtracting SHIFTER, which leaves the integer in the
 * low bits of the sum.
 *
 * The polynomials are Chebyshev interpolants on the reduced interval. The functions
 * are accurate to about two units in the last place. Included by _kernels.h.
 */

#if REAL_IS_DOUBLE
#define SHIFTER 0x1.8p52
#define MANTISSA 52
#define BIAS 1023
#define INTEGER_BITS 0x4330000000000000u /* 2^52, whose low bits count ones */
#define INTEGER_ZERO 0x1p52
#define ONE_BITS 0x3ff0000000000000u
#define SQRT_HALF_BITS 0x3fe6a09e667f3bcdu
#define LEAST_NORMAL 0x1p-1022
#define SUBNORMAL_LOG2 54
#define SUBNORMAL_SCALE 0x1p54
#define LN2_HIGH 0x1.62e42fefa2p-1
#define LN2_LOW 0x1.9ef35793c7673p-41
#define EXP_LEAST -746.0
#define EXP_MOST 711.0
#define EXPM1_LEAST -40.0
#define EXPM1_MOST 709.8
#define EXPM1_TINY 0x1p-55
#define TANH_MOST 22.0
#define TRIGONOMETRIC_MOST 1e9
#else
#define SHIFTER 0x1.8p23f
#define MANTISSA 23
#define BIAS 127
#define INTEGER_BITS 0x4b000000u
#define INTEGER_ZERO 0x1p23f
#define ONE_BITS 0x3f800000u
#define SQRT_HALF_BITS 0x3f3504f3u
#define LEAST_NORMAL 0x1p-126f
#define SUBNORMAL_LOG2 25
#define SUBNORMAL_SCALE 0x1p25f
#define LN2_HIGH 0x1.62ep-1f
#define LN2_LOW 0x1.0bfbe8p-15f
#define EXP_LEAST -104.0f
#define EXP_MOST 90.0f
#define EXPM1_LEAST -20.0f
#define EXPM1_MOST 88.73f
#define EXPM1_TINY 0x1p-26f
#define TANH_MOST 10.0f
#define TRIGONOMETRIC_MOST 1e5f
#endif
#define MANTISSA_MASK (((BITS)1 << MANTISSA) - 1)
#define NUMBER(x) ((REAL)(x))

INLINE BITS KERNEL(bits)(REAL x)
{
    union { REAL real; BITS bits; } u = {x};
    return u.bits;
}

INLINE REAL KERNEL(from_bits)(BITS x)
{
    union { BITS bits; REAL real; } u = {x};
    return u.real;
}

/* a b + c, rounded once where the instruction set has it. */
INLINE REAL KERNEL(mad)(REAL a, REAL b, REAL c)
{
#if !USE_FMA
    return a * b + c;
#elif REAL_IS_DOUBLE
    return __builtin_fma(a, b, c);
#else
    return __builtin_fmaf(a, b, c);
#endif
}
#define MAD KERNEL(mad)

INLINE REAL KERNEL(magnitude)(REAL x)
{
    return KERNEL(from_bits)(KERNEL(bits)(x) & (~(BITS)0 >> 1));
}

INLINE REAL KERNEL(with_sign)(REAL x, REAL sign)
{
    BITS top = ~(~(BITS)0 >> 1);
    return KERNEL(from_bits)((KERNEL(bits)(x) & ~top) | (KERNEL(bits)(sign) & top));
}

/* 2^n, for a whole number n that is the exponent of a normal number. */
INLINE REAL KERNEL(two_to)(REAL n)
{
    return KERNEL(from_bits)((KERNEL(bits)(n + SHIFTER) + BIAS) << MANTISSA);
}

/* x = n ln 2 + r with |r| <= ln(2) / 2; the return value is exp(r) - 1. */
INLINE REAL KERNEL(reduced_expm1)(REAL x, REAL *n)
{
    *n = MAD(x, NUMBER(0x1.71547652b82fep0), SHIFTER) - SHIFTER;
    REAL r = MAD(*n, -LN2_HIGH, x);
    r = MAD(*n, -LN2_LOW, r);
#if REAL_IS_DOUBLE
    REAL q = 2.5100494788905042e-08;
    q = MAD(q, r, 2.76202305675069e-07);
    q = MAD(q, r, 2.7557268229963227e-06);
    q = MAD(q, r, 2.4801520996825697e-05);
    q = MAD(q, r, 0.00019841269863201828);
    q = MAD(q, r, 0.0013888888917406447);
    q = MAD(q, r, 0.008333333333330032);
    q = MAD(q, r, 0.04166666666662374);
    q = MAD(q, r, 0.16666666666666669);
    q = MAD(q, r, 0.5);
#else
    REAL q = 0.0013926268f;
    q = MAD(q, r, 0.008363247f);
    q = MAD(q, r, 0.041666552f);
    q = MAD(q, r, 0.16666576f);
    q = MAD(q, r, 0.5f);
#endif
    return MAD(r * r, q, r);
}

INLINE REAL KERNEL(exp)(REAL x)
{
    x = x > EXP_MOST ? EXP_MOST : x;
    x = x < EXP_LEAST ? EXP_LEAST : x;
    REAL n, e = KERNEL(reduced_expm1)(x, &n);
    /* 2^n in two factors: the first product is exact, so that a subnormal result is
     * rounded once, and the second overflows only where exp does. */
    REAL half = MAD(n, NUMBER(0.5), SHIFTER) - SHIFTER;
    return (e + 1) * KERNEL(two_to)(half) * KERNEL(two_to)(n - half);
}

INLINE REAL KERNEL(expm1)(REAL x)
{
    REAL y = x > EXPM1_MOST ? EXPM1_MOST : x;
    y = y < EXPM1_LEAST ? EXPM1_LEAST : y;
    REAL n, e = KERNEL(reduced_expm1)(y, &n);
    /* 2^n (e + 1) - 1, of which half is computed, because 2^1024 is no number. */
    REAL scale = KERNEL(two_to)(n - 1);
    REAL result = 2 * MAD(scale, e, scale - NUMBER(0.5));
    return KERNEL(magnitude)(x) < EXPM1_TINY ? x : result;
}

INLINE REAL KERNEL(tanh)(REAL x)
{
    REAL size = KERNEL(magnitude)(x);
    size = size > TANH_MOST ? TANH_MOST : size;
    REAL e = KERNEL(expm1)(2 * size);
    return KERNEL(with_sign)(e / (e + 2), x);
}

/* The smaller of exp(x) and exp(-x) never overflows, and no digit cancels. */
INLINE REAL KERNEL(expit)(REAL x)
{
    REAL e = KERNEL(exp)(-KERNEL(magnitude)(x));
    return (x >= 0 ? NUMBER(1) : e) / (1 + e);
}

/* x = 2^k m with sqrt(1/2) <= m < sqrt(2), for a positive normal number x. */
INLINE REAL KERNEL(split)(REAL x, REAL *k)
{
    BITS shifted = KERNEL(bits)(x) + (ONE_BITS - SQRT_HALF_BITS);
    *k = KERNEL(from_bits)((shifted >> MANTISSA) | INTEGER_BITS) - (INTEGER_ZERO + BIAS);
    return KERNEL(from_bits)((shifted & MANTISSA_MASK) + SQRT_HALF_BITS);
}

/* k ln 2 + log(1 + f) + c. With s = f / (2 + f), log(1 + f) = 2 artanh(s), a series in
 * s^2; written around f, whose rounding error is zero. */
INLINE REAL KERNEL(assembled_log)(REAL f, REAL k, REAL c)
{
    REAL s = f / (2 + f), z = s * s, half = NUMBER(0.5) * f * f;
#if REAL_IS_DOUBLE
    REAL p = 0.14619343453512615;
    p = MAD(p, z, 0.15331487235865734);
    p = MAD(p, z, 0.18182896183483085);
    p = MAD(p, z, 0.2222221103781659);
    p = MAD(p, z, 0.28571428626570206);
    p = MAD(p, z, 0.3999999999989819);
    p = MAD(p, z, 0.666666666666667);
#else
    REAL p = 0.23332913f;
    p = MAD(p, z, 0.28550732f);
    p = MAD(p, z, 0.40000123f);
    p = MAD(p, z, 0.6666667f);
#endif
    REAL tail = MAD(s, MAD(z, p, half), MAD(k, LN2_LOW, c));
    return k * LN2_HIGH - ((half - tail) - f);
}

INLINE REAL KERNEL(log)(REAL x)
{
    REAL normal = x < LEAST_NORMAL ? x * SUBNORMAL_SCALE : x;
    REAL k, m = KERNEL(split)(normal, &k);
    k = x < LEAST_NORMAL ? k - SUBNORMAL_LOG2 : k;
    REAL result = KERNEL(assembled_log)(m - 1, k, 0);
    REAL infinity = NUMBER(__builtin_inf());
    result = x < infinity ? result : x;
    result = x > 0 ? result : NUMBER(__builtin_nan(""));
    return x == 0 ? -infinity : result;
}

INLINE REAL KERNEL(log1p)(REAL x)
{
    /* u + c is 1 + x exactly. */
    REAL u = 1 + x, v = u - 1, c = (1 - (u - v)) + (x - v);
    REAL k, m = KERNEL(split)(u, &k);
    REAL result = KERNEL(assembled_log)(k == 0 ? x : m - 1, k, k == 0 ? 0 : c / u);
    REAL infinity = NUMBER(__builtin_inf());
    result = x < infinity ? result : x;
    result = x > -1 ? result : NUMBER(__builtin_nan(""));
    result = x == -1 ? -infinity : result;
    return x == 0 ? x : result;
}

/* sin(x + quarters pi / 2), for |x| <= TRIGONOMETRIC_MOST. */
INLINE REAL KERNEL(sine)(REAL x, BITS quarters)
{
    REAL shifted = MAD(x, NUMBER(0x1.45f306dc9c883p-1), SHIFTER);
    REAL n = shifted - SHIFTER;
    BITS quadrant = KERNEL(bits)(shifted) + quarters;
    /* n times each part of pi / 2 but the last is exact, and so are the differences
     * when their result is small: a zero of the function keeps its digits. */
#if REAL_IS_DOUBLE
    REAL r = MAD(n, -0x1.921fb4p+0, x);
    r = MAD(n, -0x1.4442dp-24, r);
    r = MAD(n, -0x1.846988p-48, r);
    r = MAD(n, -0x1.8cc514p-72, r);
    r = MAD(n, -0x1.80dc1cd129025p-95, r);
    REAL z = r * r;
    REAL s = 1.5917412836707387e-10;
    s = MAD(s, z, -2.5051121875169608e-08);
    s = MAD(s, z, 2.755731605459391e-06);
    s = MAD(s, z, -0.0001984126983666588);
    s = MAD(s, z, 0.008333333333330887);
    s = MAD(s, z, -0.16666666666666666);
    REAL c = -1.138218421447753e-11;
    c = MAD(c, z, 2.0876140031390975e-09);
    c = MAD(c, z, -2.755731724172776e-07);
    c = MAD(c, z, 2.48015872987077e-05);
    c = MAD(c, z, -0.0013888888888887359);
    c = MAD(c, z, 0.041666666666666664);
#else
    REAL r = (REAL)(((double)x - (double)n * 0x1.921fb5444p+0) - (double)n * 0x1.68c234c4c6629p-39);
    REAL z = r * r;
    REAL s = -0.00019586606f;
    s = MAD(s, z, 0.008332742f);
    s = MAD(s, z, -0.16666664f);
    REAL c = 2.4546654e-05f;
    c = MAD(c, z, -0.0013888297f);
    c = MAD(c, z, 0.041666664f);
#endif
    s = MAD(r * z, s, r);
    s = z == 0 ? r : s; /* minus zero */
    REAL half = NUMBER(0.5) * z, w = 1 - half;
    c = w + MAD(z * z, c, (1 - w) - half);
    BITS odd = (BITS)0 - (quadrant & 1);
    BITS value = (KERNEL(bits)(s) & ~odd) | (KERNEL(bits)(c) & odd);
    return KERNEL(from_bits)(value ^ ((quadrant & 2) << (8 * sizeof(REAL) - 2)));
}

/* The C library reduces large arguments, number by number. */
static REAL KERNEL(any_sine)(REAL x, BITS quarters)
{
    if (KERNEL(magnitude)(x) > TRIGONOMETRIC_MOST)
        return quarters ? LIBM(cos)(x) : LIBM(sin)(x);
    return KERNEL(sine)(x, quarters);
}

#undef SHIFTER
#undef MANTISSA
#undef BIAS
#undef INTEGER_BITS
#undef INTEGER_ZERO
#undef ONE_BITS
#undef SQRT_HALF_BITS
#undef LEAST_NORMAL
#undef SUBNORMAL_LOG2
#undef SUBNORMAL_SCALE
#undef LN2_HIGH
#undef LN2_LOW
#undef EXP_LEAST
#undef EXP_MOST
#undef EXPM1_LEAST
#undef EXPM1_MOST
#undef EXPM1_TINY
#undef TANH_MOST
#undef MANTISSA_MASK
