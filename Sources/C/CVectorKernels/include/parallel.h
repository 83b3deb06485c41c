#pragma once
#include <stddef.h>
#include <stdint.h>

// Number of threads that a parallel loop may use: OMP_NUM_THREADS, else the CPUs of the affinity mask.
int qat_thread_limit(void);
// Sets that number for loops here and in oneDNN.
void qat_set_thread_limit(int count);

// Runs body(context, first, last) over a partition of 0..<count into contiguous ranges, one a thread. Below `grain` items a thread it uses fewer.
void qat_parallel_for(ptrdiff_t count, ptrdiff_t grain, void (*body)(void *context, ptrdiff_t first, ptrdiff_t last), void *context);
