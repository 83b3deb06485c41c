// Counts heap allocations of the calling thread by who asks for them, by taking the place of the C library's entry points in a test's executable.
#pragma once

// Starts counting on this thread, from zero.
void allocation_counter_start(void);
// Stops counting.
// Returns the number of allocations asked for by this executable or by Swift's own libraries: not those inside oneDNN, MPI or OpenMP.
long allocation_counter_stop(void);
// The number asked for by any other library in the same period.
long allocation_counter_foreign(void);
