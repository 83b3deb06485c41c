#include "vector_kernels.h"
