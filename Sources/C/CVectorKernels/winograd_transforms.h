// The linear maps of Winograd's F(4, 3) between four outputs, three weights and six points, each along one axis; applied to both axes they make tiles.
//
// The points are 0, ±a, ±b and infinity. With a = 5/8 and b = 3/2 all coefficients of the data's maps are exact, and rounding errors are a third of those of
// the usual 1 and 2: in products over 256 channels 1.5e-6 of the result (root mean square), where the direct sum has 0.9e-6.
// How to choose points: Barabasz et al. 2020, "Error analysis and improving the accuracy of Winograd convolution for deep neural networks".
#pragma once
#include "blocked_planes.h"

enum { outputs = 4, taps = 3, points = 6, all_points = points * points };

#define A 0.625f
#define B 1.5f
#define AA (A * A)
#define BB (B * B)
// The products of a point's distances to the other points.
#define AT_ZERO (1 / (AA * BB))
#define AT_A (1 / (2 * AA * (AA - BB)))
#define AT_B (1 / (2 * BB * (BB - AA)))

// Not a function: vectors as arguments would need the instructions of all CPUs.
#define fused(x, factor, y) __builtin_elementwise_fma(x, (vector){} + (factor), y)

// Six inputs to six points. `from` and `to` are the distances between neighbours.
INLINE void inputs_to_points(const vector *d, ptrdiff_t from, vector *v, ptrdiff_t to) {
  vector d0 = d[0], d1 = d[from], d2 = d[2 * from], d3 = d[3 * from], d4 = d[4 * from], d5 = d[5 * from];
  vector even_a = fused(d2, -BB, d4), odd_a = fused(d1, -BB, d3) * A;
  vector even_b = fused(d2, -AA, d4), odd_b = fused(d1, -AA, d3) * B;
  v[0] = fused(d0, AA * BB, fused(d2, -(AA + BB), d4));
  v[to] = even_a + odd_a;
  v[2 * to] = even_a - odd_a;
  v[3 * to] = even_b + odd_b;
  v[4 * to] = even_b - odd_b;
  v[5 * to] = fused(d1, AA * BB, fused(d3, -(AA + BB), d5));
}

// Four gradients of outputs to six points: the transpose of the next.
INLINE void gradients_to_points(const vector *y, ptrdiff_t from, vector *v, ptrdiff_t to) {
  vector y0 = y[0], y1 = y[from], y2 = y[2 * from], y3 = y[3 * from];
  vector even_a = fused(y2, AA, y0), odd_a = fused(y3, AA, y1) * A;
  vector even_b = fused(y2, BB, y0), odd_b = fused(y3, BB, y1) * B;
  v[0] = y0;
  v[to] = even_a + odd_a;
  v[2 * to] = even_a - odd_a;
  v[3 * to] = even_b + odd_b;
  v[4 * to] = even_b - odd_b;
  v[5 * to] = y3;
}

// Six points to four outputs.
INLINE void points_to_outputs(const vector *m, ptrdiff_t from, vector *y, ptrdiff_t to) {
  vector even_a = m[from] + m[2 * from], odd_a = (m[from] - m[2 * from]) * A;
  vector even_b = m[3 * from] + m[4 * from], odd_b = (m[3 * from] - m[4 * from]) * B;
  y[0] = m[0] + even_a + even_b;
  y[to] = odd_a + odd_b;
  y[2 * to] = fused(even_a, AA, even_b * BB);
  y[3 * to] = fused(odd_a, AA, fused(odd_b, BB, m[5 * from]));
}

// Three weights to six points.
INLINE void weights_to_points(const vector *w, ptrdiff_t from, vector *u, ptrdiff_t to) {
  vector w0 = w[0], w1 = w[from], w2 = w[2 * from];
  vector even_a = fused(w2, AA, w0) * AT_A, odd_a = w1 * (A * AT_A);
  vector even_b = fused(w2, BB, w0) * AT_B, odd_b = w1 * (B * AT_B);
  u[0] = w0 * AT_ZERO;
  u[to] = even_a + odd_a;
  u[2 * to] = even_a - odd_a;
  u[3 * to] = even_b + odd_b;
  u[4 * to] = even_b - odd_b;
  u[5 * to] = w2;
}

// Six points to three gradients of weights: the transpose of the last.
INLINE void points_to_weights(const vector *m, ptrdiff_t from, vector *w, ptrdiff_t to) {
  vector even_a = (m[from] + m[2 * from]) * AT_A, odd_a = (m[from] - m[2 * from]) * (A * AT_A);
  vector even_b = (m[3 * from] + m[4 * from]) * AT_B, odd_b = (m[3 * from] - m[4 * from]) * (B * AT_B);
  w[0] = fused(m[0], AT_ZERO, even_a + even_b);
  w[to] = odd_a + odd_b;
  w[2 * to] = fused(even_a, AA, fused(even_b, BB, m[5 * from]));
}

#undef fused
#undef A
#undef B
#undef AA
#undef BB
#undef AT_ZERO
#undef AT_A
#undef AT_B
