/* Counts primes by trial division as benchmarks/native/works.py does, with checked arithmetic, on
 * threads that take the next few numbers whenever they have done theirs. */

#include <pthread.h>
#include <stdatomic.h>

enum { CHUNK = 1000, MOST_THREADS = 64 };

struct count {
    long end;
    atomic_long next, total, overflows;
};

/* 1 for a prime, 0 for none, -1 when a number grew beyond 64 bits. */
static int is_prime(long n) {
    long divisor = 2, square;
    for (;;) {
        if (__builtin_smull_overflow(divisor, divisor, &square)) return -1;
        if (square > n) return 1;
        if (divisor == 0 || (divisor == -1 && n == -n)) return -1;
        if (n % divisor == 0) return 0;
        if (__builtin_saddl_overflow(divisor, 1, &divisor)) return -1;
    }
}

static void *work(void *argument) {
    struct count *count = argument;
    long lo, total = 0;
    while ((lo = atomic_fetch_add(&count->next, CHUNK)) < count->end) {
        long hi = lo + CHUNK < count->end ? lo + CHUNK : count->end;
        for (long n = lo; n < hi; n++) {
            int prime = is_prime(n);
            if (prime < 0 || __builtin_saddl_overflow(total, prime, &total))
                atomic_fetch_add(&count->overflows, 1);
        }
    }
    atomic_fetch_add(&count->total, total);
    return 0;
}

/* How many numbers below `end` are prime (0 and 1 count); -1 when anything failed. */
long count_primes(long end, int threads) {
    struct count count = {.end = end};
    pthread_t thread[MOST_THREADS];
    int started = 0;
    while (started < threads && started < MOST_THREADS) {
        if (pthread_create(&thread[started], 0, work, &count)) break;
        started++;
    }
    for (int i = 0; i < started; i++) pthread_join(thread[i], 0);
    return started == threads && !atomic_load(&count.overflows) ? atomic_load(&count.total) : -1;
}
