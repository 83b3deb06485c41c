#pragma once
#include <sys/types.h>

// Lets what was printed come out, unless that means waiting for a thread that prints.
void qat_flush_output(void);

// Ends the process at once, without MPI and without waiting for any thread; what was printed comes out where that needs no waiting.
//
// mpirun notices and ends all others. When the network is cut it waits for ever for daemons that it cannot reach: a launcher that is still there
// `patience` seconds later is killed. 0 as launcher leaves it out.
_Noreturn void qat_end_process(int exit_code, pid_t launcher, int patience);
