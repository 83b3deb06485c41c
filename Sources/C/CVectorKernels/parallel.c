#include "parallel.h"

// libgomp's entry points. The compiler that builds this package has no omp.h, and -fopenmp would need unsafe flags; the ABI is stable.
extern void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags);
extern int omp_get_max_threads(void);
extern int omp_get_num_threads(void);
extern int omp_get_thread_num(void);
extern void omp_set_num_threads(int count);

int qat_thread_limit(void) { return omp_get_max_threads(); }

void qat_set_thread_limit(int count) { omp_set_num_threads(count < 1 ? 1 : count); }

struct region {
  ptrdiff_t count;
  void (*body)(void *, ptrdiff_t, ptrdiff_t);
  void *context;
};

static void run_share(void *data) {
  const struct region *region = data;
  ptrdiff_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
  ptrdiff_t first = region->count * thread / threads, last = region->count * (thread + 1) / threads;
  if (first < last) region->body(region->context, first, last);
}

void qat_parallel_for(ptrdiff_t count, ptrdiff_t grain, void (*body)(void *, ptrdiff_t, ptrdiff_t), void *context) {
  if (count <= 0) return;
  ptrdiff_t threads = grain > 0 ? (count + grain - 1) / grain : count;
  if (threads > qat_thread_limit()) threads = qat_thread_limit();
  if (threads <= 1) {
    body(context, 0, count);
    return;
  }
  struct region region = {count, body, context};
  GOMP_parallel(run_share, &region, (unsigned)threads, 0);
}
