#pragma once
#include "checksum.h"
#include "file_lock.h"
#include "files.h"
#include "metrics_line.h"
#include "priority.h"
#include "stop_signals.h"
