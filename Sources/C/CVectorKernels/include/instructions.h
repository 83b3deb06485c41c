#pragma once

// Whether this CPU multiplies and adds in one instruction, without which kernels that are written with it are slow.
int qat_multiplies_and_adds(void);
