#pragma once
#include "loss.h"
#include "optimizer.h"
