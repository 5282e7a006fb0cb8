/* Matrix products. Included by _kernels.h.
 *
 * B is copied into panels of TILE_COLUMNS columns; a tile of TILE_ROWS rows and one
 * panel keeps its sums in registers while the summed index runs. Blocks of the summed
 * index continue the sums that C holds, so that blocks change no bit.
 */

#if VECTOR_BYTES == 64
#define TILE_ROWS 8
#define TILE_VECTORS 3
#define BLOCK_DEPTH 160
#else
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define BLOCK_DEPTH 256
#endif
#define TILE_COLUMNS (TILE_VECTORS * WIDTH)
#define BLOCK_ROWS 96
#define BLOCK_COLUMNS (40 * TILE_COLUMNS)

typedef struct {
    const REAL *a, *b, *bias; /* bias: NULL until the last block of the summed index */
    REAL *c;
    int64_t depth, ars, acs, brs, crs;
    int continued; /* C holds the sums of earlier blocks */
} KERNEL(tile);

/* `rows` and `vectors` are constants wherever this is inlined. */
INLINE void KERNEL(tile_product)(const KERNEL(tile) *t, int rows, int vectors)
{
    VECTOR sum[TILE_ROWS][TILE_VECTORS];
    const REAL *a = t->a, *b = t->b;
    REAL *c = t->c;
    const int64_t ars = t->ars, acs = t->acs, brs = t->brs, crs = t->crs;
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            sum[r][v] = t->continued ? LOAD(c + r * crs + v * WIDTH) : (VECTOR){0};
    for (int64_t p = t->depth; p > 0; p--) {
        VECTOR y[TILE_VECTORS];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            y[v] = LOAD(b + v * WIDTH);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            VECTOR x = SPREAD(a[r * ars]);
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                ADD_PRODUCT(sum[r][v], x, y[v]);
        }
        a += acs;
        b += brs;
    }
    if (t->bias)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) {
            VECTOR y = LOAD(t->bias + v * WIDTH);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++)
                sum[r][v] += y;
        }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            STORE(c + r * crs + v * WIDTH, sum[r][v]);
}

#define TILE_CASE(rows, vectors) \
    case 4 * rows + vectors: \
        KERNEL(tile_product)(t, rows, vectors); \
        break;
#if VECTOR_BYTES == 64
#define TILE_CASES(rows) TILE_CASE(rows, 1) TILE_CASE(rows, 2) TILE_CASE(rows, 3)
#else
#define TILE_CASES(rows) TILE_CASE(rows, 1) TILE_CASE(rows, 2)
#endif

static void KERNEL(any_tile)(const KERNEL(tile) *t, int64_t rows, int64_t vectors)
{
    switch (4 * rows + vectors) {
        TILE_CASES(1)
        TILE_CASES(2)
        TILE_CASES(3)
        TILE_CASES(4)
        TILE_CASES(5)
        TILE_CASES(6)
#if VECTOR_BYTES == 64
        TILE_CASES(7)
        TILE_CASES(8)
#endif
    }
}

/* A tile whose columns do not fill its vectors, or do not stand side by side. */
static void KERNEL(partial_tile)(const KERNEL(tile) *t, int64_t rows, int64_t cols, int64_t ccs)
{
    _Alignas(64) REAL copy[TILE_ROWS * TILE_VECTORS * (VECTOR_BYTES / sizeof(REAL))], bias[TILE_VECTORS * (VECTOR_BYTES / sizeof(REAL))];
    KERNEL(tile) whole = *t;
    whole.c = copy;
    whole.crs = TILE_COLUMNS;
    if (t->continued)
        for (int64_t r = 0; r < rows; r++)
            for (int64_t j = 0; j < cols; j++)
                copy[r * TILE_COLUMNS + j] = t->c[r * t->crs + j * ccs];
    if (t->bias) {
        for (int64_t j = 0; j < cols; j++)
            bias[j] = t->bias[j];
        whole.bias = bias;
    }
    KERNEL(any_tile)(&whole, rows, (cols + WIDTH - 1) / WIDTH);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < cols; j++)
            t->c[r * t->crs + j * ccs] = copy[r * TILE_COLUMNS + j];
}

#undef TILE_CASE
#undef TILE_CASES

#define LEAST(x, y) ((x) < (y) ? (x) : (y))

static int64_t KERNEL(product_scratch)(int64_t m, int64_t n, int64_t k)
{
    int64_t columns = LEAST(n, BLOCK_COLUMNS), depth = LEAST(k, BLOCK_DEPTH);
    (void)m;
    return (columns + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS * depth;
}

/* One panel, whose missing columns are zero. */
static void KERNEL(pack)(int64_t depth, int64_t cols, const REAL *b, int64_t brs, int64_t bcs, REAL *to)
{
    for (int64_t p = 0; p < depth; p++, b += brs, to += TILE_COLUMNS) {
        if (bcs == 1 && cols == TILE_COLUMNS) {
#pragma GCC unroll 3
            for (int v = 0; v < TILE_VECTORS; v++)
                STORE(to + v * WIDTH, LOAD(b + v * WIDTH));
            continue;
        }
        for (int64_t j = 0; j < cols; j++)
            to[j] = b[j * bcs];
        for (int64_t j = cols; j < TILE_COLUMNS; j++)
            to[j] = 0;
    }
}

/* C = A B + bias, where bias is one row or NULL. C overlaps neither A nor B. */
static void KERNEL(product)(int64_t m, int64_t n, int64_t k, const REAL *a, int64_t ars, int64_t acs, const REAL *b,
                            int64_t brs, int64_t bcs, REAL *c, int64_t crs, int64_t ccs, const REAL *bias,
                            REAL *scratch)
{
    if (m <= 0 || n <= 0)
        return;
    if (n == 1) {
        KERNEL(row_sums)(m, k, a, ars, acs, b, brs, c, crs, bias);
        return;
    }
    int direct = bcs == 1 && m <= 2 * TILE_ROWS;
    for (int64_t j0 = 0; j0 < n; j0 += BLOCK_COLUMNS) {
        int64_t columns = LEAST(n - j0, BLOCK_COLUMNS), p0 = 0;
        do { /* once even if k is 0 */
            int64_t depth = LEAST(k - p0, BLOCK_DEPTH);
            int last = p0 + depth >= k;
            for (int64_t j = 0; j < columns; j += TILE_COLUMNS) {
                int64_t cols = LEAST(columns - j, TILE_COLUMNS);
                if (!direct || cols < TILE_COLUMNS)
                    KERNEL(pack)(depth, cols, b + p0 * brs + (j0 + j) * bcs, brs, bcs, scratch + j * depth);
            }
            for (int64_t i0 = 0; i0 < m; i0 += BLOCK_ROWS) {
                int64_t end = LEAST(m, i0 + BLOCK_ROWS);
                for (int64_t j = 0; j < columns; j += TILE_COLUMNS) {
                    KERNEL(tile) t = {.depth = depth, .ars = ars, .acs = acs, .crs = crs};
                    int64_t cols = LEAST(columns - j, TILE_COLUMNS);
                    t.b = scratch + j * depth;
                    t.brs = TILE_COLUMNS;
                    if (direct && cols == TILE_COLUMNS) {
                        t.b = b + p0 * brs + j0 + j;
                        t.brs = brs;
                    }
                    t.bias = bias && last ? bias + j0 + j : NULL;
                    t.continued = p0 > 0;
                    for (int64_t i = i0; i < end; i += TILE_ROWS) {
                        t.a = a + i * ars + p0 * acs;
                        t.c = c + i * crs + (j0 + j) * ccs;
                        int64_t rows = LEAST(end - i, TILE_ROWS);
                        if (ccs == 1 && cols % WIDTH == 0)
                            KERNEL(any_tile)(&t, rows, cols / WIDTH);
                        else
                            KERNEL(partial_tile)(&t, rows, cols, ccs);
                    }
                }
            }
            p0 += depth;
        } while (p0 < k);
    }
}

#undef TILE_ROWS
#undef TILE_VECTORS
#undef TILE_COLUMNS
#undef BLOCK_DEPTH
#undef BLOCK_ROWS
#undef BLOCK_COLUMNS
#undef LEAST
