/* Convolution and pooling of images.

   Included by the interpreter, once for each type and instruction set. Threads divide
   the images among them, or the rows of the gradient of the filters; each sum is made
   by one thread, in the order of the images. */

/* Return the images of a convolution: for the way back, those of the gradients, with
   zeros between and around them. */
static KERNEL(Image) KERNEL(image_of)(int64_t code, const Windows *s)
{
    KERNEL(Image) g = {
        .channels = s->channels, .filters = s->filters, .groups = s->groups,
        .rows = s->rows, .columns = s->columns, .sh = s->sh, .sw = s->sw,
        .h = s->h, .w = s->w, .dh = s->dh, .dw = s->dw};
    if (code == IMAGE_GRADIENT) {
        g.channels = s->filters, g.filters = s->channels;
        g.rows = s->height, g.columns = s->width;
        g.sh = g.sw = 1;
    }
    g.height = (g.rows - 1) * g.sh + (g.h - 1) * g.dh + 1;
    g.width = (g.columns - 1) * g.sw + (g.w - 1) * g.dw + 1;
    return g;
}

/* Return whether windows can be read in the image itself, which needs no zeros. */
static int KERNEL(is_in_place)(int64_t code, const Windows *s, const KERNEL(Image) *g)
{
    return code != IMAGE_GRADIENT && s->top == 0 && s->left == 0 && g->height <= s->height &&
           g->width == s->width;
}

/* Bytes of numbers at the beginning of the scratch memory. */
static int64_t KERNEL(table_bytes)(const KERNEL(Image) *g)
{
    const int64_t n = g->h * g->w * (1 + g->channels / g->groups) + g->rows;
    return (n * (int64_t)sizeof(int64_t) + 63) / 64 * 64;
}

/* Elements of an image with its zeros, up to a multiple of a vector. */
static int64_t KERNEL(image_size)(const KERNEL(Image) *g)
{
    return (g->height * g->width * g->channels + 15) / 16 * 16;
}

static int64_t KERNEL(windows_scratch)(const int64_t *w)
{
    if (w[0] > IMAGE_GRADIENT)
        return (int64_t)sizeof(REAL) * ((const Windows *)(w + 1))->channels;
    const KERNEL(Image) g = KERNEL(image_of)(w[0], (const Windows *)(w + 1));
    const int64_t depth = w[0] == FILTER_GRADIENT ? g.rows * g.columns
                                                  : g.h * g.w * g.channels / g.groups;
    return KERNEL(table_bytes)(&g) + (int64_t)sizeof(REAL) * (KERNEL(image_size)(&g) +
               KERNEL(panels_size)(g.filters / g.groups, depth) * g.groups);
}

/* Put an image where its windows are read: with zeros around it, unless none are needed.
   `to` is filled with zeros outside of the image already. */
static const REAL *KERNEL(with_zeros)(int64_t code, const Windows *s, const KERNEL(Image) *g,
                                      const REAL *from, REAL *to)
{
    if (KERNEL(is_in_place)(code, s, g))
        return from;
    if (code == IMAGE_GRADIENT)
        KERNEL(place_image)(from, s->rows, s->columns, g->channels, to, g->height, g->width,
                            (s->h - 1) * s->dh - s->top, (s->w - 1) * s->dw - s->left,
                            s->sh, s->sw);
    else
        KERNEL(place_image)(from, s->height, s->width, g->channels, to, g->height, g->width,
                            s->top, s->left, 1, 1);
    return to;
}

/* `a` are images, or the gradients of the outputs on the way back; `b` are filters, or
   the gradients of the outputs for the gradient of the filters. */
static void KERNEL(convolution)(int64_t code, const Windows *s, REAL *out, const REAL *a,
                                const REAL *b, void *scratch, Share share)
{
    const KERNEL(Image) g = KERNEL(image_of)(code, s);
    const int64_t own = g.h * g.w * g.channels / g.groups, of_a = code == IMAGE_GRADIENT
        ? s->rows * s->columns * s->filters : s->height * s->width * s->channels;
    const int64_t n_windows = g.rows * g.columns * g.filters;
    const int by_rows = code == FILTER_GRADIENT;
    const Range range = by_rows ? range_of(own, ROWS_AT_ONCE, share)
                                : range_of(s->images, 1, share);
    if (range.first >= range.last)
        return;
    int64_t *tables = scratch;
    REAL *image = (REAL *)((char *)scratch + KERNEL(table_bytes)(&g));
    REAL *panels = image + KERNEL(image_size)(&g);
    memset(image, 0, KERNEL(image_size)(&g) * sizeof(REAL));
    if (code == CONVOLVE)
        KERNEL(pack_filters)(&g, b, panels);
    if (code == IMAGE_GRADIENT)
        KERNEL(pack_turned)(&g, b, panels);
    for (int64_t i = by_rows ? 0 : range.first; i < (by_rows ? s->images : range.last); i++) {
        const REAL *from = KERNEL(with_zeros)(code, s, &g, a + i * of_a, image);
        if (by_rows) {
            KERNEL(pack_gradients)(&g, b + i * n_windows, panels);
            KERNEL(add_filter_gradient)(&g, from, panels, out, range.first, range.last, i > 0,
                                        tables);
        } else
            KERNEL(convolve_image)(&g, from, panels, out + i * n_windows, tables);
    }
}

/* ------------------------------------------------------------------------- pooling */

/* The elements of a window: those of position k, for all channels, are at
   from + offset(k). */
static inline int64_t KERNEL(offset)(const Windows *s, int64_t k)
{
    return (k / s->w * s->width + k % s->w) * s->channels;
}

static inline REAL KERNEL(positive)(REAL x)
{
    return x > 0 || x != x ? x : 0;
}

static void KERNEL(max_of_window)(const Windows *s, REAL *y, const REAL *x)
{
    const int64_t n = s->channels;
    memcpy(y, x, n * sizeof(REAL));
    for (int64_t k = 1; k < s->h * s->w; k++) {
        const REAL *part = x + KERNEL(offset)(s, k);
        for (int64_t c = 0; c < n; c++)
            y[c] = y[c] >= part[c] || y[c] != y[c] ? y[c] : part[c];
    }
}

static void KERNEL(max_of_window_back)(const Windows *s, REAL *dx, const REAL *x, const REAL *y,
                                       const REAL *dy, REAL *open)
{
    const int64_t n = s->channels;
    for (int64_t c = 0; c < n; c++)
        open[c] = 1;
    for (int64_t k = 0; k < s->h * s->w; k++) {
        const int64_t offset = KERNEL(offset)(s, k);
        const REAL *part = x + offset;
        REAL *grad = dx + offset;
        for (int64_t c = 0; c < n; c++) {
            const REAL chosen = part[c] == y[c] ? open[c] : 0;
            open[c] -= chosen;
            grad[c] += chosen * dy[c];
        }
    }
}

static void KERNEL(mean_of_window)(const Windows *s, REAL *y, const REAL *x)
{
    const int64_t n = s->channels, size = s->h * s->w;
    const REAL share = (REAL)(1.0 / (double)size);
    memset(y, 0, n * sizeof(REAL));
    for (int64_t k = 0; k < size; k++) {
        const REAL *part = x + KERNEL(offset)(s, k);
        for (int64_t c = 0; c < n; c++)
            y[c] += part[c];
    }
    for (int64_t c = 0; c < n; c++)
        y[c] *= share;
}

static void KERNEL(mean_of_window_back)(const Windows *s, REAL *dx, const REAL *dy)
{
    for (int64_t k = 0; k < s->h * s->w; k++) {
        REAL *grad = dx + KERNEL(offset)(s, k);
        for (int64_t c = 0; c < s->channels; c++)
            grad[c] += dy[c];
    }
}

/* The drawn element of a window for a channel: its position, or -1 if all are zero. */
static inline int64_t KERNEL(drawn)(const Windows *s, const REAL *x, REAL noise)
{
    const int64_t size = s->h * s->w;
    REAL total = 0, so_far = 0;
    for (int64_t k = 0; k < size; k++)
        total += KERNEL(positive)(x[KERNEL(offset)(s, k)]);
    total *= noise;
    for (int64_t k = 0; k < size; k++) {
        so_far += KERNEL(positive)(x[KERNEL(offset)(s, k)]);
        if (so_far > total)
            return k;
    }
    return -1;
}

static inline REAL KERNEL(sum_of_positive)(const Windows *s, const REAL *x)
{
    REAL total = 0;
    for (int64_t k = 0; k < s->h * s->w; k++)
        total += KERNEL(positive)(x[KERNEL(offset)(s, k)]);
    return total == 0 ? 1 : total;
}

/* The element of the output for one window and one channel, or its way back. `u` is the
   noise or the output. */
static void KERNEL(drawn_element)(int64_t code, const Windows *s, REAL *out, const REAL *x,
                                  const REAL *u, const REAL *dy)
{
    const int64_t size = s->h * s->w;
    if (code == DRAWN_POOL || code == DRAWN_POOL_GRADIENT) {
        const int64_t k = KERNEL(drawn)(s, x, *u);
        if (code == DRAWN_POOL)
            /* without a drawn element, zero, unless the sum is not finite */
            *out = k < 0 ? 0 * KERNEL(sum_of_positive)(s, x) : x[KERNEL(offset)(s, k)];
        else if (k >= 0)
            out[KERNEL(offset)(s, k)] += *dy;
        return;
    }
    const REAL total = KERNEL(sum_of_positive)(s, x);
    if (code == WEIGHTED_POOL)
        *out = 0;
    for (int64_t k = 0; k < size; k++) {
        const int64_t offset = KERNEL(offset)(s, k);
        const REAL part = x[offset];
        if (code == WEIGHTED_POOL)
            *out += KERNEL(positive)(part) / total * KERNEL(positive)(part);
        else if (part > 0)
            out[offset] += (part * 2 - *u) / total * *dy;
    }
}

/* All windows of all images. A gradient is that of x, of which `out` is a copy in shape. */
static void KERNEL(pooling)(int64_t code, const Windows *s, REAL *const *at, void *scratch,
                            Share share)
{
    const int is_back = (code - MAX_POOL) % 2;
    const int64_t n = s->channels, of_x = s->height * s->width * n, of_y = s->rows * s->columns * n;
    const Range range = range_of(s->images, 1, share);
    REAL *out = at[0];
    if (is_back && range.first < range.last)
        memset(out + range.first * of_x, 0, (range.last - range.first) * of_x * sizeof(REAL));
    for (int64_t i = range.first; i < range.last; i++)
        for (int64_t row = 0; row < s->rows; row++)
            for (int64_t column = 0; column < s->columns; column++) {
                const int64_t x = i * of_x + (row * s->sh * s->width + column * s->sw) * n;
                const int64_t y = i * of_y + (row * s->columns + column) * n;
                switch (code) {
                case MAX_POOL:
                    KERNEL(max_of_window)(s, out + y, at[1] + x);
                    break;
                case MAX_POOL_GRADIENT:
                    KERNEL(max_of_window_back)(s, out + x, at[1] + x, at[2] + y, at[3] + y, scratch);
                    break;
                case MEAN_POOL:
                    KERNEL(mean_of_window)(s, out + y, at[1] + x);
                    break;
                case MEAN_POOL_GRADIENT:
                    KERNEL(mean_of_window_back)(s, out + x, at[1] + y);
                    break;
                default:
                    for (int64_t c = 0; c < n; c++)
                        KERNEL(drawn_element)(code, s, out + c + (is_back ? x : y), at[1] + x + c,
                                              at[2] ? at[2] + y + c : NULL,
                                              at[3] ? at[3] + y + c : NULL);
                }
            }
}

/* Run the instruction: its code, the windows, and places of the operands. */
static void KERNEL(windows)(const int64_t *w, void *const *regions, void *scratch, Share share)
{
    const Windows *s = (const Windows *)(w + 1);
    const int64_t *places = w + 1 + WINDOWS_WORDS;
    REAL *at[4] = {NULL};
    for (int64_t i = 0; i < 4; i++, places += 2)
        if (places[0] >= 0)
            at[i] = (REAL *)regions[places[0]] + places[1];
    if (w[0] <= IMAGE_GRADIENT)
        KERNEL(convolution)(w[0], s, at[0], at[1], at[2], scratch, share);
    else if (w[0] >= WARP)
        KERNEL(warping)(w[0], s, at[0], at[1], at[2], share);
    else
        KERNEL(pooling)(w[0], s, at, scratch, share);
}
