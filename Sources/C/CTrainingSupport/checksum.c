#include "checksum.h"

#include <string.h>

// table[k][b]: the remainder of byte b followed by k zero bytes, so that eight bytes are folded at once.
static uint32_t table[8][256];

__attribute__((constructor)) static void make_table(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t remainder = byte;
    for (int bit = 0; bit < 8; bit++) remainder = (remainder >> 1) ^ ((remainder & 1) ? 0x82f63b78u : 0);
    table[0][byte] = remainder;
  }
  for (int zeros = 1; zeros < 8; zeros++) {
    for (int byte = 0; byte < 256; byte++) {
      const uint32_t shorter = table[zeros - 1][byte];
      table[zeros][byte] = (shorter >> 8) ^ table[0][shorter & 255];
    }
  }
}

uint32_t qat_crc32c(uint32_t previous, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  uint32_t state = ~previous;
  while (count >= 8) {
    const uint32_t low = state ^ ((uint32_t)next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 | (uint32_t)next[3] << 24);
    state = table[7][low & 255] ^ table[6][(low >> 8) & 255] ^ table[5][(low >> 16) & 255] ^ table[4][low >> 24]
      ^ table[3][next[4]] ^ table[2][next[5]] ^ table[1][next[6]] ^ table[0][next[7]];
    next += 8;
    count -= 8;
  }
  while (count-- > 0) state = (state >> 8) ^ table[0][(state ^ *next++) & 255];
  return ~state;
}

uint64_t qat_fnv1a(uint64_t previous, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  uint64_t state = previous ? previous : 0xcbf29ce484222325u;
  while (count-- > 0) state = (state ^ *next++) * 0x100000001b3u;
  return state;
}

uint64_t qat_fast_hash(const void *bytes, size_t count) {
  enum { lanes = 8 };
  const uint8_t *next = bytes;
  uint64_t states[lanes], words[lanes];
  for (int lane = 0; lane < lanes; lane++) states[lane] = 0xcbf29ce484222325u + (uint64_t)lane;
  for (; count >= sizeof words; next += sizeof words, count -= sizeof words) {
    memcpy(words, next, sizeof words);
    for (int lane = 0; lane < lanes; lane++) states[lane] = (states[lane] ^ words[lane]) * 0x100000001b3u;
  }
  return qat_fnv1a(qat_fnv1a(0, states, sizeof states), next, count);
}
