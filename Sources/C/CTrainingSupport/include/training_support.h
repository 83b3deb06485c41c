#pragma once
#include "checksum.h"
#include "files.h"
#include "metrics_line.h"
#include "stop_signals.h"
