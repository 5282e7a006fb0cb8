/* What Python and the machine share: the layout of a job, and the words of a program.

   All fields are 8 bytes wide, so that Python fills a job as an array of integers; the
   names and their order are in machine.py, and a test compares both. */

#ifndef SKNET_MACHINE_H
#define SKNET_MACHINE_H

#include <stdint.h>

/* Raised with every change of this file or of the words of a program. */
#define MACHINE_VERSION 9

/* NumPy's interface to a bit generator (numpy/random/bitgen.h), which is stable. */
typedef struct {
    void *state;
    uint64_t (*next_uint64)(void *state);
    uint32_t (*next_uint32)(void *state);
    double (*next_double)(void *state);
    uint64_t (*next_raw)(void *state);
} BitGenerator;

/* Instructions; each begins with its code and its number of words. */
enum { GROUP = 1, PRODUCT = 2, NOISE = 3, PRIMITIVE = 4, WINDOWS = 5 };

/* An operand of a group is a region, or -1 for a number; a position; strides of rows, of
   the outer and of the inner axis of a row. A matrix of a primitive is a region, a
   position, numbers of rows and columns, and their strides. */
enum { OPERAND_WORDS = 5, OPERATION_WORDS = 4 + 3 * OPERAND_WORDS, MATRIX_WORDS = 6 };

/* The first code of the elementwise operations with two operands. */
enum { FIRST_BINARY = 30 };

/* Codes of reductions inside a group, after those of elementwise operations. */
enum { ROW_SUM = 100, ROW_MAX = 101 };

/* Codes of the operations that need whole arrays. */
enum {
    OVERFLOW_SHIFT,
    CLIP_BY_NORM,
    FIRST_LARGEST,
    MOVE_TOWARDS,
    LOOK_UP,
    ADD_AT_LEVELS,
    SPARSE_PRODUCT,
    SPARSE_TRANSPOSED,
    SPARSE_TO_DENSE
};

/* Codes of the operations on windows of images: each with its gradients. */
enum {
    CONVOLVE,
    FILTER_GRADIENT,
    IMAGE_GRADIENT,
    MAX_POOL,
    MAX_POOL_GRADIENT,
    MEAN_POOL,
    MEAN_POOL_GRADIENT,
    DRAWN_POOL,
    DRAWN_POOL_GRADIENT,
    WEIGHTED_POOL,
    WEIGHTED_POOL_GRADIENT,
    WARP,
    WARP_GRADIENT
};

/* What is done to each image that is warped, as columns; see _warping.py. */
enum {
    WARP_COSINE,
    WARP_SINE,
    WARP_MIRROR,
    WARP_DOWN,
    WARP_RIGHT,
    WARP_TOP,
    WARP_BOTTOM,
    WARP_LEFT,
    WARP_END,
    WARP_COLUMNS
};

/* The windows of images, as words of an instruction. */
typedef struct {
    int64_t images, height, width, channels;
    int64_t rows, columns, filters; /* of the output */
    int64_t groups;
    int64_t h, w, sh, sw;       /* positions of a window, and distances of windows */
    int64_t top, left;          /* rows and columns of zeros before the image */
    int64_t dh, dw;             /* distances of positions */
} Windows;

enum { WINDOWS_WORDS = sizeof(Windows) / sizeof(int64_t) };

/* Rows of a sparse matrix (CSR). */
typedef struct {
    const void *values;
    int64_t values_type;        /* see the types of gather */
    const void *columns, *starts;
    int64_t index_bytes;        /* 4 or 8, of columns and starts */
    const int64_t *order;       /* as for dense rows */
    const int64_t *places;
    int64_t first;
    int64_t n_rows;             /* further rows of the result are those of zeros */
} SparseRows;

/* The regions: what a program computes on. */
enum { WORK, CONSTANT, THETA, AVERAGE, SLOTS, N_SLOTS = 4, N_REGIONS = SLOTS + N_SLOTS };

/* A step on a batch of a certain size. Positions are in elements of a region. */
typedef struct {
    int64_t n_rows;
    const int64_t *numbers;     /* calculations with numbers, 4 words each */
    int64_t n_numbers;
    const int64_t *gradient;    /* value and gradient */
    int64_t n_gradient;
    const int64_t *update;      /* from the gradient to new parameters */
    int64_t n_update;
    const int64_t *averaging;   /* the running average */
    int64_t n_averaging;
    void *constants;
    int64_t x, y, weight;       /* positions of the batch in the region WORK */
    int64_t data_region, data;  /* where the two terms of the loss are */
    int64_t penalty_region, penalty;
    int64_t t, rate, total, share; /* places of the numbers that change, or -1 */
} Program;

/* One network in training. */
typedef struct {
    void *regions[N_REGIONS];   /* WORK and CONSTANT are set by the machine */
    BitGenerator *shuffles;
    BitGenerator *noise;
    int64_t *order;             /* row numbers, permuted in every epoch, or NULL */
    const int64_t *places;      /* rows of x, or NULL if they are those of y */
    const char *x;              /* values, if x is sparse */
    const void *x_columns, *x_starts;
    const char *y;
    const double *weight;       /* or NULL */
    double *numbers[2];         /* of the program for full batches, and for the last */
    const double *rates;        /* (epochs, rates_per_epoch) */
    const double *shares;       /* (epochs, shares_per_epoch) */
    double *losses;             /* (epochs,) */
    int64_t t;
    int64_t epoch, batch;       /* what is done of the job */
    int64_t n_counted;          /* rows of this epoch that are in the total */
    double total;               /* the loss of this epoch */
    int64_t n_epochs;           /* how many it makes at most in this job */
    void *before, *best;        /* parameters before an epoch, and before the best one;
                                   or NULL */
    int64_t has_best;
    double best_loss;           /* the stopping rule; see Monitor in monitor.py */
    double tol, patience, growth;
    int64_t n_no_improvement;
    int64_t n_judged;           /* epochs that count for patience */
    int64_t n_seen;             /* rows of the last epoch, all unless it was lost */
    int64_t is_lost;            /* whether something is no longer finite */
} Member;

/* Epochs of some members, one after the other. */
typedef struct {
    const Program *programs[2];
    Member *members;
    int64_t n_members;
    int64_t n_batches;
    int64_t is_double;
    int64_t kernels;            /* index of the instruction set */
    int64_t shuffle;
    int64_t n_order;            /* rows of an epoch */
    int64_t n_features, n_targets;
    int64_t x_type;             /* see the types of gather */
    int64_t x_step;             /* bytes from one row of x to the next */
    int64_t x_column_step;      /* and from one column to the next */
    int64_t index_bytes;        /* of sparse x; 0 if x is dense */
    int64_t normalize;          /* whether weights are divided by their sum */
    int64_t rates_per_epoch, shares_per_epoch;
    int64_t stops;              /* whether the stopping rule is applied */
    int64_t n_parameters, n_slots, n_trainable;
    double report;              /* factor from the minimised to the reported loss */
    void *work;
    void *scratch;
    int64_t look_every;         /* batches between two looks at the clock */
    int64_t nanoseconds;        /* the job is interrupted after this time */
    int64_t current;            /* the member in training */
    int64_t n_threads;          /* that make a step together */
    int64_t scratch_step;       /* bytes of scratch memory of each thread */
    struct Team *team;          /* set by the machine */
} Job;

/* The forward pass of a network, for a number of rows. */
typedef struct {
    int64_t n_rows;
    const int64_t *code;
    int64_t n_code;
    void *constants;
    const double *numbers;
    int64_t x, raw;             /* positions in the region WORK */
    int64_t checked, n_checked; /* position of raw outputs, and how many a row has */
} Forward;

/* Raw outputs of one network for some rows. */
typedef struct {
    const Forward *many, *some, *one; /* programs for many rows, some, and a single one */
    int64_t is_double;
    int64_t kernels;
    void *theta;
    const char *x;              /* values, if x is sparse */
    const void *x_columns, *x_starts;
    int64_t index_bytes;        /* as in Job */
    int64_t x_type, x_step, x_column_step;
    int64_t n_features;
    const int64_t *order;       /* row numbers, or NULL for all rows */
    const int64_t *places;      /* as in Member */
    int64_t first, last;        /* the rows to predict */
    char *out;                  /* (n_heads, rows of all calls, n_outputs) */
    int64_t out_is_double;
    int64_t head_step;          /* elements from one head of the output to the next */
    int64_t n_heads, n_outputs;
    void *work;
    void *scratch;
    int64_t is_finite;          /* set: whether all raw outputs are */
} Prediction;

#endif
