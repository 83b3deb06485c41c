#pragma once
#include <stddef.h>
#include <stdint.h>

// Gathers what each window position sees: rows[p][c * taps + t] = codes[c][places[p * taps + t]] - zero, and 0 (the value of padding) where the place is -1.
//   codes: [channels, plane]; places: [positions, taps]; rows: [positions, channels * taps].
void qat_window_rows(
  const uint8_t *codes, ptrdiff_t channels, ptrdiff_t plane, int zero, const int32_t *places, ptrdiff_t positions, ptrdiff_t taps, int16_t *rows);

// sums[o][p] = sum over k of weights[o][k] * rows[p][k], exact in 32 bits.
//   rows: [positions, length]; weights: [outputs, length]; sums: [outputs, positions].
// Precondition: every |row| <= 255, every |weight| <= 128, and length <= 65,536, so that no sum leaves 32 bits.
void qat_integer_products(
  const int16_t *rows, const int16_t *weights, ptrdiff_t positions, ptrdiff_t outputs, ptrdiff_t length, int32_t *sums);
