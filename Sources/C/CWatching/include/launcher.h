#pragma once
#include <sys/types.h>

// The process that started this one for Open MPI (mpirun, or orted on other nodes), 0 when there is none among the ancestors.
pid_t qat_launcher(void);

// Whether a process that lives is such a launcher. Allocates nothing and takes no lock.
int qat_is_launcher(pid_t pid);

// How many processors a process may run on, 0 when the system does not say. A launcher binds ranks, not itself: it still has all that the node gives to the run.
int qat_processor_count(pid_t pid);
