#pragma once
#include "activity.h"
#include "crash_report.h"
#include "ending.h"
#include "heartbeat.h"
#include "launcher.h"
