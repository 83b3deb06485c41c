#pragma once

// From now on a signal that ends the process because of a fault of its own (a failed check of Swift's, a bad address, abort) first writes one line to stderr:
// `who`, the step, the phase and the signal. Then the signal does what it did before.
void qat_report_crashes(const char *who);
