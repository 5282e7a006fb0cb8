/* Vector types; sums and maxima of rows and columns; dot products. Included by _kernels.h. */

#define VECTOR KERNEL(vector)
#define LOOSE KERNEL(loose)
#define MASK KERNEL(mask)
#define LANES ((int64_t)(64 / sizeof(REAL)))
#define LANE_COUNT (64 / sizeof(REAL)) /* of an array */
#define LANE_VECTORS (64 / VECTOR_BYTES)

typedef REAL VECTOR __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef REAL LOOSE __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(sizeof(REAL))));
typedef REAL KERNEL(sixteen_bytes) __attribute__((vector_size(16), may_alias));
typedef BITS MASK __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef BITS KERNEL(loose_mask) __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(sizeof(REAL))));

/* Macros, because a function whose arguments are wider than the default registers has
 * no fixed calling convention. */
#define LOAD(p) ((VECTOR)*(const LOOSE *)(p))
#define STORE(p, v) (*(LOOSE *)(p) = (LOOSE)(v))
#define SPREAD(number) ((number) - (VECTOR){0}) /* x - 0 is x for each x */
#define CHOOSE(mask, x, y) ((VECTOR)(((MASK)(x) & (MASK)(mask)) | ((MASK)(y) & ~(MASK)(mask))))

/* sum += x * y, the only multiplication of products and dot products. */
#if !USE_FMA
#define ADD_PRODUCT(sum, x, y) ((sum) += (x) * (y))
#elif defined(SKNET_X86) && VECTOR_BYTES == 16
#define ADD_PRODUCT(sum, x, y) ((sum) = (VECTOR)SKNET_FMA(_mm_fmadd, __m128, x, y, sum))
#elif defined(SKNET_X86) && VECTOR_BYTES == 32
#define ADD_PRODUCT(sum, x, y) ((sum) = (VECTOR)SKNET_FMA(_mm256_fmadd, __m256, x, y, sum))
#elif defined(SKNET_X86) && VECTOR_BYTES == 64 && !defined(SKNET_WITHOUT_AVX512)
#define ADD_PRODUCT(sum, x, y) ((sum) = (VECTOR)SKNET_FMA(_mm512_fmadd, __m512, x, y, sum))
#elif defined(SKNET_X86) && VECTOR_BYTES == 64 /* tests, on a processor with AVX2 alone */
typedef REAL KERNEL(half) __attribute__((vector_size(32), may_alias));
typedef union {
    VECTOR whole;
    KERNEL(half) half[2];
} KERNEL(halves);
#define ADD_PRODUCT(sum, x, y) \
    do { \
        KERNEL(halves) s_ = {sum}, x_ = {x}, y_ = {y}; \
        s_.half[0] = (KERNEL(half))SKNET_FMA(_mm256_fmadd, __m256, x_.half[0], y_.half[0], s_.half[0]); \
        s_.half[1] = (KERNEL(half))SKNET_FMA(_mm256_fmadd, __m256, x_.half[1], y_.half[1], s_.half[1]); \
        (sum) = s_.whole; \
    } while (0)
#elif defined(__aarch64__) && VECTOR_BYTES == 16 && REAL_IS_DOUBLE
#define ADD_PRODUCT(sum, x, y) ((sum) = (VECTOR)vfmaq_f64((float64x2_t)(sum), (float64x2_t)(x), (float64x2_t)(y)))
#elif defined(__aarch64__) && VECTOR_BYTES == 16
#define ADD_PRODUCT(sum, x, y) ((sum) = (VECTOR)vfmaq_f32((float32x4_t)(sum), (float32x4_t)(x), (float32x4_t)(y)))
#else
#define ADD_PRODUCT(sum, x, y) \
    do { \
        VECTOR s_ = (sum), x_ = (x), y_ = (y); \
        for (int l_ = 0; l_ < WIDTH; l_++) \
            s_[l_] = MAD(x_[l_], y_[l_], s_[l_]); \
        (sum) = s_; \
    } while (0)
#endif
#if REAL_IS_DOUBLE
#define SKNET_FMA(instruction, type, x, y, sum) instruction##_pd((type##d)(x), (type##d)(y), (type##d)(sum))
#else
#define SKNET_FMA(instruction, type, x, y, sum) instruction##_ps((type)(x), (type)(y), (type)(sum))
#endif

typedef struct {
    VECTOR part[LANE_VECTORS];
} KERNEL(lanes);

/* Adds a[i] b[i] to lane i modulo LANES; a[i] alone if b is NULL. */
INLINE void KERNEL(add_to_lanes)(KERNEL(lanes) *sum, int64_t n, const REAL *a, const REAL *b)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
#pragma GCC unroll 4
        for (int v = 0; v < LANE_VECTORS; v++) {
            VECTOR x = LOAD(a + i + v * WIDTH);
            if (b)
                ADD_PRODUCT(sum->part[v], x, LOAD(b + i + v * WIDTH));
            else
                sum->part[v] += x;
        }
    if (i == n)
        return;
    _Alignas(64) REAL rest_a[LANE_COUNT] = {0}, rest_b[LANE_COUNT] = {0};
    for (int64_t l = 0; l < n - i; l++)
        rest_a[l] = a[i + l];
    if (b)
        for (int64_t l = 0; l < n - i; l++)
            rest_b[l] = b[i + l];
#pragma GCC unroll 4
    for (int v = 0; v < LANE_VECTORS; v++)
        if (b)
            ADD_PRODUCT(sum->part[v], LOAD(rest_a + v * WIDTH), LOAD(rest_b + v * WIDTH));
        else
            sum->part[v] += LOAD(rest_a + v * WIDTH);
}

/* The sum of all lanes: the upper half is added to the lower half, again and again. */
INLINE REAL KERNEL(combined)(const KERNEL(lanes) *sum)
{
    union {
        VECTOR vector[LANE_VECTORS];
        KERNEL(sixteen_bytes) part[4];
    } u;
#pragma GCC unroll 4
    for (int v = 0; v < LANE_VECTORS; v++)
        u.vector[v] = sum->part[v];
    KERNEL(sixteen_bytes) q = (u.part[0] + u.part[2]) + (u.part[1] + u.part[3]);
#if REAL_IS_DOUBLE
    return q[0] + q[1];
#else
    return (q[0] + q[2]) + (q[1] + q[3]);
#endif
}

INLINE REAL KERNEL(contiguous_sum)(int64_t n, const REAL *a, const REAL *b)
{
    KERNEL(lanes) sum = {0};
    KERNEL(add_to_lanes)(&sum, n, a, b);
    return KERNEL(combined)(&sum);
}

/* The same bits, from any strides. */
static REAL KERNEL(strided_sum)(int64_t n, const REAL *a, int64_t sa, const REAL *b, int64_t sb)
{
    _Alignas(64) REAL copy_a[STRIP], copy_b[STRIP];
    KERNEL(lanes) sum = {0};
    for (int64_t start = 0; start < n; start += STRIP) {
        int64_t count = n - start < STRIP ? n - start : STRIP;
        for (int64_t i = 0; i < count; i++) {
            copy_a[i] = a[(start + i) * sa];
            copy_b[i] = b ? b[(start + i) * sb] : 1;
        }
        KERNEL(add_to_lanes)(&sum, count, copy_a, copy_b);
    }
    return KERNEL(combined)(&sum);
}

/* The same bits for WIDTH rows at once, which stand side by side in memory. */
INLINE VECTOR KERNEL(sums_of_adjacent)(int64_t n, const REAL *a, int64_t sa, const REAL *b, int64_t sb)
{
    VECTOR lane[LANES];
    for (int64_t l = 0; l < LANES; l++) {
        VECTOR sum = {0};
        for (int64_t i = l; i < n; i += LANES)
            if (b)
                ADD_PRODUCT(sum, LOAD(a + i * sa), SPREAD(b[i * sb]));
            else
                sum += LOAD(a + i * sa);
        lane[l] = sum;
    }
    for (int64_t half = LANES / 2; half; half /= 2)
        for (int64_t l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return lane[0];
}

/* Rows of contiguous numbers. What follows the last whole LANES of a row is read as if it
 * had LANES numbers, where these lie inside of A, and masked. */
INLINE void KERNEL(contiguous_row_sums)(int64_t rows, int64_t cols, const REAL *a, int64_t ars, const REAL *b,
                                        REAL *out, int64_t os, const REAL *bias)
{
    static const BITS masks[2 * 64 / sizeof(BITS)] = {
#define TWO ~(BITS)0, ~(BITS)0
        TWO, TWO, TWO, TWO,
#if !REAL_IS_DOUBLE
        TWO, TWO, TWO, TWO,
#endif
#undef TWO
    };
    _Alignas(64) REAL rest_b[LANE_COUNT] = {0};
    const int64_t rest = cols % LANES, whole = cols - rest;
    if (b)
        for (int64_t l = 0; l < rest; l++)
            rest_b[l] = b[whole + l];
    VECTOR factor[LANE_VECTORS];
    MASK mask[LANE_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < LANE_VECTORS; v++) {
        factor[v] = LOAD(rest_b + v * WIDTH);
        mask[v] = *(const KERNEL(loose_mask) *)(masks + LANES - rest + v * WIDTH);
    }
    for (int64_t i = 0; i < rows; i++, a += ars) {
        KERNEL(lanes) sum = {0};
        KERNEL(add_to_lanes)(&sum, whole, a, b);
        if (rest && (ars > 0 ? (rows - 1 - i) * ars : 0) + rest < LANES)
            KERNEL(add_to_lanes)(&sum, rest, a + whole, b ? b + whole : NULL);
        else if (rest)
#pragma GCC unroll 4
            for (int v = 0; v < LANE_VECTORS; v++) {
                VECTOR x = (VECTOR)((MASK)LOAD(a + whole + v * WIDTH) & mask[v]);
                if (b)
                    ADD_PRODUCT(sum.part[v], x, factor[v]);
                else
                    sum.part[v] += x;
            }
        REAL result = KERNEL(combined)(&sum);
        out[i * os] = bias ? result + *bias : result;
    }
}

/* out[i] = sum over j of a[i, j] b[j], or of a[i, j] if b is NULL (+ bias, one number). */
static void KERNEL(row_sums)(int64_t rows, int64_t cols, const REAL *a, int64_t ars, int64_t acs, const REAL *b,
                             int64_t sb, REAL *out, int64_t os, const REAL *bias)
{
    _Alignas(64) REAL column[STRIP];
    if (b && sb != 1 && cols <= STRIP) {
        for (int64_t j = 0; j < cols; j++)
            column[j] = b[j * sb];
        b = column;
        sb = 1;
    }
    if (acs == 1 && !b)
        KERNEL(contiguous_row_sums)(rows, cols, a, ars, NULL, out, os, bias);
    else if (acs == 1 && sb == 1)
        KERNEL(contiguous_row_sums)(rows, cols, a, ars, b, out, os, bias);
    if (acs == 1 && (!b || sb == 1))
        return;
    int64_t i = 0;
    if (ars == 1)
        for (; i + WIDTH <= rows; i += WIDTH) {
            VECTOR sums = KERNEL(sums_of_adjacent)(cols, a + i, acs, b, sb);
            for (int64_t l = 0; l < WIDTH; l++)
                out[(i + l) * os] = bias ? sums[l] + *bias : sums[l];
        }
    for (; i < rows; i++) {
        REAL sum = KERNEL(strided_sum)(cols, a + i * ars, acs, b, sb);
        out[i * os] = bias ? sum + *bias : sum;
    }
}

/* The same bits for up to four columns, in the order of the lanes that these would fill;
 * lanes start at 0, and 0 + x is not x for -0. `cols` is a constant where it is inlined. */
INLINE void KERNEL(few_column_sums)(int64_t rows, int cols, const REAL *a, int64_t ars, int64_t acs, REAL *out,
                                    int64_t os)
{
    for (int64_t i = 0; i < rows; i++, a += ars) {
        const REAL second = 0 + (cols > 1 ? a[acs] : 0), fourth = 0 + (cols > 3 ? a[3 * acs] : 0);
        const REAL first = 0 + a[0], third = 0 + (cols > 2 ? a[2 * acs] : 0);
        out[i * os] = (first + third) + (second + fourth);
    }
}

static void KERNEL(row_sum)(int64_t rows, int64_t cols, const REAL *a, int64_t ars, int64_t acs, REAL *out, int64_t os)
{
    if (cols == 1)
        KERNEL(few_column_sums)(rows, 1, a, ars, acs, out, os);
    else if (cols == 2)
        KERNEL(few_column_sums)(rows, 2, a, ars, acs, out, os);
    else if (cols == 3)
        KERNEL(few_column_sums)(rows, 3, a, ars, acs, out, os);
    else if (cols == 4)
        KERNEL(few_column_sums)(rows, 4, a, ars, acs, out, os);
    else
        KERNEL(row_sums)(rows, cols, a, ars, acs, NULL, 0, out, os, NULL);
}

/* Added in the lanes' own precision, as the elements of a product are: for float, a
 * double sum would double the time. */
static double KERNEL(dot)(int64_t n, const REAL *a, const REAL *b)
{
    return KERNEL(contiguous_sum)(n, a, b);
}

#define GREATER(x, y) CHOOSE((MASK)((x) > (y)) | (MASK)((x) != (x)), x, y) /* or NaN */

/* The maximum of cols >= WIDTH contiguous numbers; of the last ones, some are read twice. */
INLINE REAL KERNEL(contiguous_maximum)(int64_t cols, const REAL *a)
{
    VECTOR most = LOAD(a + cols - WIDTH);
    int64_t j = 0;
    if (cols >= 8 * WIDTH) {
        VECTOR m0 = most, m1 = most, m2 = most, m3 = most;
        for (; j + 4 * WIDTH <= cols; j += 4 * WIDTH) {
            VECTOR x0 = LOAD(a + j), x1 = LOAD(a + j + WIDTH);
            VECTOR x2 = LOAD(a + j + 2 * WIDTH), x3 = LOAD(a + j + 3 * WIDTH);
            m0 = GREATER(x0, m0);
            m1 = GREATER(x1, m1);
            m2 = GREATER(x2, m2);
            m3 = GREATER(x3, m3);
        }
        m0 = GREATER(m1, m0);
        m2 = GREATER(m3, m2);
        most = GREATER(m2, m0);
    }
    for (; j + WIDTH <= cols; j += WIDTH) {
        VECTOR x = LOAD(a + j);
        most = GREATER(x, most);
    }
    _Alignas(64) REAL lane[VECTOR_BYTES / sizeof(REAL)];
    STORE(lane, most);
    for (int half = VECTOR_BYTES / sizeof(REAL) / 2; half; half /= 2)
        for (int l = 0; l < half; l++)
            lane[l] = lane[l + half] > lane[l] || lane[l + half] != lane[l + half] ? lane[l + half] : lane[l];
    return lane[0];
}

/* NaN if there is one; minus infinity if there are no columns. */
static void KERNEL(row_maximum)(int64_t rows, int64_t cols, const REAL *a, int64_t ars, int64_t acs, REAL *out,
                                int64_t os)
{
    int64_t i = 0;
    if (ars == 1 && acs != 1)
        for (; i + WIDTH <= rows; i += WIDTH) {
            VECTOR most = SPREAD(-NUMBER(__builtin_inf()));
            for (int64_t j = 0; j < cols; j++) {
                VECTOR x = LOAD(a + i + j * acs);
                most = GREATER(x, most);
            }
            for (int64_t l = 0; l < WIDTH; l++)
                out[(i + l) * os] = most[l];
        }
    for (; i < rows; i++) {
        const REAL *row = a + i * ars;
        if (acs == 1 && cols >= WIDTH) {
            out[i * os] = KERNEL(contiguous_maximum)(cols, row);
            continue;
        }
        REAL most = -NUMBER(__builtin_inf());
        for (int64_t j = 0; j < cols; j++) {
            REAL x = row[j * acs];
            most = x > most || x != x ? x : most;
        }
        out[i * os] = most;
    }
}

#undef GREATER

/* The rows are added one after the other. */
static void KERNEL(column_sum)(int64_t rows, int64_t cols, const REAL *a, int64_t ars, REAL *out)
{
    int64_t j = 0;
    for (; j + 4 * WIDTH <= cols; j += 4 * WIDTH) {
        VECTOR s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
        for (int64_t i = 0; i < rows; i++) {
            const REAL *row = a + i * ars + j;
            s0 += LOAD(row);
            s1 += LOAD(row + WIDTH);
            s2 += LOAD(row + 2 * WIDTH);
            s3 += LOAD(row + 3 * WIDTH);
        }
        STORE(out + j, s0);
        STORE(out + j + WIDTH, s1);
        STORE(out + j + 2 * WIDTH, s2);
        STORE(out + j + 3 * WIDTH, s3);
    }
    for (; j + WIDTH <= cols; j += WIDTH) {
        VECTOR sum = {0};
        for (int64_t i = 0; i < rows; i++)
            sum += LOAD(a + i * ars + j);
        STORE(out + j, sum);
    }
    if (j < cols) {
        REAL sums[VECTOR_BYTES / sizeof(REAL)] = {0};
        int64_t rest = cols - j;
        for (int64_t i = 0; i < rows; i++)
            for (int64_t l = 0; l < rest; l++)
                sums[l] += a[i * ars + j + l];
        for (int64_t l = 0; l < rest; l++)
            out[j + l] = sums[l];
    }
}

static int KERNEL(all_finite)(int64_t n, const REAL *a)
{
    /* An exponent of ones carries into the sign when one is added to it. */
    const BITS top = ~(~(BITS)0 >> 1), one = REAL_IS_DOUBLE ? (BITS)1 << (52 % (8 * sizeof(BITS))) : (BITS)1 << 23;
    while (n > 0) {
        int64_t count = n < 4 * STRIP ? n : 4 * STRIP;
        BITS found = 0;
        for (int64_t i = 0; i < count; i++)
            found |= (KERNEL(bits)(a[i]) & ~top) + one;
        if (found & top)
            return 0;
        a += count;
        n -= count;
    }
    return 1;
}
