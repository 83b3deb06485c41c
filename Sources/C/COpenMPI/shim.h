#pragma once

// What Swift needs of MPI, as functions under one prefix: Swift imports neither MPI's handles (they are casts in macros) nor its constants.
// All pass MPI's own result code through. Counts are `int` as in MPI 3; the caller cuts longer messages.

#include <mpi.h>
#include <stdint.h>
#if defined(OPEN_MPI) && OPEN_MPI
#include <mpi-ext.h>
#endif

// A persistent collective is prepared once and started in every step without allocating: MPI 4 has them, Open MPI 4 as an extension.
#if MPI_VERSION >= 4
#define QAT_MPI_PERSISTENT(name) MPI_##name##_init
#elif defined(OMPI_HAVE_MPI_EXT_PCOLLREQ) && OMPI_HAVE_MPI_EXT_PCOLLREQ
#define QAT_MPI_PERSISTENT(name) MPIX_##name##_init
#endif

enum { QAT_MPI_SUCCESS = MPI_SUCCESS, QAT_MPI_LONGEST_TEXT = MPI_MAX_ERROR_STRING, QAT_MPI_LONGEST_VERSION = MPI_MAX_LIBRARY_VERSION_STRING };
enum { QAT_MPI_SUM = 0, QAT_MPI_MIN = 1, QAT_MPI_MAX = 2 };
enum { QAT_MPI_FLOAT = 0, QAT_MPI_DOUBLE = 1, QAT_MPI_INT64 = 2 };

static inline MPI_Op qat_mpi_operation(int operation) {
  return operation == QAT_MPI_SUM ? MPI_SUM : operation == QAT_MPI_MIN ? MPI_MIN : MPI_MAX;
}

static inline MPI_Datatype qat_mpi_type(int type) {
  return type == QAT_MPI_FLOAT ? MPI_FLOAT : type == QAT_MPI_DOUBLE ? MPI_DOUBLE : MPI_INT64_T;
}

static inline int qat_mpi_is_initialized(void) {
  int flag = 0;
  MPI_Initialized(&flag);
  return flag;
}

/// Starts MPI for calls from this thread alone. `*funneled` is 0 when the library cannot even promise that.
static inline int qat_mpi_init(int *funneled) {
  int provided = MPI_THREAD_SINGLE;
  int code = MPI_Init_thread(0, 0, MPI_THREAD_FUNNELED, &provided);
  *funneled = provided >= MPI_THREAD_FUNNELED;
  return code;
}

static inline int qat_mpi_finalize(void) { return MPI_Finalize(); }

static inline int qat_mpi_is_main_thread(void) {
  int flag = 0;
  MPI_Is_thread_main(&flag);
  return flag;
}

/// A communicator of our own over all ranks, whose errors come back as codes.
static inline int qat_mpi_world(MPI_Comm *communicator) {
  int code = MPI_Comm_dup(MPI_COMM_WORLD, communicator);
  return code != MPI_SUCCESS ? code : MPI_Comm_set_errhandler(*communicator, MPI_ERRORS_RETURN);
}

static inline int qat_mpi_release(MPI_Comm *communicator) { return MPI_Comm_free(communicator); }
static inline int qat_mpi_rank(MPI_Comm communicator, int *rank) { return MPI_Comm_rank(communicator, rank); }
static inline int qat_mpi_size(MPI_Comm communicator, int *size) { return MPI_Comm_size(communicator, size); }
static inline int qat_mpi_abort(int exit_code) { return MPI_Abort(MPI_COMM_WORLD, exit_code); }

/// `text` holds QAT_MPI_LONGEST_TEXT characters.
static inline void qat_mpi_error_text(int code, char *text) {
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) text[0] = 0;
}

/// Which MPI library this is; works before MPI has started. `text` holds QAT_MPI_LONGEST_VERSION characters.
static inline void qat_mpi_library_version(char *text) {
  int length = 0;
  if (MPI_Get_library_version(text, &length) != MPI_SUCCESS) text[0] = 0;
}

static inline int qat_mpi_allreduce(void *values, int count, int type, int operation, MPI_Comm communicator) {
  return MPI_Allreduce(MPI_IN_PLACE, values, count, qat_mpi_type(type), qat_mpi_operation(operation), communicator);
}

static inline int qat_mpi_broadcast(void *bytes, int count, int root, MPI_Comm communicator) {
  return MPI_Bcast(bytes, count, MPI_BYTE, root, communicator);
}

static inline int qat_mpi_barrier(MPI_Comm communicator) { return MPI_Barrier(communicator); }

/// Sends `count` bytes to another rank while as many come from it.
static inline int qat_mpi_exchange(const void *sent, void *received, int count, int peer, MPI_Comm communicator) {
  return MPI_Sendrecv(sent, count, MPI_BYTE, peer, 0, received, count, MPI_BYTE, peer, 0, communicator, MPI_STATUS_IGNORE);
}

/// One number of every rank.
static inline int qat_mpi_gather_number(int64_t number, int64_t *numbers, MPI_Comm communicator) {
  return MPI_Allgather(&number, 1, MPI_INT64_T, numbers, 1, MPI_INT64_T, communicator);
}

/// `count` numbers of every rank.
static inline int qat_mpi_gather_doubles(const double *values, int count, double *all, MPI_Comm communicator) {
  return MPI_Allgather(values, count, MPI_DOUBLE, all, count, MPI_DOUBLE, communicator);
}

/// `count` bytes of every rank.
static inline int qat_mpi_gather_records(const void *record, int count, void *records, MPI_Comm communicator) {
  return MPI_Allgather(record, count, MPI_BYTE, records, count, MPI_BYTE, communicator);
}

/// `counts[r]` bytes of rank r to `all + offsets[r]`.
static inline int qat_mpi_gather_bytes(
    const void *bytes, int count, void *all, const int *counts, const int *offsets, MPI_Comm communicator) {
  return MPI_Allgatherv(bytes, count, MPI_BYTE, all, counts, offsets, MPI_BYTE, communicator);
}

// Prepared collectives: `..._prepare` once, `..._start` with the same arguments in every step, `qat_mpi_requests_...` between. Where the library has no persistent
// ones the request stays null after the first, and the second makes it each time. Arrays of counts and offsets live as long as the request.

/// Prepares a sum of `count` floats in place.
static inline int qat_mpi_sum_prepare(float *values, int count, MPI_Comm communicator, MPI_Request *request) {
#ifdef QAT_MPI_PERSISTENT
  return QAT_MPI_PERSISTENT(Allreduce)(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, communicator, MPI_INFO_NULL, request);
#else
  (void)values, (void)count, (void)communicator, (void)request;
  return MPI_SUCCESS;
#endif
}

static inline int qat_mpi_sum_start(float *values, int count, MPI_Comm communicator, MPI_Request *request) {
#ifdef QAT_MPI_PERSISTENT
  (void)values, (void)count, (void)communicator;
  return MPI_Start(request);
#else
  return MPI_Iallreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, communicator, request);
#endif
}

/// Prepares an exchange: `send_counts[r]` bytes at `source + send_offsets[r]` go to rank r; those of rank r come to `destination + receive_offsets[r]`.
static inline int qat_mpi_exchange_prepare(
    const void *source, const int *send_counts, const int *send_offsets, void *destination, const int *receive_counts, const int *receive_offsets,
    MPI_Comm communicator, MPI_Request *request) {
#ifdef QAT_MPI_PERSISTENT
  return QAT_MPI_PERSISTENT(Alltoallv)(
      source, send_counts, send_offsets, MPI_BYTE, destination, receive_counts, receive_offsets, MPI_BYTE, communicator, MPI_INFO_NULL, request);
#else
  (void)source, (void)send_counts, (void)send_offsets, (void)destination, (void)receive_counts, (void)receive_offsets, (void)communicator, (void)request;
  return MPI_SUCCESS;
#endif
}

static inline int qat_mpi_exchange_start(
    const void *source, const int *send_counts, const int *send_offsets, void *destination, const int *receive_counts, const int *receive_offsets,
    MPI_Comm communicator, MPI_Request *request) {
#ifdef QAT_MPI_PERSISTENT
  (void)source, (void)send_counts, (void)send_offsets, (void)destination, (void)receive_counts, (void)receive_offsets, (void)communicator;
  return MPI_Start(request);
#else
  return MPI_Ialltoallv(
      source, send_counts, send_offsets, MPI_BYTE, destination, receive_counts, receive_offsets, MPI_BYTE, communicator, request);
#endif
}

/// Prepares a gathering in place: the `counts[r]` bytes at `bytes + offsets[r]` become rank r's on every rank.
static inline int qat_mpi_gather_prepare(
    void *bytes, const int *counts, const int *offsets, MPI_Comm communicator, MPI_Request *request) {
#ifdef QAT_MPI_PERSISTENT
  return QAT_MPI_PERSISTENT(Allgatherv)(
      MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, bytes, counts, offsets, MPI_BYTE, communicator, MPI_INFO_NULL, request);
#else
  (void)bytes, (void)counts, (void)offsets, (void)communicator, (void)request;
  return MPI_SUCCESS;
#endif
}

static inline int qat_mpi_gather_start(
    void *bytes, const int *counts, const int *offsets, MPI_Comm communicator, MPI_Request *request) {
#ifdef QAT_MPI_PERSISTENT
  (void)bytes, (void)counts, (void)offsets, (void)communicator;
  return MPI_Start(request);
#else
  return MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, bytes, counts, offsets, MPI_BYTE, communicator, request);
#endif
}

/// The request that stands for nothing.
static inline void qat_mpi_request_clear(MPI_Request *request) { *request = MPI_REQUEST_NULL; }

static inline int qat_mpi_requests_test(MPI_Request *requests, int count, int *done) {
  return MPI_Testall(count, requests, done, MPI_STATUSES_IGNORE);
}

static inline int qat_mpi_requests_wait(MPI_Request *requests, int count) {
  return MPI_Waitall(count, requests, MPI_STATUSES_IGNORE);
}

static inline int qat_mpi_request_release(MPI_Request *request) {
  return *request == MPI_REQUEST_NULL ? MPI_SUCCESS : MPI_Request_free(request);
}
