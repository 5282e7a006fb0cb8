/* Convolutions: products whose first matrix are the windows of an image, read in place.
 *
 * Included by _kernels.h, after the products. A tile computes the outputs of some
 * windows for some filters. The elements of a window lie in runs of `depth` elements, at
 * the same distances from the beginning of each window.
 */

#define LEAST(x, y) ((x) < (y) ? (x) : (y))
/* Windows whose gradients are summed before the next filters are taken. */
#define BAND_WINDOWS 256

/* The windows of one image for a product. */
typedef struct {
    int64_t height, width;      /* of the image in memory, with its zeros */
    int64_t channels, filters, groups;
    int64_t rows, columns;      /* numbers of windows */
    int64_t sh, sw;             /* strides of windows */
    int64_t h, w, dh, dw;       /* positions in a window, and their distances */
} KERNEL(Image);

typedef struct {
    const REAL *a[TILE_ROWS], *b;
    REAL *c;
    const int64_t *runs;
    int64_t n_runs, depth, acs, crs;
    int continued; /* C holds earlier sums */
} KERNEL(window_tile);

/* `rows` and `vectors` are constants wherever this is inlined. */
INLINE void KERNEL(window_product)(const KERNEL(window_tile) *t, int rows, int vectors)
{
    VECTOR sum[TILE_ROWS][TILE_VECTORS];
    const REAL *a[TILE_ROWS], *b = t->b;
    REAL *c = t->c;
    const int64_t crs = t->crs, acs = t->acs, length = t->depth * acs;
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
        a[r] = t->a[r];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            sum[r][v] = (VECTOR){0};
    }
    for (int64_t i = 0; i < t->n_runs; i++) {
        const int64_t first = t->runs[i], end = first + length;
        for (int64_t q = first; q < end; q += acs) {
            VECTOR y[TILE_VECTORS];
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                y[v] = LOAD(b + v * WIDTH);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                VECTOR x = SPREAD(a[r][q]);
#pragma GCC unroll 3
                for (int v = 0; v < vectors; v++)
                    ADD_PRODUCT(sum[r][v], x, y[v]);
            }
            b += TILE_COLUMNS;
        }
    }
    if (t->continued)
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                sum[r][v] += LOAD(c + r * crs + v * WIDTH);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            STORE(c + r * crs + v * WIDTH, sum[r][v]);
}

#define TILE_CASE(rows, vectors) \
    case 4 * rows + vectors: \
        KERNEL(window_product)(t, rows, vectors); \
        break;
#if VECTOR_BYTES == 64
#define TILE_CASES(rows) TILE_CASE(rows, 1) TILE_CASE(rows, 2) TILE_CASE(rows, 3)
#else
#define TILE_CASES(rows) TILE_CASE(rows, 1) TILE_CASE(rows, 2)
#endif

static void KERNEL(whole_window_tile)(const KERNEL(window_tile) *t, int64_t rows, int64_t vectors)
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

#undef TILE_CASE
#undef TILE_CASES

/* A tile of any number of columns. */
static void KERNEL(any_window_tile)(KERNEL(window_tile) *t, int64_t rows, int64_t cols, REAL *c, int64_t crs)
{
    _Alignas(64) REAL copy[TILE_ROWS * TILE_BYTES / sizeof(REAL)];
    const int64_t vectors = (cols + WIDTH - 1) / WIDTH;
    t->c = c;
    t->crs = crs;
    if (cols % WIDTH == 0) {
        KERNEL(whole_window_tile)(t, rows, vectors);
        return;
    }
    t->c = copy;
    t->crs = TILE_COLUMNS;
    if (t->continued)
        KERNEL(fetch_tile)(rows, cols, copy, c, crs, 1);
    KERNEL(whole_window_tile)(t, rows, vectors);
    KERNEL(store_tile)(rows, cols, copy, c, crs, 1);
}

/* Copy an image into a larger one, from a row and a column on, with gaps between its
 * elements. What does not fit is left out. */
static void KERNEL(place_image)(const REAL *from, int64_t height, int64_t width, int64_t channels, REAL *to,
                                int64_t to_height, int64_t to_width, int64_t top, int64_t left, int64_t sh,
                                int64_t sw)
{
    for (int64_t i = 0; i < height; i++) {
        const int64_t row = top + i * sh;
        if (row < 0 || row >= to_height)
            continue;
        for (int64_t j = 0; j < width; j++) {
            const int64_t column = left + j * sw;
            if (column < 0 || column >= to_width)
                continue;
            const int64_t n = sw == 1 ? LEAST(width - j, to_width - column) : 1;
            memcpy(to + (row * to_width + column) * channels, from + (i * width + j) * channels,
                   (size_t)(n * channels) * sizeof(REAL));
            j += n - 1;
        }
    }
}

/* Elements of the panels of the filters of a group. */
static int64_t KERNEL(panels_size)(int64_t filters, int64_t depth)
{
    return (filters + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS * depth;
}

/* The runs of a window: the lines of its positions if there are no gaps in them. */
static int64_t KERNEL(runs_of)(const KERNEL(Image) *g, int64_t *runs, int64_t *depth)
{
    const int64_t own = g->channels / g->groups;
    const int lines = g->dw == 1 && g->groups == 1;
    int64_t n = 0;
    *depth = lines ? g->w * own : own;
    for (int64_t i = 0; i < g->h; i++)
        for (int64_t j = 0; j < (lines ? 1 : g->w); j++)
            runs[n++] = (i * g->dh * g->width + j * g->dw) * g->channels;
    return n;
}

/* The outputs of all windows of an image for filters in panels. */
static void KERNEL(convolve_image)(const KERNEL(Image) *g, const REAL *image, const REAL *panels, REAL *out,
                                   int64_t *runs)
{
    const int64_t own = g->channels / g->groups, filters = g->filters / g->groups;
    const int64_t size = g->h * g->w * own, n_windows = g->rows * g->columns;
    KERNEL(window_tile) t = {.runs = runs, .acs = 1, .continued = 0, .b = panels};
    t.n_runs = KERNEL(runs_of)(g, runs, &t.depth);
    for (int64_t group = 0; group < g->groups; group++)
        for (int64_t j = 0; j < filters; j += TILE_COLUMNS, t.b += size * TILE_COLUMNS) {
            const int64_t cols = LEAST(filters - j, TILE_COLUMNS);
            int64_t row = 0, column = 0;
            for (int64_t i = 0; i < n_windows; i += TILE_ROWS) {
                const int64_t rows = LEAST(n_windows - i, TILE_ROWS);
                for (int64_t r = 0; r < rows; r++) {
                    t.a[r] = image + (row * g->sh * g->width + column * g->sw) * g->channels + group * own;
                    if (++column == g->columns)
                        column = 0, row++;
                }
                KERNEL(any_window_tile)(&t, rows, cols, out + i * g->filters + group * filters + j, g->filters);
            }
        }
}

/* Panels of filters: columns of a matrix (h * w * channels / groups, filters). */
static void KERNEL(pack_filters)(const KERNEL(Image) *g, const REAL *weight, REAL *to)
{
    const int64_t own = g->channels / g->groups, filters = g->filters / g->groups;
    const int64_t size = g->h * g->w * own;
    for (int64_t group = 0; group < g->groups; group++)
        for (int64_t j = 0; j < filters; j += TILE_COLUMNS, to += size * TILE_COLUMNS)
            KERNEL(pack)(size, LEAST(filters - j, TILE_COLUMNS), weight + group * filters + j, g->filters, 1, to);
}

/* Panels of the filters of the way back, from the outputs to the channels: `g` has both
 * exchanged. The positions of a window are in reverse order. */
static void KERNEL(pack_turned)(const KERNEL(Image) *g, const REAL *weight, REAL *to)
{
    const int64_t own = g->channels / g->groups, out = g->filters / g->groups, places = g->h * g->w;
    for (int64_t group = 0; group < g->groups; group++)
        for (int64_t j = 0; j < out; j += TILE_COLUMNS)
            for (int64_t p = places - 1; p >= 0; p--, to += own * TILE_COLUMNS)
                KERNEL(pack)(own, LEAST(out - j, TILE_COLUMNS),
                             weight + (p * out + j) * g->channels + group * own, 1, g->channels, to);
}

/* Panels of the gradients of all windows of an image. */
static void KERNEL(pack_gradients)(const KERNEL(Image) *g, const REAL *dy, REAL *to)
{
    const int64_t filters = g->filters / g->groups, n = g->rows * g->columns;
    for (int64_t group = 0; group < g->groups; group++)
        for (int64_t j = 0; j < filters; j += TILE_COLUMNS, to += n * TILE_COLUMNS)
            KERNEL(pack)(n, LEAST(filters - j, TILE_COLUMNS), dy + group * filters + j, g->filters, 1, to);
}

/* Add the gradient of an image to rows `first` to `last` of that of the filters. */
static void KERNEL(add_filter_gradient)(const KERNEL(Image) *g, const REAL *image, const REAL *panels, REAL *out,
                                        int64_t first, int64_t last, int continued, int64_t *tables)
{
    const int64_t own = g->channels / g->groups, filters = g->filters / g->groups;
    const int64_t n_windows = g->rows * g->columns, band = LEAST(g->rows, 1 + BAND_WINDOWS / g->columns);
    int64_t *offsets = tables, *runs = tables + g->h * g->w * own, n = 0;
    for (int64_t i = 0; i < g->h; i++)
        for (int64_t j = 0; j < g->w; j++)
            for (int64_t c = 0; c < own; c++)
                offsets[n++] = (i * g->dh * g->width + j * g->dw) * g->channels + c;
    for (int64_t i = 0; i < g->rows; i++)
        runs[i] = i * g->sh * g->width * g->channels;
    KERNEL(window_tile) t = {.depth = g->columns, .acs = g->sw * g->channels};
    for (int64_t group = 0; group < g->groups; group++)
        for (int64_t j = 0; j < filters; j += TILE_COLUMNS, panels += n_windows * TILE_COLUMNS)
            for (int64_t row = 0; row < g->rows; row += band) {
                t.continued = continued || row > 0;
                t.runs = runs + row;
                t.n_runs = LEAST(g->rows - row, band);
                t.b = panels + row * g->columns * TILE_COLUMNS;
                for (int64_t i = first; i < last; i += TILE_ROWS) {
                    const int64_t rows = LEAST(last - i, TILE_ROWS);
                    for (int64_t r = 0; r < rows; r++)
                        t.a[r] = image + offsets[i + r] + group * own;
                    KERNEL(any_window_tile)(&t, rows, LEAST(filters - j, TILE_COLUMNS),
                                            out + i * g->filters + group * filters + j, g->filters);
                }
            }
}

#undef LEAST
#undef BAND_WINDOWS
