#include "instructions.h"

int qat_multiplies_and_adds(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("x86-64-v3");
#else
  return 1;
#endif
}
