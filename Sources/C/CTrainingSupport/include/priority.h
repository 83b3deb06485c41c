#pragma once

// From now on the calling thread takes the processor and the disk when the program's other threads leave room, where the system can do so.
void qat_lower_priority(void);
