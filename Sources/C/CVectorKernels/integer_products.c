#include "integer_products.h"

#include "dispatch.h"

void qat_window_rows(
  const uint8_t *codes, ptrdiff_t channels, ptrdiff_t plane, int zero, const int32_t *places, ptrdiff_t positions, ptrdiff_t taps, int16_t *rows) {
  for (ptrdiff_t position = 0; position < positions; position++) {
    const int32_t *place = places + position * taps;
    int16_t *row = rows + position * channels * taps;
    for (ptrdiff_t channel = 0; channel < channels; channel++) {
      const uint8_t *image = codes + channel * plane;
      for (ptrdiff_t tap = 0; tap < taps; tap++) *row++ = place[tap] < 0 ? 0 : (int16_t)(image[place[tap]] - zero);
    }
  }
}

// The sums of one weight row with four window rows: each weight is loaded once for the four.
#define SUM(position) sum##position += weight[k] * (int32_t)rows[(position) * length + k]

QAT_CLONES static void four_products(const int16_t *restrict rows, const int16_t *restrict weight, ptrdiff_t length, int32_t *restrict sums) {
  int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
  for (ptrdiff_t k = 0; k < length; k++) {
    SUM(0);
    SUM(1);
    SUM(2);
    SUM(3);
  }
  sums[0] = sum0;
  sums[1] = sum1;
  sums[2] = sum2;
  sums[3] = sum3;
}

QAT_CLONES static int32_t product(const int16_t *restrict rows, const int16_t *restrict weight, ptrdiff_t length) {
  int32_t sum0 = 0;
  for (ptrdiff_t k = 0; k < length; k++) SUM(0);
  return sum0;
}

void qat_integer_products(
  const int16_t *rows, const int16_t *weights, ptrdiff_t positions, ptrdiff_t outputs, ptrdiff_t length, int32_t *sums) {
  // Four rows stay in the cache while all weights pass.
  ptrdiff_t position = 0;
  for (; position + 4 <= positions; position += 4) {
    for (ptrdiff_t output = 0; output < outputs; output++) {
      four_products(rows + position * length, weights + output * length, length, sums + output * positions + position);
    }
  }
  for (; position < positions; position++) {
    for (ptrdiff_t output = 0; output < outputs; output++) {
      sums[output * positions + position] = product(rows + position * length, weights + output * length, length);
    }
  }
}
