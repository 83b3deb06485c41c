import COpenMPI

/// The MPI library that this program is linked to.
public enum MPILibrary {
  /// Its name and version, as in "Open MPI v4.1.4".
  public static var version: String {
    var text = [CChar](repeating: 0, count: QAT_MPI_LONGEST_VERSION + 1)
    qat_mpi_library_version(&text)
    let whole = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return String(whole.prefix { $0 != "," && $0 != "\n" })
  }
}
