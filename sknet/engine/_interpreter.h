/* The interpreter: runs the instructions of a program on the arrays of one network.

   Included once for each type and instruction set, after the kernels. */

typedef struct {
    REAL *at;
    int64_t rows, outer, inner;
} KERNEL(Operand);

/* Return the first element of an operand at a row; a number is copied to `number`. */
static inline KERNEL(Operand) KERNEL(operand)(
    const int64_t *w, void *const *regions, const double *numbers, int64_t row, REAL *number)
{
    KERNEL(Operand) operand = {number, 0, 0, 0};
    if (w[0] < 0) {
        *number = (REAL)numbers[w[1]];
        return operand;
    }
    operand.at = (REAL *)regions[w[0]] + w[1] + row * w[2];
    operand.rows = w[2], operand.outer = w[3], operand.inner = w[4];
    return operand;
}

/* Rows this long pass through the functions for contiguous arrays one by one. */
#define LONG_ROW 64

/* Return an operand at some consecutive rows as one array: the operand itself, or a copy
   in which what all rows, or all elements of a row, have in common is repeated. */
static inline const REAL *KERNEL(repeated)(
    REAL *copy, const KERNEL(Operand) *operand, int64_t row, int64_t n_rows, int64_t n_inner)
{
    const REAL *from = operand->at + row * operand->rows;
    REAL *to = copy;
    if (operand->inner == 1 && operand->rows == n_inner)
        return from;
    if (operand->inner == 0)
        for (int64_t i = 0; i < n_rows; i++, from += operand->rows) {
            const REAL value = *from;
            for (int64_t j = 0; j < n_inner; j++)
                *to++ = value;
        }
    else
        for (int64_t i = 0; i < n_rows; i++, from += operand->rows)
            for (int64_t j = 0; j < n_inner; j++)
                *to++ = from[j * operand->inner];
    return copy;
}

/* Compute an operation on short rows, of which the result has no gaps: several at once. */
static inline void KERNEL(short_rows)(
    int code, int64_t n_rows, int64_t n_inner, KERNEL(Operand) out, KERNEL(Operand) a,
    KERNEL(Operand) b)
{
    _Alignas(64) REAL copy_a[STRIP], copy_b[STRIP];
    const int64_t most = STRIP / n_inner;
    for (int64_t row = 0; row < n_rows; row += most) {
        const int64_t count = n_rows - row < most ? n_rows - row : most;
        const REAL *from_a = KERNEL(repeated)(copy_a, &a, row, count, n_inner);
        const REAL *from_b = from_a;
        if (code >= FIRST_BINARY)
            from_b = KERNEL(repeated)(copy_b, &b, row, count, n_inner);
        KERNEL(elementwise)(code, count * n_inner, out.at + row * n_inner, 1, from_a, 1,
                            from_b, 1);
    }
}

/* Compute one operation of a group on some of its rows. */
static inline void KERNEL(operation)(
    const int64_t *w, void *const *regions, const double *numbers, int64_t row, int64_t n_rows)
{
    REAL first, second;
    const int64_t code = w[0], n_outer = w[1], n_inner = w[2], depth = w[3];
    KERNEL(Operand) out = KERNEL(operand)(w + 4, regions, numbers, row, &first);
    KERNEL(Operand) a = KERNEL(operand)(w + 9, regions, numbers, row, &first);
    KERNEL(Operand) b = {&second, 0, 0, 0};
    if (code >= ROW_SUM && n_outer == 1) {
        if (code == ROW_SUM)
            KERNEL(row_sum)(n_rows, n_inner, a.at, a.rows, a.inner, out.at, out.rows);
        else
            KERNEL(row_maximum)(n_rows, n_inner, a.at, a.rows, a.inner, out.at, out.rows);
        return;
    }
    if (code >= ROW_SUM) {
        for (int64_t i = 0; i < n_rows; i++) {
            REAL *to = out.at + i * out.rows;
            const REAL *from = a.at + i * a.rows;
            if (code == ROW_SUM)
                KERNEL(row_sum)(n_outer, n_inner, from, a.outer, a.inner, to, out.outer);
            else
                KERNEL(row_maximum)(n_outer, n_inner, from, a.outer, a.inner, to, out.outer);
        }
        return;
    }
    if (code >= FIRST_BINARY)
        b = KERNEL(operand)(w + 14, regions, numbers, row, &second);
    if (depth == 0) {
        if (n_inner == 1)
            KERNEL(elementwise)(code, n_rows, out.at, out.rows, a.at, a.rows, b.at, b.rows);
        else
            KERNEL(elementwise)(code, n_rows * n_inner, out.at, out.inner, a.at, a.inner,
                                b.at, b.inner);
        return;
    }
    if (n_outer == 1 && n_inner < LONG_ROW && out.inner == 1 && out.rows == n_inner) {
        KERNEL(short_rows)((int)code, n_rows, n_inner, out, a, b);
        return;
    }
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < n_outer; j++)
            KERNEL(elementwise)(code, n_inner,
                out.at + i * out.rows + j * out.outer, out.inner,
                a.at + i * a.rows + j * a.outer, a.inner,
                b.at + i * b.rows + j * b.outer, b.inner);
}

/* Compute a group, some rows at a time. Threads divide the rows among them. */
static void KERNEL(group)(const int64_t *w, void *const *regions, const double *numbers,
                          Share share)
{
    const int64_t tile = w[1], n = w[2];
    const Range range = range_of(w[0], tile, share);
    for (int64_t row = range.first; row < range.last; row += tile) {
        const int64_t rows = range.last - row < tile ? range.last - row : tile;
        for (int64_t i = 0; i < n; i++)
            KERNEL(operation)(w + 3 + i * OPERATION_WORDS, regions, numbers, row, rows);
    }
}

/* Compute one or several matrix products. Threads divide the rows of the result, or its
   columns if it has few rows, which does not change the order of any sum. */
static void KERNEL(products)(const int64_t *w, void *const *regions, REAL *scratch, Share share)
{
    const int64_t m = w[0], n = w[1], k = w[2], count = w[3];
    const REAL *bias = w[4] < 0 ? NULL : (const REAL *)regions[w[4]] + w[5];
    const int64_t *o = w + 6, *p = w + 11, *q = w + 16;
    REAL *c = (REAL *)regions[o[0]] + o[1];
    const REAL *a = (const REAL *)regions[p[0]] + p[1];
    const REAL *b = (const REAL *)regions[q[0]] + q[1];
    const Range rows = m >= n ? range_of(m, ROWS_AT_ONCE, share) : (Range){0, m};
    Range columns = m < n ? range_of(n, COLUMNS_AT_ONCE, share) : (Range){0, n};
    if (m < n && n > 1) { /* a single column is summed in another way: it is never alone */
        columns.last += columns.last == n - 1;
        columns.first += columns.first == n - 1;
    }
    if (rows.first >= rows.last || columns.first >= columns.last)
        return;
    a += rows.first * p[3];
    b += columns.first * q[4];
    c += rows.first * o[3] + columns.first * o[4];
    bias = bias ? bias + columns.first : NULL;
    for (int64_t i = 0; i < count; i++)
        KERNEL(product)(rows.last - rows.first, columns.last - columns.first, k,
                        a + i * p[2], p[3], p[4], b + i * q[2], q[3], q[4],
                        c + i * o[2], o[3], o[4], bias, scratch);
}

/* Draw uniform numbers in [0, 1), the same as NumPy's Generator.random. */
static void KERNEL(noise)(const int64_t *w, void *const *regions, BitGenerator *stream)
{
    REAL *out = (REAL *)regions[w[0]] + w[1];
    void *state = stream->state;
    for (int64_t i = 0; i < w[2]; i++)
        for (int64_t j = 0; j < w[3]; j++)
#if REAL_IS_DOUBLE
            out[i * w[4] + j * w[5]] = stream->next_double(state);
#else
            out[i * w[4] + j * w[5]] =
                (float)(stream->next_uint32(state) >> 8) * (1.0f / 16777216.0f);
#endif
}

/* Gather rows, in the type of the computation. */
#define GATHER_AS(TYPE)                                                             \
    for (int64_t i = 0; i < n_rows; i++) {                                          \
        const int64_t row = order ? order[i] : first + i;                           \
        const char *from = x + step * (places ? places[row] : row);                 \
        if (column_step == sizeof(TYPE))                                            \
            for (int64_t j = 0; j < n_columns; j++)                                 \
                out[i * n_columns + j] = (REAL)((const TYPE *)from)[j];             \
        else                                                                        \
            for (int64_t j = 0; j < n_columns; j++)                                 \
                out[i * n_columns + j] = (REAL)*(const TYPE *)(from + j * column_step); \
    }                                                                               \
    break

static void KERNEL(gather)(REAL *out, int64_t n_rows, int64_t n_columns, const char *x,
                           int64_t type, int64_t step, int64_t column_step,
                           const int64_t *order,
                           const int64_t *places, int64_t first)
{
    switch (type) {
    case TYPE_FLOAT: GATHER_AS(float);
    case TYPE_DOUBLE: GATHER_AS(double);
    case TYPE_INT8: GATHER_AS(int8_t);
    case TYPE_INT16: GATHER_AS(int16_t);
    case TYPE_INT32: GATHER_AS(int32_t);
    case TYPE_INT64: GATHER_AS(int64_t);
    case TYPE_UINT8: GATHER_AS(uint8_t);
    case TYPE_UINT16: GATHER_AS(uint16_t);
    case TYPE_UINT32: GATHER_AS(uint32_t);
    case TYPE_UINT64: GATHER_AS(uint64_t);
    }
}

#undef GATHER_AS

/* A matrix, or a number as a matrix of one element, that a named operation gets. */
typedef struct {
    REAL *at;
    int64_t n_rows, n_columns, rows, columns;
    double number;
} KERNEL(Matrix);

static KERNEL(Matrix) KERNEL(matrix)(
    const int64_t *w, void *const *regions, const double *numbers)
{
    KERNEL(Matrix) matrix = {NULL, w[2], w[3], w[4], w[5], 0.0};
    if (w[0] < 0)
        matrix.number = numbers[w[1]];
    else
        matrix.at = (REAL *)regions[w[0]] + w[1];
    return matrix;
}

#define AT(m, i, j) (m).at[(i) * (m).rows + (j) * (m).columns]

/* The maximum of each row if any element reaches the limit in size, otherwise zeros. */
static void KERNEL(overflow_shift)(KERNEL(Matrix) out, KERNEL(Matrix) raw, double limit)
{
    int reached = 0;
    for (int64_t i = 0; i < raw.n_rows; i++)
        for (int64_t j = 0; j < raw.n_columns; j++)
            reached |= !(AT(raw, i, j) < limit && AT(raw, i, j) > -limit);
    for (int64_t i = 0; i < raw.n_rows; i++) {
        if (reached)
            KERNEL(row_maximum)(1, raw.n_columns, &AT(raw, i, 0), 0, raw.columns,
                                &AT(out, i, 0), 0);
        else
            AT(out, i, 0) = 0;
    }
}

/* Scale a vector down to a maximum norm. */
static void KERNEL(clip_by_norm)(KERNEL(Matrix) g, double largest)
{
    double squares = 0.0;
    for (int64_t j = 0; j < g.n_columns; j++)
        squares += (double)AT(g, 0, j) * (double)AT(g, 0, j);
    const REAL norm = (REAL)sqrt(squares);
    if (!(norm > (REAL)largest)) /* a NaN is left to the check of the loss */
        return;
    const REAL factor = (REAL)largest / norm;
    for (int64_t j = 0; j < g.n_columns; j++)
        AT(g, 0, j) *= factor;
}

/* One at the first largest element of each row, zero elsewhere; a NaN is the largest. */
static void KERNEL(first_largest)(KERNEL(Matrix) out, KERNEL(Matrix) raw)
{
    for (int64_t i = 0; i < raw.n_rows; i++) {
        int64_t best = 0;
        for (int64_t j = 1; j < raw.n_columns; j++) {
            const REAL value = AT(raw, i, j), largest = AT(raw, i, best);
            if (value > largest || (value != value && largest == largest))
                best = j;
        }
        for (int64_t j = 0; j < raw.n_columns; j++)
            AT(out, i, j) = j == best;
    }
}

/* Move a running average towards the parameters by a share; a share of one copies. */
static void KERNEL(move_towards)(KERNEL(Matrix) average, KERNEL(Matrix) theta, double share)
{
    const REAL s = (REAL)share;
    for (int64_t j = 0; j < average.n_columns; j++) {
        REAL *to = &AT(average, 0, j);
        const REAL from = AT(theta, 0, j);
        *to = share == 1.0 ? from : *to + (from - *to) * s;
    }
}

/* Return the row of the table for a level of a column: others count as the nearest. */
static inline int64_t KERNEL(level_row)(REAL level, REAL first, REAL n_levels)
{
    if (!(level > 0)) /* a NaN, too */
        return (int64_t)first;
    return (int64_t)first + (level < n_levels - 1 ? (int64_t)level : (int64_t)n_levels - 1);
}

/* Copy the vector of each row's level in each column. */
static void KERNEL(look_up)(
    KERNEL(Matrix) y, KERNEL(Matrix) x, KERNEL(Matrix) table, KERNEL(Matrix) bounds)
{
    const int64_t size = table.n_columns;
    for (int64_t i = 0; i < x.n_rows; i++)
        for (int64_t d = 0; d < x.n_columns; d++) {
            const int64_t row = KERNEL(level_row)(AT(x, i, d), AT(bounds, d, 0), AT(bounds, d, 1));
            for (int64_t j = 0; j < size; j++)
                AT(y, i, d * size + j) = AT(table, row, j);
        }
}

/* Add the gradient of each row to that of its levels. */
static void KERNEL(add_at_levels)(
    KERNEL(Matrix) table, KERNEL(Matrix) dy, KERNEL(Matrix) x, KERNEL(Matrix) bounds)
{
    const int64_t size = table.n_columns;
    for (int64_t i = 0; i < table.n_rows; i++)
        for (int64_t j = 0; j < size; j++)
            AT(table, i, j) = 0;
    for (int64_t i = 0; i < x.n_rows; i++)
        for (int64_t d = 0; d < x.n_columns; d++) {
            const int64_t row = KERNEL(level_row)(AT(x, i, d), AT(bounds, d, 0), AT(bounds, d, 1));
            for (int64_t j = 0; j < size; j++)
                AT(table, row, j) += AT(dy, i, d * size + j);
        }
}

#include "_sparse.h"
#include "_warping.h"
#include "_windows.h"

#undef AT

static void KERNEL(primitive)(const int64_t *w, void *const *regions, const double *numbers,
                              const SparseRows *sparse, Share share)
{
    KERNEL(Matrix) m[4];
    m[0] = KERNEL(matrix)(w + 1, regions, numbers);
    m[1] = w[0] == SPARSE_TO_DENSE ? m[0]
                                   : KERNEL(matrix)(w + 1 + MATRIX_WORDS, regions, numbers);
    if (w[0] >= SPARSE_PRODUCT) {
        KERNEL(sparse)(w[0], m[0], m[1], sparse, share);
        return;
    }
    if (share.index > 0)
        return;
    switch (w[0]) {
    case OVERFLOW_SHIFT:
        m[2] = KERNEL(matrix)(w + 1 + 2 * MATRIX_WORDS, regions, numbers);
        KERNEL(overflow_shift)(m[0], m[1], m[2].number);
        break;
    case CLIP_BY_NORM:
        m[2] = KERNEL(matrix)(w + 1 + 2 * MATRIX_WORDS, regions, numbers);
        KERNEL(clip_by_norm)(m[0], m[2].number);
        break;
    case FIRST_LARGEST:
        KERNEL(first_largest)(m[0], m[1]);
        break;
    case MOVE_TOWARDS:
        m[2] = KERNEL(matrix)(w + 1 + 2 * MATRIX_WORDS, regions, numbers);
        KERNEL(move_towards)(m[0], m[1], m[2].number);
        break;
    case LOOK_UP:
    case ADD_AT_LEVELS:
        m[2] = KERNEL(matrix)(w + 1 + 2 * MATRIX_WORDS, regions, numbers);
        m[3] = KERNEL(matrix)(w + 1 + 3 * MATRIX_WORDS, regions, numbers);
        if (w[0] == LOOK_UP)
            KERNEL(look_up)(m[0], m[1], m[2], m[3]);
        else
            KERNEL(add_at_levels)(m[0], m[1], m[2], m[3]);
        break;
    }
}

/* Run instructions; threads wait for each other after each of them. */
static void KERNEL(run)(const Call *call, void *scratch, Share share)
{
    const int64_t *code = call->code;
    for (const int64_t *end = code + call->n_words; code < end; code += code[1]) {
        switch (code[0]) {
        case GROUP:
            KERNEL(group)(code + 2, call->regions, call->numbers, share);
            break;
        case PRODUCT:
            KERNEL(products)(code + 2, call->regions, scratch, share);
            break;
        case NOISE:
            if (share.index == 0)
                KERNEL(noise)(code + 2, call->regions, call->stream);
            break;
        case PRIMITIVE:
            KERNEL(primitive)(code + 2, call->regions, call->numbers, call->sparse, share);
            break;
        case WINDOWS:
            KERNEL(windows)(code + 2, call->regions, scratch, share);
            break;
        }
        if (share.count > 1)
            meet(share.barrier);
    }
}

/* Return the number of bytes of scratch memory that instructions need. */
static int64_t KERNEL(scratch_bytes)(const int64_t *code, int64_t n_words)
{
    int64_t most = 0;
    for (const int64_t *end = code + n_words; code < end; code += code[1])
        if (code[0] == PRODUCT) {
            const int64_t bytes =
                (int64_t)sizeof(REAL) * KERNEL(product_scratch)(code[2], code[3], code[4]);
            most = bytes > most ? bytes : most;
        } else if (code[0] == WINDOWS) {
            const int64_t bytes = KERNEL(windows_scratch)(code + 2);
            most = bytes > most ? bytes : most;
        }
    return most;
}

/* Gather the weights of a batch, divided by their sum if asked for; return the sum. */
static double KERNEL(gather_weights)(REAL *out, int64_t n_rows, const double *weight,
                                     const int64_t *order, int64_t first, int64_t normalize)
{
    double total = 0.0;
    for (int64_t i = 0; i < n_rows; i++)
        total += weight[order ? order[i] : first + i];
    const double divisor = normalize && total > 0.0 ? total : 1.0;
    for (int64_t i = 0; i < n_rows; i++)
        out[i] = (REAL)(weight[order ? order[i] : first + i] / divisor);
    return total;
}

/* Return an element of a region as a double. */
static double KERNEL(element)(void *const *regions, int64_t region, int64_t place)
{
    return region < 0 ? 0.0 : (double)((const REAL *)regions[region])[place];
}

static int KERNEL(is_finite)(const void *array, int64_t n)
{
    return KERNEL(all_finite)(n, array);
}
