/* The machine: trains networks by recorded programs, without Python.

   It has no state of its own and allocates nothing, so that any number of threads may use
   it at once. */

#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "_machine.h"

#include "_threads.h"

/* Number of steps between two checks of whether the loss is still finite, as in NumPy. */
enum { LOOK_EVERY = 64 };

#define EXPORTED __attribute__((visibility("default")))

/* Types of the features, in the order of FEATURE_TYPES in machine.py. */
enum {
    TYPE_FLOAT, TYPE_DOUBLE, TYPE_INT8, TYPE_INT16, TYPE_INT32, TYPE_INT64,
    TYPE_UINT8, TYPE_UINT16, TYPE_UINT32, TYPE_UINT64
};
static const int64_t SIZES[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8};

/* ---------------------------------------------------------------- instruction sets */

#define PASTE2(a, b) a##_##b
#define PASTE(a, b) PASTE2(a, b)
#define KERNEL(name) PASTE(name, SET)

#define INSTRUCTIONS baseline
#define VECTOR_BYTES 16
#define USE_FMA 0
#include "_both_types.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_AVX 1

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define INSTRUCTIONS avx2
#define VECTOR_BYTES 32
#define USE_FMA 1
#include "_both_types.h"
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma"))), \
                             apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,fma")
#endif
#define INSTRUCTIONS avx512
#define VECTOR_BYTES 64
#define USE_FMA 1
#include "_both_types.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

/* The functions of an instruction set, for one type. */
typedef struct {
    Run run;
    void (*gather)(void *, int64_t, int64_t, const char *, int64_t, int64_t, int64_t,
                   const int64_t *, const int64_t *, int64_t);
    double (*gather_weights)(void *, int64_t, const double *, const int64_t *, int64_t, int64_t);
    double (*element)(void *const *, int64_t, int64_t);
    int (*is_finite)(const void *, int64_t);
    int64_t (*scratch_bytes)(const int64_t *, int64_t);
} Functions;

#define FUNCTIONS(SET)                                                              \
    {run_##SET, (void *)gather_##SET, (void *)gather_weights_##SET, element_##SET,  \
     is_finite_##SET, scratch_bytes_##SET}

static const Functions FUNCTIONS[][2] = {
    {FUNCTIONS(baseline_float), FUNCTIONS(baseline_double)},
#ifdef HAS_AVX
    {FUNCTIONS(avx2_float), FUNCTIONS(avx2_double)},
    {FUNCTIONS(avx512_float), FUNCTIONS(avx512_double)},
#endif
};

/* Return the number of instruction sets that this processor has. */
EXPORTED int64_t sknet_machine_kernels(void)
{
#ifdef HAS_AVX
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return 1;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")
               ? 3 : 2;
#endif
    return 1;
}

/* Return the name of an instruction set. */
EXPORTED const char *sknet_machine_kernel_name(int64_t kernels)
{
    static const char *const names[] = {"baseline", "AVX2", "AVX-512"};
    return names[kernels];
}

/* Return the name of the instruction set in use, the best that the processor has. */
EXPORTED const char *sknet_machine_instruction_set(void)
{
    return sknet_machine_kernel_name(sknet_machine_kernels() - 1);
}

EXPORTED int64_t sknet_machine_version(void)
{
    return MACHINE_VERSION;
}

/* Return the number of bytes of scratch memory that instructions need. */
EXPORTED int64_t sknet_machine_scratch(
    int64_t kernels, int64_t is_double, const int64_t *code, int64_t n_words)
{
    return FUNCTIONS[kernels][is_double].scratch_bytes(code, n_words);
}

/* ------------------------------------------------------------------------ training */

/* Permute an order as NumPy's RandomState.shuffle does, with the same draws. */
static void shuffle(int64_t *order, int64_t n, BitGenerator *stream)
{
    for (int64_t i = n - 1; i > 0; i--) {
        uint64_t mask = (uint64_t)i, j;
        for (int bits = 1; bits < 64; bits *= 2)
            mask |= mask >> bits;
        do
            j = mask <= 0xffffffffu ? (stream->next_uint32(stream->state) & mask)
                                    : (stream->next_uint64(stream->state) & mask);
        while (j > (uint64_t)i);
        const int64_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

/* Calculate the numbers that change from step to step. */
static void calculate(const int64_t *words, int64_t n, double *numbers)
{
    for (; n > 0; n--, words += 4) {
        const double a = numbers[words[2]], b = numbers[words[3]];
        double result = 0.0;
        switch (words[0]) {
        case 0: result = a + b; break;
        case 1: result = a - b; break;
        case 2: result = a * b; break;
        case 3: result = a / b; break;
        case 4: result = pow(a, b); break;
        }
        numbers[words[1]] = result;
    }
}

static void set(double *numbers, int64_t place, double value)
{
    if (place >= 0)
        numbers[place] = value;
}

/* Return the value of this step from a table with one or several values per epoch. */
static double of_step(const double *table, int64_t per_epoch, const Member *m)
{
    return table[m->epoch * per_epoch + (per_epoch > 1 ? m->batch : 0)];
}

/* Run instructions for a member. */
static void run(const Job *job, const int64_t *code, int64_t n_words, Member *m,
                const double *numbers, const SparseRows *sparse)
{
    const Call call = {code, n_words, m->regions, numbers, m->noise, sparse};
    run_by_team(job->team, &call);
}

/* Make one step of a member; a batch of weight zero leaves everything as it is. */
static void step(const Job *job, const Functions *f, Member *m)
{
    const int is_last = m->batch + 1 == job->n_batches;
    const Program *p = job->programs[is_last];
    double *numbers = m->numbers[is_last];
    const int64_t first = m->batch * job->programs[0]->n_rows;
    const int64_t *order = m->order ? m->order + first : NULL;
    const int64_t size = job->is_double ? sizeof(double) : sizeof(float);
    char *work = job->work;
    m->regions[CONSTANT] = p->constants;
    double total = (double)p->n_rows;
    if (m->weight) {
        total = f->gather_weights(work + p->weight * size, p->n_rows, m->weight, order,
                                  first, job->normalize);
        if (total == 0.0)
            return;
    }
    /* Like targets, sparse values have the type of the computation. */
    const SparseRows sparse = {m->x, job->is_double, m->x_columns, m->x_starts,
                               job->index_bytes, order, m->places, first, p->n_rows};
    if (!job->index_bytes)
        f->gather(work + p->x * size, p->n_rows, job->n_features, m->x, job->x_type,
                  job->x_step, job->x_column_step, order, m->places, first);
    f->gather(work + p->y * size, p->n_rows, job->n_targets, m->y, job->is_double,
              job->n_targets * size, size, order, NULL, first);
    m->t++;
    set(numbers, p->t, (double)m->t);
    set(numbers, p->rate, of_step(m->rates, job->rates_per_epoch, m));
    set(numbers, p->total, total);
    calculate(p->numbers, p->n_numbers, numbers);
    run(job, p->gradient, p->n_gradient, m, numbers, &sparse);
    const double data = f->element(m->regions, p->data_region, p->data);
    const double penalty = f->element(m->regions, p->penalty_region, p->penalty);
    m->total += (job->report * data + penalty) * (double)p->n_rows;
    m->n_counted += p->n_rows;
    run(job, p->update, p->n_update, m, numbers, NULL);
    if (p->n_averaging && job->shares_per_epoch > 1) {
        set(numbers, p->share, of_step(m->shares, job->shares_per_epoch, m));
        run(job, p->averaging, p->n_averaging, m, numbers, NULL);
    }
}

/* Apply the stopping rule to a loss, as Monitor does; keep the parameters before the best
   epoch. On a plateau the member makes no further epoch in this job. */
static void judge(const Job *job, Member *m, double loss)
{
    const int64_t bytes = job->n_parameters * (job->is_double ? sizeof(double) : sizeof(float));
    const int is_enough = loss <= m->best_loss - m->tol;
    if (loss < m->best_loss) {
        m->best_loss = loss;
        if (m->best) {
            memcpy(m->best, m->before, bytes);
            m->has_best = 1;
        }
    }
    m->n_judged++;
    m->n_no_improvement = is_enough ? 0 : m->n_no_improvement + 1;
    const double n_before = (double)(m->n_judged - m->n_no_improvement);
    if ((double)m->n_no_improvement > m->patience + m->growth * n_before)
        m->n_epochs = m->epoch + 1;
}

/* Finish an epoch: the average, if it is one of epochs, the loss, and whether everything
   is still finite. */
static void end_epoch(const Job *job, const Functions *f, Member *m)
{
    const Program *p = job->programs[0];
    if (p->n_averaging && job->shares_per_epoch == 1) {
        m->regions[CONSTANT] = p->constants;
        set(m->numbers[0], p->share, m->shares[m->epoch]);
        run(job, p->averaging, p->n_averaging, m, m->numbers[0], NULL);
    }
    const double loss = m->total / (double)(m->n_counted > 1 ? m->n_counted : 1);
    m->is_lost = !isfinite(loss) || !f->is_finite(m->regions[THETA], job->n_parameters);
    for (int64_t i = 0; i < job->n_slots && !m->is_lost; i++)
        m->is_lost = !f->is_finite(m->regions[SLOTS + i], job->n_trainable);
    m->n_seen = m->batch * p->n_rows < job->n_order ? m->batch * p->n_rows : job->n_order;
    m->losses[m->epoch] = loss;
    if (job->stops && !m->is_lost)
        judge(job, m, loss);
    m->epoch++;
    m->batch = m->n_counted = 0;
    m->total = 0.0;
}

/* Begin an epoch. */
static void begin_epoch(const Job *job, Member *m)
{
    const int64_t size = job->is_double ? sizeof(double) : sizeof(float);
    if (m->before)
        memcpy(m->before, m->regions[THETA], job->n_parameters * size);
    if (job->shuffle)
        shuffle(m->order, job->n_order, m->shuffles);
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Train until all members have made their epochs, which returns 0, or until the time of
   the call is over, which returns 1: the next call continues. A member whose loss or
   parameters are no longer finite ends earlier. */
static int64_t train(Job *job, const Functions *f)
{
    const int64_t end = now() + job->nanoseconds;
    int64_t looks = 0;
    for (; job->current < job->n_members; job->current++) {
        Member *m = job->members + job->current;
        m->regions[WORK] = job->work;
        while (m->epoch < m->n_epochs && !m->is_lost) {
            if (m->batch == 0)
                begin_epoch(job, m);
            while (m->batch < job->n_batches && !m->is_lost) {
                step(job, f, m);
                m->batch++;
                m->is_lost = m->batch % LOOK_EVERY == 0 && !isfinite(m->total);
                if (++looks >= job->look_every && m->batch < job->n_batches && !m->is_lost) {
                    looks = 0;
                    if (now() >= end)
                        return 1;
                }
            }
            end_epoch(job, f, m);
            if (looks >= job->look_every) {
                looks = 0;
                if (now() >= end)
                    return 1;
            }
        }
    }
    return 0;
}

EXPORTED int64_t sknet_machine_train(Job *job)
{
    const Functions *f = &FUNCTIONS[job->kernels][job->is_double];
    Team team;
    begin_team(&team, f->run, job->n_threads, job->scratch, job->scratch_step);
    job->team = &team;
    const int64_t is_interrupted = train(job, f);
    end_team(&team);
    return is_interrupted;
}

/* ---------------------------------------------------------------------- prediction */

/* Copy raw outputs, from the type of the computation to that of the result. */
static void copy_out(const Prediction *job, const char *raw, int64_t head_rows, int64_t row,
                     int64_t n_rows)
{
    const int64_t n = n_rows * job->n_outputs;
    for (int64_t e = 0; e < job->n_heads; e++) {
        const int64_t from = e * head_rows * job->n_outputs;
        const int64_t to = e * job->head_step + row * job->n_outputs;
        if (job->is_double)
            for (int64_t i = 0; i < n; i++)
                ((double *)job->out)[to + i] = ((const double *)raw)[from + i];
        else if (job->out_is_double)
            for (int64_t i = 0; i < n; i++)
                ((double *)job->out)[to + i] = ((const float *)raw)[from + i];
        else
            for (int64_t i = 0; i < n; i++)
                ((float *)job->out)[to + i] = ((const float *)raw)[from + i];
    }
}

/* Return whether all raw outputs of some rows are finite. */
static int are_finite(const Prediction *job, const Forward *p, int64_t n_rows)
{
    const int64_t n = n_rows * p->n_checked, step = p->n_rows * p->n_checked;
    int finite = 1;
    for (int64_t e = 0; e < job->n_heads; e++) {
        const int64_t first = p->checked + e * step;
        if (job->is_double)
            for (int64_t i = 0; i < n; i++)
                finite &= isfinite(((const double *)job->work)[first + i]) != 0;
        else
            for (int64_t i = 0; i < n; i++)
                finite &= isfinite(((const float *)job->work)[first + i]) != 0;
    }
    return finite;
}

/* Compute the raw outputs of some rows. The last rows are filled up with zeros, since a
   row does not depend on the others. */
EXPORTED void sknet_machine_predict(Prediction *job)
{
    const Functions *f = &FUNCTIONS[job->kernels][job->is_double];
    const int64_t size = job->is_double ? sizeof(double) : sizeof(float);
    char *work = job->work;
    void *regions[N_REGIONS] = {[WORK] = work, [THETA] = job->theta};
    job->is_finite = 1;
    for (int64_t row = job->first; row < job->last;) {
        const int64_t n_left = job->last - row;
        const Forward *p = n_left == 1 ? job->one
                         : n_left >= job->many->n_rows ? job->many : job->some;
        const int64_t n = n_left < p->n_rows ? n_left : p->n_rows;
        const int64_t *order = job->order ? job->order + row : NULL;
        const SparseRows sparse = {job->x, job->x_type, job->x_columns, job->x_starts,
                                   job->index_bytes, order, job->places, row, n};
        if (!job->index_bytes) {
            char *x = work + p->x * size;
            f->gather(x, n, job->n_features, job->x, job->x_type, job->x_step,
                      job->x_column_step, order, job->places, row);
            memset(x + n * job->n_features * size, 0,
                   (p->n_rows - n) * job->n_features * size);
        }
        regions[CONSTANT] = p->constants;
        const Call call = {p->code, p->n_code, regions, p->numbers, NULL, &sparse};
        f->run(&call, job->scratch, ALONE);
        job->is_finite &= are_finite(job, p, n);
        copy_out(job, work + p->raw * size, p->n_rows, row, n);
        row += n;
    }
}

/* Run instructions once, as a test of a program. */
EXPORTED void sknet_machine_run(int64_t kernels, int64_t is_double, const int64_t *code,
                                int64_t n_words, void *const *regions,
                                const double *numbers, BitGenerator *stream, void *scratch,
                                const SparseRows *sparse)
{
    const Call call = {code, n_words, regions, numbers, stream, sparse};
    FUNCTIONS[kernels][is_double].run(&call, scratch, ALONE);
}
