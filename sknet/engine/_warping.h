/* Warping of images: see _warping.py.

   Included by the interpreter, once for each type and instruction set. Threads divide
   the images among them. */

/* The weight of the first or second neighbour of a place; a single one has all of it. */
static inline REAL KERNEL(share_of)(int64_t n, int64_t i, REAL fraction)
{
    return n == 1 ? 1 : i == 0 ? 1 - fraction : fraction;
}

/* Make the pixel of row a and column b of the image y from the image x; or give its
   gradient, which is in y, to those of x. */
static inline void KERNEL(warp_pixel)(const Windows *s, const REAL *move, int64_t a, int64_t b,
                                      REAL *x, REAL *y, int is_back)
{
    if (!is_back)
        for (int64_t i = 0; i < s->channels; i++)
            y[i] = 0;
    if (a >= move[WARP_TOP] && a < move[WARP_BOTTOM] && b >= move[WARP_LEFT] &&
        b < move[WARP_END])
        return;
    const REAL m = (REAL)0.5 * (REAL)(s->height - 1), n = (REAL)0.5 * (REAL)(s->width - 1);
    const REAL u = (REAL)a - m - move[WARP_DOWN], v = (REAL)b - n - move[WARP_RIGHT];
    const REAL r = move[WARP_COSINE] * u + move[WARP_SINE] * v + m;
    const REAL c = move[WARP_MIRROR] * (move[WARP_COSINE] * v - move[WARP_SINE] * u) + n;
    /* far outside, or not a number: it could be no integer */
    if (!(r > -2 && r < (REAL)(s->height + 1) && c > -2 && c < (REAL)(s->width + 1)))
        return;
    const REAL first = (REAL)floor(r), left = (REAL)floor(c);
    for (int64_t i = 0; i < s->h; i++)
        for (int64_t j = 0; j < s->w; j++) {
            const int64_t row = (int64_t)first + i, column = (int64_t)left + j;
            if (row < 0 || row >= s->height || column < 0 || column >= s->width)
                continue;
            REAL *at = x + (row * s->width + column) * s->channels;
            const REAL weight = KERNEL(share_of)(s->h, i, r - first) *
                                KERNEL(share_of)(s->w, j, c - left);
            for (int64_t k = 0; k < s->channels; k++)
                if (is_back)
                    at[k] += weight * y[k];
                else
                    y[k] += weight * at[k];
        }
}

/* All pixels of all images. On the way back, `out` gets the gradient of x, and `in` has
   that of y. */
static void KERNEL(warping)(int64_t code, const Windows *s, REAL *out, REAL *in,
                            const REAL *moves, Share share)
{
    const int64_t size = s->height * s->width * s->channels;
    const Range range = range_of(s->images, 1, share);
    if (code == WARP_GRADIENT && range.first < range.last)
        memset(out + range.first * size, 0, (range.last - range.first) * size * sizeof(REAL));
    for (int64_t i = range.first; i < range.last; i++) {
        REAL *to = out + i * size, *from = in + i * size;
        for (int64_t a = 0; a < s->height; a++)
            for (int64_t b = 0; b < s->width; b++) {
                const int64_t pixel = (a * s->width + b) * s->channels;
                if (code == WARP_GRADIENT)
                    KERNEL(warp_pixel)(s, moves + i * WARP_COLUMNS, a, b, to, from + pixel, 1);
                else
                    KERNEL(warp_pixel)(s, moves + i * WARP_COLUMNS, a, b, from, to + pixel, 0);
            }
    }
}
