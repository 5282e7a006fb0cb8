/* Threads that run a program together: each computes a part of every instruction. */

#ifndef SKNET_THREADS_H
#define SKNET_THREADS_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#include "_machine.h"

enum { MOST_THREADS = 64 };

/* Rows and columns of a product that a thread computes at least: those of a register
   tile, so that threads do not divide a tile. */
enum { ROWS_AT_ONCE = 12, COLUMNS_AT_ONCE = 48 };

/* Where threads wait for each other. */
typedef struct {
    int64_t count;
    atomic_int_fast64_t arrived, round;
} Barrier;

/* The part of a thread. */
typedef struct {
    int64_t index, count;
    Barrier *barrier;
} Share;

static const Share ALONE = {0, 1, NULL};

typedef struct {
    int64_t first, last;
} Range;

/* What to run. */
typedef struct {
    const int64_t *code;
    int64_t n_words;
    void *const *regions;
    const double *numbers;
    BitGenerator *stream;
    const SparseRows *sparse;
} Call;

typedef void (*Run)(const Call *, void *, Share);

/* Return the part of n items that a thread computes; parts begin at multiples. */
static inline Range range_of(int64_t n, int64_t multiple, Share share)
{
    const int64_t n_parts = (n + multiple - 1) / multiple;
    Range range = {n_parts * share.index / share.count * multiple,
                   n_parts * (share.index + 1) / share.count * multiple};
    range.last = range.last < n ? range.last : n;
    return range;
}

/* Wait until all threads have arrived. It spins, since instructions are short, but lets
   other threads run if it takes long, as when there are more threads than processors. */
static inline void meet(Barrier *barrier)
{
    const int64_t round = atomic_load_explicit(&barrier->round, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) + 1 ==
        barrier->count) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&barrier->round, round + 1, memory_order_release);
        return;
    }
    for (int64_t spins = 0;
         atomic_load_explicit(&barrier->round, memory_order_acquire) == round; spins++) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
        if (spins > 4000)
            sched_yield();
    }
}

/* Threads that wait for calls. */
typedef struct Team {
    Run run;
    const Call *call;           /* NULL ends the threads */
    int64_t count;
    char *scratch;
    int64_t scratch_step;
    Barrier barrier;
    pthread_t threads[MOST_THREADS];
    atomic_int_fast64_t begun;
} Team;

static void *work_in_team(void *argument)
{
    Team *team = argument;
    const int64_t index = 1 + atomic_fetch_add(&team->begun, 1);
    const Share share = {index, team->count, &team->barrier};
    for (;;) {
        meet(&team->barrier);
        if (team->call == NULL)
            return NULL;
        team->run(team->call, team->scratch + index * team->scratch_step, share);
    }
}

/* Start the threads of a team; there are fewer if the system refuses. */
static void begin_team(Team *team, Run run, int64_t count, void *scratch, int64_t step)
{
    team->run = run, team->scratch = scratch, team->scratch_step = step;
    team->count = 1;
    if (count <= 1)
        return;
    atomic_init(&team->barrier.arrived, 0);
    atomic_init(&team->barrier.round, 0);
    atomic_init(&team->begun, 0);
    team->count = team->barrier.count = count < MOST_THREADS ? count : MOST_THREADS;
    for (int64_t i = 1; i < team->count; i++)
        if (pthread_create(&team->threads[i], NULL, work_in_team, team)) {
            /* those that have begun wait for all: they cannot be told another number */
            for (int64_t j = i; j < team->count; j++)
                atomic_fetch_add(&team->barrier.arrived, 1);
            team->call = NULL;
            meet(&team->barrier);
            for (int64_t j = 1; j < i; j++)
                pthread_join(team->threads[j], NULL);
            team->count = 1;
            return;
        }
}

/* Run instructions on all threads. Each instruction ends when all threads have met, so
   that no thread is left behind when the next call begins. */
static void run_by_team(Team *team, const Call *call)
{
    if (call->n_words == 0)
        return;
    if (team->count == 1) {
        team->run(call, team->scratch, ALONE);
        return;
    }
    const Share share = {0, team->count, &team->barrier};
    team->call = call;
    meet(&team->barrier);
    team->run(call, team->scratch, share);
}

static void end_team(Team *team)
{
    if (team->count == 1)
        return;
    team->call = NULL;
    meet(&team->barrier);
    for (int64_t i = 1; i < team->count; i++)
        pthread_join(team->threads[i], NULL);
}

#endif
