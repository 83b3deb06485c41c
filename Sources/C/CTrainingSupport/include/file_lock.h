#pragma once

// Asks for the exclusive lock of an open file, without waiting. Returns 0 when it is ours until the descriptor is closed, or the system's error number:
// EAGAIN or EACCES when somebody else holds it, anything else when this file system has no locks.
int qat_lock_file(int descriptor);
