/* Matrix products. Included by _kernels.h.
 *
 * B is copied into panels of TILE_COLUMNS columns; a tile of TILE_ROWS rows and one
 * panel keeps its sums in registers while the summed index runs through a block, whose
 * sum is then added to C. A sum of very many terms is more exact in this way: one by one,
 * equal terms would be rounded in the same direction each time. Blocks have the same
 * length for all instruction sets, which therefore give the same bits.
 */

#if VECTOR_BYTES == 64
#define TILE_ROWS 8
#define TILE_VECTORS 3
#else
#define TILE_ROWS 6
#define TILE_VECTORS 2
#endif
#define BLOCK_DEPTH 256
#define TILE_COLUMNS (TILE_VECTORS * WIDTH)
#define TILE_BYTES (TILE_VECTORS * VECTOR_BYTES)
#define BLOCK_ROWS 96
#define BLOCK_COLUMNS (40 * TILE_COLUMNS)

#define LEAST(x, y) ((x) < (y) ? (x) : (y))

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
            sum[r][v] = (VECTOR){0};
    if (rows == TILE_ROWS) /* the tile that follows */
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
            __builtin_prefetch(c + (rows + r) * crs, 1);
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
    if (t->continued)
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                sum[r][v] += LOAD(c + r * crs + v * WIDTH);
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

/* At most TILE_COLUMNS numbers, without a loop that the compiler would replace by memcpy. */
INLINE void KERNEL(copy_few)(int64_t cols, const REAL *from, REAL *to)
{
#define PIECE(size) \
    if (cols & (size) && WIDTH > (size)) { \
        memcpy(to, from, (size) * sizeof(REAL)); \
        from += size; \
        to += size; \
    }
#pragma GCC unroll 3
    for (int v = 0; v < TILE_VECTORS; v++)
        if (cols >= WIDTH) {
            STORE(to, LOAD(from));
            cols -= WIDTH;
            from += WIDTH;
            to += WIDTH;
        }
    PIECE(8)
    PIECE(4)
    PIECE(2)
    PIECE(1)
#undef PIECE
}

/* Between a tile's copy and a C whose columns do not fill the vectors or do not stand
 * side by side. */
INLINE void KERNEL(fetch_tile)(int64_t rows, int64_t cols, REAL *copy, const REAL *c, int64_t crs, int64_t ccs)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < cols; j++)
            copy[r * TILE_COLUMNS + j] = c[r * crs + j * ccs];
}

INLINE void KERNEL(store_tile)(int64_t rows, int64_t cols, const REAL *copy, REAL *c, int64_t crs, int64_t ccs)
{
    for (int64_t r = 0; r < rows; r++)
        if (ccs == 1)
            KERNEL(copy_few)(cols, copy + r * TILE_COLUMNS, c + r * crs);
        else
            for (int64_t j = 0; j < cols; j++)
                c[r * crs + j * ccs] = copy[r * TILE_COLUMNS + j];
}

#undef TILE_CASE
#undef TILE_CASES

/* A is copied, too, if its copy is read often and does not stay in the first cache. */
INLINE int KERNEL(packs_rows)(int64_t m, int64_t n, int64_t k)
{
    return m > 2 * TILE_ROWS && n >= 4 * TILE_COLUMNS && m * k >= 4096;
}

static int64_t KERNEL(product_scratch)(int64_t m, int64_t n, int64_t k)
{
    int64_t columns = LEAST(n, BLOCK_COLUMNS), depth = LEAST(k, BLOCK_DEPTH);
    int64_t size = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS * depth;
    return KERNEL(packs_rows)(m, n, k) ? size + BLOCK_ROWS * depth : size;
}

/* One panel of B, whose missing columns are zero. */
static void KERNEL(pack)(int64_t depth, int64_t cols, const REAL *b, int64_t brs, int64_t bcs, REAL *to)
{
    if (bcs != 1) { /* columns stand side by side in memory, or at least nearer */
        if (cols < TILE_COLUMNS)
            memset(to, 0, (size_t)(depth * TILE_COLUMNS) * sizeof(REAL));
        for (int64_t j = 0; j < cols; j++)
            for (int64_t p = 0; p < depth; p++)
                to[p * TILE_COLUMNS + j] = b[p * brs + j * bcs];
        return;
    }
    for (int64_t p = 0; p < depth; p++, b += brs, to += TILE_COLUMNS) {
        int whole = cols == TILE_COLUMNS;
#pragma GCC unroll 3
        for (int v = 0; v < TILE_VECTORS; v++)
            STORE(to + v * WIDTH, whole ? LOAD(b + v * WIDTH) : (VECTOR){0});
        if (!whole)
            KERNEL(copy_few)(cols, b, to);
    }
}

/* Tiles of rows, each by the summed index. */
static void KERNEL(pack_rows)(int64_t rows, int64_t depth, const REAL *a, int64_t ars, int64_t acs, REAL *to)
{
    for (int64_t i = 0; i < rows; i += TILE_ROWS, to += TILE_ROWS * depth) {
        int64_t count = LEAST(rows - i, TILE_ROWS);
        const REAL *from = a + i * ars;
        if (count == TILE_ROWS)
            for (int64_t p = 0; p < depth; p++)
#pragma GCC unroll 8
                for (int64_t r = 0; r < TILE_ROWS; r++)
                    to[p * TILE_ROWS + r] = from[p * acs + r * ars];
        else
            for (int64_t p = 0; p < depth; p++)
                for (int64_t r = 0; r < count; r++)
                    to[p * TILE_ROWS + r] = from[p * acs + r * ars];
    }
}

/* One block of rows and of the summed index. */
typedef struct {
    int64_t depth, ars, acs, crs, ccs;
    int64_t ars_of_tiles; /* the distance of tiles of rows, for each row */
    const REAL *a;
    int continued;
} KERNEL(block);

/* One panel of B, with row distance brs, times all rows of the block. */
static void KERNEL(panel_product)(const KERNEL(block) *block, int64_t m, int64_t cols, const REAL *b, int64_t brs,
                                  REAL *c, const REAL *bias)
{
    _Alignas(64) REAL copy[TILE_ROWS * TILE_BYTES / sizeof(REAL)], whole_bias[TILE_BYTES / sizeof(REAL)];
    const int64_t crs = block->crs, ccs = block->ccs, vectors = (cols + WIDTH - 1) / WIDTH;
    KERNEL(tile) t = {.a = block->a, .b = b, .bias = bias, .c = c, .depth = block->depth};
    t.ars = block->ars;
    t.acs = block->acs;
    t.brs = brs;
    t.crs = crs;
    t.continued = block->continued;
    if (ccs == 1 && cols % WIDTH == 0) {
        for (int64_t i = 0; i < m; i += TILE_ROWS, t.a += TILE_ROWS * block->ars_of_tiles, t.c += TILE_ROWS * crs)
            KERNEL(any_tile)(&t, LEAST(m - i, TILE_ROWS), vectors);
        return;
    }
    if (bias) {
        KERNEL(copy_few)(cols, bias, whole_bias);
        t.bias = whole_bias;
    }
    t.c = copy;
    t.crs = TILE_COLUMNS;
    for (int64_t i = 0; i < m; i += TILE_ROWS, t.a += TILE_ROWS * block->ars_of_tiles, c += TILE_ROWS * crs) {
        int64_t rows = LEAST(m - i, TILE_ROWS);
        if (t.continued)
            KERNEL(fetch_tile)(rows, cols, copy, c, crs, ccs);
        KERNEL(any_tile)(&t, rows, vectors);
        KERNEL(store_tile)(rows, cols, copy, c, crs, ccs);
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
    int direct = bcs == 1 && m <= 2 * TILE_ROWS, packed = KERNEL(packs_rows)(m, n, k);
    for (int64_t j0 = 0; j0 < n; j0 += BLOCK_COLUMNS) {
        int64_t columns = LEAST(n - j0, BLOCK_COLUMNS), p0 = 0;
        do { /* once even if k is 0 */
            int64_t depth = LEAST(k - p0, BLOCK_DEPTH);
            REAL *rows_copy = scratch + (columns + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS * depth;
            KERNEL(block) block = {.depth = depth, .crs = crs, .ccs = ccs, .continued = p0 > 0};
            block.ars = packed ? 1 : ars;
            block.acs = packed ? TILE_ROWS : acs;
            block.ars_of_tiles = packed ? depth : ars;
            const REAL *block_a = a + p0 * acs, *block_b = b + p0 * brs;
            for (int64_t i = 0; i < m; i += BLOCK_ROWS) {
                int64_t rows = LEAST(m - i, BLOCK_ROWS);
                block.a = packed ? rows_copy : block_a + i * ars;
                if (packed)
                    KERNEL(pack_rows)(rows, depth, block_a + i * ars, ars, acs, rows_copy);
                for (int64_t j = 0; j < columns; j += TILE_COLUMNS) {
                    int64_t cols = LEAST(columns - j, TILE_COLUMNS), from = j0 + j;
                    REAL *panel = scratch + j * depth;
                    int in_place = direct && cols == TILE_COLUMNS;
                    if (!in_place && i == 0)
                        KERNEL(pack)(depth, cols, block_b + from * bcs, brs, bcs, panel);
                    KERNEL(panel_product)(&block, rows, cols, in_place ? block_b + from : panel,
                                          in_place ? brs : TILE_COLUMNS, c + i * crs + from * ccs,
                                          bias && p0 + depth >= k ? bias + from : NULL);
                }
            }
            p0 += depth;
        } while (p0 < k);
    }
}

#undef BLOCK_DEPTH
#undef BLOCK_ROWS
#undef BLOCK_COLUMNS
#undef LEAST
