#pragma once
#include <stddef.h>
#include <stdint.h>

// Small messages over TCP between rank 0 and each other rank, beside MPI: the sockets of the watchdog's thread. None of these functions blocks.

enum {
  qat_beat_hello = 1,    // first on a connection, both ways
  qat_beat_beat = 2,     // alive, and doing this
  qat_beat_leaving = 3,  // comes to an orderly end: silence from here on is no fault
  qat_beat_aborting = 4, // ends the run, with `exit_code`
};

// One message. All ranks run one build on machines of one kind, so it travels as it lies in memory.
struct qat_beat {
  uint64_t run; // a number that only the ranks of this run know
  int32_t rank, kind;
  int64_t step, age, limit; // as qat_activity; age: nanoseconds since it moved on
  int32_t phase, exit_code;
  char call[32];
};

// A socket that listens on all addresses, and its port; -1 and errno on failure.
int qat_listen(int *port);

// The next connection, -1 when there is none.
int qat_accept(int listening);

// This computer's addresses as numbers, separated by blanks: those that other computers may reach first, loopback last.
void qat_addresses(char *text, size_t capacity);

// Starts to connect to a numeric address; -1 on failure.
int qat_connect(const char *address, int port);

// Whether a connection that was started has come about: 1 yes, 0 not yet, -1 never.
int qat_connected(int socket);

// Sends one message whole. Returns 0, also when there is no room, which means that nobody reads; -1 when the connection is gone.
int qat_send_beat(int socket, const struct qat_beat *beat);

// Reads what has come of one message into `beat`, after the `*filled` bytes already there. Returns 1 when the message is whole (and sets `*filled` to 0),
// 0 when there is no more to read, -1 when the connection has ended.
int qat_receive_beat(int socket, struct qat_beat *beat, size_t *filled);

// Room for `count` more open files, as far as the system allows.
void qat_expect_connections(int count);
