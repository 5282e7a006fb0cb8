/* Sparse rows: products, and the rows as a matrix.

   Included by the interpreter, once for each type and instruction set. An element of a
   result adds its terms in the order in which they are stored, on each machine and with
   any number of threads. */

/* Elements of a row that are read at once. */
#define SPARSE_PIECE 64
#define WIDTH (VECTOR_BYTES / (int64_t)sizeof(REAL))
#define LOAD(p) ((KERNEL(vector))*(const KERNEL(loose) *)(p))
#define STORE(p, v) (*(KERNEL(loose) *)(p) = (KERNEL(loose))(v))

/* Some elements of a row, in the types of the computation. */
typedef struct {
    int64_t n, columns[SPARSE_PIECE];
    REAL values[SPARSE_PIECE];
} KERNEL(Piece);

/* Return an index of a sparse matrix. */
static inline int64_t KERNEL(index)(const void *indices, int64_t bytes, int64_t i)
{
    return bytes == 4 ? ((const int32_t *)indices)[i] : ((const int64_t *)indices)[i];
}

/* Read the elements from one place to another. */
static inline void KERNEL(read_piece)(KERNEL(Piece) *piece, const SparseRows *s,
                                      int64_t first, int64_t end)
{
    const int64_t size = SIZES[s->values_type];
    const int64_t n = end - first < SPARSE_PIECE ? end - first : SPARSE_PIECE;
    piece->n = n;
    for (int64_t i = 0; i < n; i++)
        piece->columns[i] = KERNEL(index)(s->columns, s->index_bytes, first + i);
    KERNEL(gather)(piece->values, 1, n, (const char *)s->values + first * size,
                   s->values_type, 0, size, NULL, NULL, 0);
}

/* Set a vector to zero. */
static inline void KERNEL(set_zero)(int64_t n, REAL *to, int64_t step)
{
    if (step == 1)
        memset(to, 0, n * sizeof(REAL));
    else
        for (int64_t j = 0; j < n; j++)
            to[j * step] = 0;
}

/* Add a multiple of one vector to another, which does not overlap it. */
static inline void KERNEL(add_scaled)(int64_t n, REAL factor, const REAL *from,
                                      int64_t from_step, REAL *to, int64_t to_step)
{
    int64_t j = 0;
    if (from_step == 1 && to_step == 1)
        for (; j + WIDTH <= n; j += WIDTH)
            STORE(to + j, LOAD(to + j) + factor * LOAD(from + j));
    for (; j < n; j++)
        to[j * to_step] += factor * from[j * from_step];
}

/* Add the product of some elements of a row and vectors of a matrix, whose sums stay in
   registers; `vectors` is a constant wherever this is inlined. */
INLINE void KERNEL(add_vectors)(REAL *to, const REAL *from, int64_t rows,
                                const KERNEL(Piece) *piece, int vectors)
{
    KERNEL(vector) sums[8];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++)
        sums[v] = LOAD(to + v * WIDTH);
    for (int64_t i = 0; i < piece->n; i++) {
        const REAL *row = from + piece->columns[i] * rows;
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            sums[v] += piece->values[i] * LOAD(row + v * WIDTH);
    }
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++)
        STORE(to + v * WIDTH, sums[v]);
}

/* Add the product of some elements of a row and a matrix to columns of the result. */
static inline void KERNEL(add_product)(KERNEL(Matrix) out, KERNEL(Matrix) m, int64_t row,
                                       const KERNEL(Piece) *piece)
{
    int64_t j = 0;
    if (out.columns == 1 && m.columns == 1) {
        REAL *to = out.at + row * out.rows;
        for (; j + 8 * WIDTH <= out.n_columns; j += 8 * WIDTH)
            KERNEL(add_vectors)(to + j, m.at + j, m.rows, piece, 8);
        for (; j + 4 * WIDTH <= out.n_columns; j += 4 * WIDTH)
            KERNEL(add_vectors)(to + j, m.at + j, m.rows, piece, 4);
        for (; j + WIDTH <= out.n_columns; j += WIDTH)
            KERNEL(add_vectors)(to + j, m.at + j, m.rows, piece, 1);
    }
    if (j == out.n_columns)
        return;
    for (int64_t i = 0; i < piece->n; i++)
        KERNEL(add_scaled)(out.n_columns - j, piece->values[i],
                           &AT(m, piece->columns[i], j), m.columns, &AT(out, row, j),
                           out.columns);
}

/* Multiply sparse rows by a matrix, or their transpose, or write them as a matrix. Rows
   that are missing at the end count as zeros. Threads divide the rows of the result, or
   its columns if each row of the features changes many rows of the result. */
static void KERNEL(sparse)(int64_t code, KERNEL(Matrix) out, KERNEL(Matrix) m,
                           const SparseRows *s, Share share)
{
    KERNEL(Piece) piece;
    const int is_transposed = code == SPARSE_TRANSPOSED;
    const int64_t line = 64 / (int64_t)sizeof(REAL);
    Range rows = {0, s->n_rows};
    if (is_transposed) {
        const Range columns = range_of(out.n_columns, line, share);
        out.at += columns.first * out.columns, m.at += columns.first * m.columns;
        out.n_columns = columns.last - columns.first;
    } else {
        rows = range_of(out.n_rows, 1, share);
        out.at += rows.first * out.rows;
        out.n_rows = rows.last - rows.first;
        rows.last = rows.last < s->n_rows ? rows.last : s->n_rows;
    }
    if (out.n_columns <= 0)
        return;
    for (int64_t i = 0; i < out.n_rows; i++)
        KERNEL(set_zero)(out.n_columns, &AT(out, i, 0), out.columns);
    for (int64_t i = rows.first; i < rows.last; i++) {
        int64_t row = s->order ? s->order[i] : s->first + i;
        row = s->places ? s->places[row] : row;
        const int64_t end = KERNEL(index)(s->starts, s->index_bytes, row + 1);
        for (int64_t p = KERNEL(index)(s->starts, s->index_bytes, row); p < end;
             p += SPARSE_PIECE) {
            KERNEL(read_piece)(&piece, s, p, end);
            if (code == SPARSE_PRODUCT)
                KERNEL(add_product)(out, m, i - rows.first, &piece);
            else if (is_transposed)
                for (int64_t e = 0; e < piece.n; e++)
                    KERNEL(add_scaled)(out.n_columns, piece.values[e], &AT(m, i, 0),
                                       m.columns, &AT(out, piece.columns[e], 0),
                                       out.columns);
            else
                for (int64_t e = 0; e < piece.n; e++)
                    AT(out, i - rows.first, piece.columns[e]) += piece.values[e];
        }
    }
}

#undef WIDTH
#undef LOAD
#undef STORE
