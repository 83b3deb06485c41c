// Elementwise loops, reductions and fake quantization over float32, compiled for several CPUs and chosen at run time.
//
// Every loop shares the OpenMP pool of oneDNN (libgomp). Results do not depend on the number of threads: reductions are summed over chunks of a fixed
// size in a fixed order. Nothing here allocates.
#pragma once
#include "batch_normalization.h"
#include "bfloat16.h"
#include "channel_sums.h"
#include "channel_view.h"
#include "codes.h"
#include "distillation.h"
#include "elementwise.h"
#include "fake_quantize.h"
#include "image_convolution.h"
#include "instructions.h"
#include "integer_products.h"
#include "loss.h"
#include "max_pooling.h"
#include "optimizer.h"
#include "parallel.h"
#include "peak.h"
#include "runtime_rounding.h"
#include "winograd.h"
