/* out[i] = op(a[i], b[i]) over strides. Included by _kernels.h. */

INLINE REAL KERNEL(xlogy)(REAL x, REAL y)
{
    return x == 0 && y == y ? 0 : x * KERNEL(log)(y);
}

INLINE REAL KERNEL(logaddexp)(REAL x, REAL y)
{
    REAL difference = x - y, most = x > y ? x : y;
    REAL result = most + KERNEL(log1p)(KERNEL(exp)(-KERNEL(magnitude)(difference)));
    return x == y ? x + NUMBER(0x1.62e42fefa39efp-1) : result; /* infinities, too */
}

/* sin and cos, if all numbers are in the range of the vector code. */
static int KERNEL(sines)(int64_t n, REAL *out, const REAL *a, BITS quarters)
{
    int outside = 0;
    for (int64_t i = 0; i < n; i++)
        outside |= KERNEL(magnitude)(a[i]) > TRIGONOMETRIC_MOST;
    if (outside)
        return 0;
    INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        out[i] = KERNEL(sine)(a[i], quarters);
    return 1;
}

/* Contiguous arrays of n numbers, which may be read and written up to `padded`, a
 * multiple of the vector width: no loop needs a remainder. */
static void KERNEL(strip)(int op, int64_t n, int64_t padded, REAL *out, const REAL *a, const REAL *b)
{
    padded &= -WIDTH; /* for the compiler */
    if (op == SKNET_OP_sin && KERNEL(sines)(padded, out, a, 0))
        return;
    if (op == SKNET_OP_cos && KERNEL(sines)(padded, out, a, 1))
        return;
#define LOOP(name, expression, count) \
    case SKNET_OP_##name: \
        INDEPENDENT \
        for (int64_t i = 0; i < count; i++) { \
            const REAL x = a[i], y = b[i]; \
            (void)y; \
            out[i] = expression; \
        } \
        break;
#define VECTOR_LOOP(name, expression) LOOP(name, expression, padded)
#define EACH_LOOP(name, expression) LOOP(name, expression, n)
    switch (op) {
        SKNET_UNARY(VECTOR_LOOP, EACH_LOOP)
        SKNET_BINARY(VECTOR_LOOP, EACH_LOOP)
    }
#undef LOOP
#undef VECTOR_LOOP
#undef EACH_LOOP
}

INLINE void KERNEL(fill)(REAL *to, REAL value, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = value;
}

/* `copy` holds the number already if the stride is 0. */
INLINE const REAL *KERNEL(gathered)(REAL *copy, const REAL *a, int64_t stride, int64_t n)
{
    if (stride == 0 || (stride == 1 && n >= WIDTH))
        return stride ? a : copy;
    for (int64_t i = 0; i < n; i++)
        copy[i] = a[i * stride];
    if (n < WIDTH)
        for (int64_t i = n; i < WIDTH; i++)
            copy[i] = 1;
    return copy;
}

static void KERNEL(elementwise)(int op, int64_t n, REAL *out, int64_t so, const REAL *a, int64_t sa, const REAL *b,
                                int64_t sb)
{
    _Alignas(64) REAL copy_a[STRIP], copy_b[STRIP], copy_out[STRIP];
    int unary = op < SKNET_OP_add;
    if (n <= 0)
        return;
    if (op == SKNET_OP_copy && (so != 1 || sa > 1 || sa < 0)) {
        for (int64_t i = 0; i < n; i++)
            out[i * so] = a[i * sa];
        return;
    }
    int64_t filled = n < STRIP ? (n + WIDTH - 1) & -WIDTH : STRIP;
    if (sa == 0)
        KERNEL(fill)(copy_a, *a, filled);
    if (!unary && sb == 0)
        KERNEL(fill)(copy_b, *b, filled);
    int direct = so == 1 && sa == 1 && (unary || sb == 1);
    while (n > 0) {
        /* Whole vectors first; what is left passes through the copies. */
        int64_t count = n < WIDTH ? n : n & -WIDTH;
        if (!direct && count > STRIP)
            count = STRIP;
        const REAL *from_a = KERNEL(gathered)(copy_a, a, sa, count);
        const REAL *from_b = unary ? from_a : KERNEL(gathered)(copy_b, b, sb, count);
        REAL *to = so == 1 && count >= WIDTH ? out : copy_out;
        KERNEL(strip)(op, count, count < WIDTH ? WIDTH : count, to, from_a, from_b);
        if (to != out)
            for (int64_t i = 0; i < count; i++)
                out[i * so] = to[i];
        out += count * so;
        a += count * sa;
        b += unary ? 0 : count * sb;
        n -= count;
    }
}
