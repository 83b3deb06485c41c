#pragma once
#include <stddef.h>
#include <stdint.h>

// bfloat16 is the upper half of a float32: its range, eight bits of precision. Rounding is to nearest, ties to even; NaN stays NaN, infinity infinity.

// y = x rounded.
void qat_round_to_bfloat16(ptrdiff_t count, const float *x, uint16_t *y);
// y = x.
void qat_widen_bfloat16(ptrdiff_t count, const uint16_t *x, float *y);
// y = ((x[0] + x[1]) + x[2]) + ..., added in float32 and rounded once. y may be one of the operands.
void qat_sum_bfloat16(ptrdiff_t count, const uint16_t *const *x, ptrdiff_t operand_count, uint16_t *y);
