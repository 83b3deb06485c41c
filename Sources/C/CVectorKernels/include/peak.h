#pragma once
#include <stddef.h>

// Multiplications and additions of float32 that this CPU computes in a second on all threads that loops may use, when nothing waits for memory: independent
// chains of fused multiply-adds in registers. Takes some 50 ms.
double qat_peak_operations_per_second(void);
